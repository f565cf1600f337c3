"""The commands that make a store of traces: `raphe import traces`, `raphe import ground-truth`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from raphe.core.command_line import add_overwrite, define, left_out_code, list_out, train_next
from raphe.core.files.outputs import Output
from raphe.core.parser import Parser
from raphe.core.sentences import counted, printable
from raphe.tasks.calcium.commands.trace_options import (
    add_conditioning_options,
    add_trace_options,
    conditioning,
    conditioning_of,
    trace_options,
)

if TYPE_CHECKING:  # its libraries load when a command runs
    from raphe.tasks.calcium.stores.labelled import ImportReport


def add_import_traces(parser: Parser) -> None:
    define(
        parser,
        _import_traces,
        "Takes every NAME.calcium.csv of the folder with its NAME.spikes.csv, a column a recording "
        "and in the other file its spikes in each sample, as the Spikefinder challenge has them; "
        "also .csv.gz, .npy, .npz, .mat, the two alike or not. "
        "In place of the second NAME.spike_times.csv may hold times, in s after the first frame, "
        "a column of each trace's name. NAME.cells.csv, with columns trace and cell, says which "
        "traces are of one neuron, which no split parts. NAME.mat may hold traces with their "
        "spikes, as c2s has them: structs with calcium, fps, spike_times in ms or spikes, "
        "cell_num. NAME is the dataset. The challenge's own files, 4.train.calcium.csv, are taken "
        "as they are; others are brought to 100 Hz and normalised. "
        "Exit code: 0 when all was taken; 1 when recordings are left out of the store, or none was "
        "written (error: …); 2 for wrong usage.",
    )
    parser.add_argument("folder", type=Path, help="folder of the files")
    parser.add_argument("store", type=Output.FOLDER, help="folder to make for the store")
    add_trace_options(parser, regions=False)
    add_overwrite(parser)


def _import_traces(options: argparse.Namespace) -> int:
    from raphe.tasks.calcium.stores.import_traces import import_traces
    from raphe.tasks.calcium.stores.pairs import find_pairs

    pairs, _ = find_pairs(options.folder)
    report = import_traces(
        options.folder,
        options.store,
        trace_options(options),
        conditioning_of(options, (pair.calcium for pair in pairs.values())),
        options.overwrite,
    )
    return _reported(report)


def add_import_ground_truth(parser: Parser) -> None:
    define(
        parser,
        _import_ground_truth,
        "Takes every CAttached_NAME_mini.mat of the folder and those below it: the form in which "
        "laboratories share calcium imaging with spikes recorded at the same time. A file is a "
        "neuron, its folder is the dataset; a neuron is never on two sides of a split. Traces are "
        "brought to 100 Hz and normalised. Exit code: 0 when all was taken; 1 when recordings are "
        "left out of the store, or none was written (error: …); 2 for wrong usage.",
    )
    parser.add_argument("folder", type=Path, help="folder of the datasets' folders, or of one")
    parser.add_argument("store", type=Output.FOLDER, help="folder to make for the store")
    add_conditioning_options(parser)
    add_overwrite(parser)


def _import_ground_truth(options: argparse.Namespace) -> int:
    from raphe.tasks.calcium.stores.import_ground_truth import import_ground_truth

    return _reported(
        import_ground_truth(options.folder, options.store, conditioning(options), options.overwrite)
    )


def _reported(report: "ImportReport") -> int:
    n_recordings = sum(report.recordings.values())
    print(
        f"{report.store}: {counted('recording', n_recordings)} with "
        f"{counted('spike', report.n_spikes)}, of dataset {printable(', '.join(report.recordings))}"
    )
    list_out("warning", report.told)
    list_out("left out", report.left_out)
    if not report.left_out:
        print(train_next(report.store, task="calcium"))
    return left_out_code((len(report.left_out), "recording"), written="store")

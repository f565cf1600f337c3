"""The command that makes a store of units: `raphe import units`."""

import argparse
from pathlib import Path

from raphe.core.command_line import (
    add_overwrite,
    define,
    left_out_code,
    list_out,
    train_next,
)
from raphe.core.files.outputs import Output
from raphe.core.parser import Parser
from raphe.core.sentences import counted, listed, printable


def add_import_units(parser: Parser) -> None:
    define(
        parser,
        _import_units,
        "INPUT holds labelled units. A folder of raphe's own layout has units.csv, a row a unit, "
        "and one or more of waveforms.npy (units × samples: the mean spike on its largest channel, "
        "in any unit), isi.npy (units × bins of 1 ms from 0 on: the share of a unit's intervals in "
        "each) and acg.npy (units × bins of 1 ms around 0, an odd number), all in the order of the "
        "table; its column label names the class, and unit, session, animal and fold (the fold "
        "that tests a unit, from 0) may be given; units without a label are kept beside the others "
        "for raphe finetune, and not trained on. Else a Phy folder, a SortingAnalyzer of "
        "SpikeInterface, an NWB file with a table of units or CellExplorer's "
        ".cell_metrics.cellinfo.mat, of which --label says where the classes are. A waveform that "
        "is constant, and intervals that are empty, count as missing; a unit that is there twice "
        "is taken once. Units of several INPUTs are called after them, day1/12. Exit code: 0 when "
        "all was taken; 1 when a store was written but a unit is left out of it, or when none was "
        "written (error: …); 2 for wrong usage.",
    )
    parser.add_argument(
        "input",
        type=Path,
        nargs="+",
        metavar="INPUT",
        help="folder or file with labelled units; several, a session each, become one store",
    )
    parser.add_argument("store", type=Output.FOLDER, help="folder to make")
    parser.add_argument(
        "--classes",
        type=lambda text: text.split(","),
        metavar="A,B,…",
        help="labels to take, in this order (default: all)",
    )
    parser.add_argument(
        "--label",
        metavar="NAME",
        help="what holds each unit's class: a column of units.csv (default: label), of Phy's "
        "cluster view or of an NWB file's table, a property of an analyzer, or a field of "
        "cell_metrics (default: groundTruthClassification)",
    )
    parser.add_argument(
        "--rate-hz",
        type=float,
        metavar="HZ",
        help="sampling rate of the waveforms; not known, new ones must have as many samples",
    )
    parser.add_argument(
        "--note", default="", help="a sentence that must stand beside every result from these units"
    )
    parser.add_argument(
        "--animals",
        type=lambda text: text.split(","),
        default=[],
        metavar="A,A,B,…",
        help="the animal of each INPUT, in their order, where they do not tell (default: as they "
        "tell)",
    )
    add_overwrite(parser)


def _import_units(options: argparse.Namespace) -> int:
    from raphe.tasks.units.recordings.read_units import read_units
    from raphe.tasks.units.stores.import_units import import_units
    from raphe.tasks.units.stores.sessions import joined, source_names

    reads = [read_units(source, options.rate_hz, options.label) for source in options.input]
    report = import_units(
        joined(options.input, reads, options.animals),
        listed(source_names(options.input)),
        options.store,
        options.classes,
        options.note,
        options.overwrite,
    )
    n = sum(report.per_class.values())
    of_classes = listed(f"{name} {count}" for name, count in report.per_class.items())
    print(f"{printable(report.store)}: {counted('unit', n)} ({printable(of_classes)})")
    if report.other_labels:
        others = listed(f"{name} {count}" for name, count in report.other_labels.items())
        print(f"of other labels, not asked for: {printable(others)}")
    if report.without_label:
        print(
            f"without a label: {counted('unit', report.without_label)}, kept beside them for "
            "raphe finetune"
        )
    list_out("to be known", report.remarks)
    list_out("left out", report.left_out)
    print(train_next(report.store, task="units"))
    return left_out_code((len(report.left_out), "unit"), written="store")

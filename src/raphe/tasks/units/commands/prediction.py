"""The command that calls new units: `raphe predict`."""

import argparse
from collections import Counter
from dataclasses import replace
from pathlib import Path

from raphe.core.command_line import add_prevalence, define, left_out_code, list_out, one_input
from raphe.core.parser import Parser
from raphe.core.sentences import counted, listed, printable


def add_predict(parser: Parser) -> None:
    define(
        parser,
        _predict,
        "INPUT holds the units of a sorting: a folder as Phy reads it (Kilosort's, or one that "
        "SpikeInterface exports; params.py is read, not run), a SortingAnalyzer of SpikeInterface "
        "(a folder, or zarr; its templates are what the waveforms are taken from), an NWB file "
        "with a table of units, CellExplorer's .cell_metrics.cellinfo.mat, or a folder of "
        "waveforms.npy, isi.npy, acg.npy and units.csv, see `raphe import units --help`; labels in "
        "it are not read, and units called noise are not looked at. Writes into --out (default: "
        "labels) labels.csv with verdict, class and probabilities of each unit, of a Phy folder "
        "also cluster_raphe.tsv, which Phy shows as a column once it is copied beside params.py, "
        "and prediction.json. A unit that is unlike those of training is called so, and nothing "
        "else. Exit code: 0 when every unit has a verdict; 1 when some are left out, or none has "
        "(error: …); 2 for wrong usage.",
    )
    parser.set_defaults(out=Path("labels"))
    parser.add_argument(
        "--rate-hz",
        type=float,
        metavar="HZ",
        help="sampling rate of the waveforms, where INPUT does not tell it",
    )
    parser.add_argument(
        "--annotate",
        action="store_true",
        help="put the verdicts where the units came from, too: into a Phy folder "
        "cluster_raphe.tsv, into a SortingAnalyzer the properties raphe, raphe_class and "
        "raphe_probability of its units; an NWB file stays as it is, and --out has a copy of it, "
        "labelled.nwb, with these columns",
    )
    add_prevalence(parser)


def _predict(options: argparse.Namespace) -> int:
    from raphe.tasks.units.ensemble.bundle import UnitBundle
    from raphe.tasks.units.prediction.annotations import (
        annotate,
        labelled_copy,
        require_annotatable,
    )
    from raphe.tasks.units.prediction.labels import verdicts, write_labels
    from raphe.tasks.units.recordings.read_units import read_units

    source = one_input(options)
    if options.annotate:
        require_annotatable(source)
    bundle = UnitBundle.open(options.bundle, options.threads, options.content_hash)
    bundle = bundle.at_prevalence(options.prevalence)
    read = read_units(source, options.rate_hz)
    called = bundle.call(read.units)
    read = replace(read, remarks=[*read.remarks, *called.changed])
    told = verdicts(read, called, bundle)
    copy = labelled_copy(source, told) if options.annotate else None
    out = write_labels(told, bundle, read, options.out, options.overwrite, copy)
    counts = Counter(verdict.verdict for verdict in told).most_common()
    of_verdicts = listed(f"{n} {name}" for name, n in counts)
    print(f"{printable(out)}: {counted('unit', len(told))}: {printable(of_verdicts)}")
    if options.annotate and (place := annotate(source, told)):
        print(f"{printable(place)}: has the verdicts, too")
    list_out("to be known", [*read.remarks, *bundle.notes])
    list_out(
        "unlike training, and so not called",
        [f"{v.unit_id}: {'; '.join(v.remarks)}" for v in told if v.remarks],
    )
    list_out("left out", read.left_out)
    return left_out_code((len(read.left_out), "unit"))

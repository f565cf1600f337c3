"""The `raphe` subcommands for any labelled windows: import-windows, features."""

import argparse
import sys
from pathlib import Path

from raphe.core.command_line import Subparsers, add_command, add_overwrite
from raphe.core.errors import SettingError
from raphe.tasks.celltype.stores.window_table import ColumnNames


def add_import_windows(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        _import_windows,
        "import-windows",
        "copy any labelled windows (an NPY array and a CSV table) into a store",
        "The array is (windows, samples), the table has one row for each window, in the same "
        "order, with a column of labels and, where they are known, of cell ids, animals, days and "
        "sources (laboratories, rigs), which a network never sees. "
        "Without cell ids each row is a cell of its own. Rate, length and classes are the user's "
        "own: `python train.py data.store=STORE` takes what comes.",
    )
    parser.add_argument("waveforms", type=Path, help="NPY array of numbers, (windows, samples)")
    parser.add_argument("units", type=Path, help="CSV table, one row a window")
    parser.add_argument("store", type=Path, help="folder to make for the store")
    parser.add_argument(
        "--rate-hz", type=float, required=True, help="sampling rate of the windows, in Hz"
    )
    parser.add_argument("--unit", required=True, help="unit of the values, such as pA or uV")
    parser.add_argument(
        "--classes",
        type=_names,
        metavar="A,B",
        help="labels to take, the one looked for first (default: all, as they first come)",
    )
    parser.add_argument(
        "--merge",
        type=_renaming,
        action="append",
        default=[],
        metavar="OLD=NEW",
        help="count label OLD as NEW; may be given again",
    )
    parser.add_argument(
        "--baseline-ms",
        type=float,
        default=0.0,
        metavar="MS",
        help="length of each window's start that is baseline, for raw recordings with an offset "
        "(default: 0, the windows' own zero)",
    )
    for what, text in (
        ("label", "labels"),
        ("cell_id", "ids of the cells"),
        ("animal", "animals"),
        ("day", "days, as 2014-03-13"),
        ("source", "laboratories or rigs"),
    ):
        parser.add_argument(
            f"--{what.removesuffix('_id')}-column",
            dest=f"{what}_column",
            default=getattr(ColumnNames, what),
            metavar="NAME",
            help=f"column of the {text} (default: %(default)s)",
        )
    parser.add_argument(
        "--note",
        default="",
        metavar="TEXT",
        help="a sentence that is to stand beside every result from them, as of their limits",
    )
    add_overwrite(parser)


def _import_windows(options: argparse.Namespace) -> int:
    from raphe.tasks.celltype.stores.import_windows import import_windows

    names = ColumnNames(
        options.label_column,
        options.cell_id_column,
        options.animal_column,
        options.day_column,
        options.source_column,
    )
    report = import_windows(
        options.waveforms,
        options.units,
        options.store,
        options.rate_hz,
        options.unit,
        options.classes,
        dict(options.merge),
        names,
        options.baseline_ms,
        options.overwrite,
        options.note,
    )
    length_ms = 1000 * report.n_samples / options.rate_hz
    print(
        f"{report.store}: {report.n_spikes} windows of {report.n_cells} cells, "
        f"{report.n_samples} samples, {length_ms:g} ms at {options.rate_hz / 1000:g} kHz"
    )
    for name, (cells, windows) in report.per_class.items():
        print(f"  {name}: {windows} windows of {cells} cells")
    for name, count in report.left_out.items():
        print(f"  left out: {count} labelled {name or '(blank)'}")
    return 0


def add_features(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        _features,
        "features",
        "measure UDI, half-width, slopes, firing rate … of each cell of a store",
        "One row a cell, measured on its mean spike. A feature that does not exist is blank, and "
        "the last column says why.",
    )
    parser.add_argument(
        "store", type=Path, nargs="?", help="a store, or a folder of the authors' arrays"
    )
    parser.add_argument("table", type=Path, nargs="?", help="CSV file to write")
    parser.add_argument(
        "--figure", type=Path, metavar="PNG", help="also draw the features of each class"
    )
    parser.add_argument(
        "--explain",
        action="store_true",
        help="say what each feature is and what SpikeInterface, CellExplorer and IPFX call it",
    )


def _features(options: argparse.Namespace) -> int:
    from raphe.tasks.celltype.features.feature_table import explain

    if options.explain:
        print(explain(), end="")
        return 0
    if options.table is None:
        raise SettingError(
            "raphe features: expected a store and a table to write; pass both, or --explain"
        )
    from raphe.tasks.celltype.features.cell_features import cell_features, features_csv
    from raphe.tasks.celltype.stores.open_spikes import open_spikes

    spikes = open_spikes(options.store)
    features = cell_features(spikes)
    options.table.write_text(features_csv(features), encoding="utf-8")
    print(f"{options.table}: {len(features.cells)} cells, {len(features.columns)} features")
    if options.figure is not None:
        from raphe.tasks.celltype.features.features_figure import features_figure

        features_figure(features, spikes.note).savefig(options.figure, dpi=150)
        print(f"drew {options.figure}")
    lacking = sum(map(bool, features.missing))
    if lacking:
        print(f"warning: {lacking} cells lack a feature, see the column missing", file=sys.stderr)
    return 0


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


def _renaming(text: str) -> tuple[str, str]:
    old, equals, new = (part.strip() for part in text.partition("="))
    if not (old and equals and new):
        raise argparse.ArgumentTypeError(f"expected OLD=NEW, got {text!r}")
    return old, new

"""The `raphe` subcommands that make a store of spikes: extract, import-csv, import-npy."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from raphe.tasks.celltype.command_line import Subparsers, add_command, add_overwrite, list_out
from raphe.tasks.celltype.cut import THRESHOLD_PA, Cut, Polarity
from raphe.tasks.celltype.names import CLASSES


def add_extract(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        _extract,
        "extract",
        "cut the spikes of labelled recordings (.abf) into a store",
        "Labels come from folders named after the classes (SER/, NSER/) or from a table cells.csv "
        "among the recordings, with the columns file, cell_id, label, day, animal. A recording "
        "that cannot be read is listed at the end.",
    )
    parser.add_argument("recordings", type=Path, help="folder of recordings")
    _add_store_options(parser)
    parser.add_argument(
        "--channel",
        type=_channel,
        help="index, name or unit of the channel; needed where a file has several in pA",
    )
    parser.add_argument("--unit", help="unit of the channel, for files that leave it blank")
    parser.add_argument(
        "--accept-unit",
        metavar="UNIT",
        help="take recordings in this unit (mV, say) as they are, thresholds in it too; "
        "amperes of any size become pA by themselves",
    )
    threshold = parser.add_mutually_exclusive_group()
    threshold.add_argument(
        "--threshold-pa",
        type=float,
        metavar="PA",
        help=f"a spike begins where the current crosses this (default: {THRESHOLD_PA:g}, "
        f"{-THRESHOLD_PA:g} with --polarity up)",
    )
    threshold.add_argument(
        "--mad",
        type=float,
        metavar="K",
        help="or where it leaves its median by K times the median absolute deviation of the sweep",
    )
    parser.add_argument(
        "--polarity",
        choices=get_args(Polarity),
        default=Cut.polarity,
        help="direction of the crossing (default: %(default)s, inward current)",
    )
    for name, text in (
        ("pre_ms", "kept before the crossing, in ms"),
        ("post_ms", "kept after the crossing, in ms"),
        ("dead_time_ms", "after a spike, in which a crossing is no new one, in ms"),
        ("rate_hz", "sampling rate of the store; other rates are resampled to it, in Hz"),
    ):
        default = getattr(Cut, name)
        option = "--" + name.replace("_", "-")
        parser.add_argument(
            option, type=float, default=default, help=f"{text} (default: {default:g})"
        )


def _extract(options: argparse.Namespace) -> int:
    from raphe.tasks.celltype.extract import extract

    threshold = options.threshold_pa
    if threshold is None and options.mad is None:
        threshold = -THRESHOLD_PA if options.polarity == "up" else THRESHOLD_PA
    cut = Cut(
        threshold_pa=threshold,
        mad_factor=options.mad,
        polarity=options.polarity,
        pre_ms=options.pre_ms,
        post_ms=options.post_ms,
        rate_hz=options.rate_hz,
        dead_time_ms=options.dead_time_ms,
        accept_unit=options.accept_unit,
    )
    report = extract(
        options.recordings,
        options.store,
        cut,
        options.classes,
        options.overwrite,
        options.channel,
        options.unit,
    )
    drops = ", ".join(f"{count} {reason}" for reason, count in report.dropped.items())
    print(f"found {report.found} spikes, kept {report.n_spikes}, dropped: {drops}")
    _print_store(report.store, report.n_spikes, report.n_cells, report.per_class)
    list_out("read, but suspect in part", report.remarks)
    list_out("read, but without a spike to keep", report.silent)
    list_out("left out", report.failure_lines())
    return 1 if report.failed else 0


def add_import_csv(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        _import_csv,
        "import-csv",
        "read single spikes (SER/A131024#089/A131024#089_trigger_1007585.csv) into a store",
        "Each file has a header and 160 rows of two columns, time in s and current in pA, 40 kHz. "
        "The class is the name of a folder above the file; folders with IMAGES in their name are "
        "skipped; files of another length are counted and listed.",
    )
    parser.add_argument("folder", type=Path, help="folder that holds SER/ and NSER/")
    _add_store_options(parser)
    _add_time_column(parser)


def _import_csv(options: argparse.Namespace) -> int:
    from raphe.tasks.celltype.import_csv import import_csv

    report = import_csv(
        options.folder, options.store, options.classes, options.overwrite, _time_column(options)
    )
    _print_store(report.store, report.n_spikes, report.n_cells, report.per_class)
    list_out("of another length", (f"{file}: {rows} rows" for file, rows in report.other_length))
    list_out("the same file twice, taken once", report.repeated)
    list_out("left out", report.failed)
    return 1 if report.failed else 0


def add_import_npy(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        _import_npy,
        "import-npy",
        "copy the authors' arrays (*Observations*, *Labels*, *Cellulars*.npy) into a store",
        "Training can also read the arrays where they are; a store is a quarter of their size. All "
        "trios in the folder and below are joined; name one Observations file to take it alone.",
    )
    parser.add_argument("folder", type=Path, help="folder of the arrays, or one Observations file")
    _add_store_options(parser)
    _add_time_column(parser)


def _import_npy(options: argparse.Namespace) -> int:
    from raphe.tasks.celltype.import_npy import import_npy

    report = import_npy(
        options.folder, options.store, options.classes, options.overwrite, _time_column(options)
    )
    _print_store(report.store, report.n_spikes, report.n_cells, report.per_class)
    return 0


def _add_store_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("store", type=Path, help="folder to make for the store")
    parser.add_argument(
        "--classes",
        type=_names,
        default=CLASSES,
        metavar="A,B",
        help=f"the classes, numbered in this order (default: {','.join(CLASSES)})",
    )
    add_overwrite(parser)


def _add_time_column(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--time-column",
        type=int,
        choices=(1, 2),
        help="the column that is the time, where the numbers do not tell",
    )


def _time_column(options: argparse.Namespace) -> int | None:
    return None if options.time_column is None else options.time_column - 1


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


def _channel(text: str) -> int | str:
    return int(text) if text.isdigit() else text


def _print_store(
    store: Path, n_spikes: int, n_cells: int, per_class: Mapping[str, tuple[int, int]]
) -> None:
    print(f"{store}: {n_spikes} spikes of {n_cells} cells")
    for name, (cells, spikes) in per_class.items():
        print(f"  {name}: {spikes} spikes of {cells} cells")

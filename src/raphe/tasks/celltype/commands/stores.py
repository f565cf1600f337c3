"""The `raphe` subcommands that make a store of spikes: extract, import-csv, import-npy."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from raphe.core.command_line import Subparsers, add_command, add_overwrite, list_out
from raphe.tasks.celltype.commands.cut_options import add_cut_options, cut_from
from raphe.tasks.celltype.recordings.file_names import CLASSES
from raphe.tasks.celltype.stores.npy_trios import LABEL_CODE

EXIT_CODES = (
    "Exit code: 0 when all was taken; 1 when a store was written but something is left out of it, "
    "or when none was written (error: …); 2 for wrong usage."
)


def add_extract(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        _extract,
        "extract",
        "cut the spikes of labelled recordings (.abf) into a store",
        "Labels come from folders named after the classes (SER/, NSER/) or from a table cells.csv "
        "among the recordings, with the columns file and label, and where they are known cell_id, "
        "day, animal. With --accept-unit only recordings in this unit are then taken; of several "
        "channels, the one in it. A recording that cannot be read, or is a copy of another, is "
        f"listed at the end. {EXIT_CODES}",
    )
    parser.add_argument("recordings", type=Path, help="folder of recordings")
    _add_store_options(parser)
    add_cut_options(parser)


def _extract(options: argparse.Namespace) -> int:
    from raphe.tasks.celltype.stores.extract import extract

    cut = cut_from(options)
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
    print(f"found {report.n_crossings} spikes, kept {report.n_spikes}, dropped: {drops}")
    print(
        f"window: {cut.n_samples} samples, {1000 * cut.n_samples / cut.rate_hz:g} ms at "
        f"{cut.rate_hz / 1000:g} kHz"
    )
    _print_store(report.store, report.n_spikes, report.n_cells, report.per_class)
    list_out("read, but suspect in part", report.remarks)
    list_out("read, but without a spike to keep", report.silent)
    list_out("left out", report.failure_lines())
    _warn_of_classes_without_spikes(report.per_class, "look at threshold and polarity")
    return _exit_code(len(report.failed), "recordings")


def add_import_csv(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        _import_csv,
        "import-csv",
        "read single spikes (SER/A131024#089/A131024#089_trigger_1007585.csv) into a store",
        "Each file has a header and 160 rows of two columns, time in s and current in pA, 40 kHz. "
        "The class is the name of a folder above the file; folders with IMAGES in their name are "
        f"skipped; files of another length are counted and listed. {EXIT_CODES}",
    )
    parser.add_argument("folder", type=Path, help="folder that holds SER/ and NSER/")
    _add_store_options(parser)
    _add_time_column(parser)


def _import_csv(options: argparse.Namespace) -> int:
    from raphe.tasks.celltype.stores.import_spikes import import_csv

    report = import_csv(
        options.folder, options.store, options.classes, options.overwrite, _time_column(options)
    )
    _print_store(report.store, report.n_spikes, report.n_cells, report.per_class)
    list_out("of another length", (f"{file}: {rows} rows" for file, rows in report.other_length))
    list_out("the same file twice, taken once", report.repeated)
    list_out("left out", report.failed)
    _warn_of_classes_without_spikes(report.per_class, "look at the names of the folders")
    return _exit_code(len(report.failed), "files")


def add_import_npy(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        _import_npy,
        "import-npy",
        "copy the authors' arrays (*Observations*, *Labels*, *Cellulars*.npy) into a store",
        "Training can also read the arrays where they are; a store is a quarter of their size. All "
        "trios in the folder and below are joined; name one Observations file to take it alone. "
        "Observations: (N, T, 2, 1) floats, time in s and current in pA in either order. Labels: "
        f"(N, 1), {LABEL_CODE}, or a place in --classes. Cellulars: (N, 1) strings such as "
        "A131024#089_trigger_1007585, which name each spike's cell.",
    )
    parser.add_argument("folder", type=Path, help="folder of the arrays, or one Observations file")
    _add_store_options(parser)
    _add_time_column(parser)


def _import_npy(options: argparse.Namespace) -> int:
    from raphe.tasks.celltype.stores.import_spikes import import_npy

    report = import_npy(
        options.folder, options.store, options.classes, options.overwrite, _time_column(options)
    )
    _print_store(report.store, report.n_spikes, report.n_cells, report.per_class)
    _warn_of_classes_without_spikes(report.per_class, "look at the labels")
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


def _print_store(
    store: Path, n_spikes: int, n_cells: int, per_class: Mapping[str, tuple[int, int]]
) -> None:
    print(f"{store}: {n_spikes} spikes of {n_cells} cells")
    for name, (cells, spikes) in per_class.items():
        print(f"  {name}: {spikes} spikes of {cells} cells")


def _warn_of_classes_without_spikes(per_class: Mapping[str, tuple[int, int]], remedy: str) -> None:
    empty = [name for name, (_, spikes) in per_class.items() if not spikes]
    if empty:
        print(
            f"warning: no spikes of {' or '.join(empty)}: training needs both classes; {remedy}",
            file=sys.stderr,
        )


def _exit_code(n_left_out: int, what: str) -> int:
    """1 and a warning when something was left out of a store that was written."""
    if not n_left_out:
        return 0
    print(f"warning: store written, {n_left_out} {what} left out (exit code 1)", file=sys.stderr)
    return 1

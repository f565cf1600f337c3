"""The commands that make a store of spikes or check one: extract, import, check."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from raphe.core.command_line import (
    add_overwrite,
    check_hashes,
    define,
    left_out_code,
    list_out,
    train_next,
)
from raphe.core.files.outputs import Output
from raphe.core.parser import Parser
from raphe.core.recordings.class_names import check_classes
from raphe.core.sentences import counted, printable
from raphe.tasks.celltype.commands.cut_options import add_cut_options, cut_from
from raphe.tasks.celltype.recordings.file_names import CLASSES
from raphe.tasks.celltype.stores.npy_trios import LABEL_CODE
from raphe.tasks.celltype.stores.spike_set import OnCopies
from raphe.tasks.celltype.stores.window_table import ColumnNames

COPIES = "cells that hold the same spikes, or look like one cell"
EXIT_CODES = (
    "Exit code: 0 when all was taken; 1 when a store was written but something is left out of it, "
    "or when none was written (error: …); 2 for wrong usage."
)


def add_extract(parser: Parser) -> None:
    define(
        parser,
        _extract,
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
        options.copies,
    )
    drops = ", ".join(f"{count} {reason}" for reason, count in report.dropped.items())
    crossings = counted("crossing", report.n_crossings)
    print(f"{crossings} of the threshold, {report.n_spikes} kept; dropped: {drops}")
    print(
        f"window: {cut.n_samples} samples, {1000 * cut.n_samples / cut.rate_hz:g} ms at "
        f"{cut.rate_hz / 1000:g} kHz"
    )
    _print_store(report.store, report.n_spikes, report.n_cells, report.per_class)
    list_out("read, but suspect in part", report.remarks)
    list_out(COPIES, report.copies)
    list_out("read, but without a spike to keep", report.silent)
    list_out("left out", report.failure_lines())
    _warn_of_classes_without_spikes(report.per_class, "look at threshold and polarity")
    return left_out_code((len(report.failed), "recording"), written="store")


def add_import_csv(parser: Parser) -> None:
    define(
        parser,
        _import_csv,
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
        options.folder,
        options.store,
        options.classes,
        options.overwrite,
        _time_column(options),
        on_copies=options.copies,
    )
    _print_store(report.store, report.n_spikes, report.n_cells, report.per_class)
    other_length = (f"{file}: {counted('row', n)}" for file, n in report.other_length)
    list_out("of another length", other_length)
    list_out("the same spike of a cell again, taken once", report.repeated)
    list_out(COPIES, report.copies)
    list_out("left out", report.failed)
    _warn_of_classes_without_spikes(report.per_class, "look at the names of the folders")
    return left_out_code((len(report.failed), "file"), written="store")


def add_import_npy(parser: Parser) -> None:
    define(
        parser,
        _import_npy,
        "Training can also read the arrays where they are; a store is a quarter of their size. All "
        "trios in the folder and below are joined; name one Observations file to take it alone. "
        "Observations: (N, T, 2, 1) floats, time in s and current in pA in either order. Labels: "
        f"(N, 1), {LABEL_CODE}, or a place in --classes. Cellulars: (N, 1) strings such as "
        f"A131024#089_trigger_1007585, which name each spike's cell. {EXIT_CODES}",
    )
    parser.add_argument("folder", type=Path, help="folder of the arrays, or one Observations file")
    _add_store_options(parser)
    _add_time_column(parser)


def _import_npy(options: argparse.Namespace) -> int:
    from raphe.tasks.celltype.stores.import_spikes import import_npy

    report = import_npy(
        options.folder,
        options.store,
        options.classes,
        options.overwrite,
        _time_column(options),
        options.copies,
    )
    _print_store(report.store, report.n_spikes, report.n_cells, report.per_class)
    list_out(COPIES, report.copies)
    list_out("left out", report.failed)
    _warn_of_classes_without_spikes(report.per_class, "look at the labels")
    return left_out_code((len(report.failed), "spike"), written="store")


def _add_store_options(parser: Parser) -> None:
    parser.add_argument("store", type=Output.FOLDER, help="folder to make for the store")
    parser.add_argument(
        "--classes",
        type=_classes,
        default=CLASSES,
        metavar="A,B",
        help=f"the classes, numbered in this order (default: {','.join(CLASSES)})",
    )
    _add_copies(parser)
    add_overwrite(parser)


def _add_copies(parser: Parser) -> None:
    parser.add_argument(
        "--copies",
        choices=get_args(OnCopies),
        default="refuse",
        help="two cells that hold the same spikes: refuse them (default), or join them, so that no "
        "split divides them; with two labels they are always refused",
    )


def _add_time_column(parser: Parser) -> None:
    parser.add_argument(
        "--time-column",
        type=int,
        choices=(1, 2),
        help="the column that is the time, where the numbers leave it open",
    )


def _time_column(options: argparse.Namespace) -> int | None:
    return None if options.time_column is None else options.time_column - 1


def _classes(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    check_classes(names, text, argparse.ArgumentTypeError)
    return names


def _print_store(
    store: Path, n_spikes: int, n_cells: int, per_class: Mapping[str, tuple[int, int]]
) -> None:
    print(f"{store}: {counted('spike', n_spikes)} of {counted('cell', n_cells)}")
    for name, (cells, spikes) in per_class.items():
        print(f"  {printable(name)}: {counted('spike', spikes)} of {counted('cell', cells)}")
    if sum(spikes > 0 for _, spikes in per_class.values()) > 1:
        print(train_next(store))


def _warn_of_classes_without_spikes(per_class: Mapping[str, tuple[int, int]], remedy: str) -> None:
    empty = [name for name, (_, spikes) in per_class.items() if not spikes]
    if empty:
        print(
            f"warning: no spikes of {' or '.join(empty)}: training needs both classes; {remedy}",
            file=sys.stderr,
        )


def add_import_windows(parser: Parser) -> None:
    define(
        parser,
        _import_windows,
        "The array is (windows, samples), the table has one row for each window, in the same "
        "order, with a column of labels and, where they are known, of cell ids, animals, days and "
        "sources (laboratories, rigs), which a network never sees. Windows of zeros, of one value "
        "or with NaN are left out and listed. "
        "Without cell ids each row is a cell of its own. Rate, length and classes are the user's "
        "own: `raphe train data.store=STORE` takes what comes.",
    )
    parser.add_argument("waveforms", type=Path, help="NPY array of numbers, (windows, samples)")
    parser.add_argument("units", type=Path, help="CSV table, one row a window")
    parser.add_argument("store", type=Output.FOLDER, help="folder to make for the store")
    parser.add_argument(
        "--rate-hz", type=float, required=True, help="sampling rate of the windows, in Hz"
    )
    parser.add_argument(
        "--unit",
        required=True,
        help="unit of the values, such as pA or uV, a.u. of normalised ones",
    )
    parser.add_argument(
        "--classes",
        type=_classes,
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
    _add_copies(parser)
    add_overwrite(parser)


def _import_windows(options: argparse.Namespace) -> int:
    from raphe.core.errors import UsageError
    from raphe.core.recordings.rates import check_rate
    from raphe.tasks.celltype.stores.import_windows import check_unit, import_windows

    check_rate(options.rate_hz, "--rate-hz", UsageError)
    check_unit(options.unit, UsageError)
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
        options.copies,
    )
    length_ms = 1000 * report.n_samples / options.rate_hz
    print(
        f"{report.store}: {counted('window', report.n_spikes)} of "
        f"{counted('cell', report.n_cells)}, {report.n_samples} samples, "
        f"{length_ms:g} ms at {options.rate_hz / 1000:g} kHz"
    )
    for name, (cells, windows) in report.per_class.items():
        print(f"  {printable(name)}: {counted('window', windows)} of {counted('cell', cells)}")
    for name, count in report.left_out.items():
        print(f"  left out: {count} labelled {printable(name) or '(blank)'}")
    print(train_next(report.store))
    list_out("labels that differ in case", report.spellings)
    list_out(COPIES, report.copies)
    list_out("left out", report.empty)
    _warn_of_classes_without_spikes(report.per_class, "look at its windows")
    return left_out_code((len(report.empty), "window"), written="store")


def add_check(parser: Parser) -> None:
    define(
        parser,
        _check,
        "Reads every byte and compares the hash of every file. The authors' arrays have no hashes; "
        "of them shapes, labels and cells are checked.",
    )


def _check(options: argparse.Namespace) -> int:
    from raphe.core.files.kind import MANIFEST, kind_of
    from raphe.tasks.celltype.stores.open_spikes import check_spikes, open_spikes
    from raphe.tasks.celltype.stores.spike_store import KIND, SHARDED_KIND

    kind = kind_of(options.path)
    if kind not in (None, KIND, SHARDED_KIND):
        return check_hashes(options)
    is_store = kind is not None or (options.path / MANIFEST).exists() or not options.path.exists()
    if is_store:
        check_spikes(options.path)
    spikes = open_spikes(options.path)
    state = "every hash is right" if is_store else "consistent"
    print(
        f"{options.path}: {counted('spike', spikes.n)} of {counted('cell', len(spikes.cells))}, "
        f"{spikes.unit}, {spikes.rate_hz:g} Hz; {state}"
    )
    joined = [cell.group for cell in spikes.cells if cell.group]
    if joined:
        groups = counted("group", len(set(joined)))
        print(f"{counted('cell', len(joined))} in {groups} of copies, which no split divides")
    print(f"content hash {spikes.content_hash}")
    return 0


def _renaming(text: str) -> tuple[str, str]:
    old, equals, new = (part.strip() for part in text.partition("="))
    if not (old and equals and new):
        raise argparse.ArgumentTypeError(f"expected OLD=NEW, got {text!r}")
    return old, new

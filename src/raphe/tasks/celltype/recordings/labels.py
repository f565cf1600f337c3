"""What is known of each recording in a folder: its cell, its class, its day and its animal.

A file's class comes from `cells.csv` in the folder (columns file and label, and where they are
known cell_id, day, animal) or from the name of a folder above the file (`SER/`, `NSER/`). Where a
row of it names a channel, too, each channel that is named is a cell.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from raphe.core.errors import RecordingError
from raphe.core.files.folders import Listing, file_in
from raphe.core.files.left_out import Failure, left_out_words
from raphe.core.neo.formats import RIGS
from raphe.core.sentences import counted, listed, printable
from raphe.core.tables.dialect import quoted, shown
from raphe.core.tables.words import Table, iso_day, read_table, spellings
from raphe.tasks.celltype.recordings.file_names import label_from_folders, parse_cell_id
from raphe.tasks.celltype.recordings.files import SUFFIXES

CELL_TABLE = "cells.csv"
NOTE = "note.txt"
NO_CELL = ("not a neuron", "unsure")  # labels by hand of recordings that no store takes
COLUMNS = "columns file and label (cell_id, day, animal and channel are optional)"


@dataclass(frozen=True)
class RecordedFile:
    """A recording and the cell it belongs to; `day` and `animal` are "" if unknown."""

    path: Path
    cell_id: str
    day: str  # YYYY-MM-DD
    animal: str
    channel: str  # name or index of one of several that are a cell each; "" where none is named


@dataclass(frozen=True)
class LabelledFile(RecordedFile):
    """A recording whose cell's class is known, too."""

    label: int  # index into the classes


@dataclass(frozen=True)
class _CellTable:
    """What `cells.csv` says: empty without one."""

    columns: tuple[str, ...] = ()
    rows: dict[tuple[Path, str], dict[str, str]] = field(default_factory=dict)  # also by channel
    channels: dict[Path, list[str]] = field(default_factory=dict)  # of each recording there
    missing: list[Path] = field(default_factory=list)  # listed, but not there

    def of(self, file: Path) -> list[dict[str, str]]:
        """Its row, which has nothing where the table says nothing, or those of its channels."""
        channels = [channel for channel in self.channels.get(file, ()) if channel] or [""]
        return [self.rows.get((file, channel), {}) for channel in channels]

    def failures(self) -> list[Failure]:
        return [
            Failure(file, f"listed in {CELL_TABLE}, but there is no such recording")
            for file in self.missing
        ]


def label_recordings(
    folder: Path, listing: Listing, classes: Sequence[str]
) -> tuple[list[LabelledFile], list[Failure]]:
    """Cell and class of the recordings listed below `folder`, in their order, and what is left out.

    Raises RecordingError when there are none, when none has a label, when `cells.csv` cannot be
    understood or when two files contradict each other about a cell.
    """
    _require_files(folder, listing)
    table = _read_cell_table(folder, listing, classes)
    labelled: list[LabelledFile] = []
    failed = [*listing.left_out, *table.failures()]
    for file in listing.files:
        for row in table.of(file):
            outcome = _label(file, folder, row, classes)
            if isinstance(outcome, LabelledFile):
                labelled.append(outcome)
            else:
                failed.append(outcome)
    if not labelled:
        raise RecordingError(_none_labelled(folder, len(listing.files), table, classes))
    _refuse_contradictions(labelled, classes)
    return labelled, failed


def identify_recordings(folder: Path, listing: Listing) -> tuple[list[RecordedFile], list[Failure]]:
    """The cell of each recording listed below `folder`, labelled or not, and what is left out.

    Raises RecordingError when there is none, or when `cells.csv` cannot be understood.
    """
    _require_files(folder, listing)
    table = _read_cell_table(folder, listing, classes=None)
    recorded = [
        RecordedFile(file, *_cell_of(file, row)) for file in listing.files for row in table.of(file)
    ]
    return recorded, [*listing.left_out, *table.failures()]


def read_note(folder: Path) -> str:
    """The sentence in `note.txt`, which stands beside every result from these recordings, or "".

    Raises RecordingError for a note that is there and cannot be read.
    """
    file = file_in(folder, NOTE, RecordingError)
    if file is None:
        return ""
    try:
        return printable(" ".join(file.read_text(encoding="utf-8-sig").split()))
    except OSError as error:
        raise RecordingError(f"{file}: could not be read ({error.strerror or error})") from None
    except UnicodeDecodeError:
        raise RecordingError(f"{file}: is not text in UTF-8; save it as UTF-8") from None


def _require_files(folder: Path, listing: Listing) -> None:
    if not folder.is_dir():
        raise RecordingError(
            f"{folder}: there is no such folder; give the folder of the recordings"
        )
    if not listing.files:
        raise RecordingError(
            f"{folder}: there is no {listed(SUFFIXES, 'or')} file here or in the folders below, "
            f"nor a recording of {listed(RIGS, 'or')}"
            f"{left_out_words(listing.left_out)}"
        )


def channel_cell(file: str | PurePath, channel: str) -> str:
    """What the cell in a channel of a file is called, where nobody calls it otherwise."""
    return f"{parse_cell_id(file)[0]} {channel}".strip()


def _cell_of(file: Path, row: dict[str, str]) -> tuple[str, str, str, str]:
    """Cell id, day, animal and channel of a file or one of its channels; what its row in the table
    says goes before its name."""
    day, channel = parse_cell_id(file)[1], row.get("channel", "")
    return (
        row.get("cell_id") or channel_cell(file, channel),
        row.get("day") or (day.isoformat() if day else ""),
        row.get("animal", ""),
        channel,
    )


def _label(
    file: Path, folder: Path, row: dict[str, str], classes: Sequence[str]
) -> LabelledFile | Failure:
    if row.get("label") in NO_CELL:
        what = f"its channel {row['channel']}" if row.get("channel") else "it"
        return Failure(file, f"{CELL_TABLE} says “{row['label']}” of {what}")
    by_folder = label_from_folders(file.relative_to(folder).parts[:-1], classes)
    label = classes.index(row["label"]) if row.get("label") else by_folder
    if label is None:
        return Failure(
            file,
            f"no label: not in a folder {listed(classes, 'or')} and without one in {CELL_TABLE}",
        )
    if by_folder not in (None, label):
        return Failure(
            file,
            f"lies in a folder {classes[by_folder]} but {CELL_TABLE} calls it {classes[label]}; "
            "correct one of them",
        )
    return LabelledFile(file, *_cell_of(file, row), label)


class NamedFiles:
    """Recordings as the words of a table mean them, by their path in the table's folder or from
    the root, with "/" or as Windows has it, and without their suffix where one alone fits."""

    def __init__(self, folder: Path, files: Iterable[Path]) -> None:
        self._folder = Path(os.path.normpath(folder.absolute()))
        self._by_path: dict[Path, Path] = {}
        self._by_stem: dict[Path, list[Path]] = {}
        for file in files:
            self.add(file)

    def add(self, file: Path) -> None:
        """One that is there, too."""
        path = Path(os.path.normpath(file.absolute()))
        if path not in self._by_path:
            self._by_path[path] = file
            self._by_stem.setdefault(path.with_suffix(""), []).append(file)

    def fits(self, named: str) -> list[Path]:
        """The one that is meant; several where none alone is, none where none is there."""
        return next(filter(None, map(self._at, self.paths(named))), [])

    def paths(self, named: str) -> list[Path]:
        """What the words may say, with or without a suffix."""
        words = (named, named.replace("\\", "/"))
        return [Path(os.path.normpath(self._folder / word)) for word in dict.fromkeys(words)]

    def _at(self, path: Path) -> list[Path]:
        return [self._by_path[path]] if path in self._by_path else self._by_stem.get(path, [])


def require_understood(table: Table, listing: Listing, classes: Sequence[str]) -> None:
    """Refuse a table of cells that `label_recordings` would. Raises RecordingError."""
    _cells(table, listing, classes)


def _read_cell_table(folder: Path, listing: Listing, classes: Sequence[str] | None) -> _CellTable:
    """`cells.csv`, if it is there; its labels are among the classes, if given."""
    path = file_in(folder, CELL_TABLE, RecordingError)
    return (
        _CellTable() if path is None else _cells(read_table(path, RecordingError), listing, classes)
    )


def _cells(read: Table, listing: Listing, classes: Sequence[str] | None) -> _CellTable:
    path = read.path
    if "file" not in read:
        raise RecordingError(f"{path}: expected {COLUMNS}, got {read.columns_in_words}")
    files = NamedFiles(path.parent, listing.files)
    left_out = {failure.path for failure in listing.left_out}
    table = _CellTable(tuple(name.casefold() for name in read.columns))
    line_of: dict[tuple[Path, str], int] = {}
    for row in read.rows:
        values = dict(row.values)
        file = _check_row(values, path, row.line, files, classes)
        if file is None:
            missing = path.parent / values["file"]
            if missing not in left_out:
                table.missing.append(missing)
            continue
        del values["file"]
        key = file, values.get("channel", "")
        line = line_of.setdefault(key, row.line)
        if table.rows.setdefault(key, values) != values:
            raise RecordingError(
                f"{path}: lines {line} and {row.line} say different things of "
                f"{file.relative_to(path.parent)}; remove one of them"
            )
        if line == row.line:
            table.channels.setdefault(file, []).append(key[1])
    for file, channels in table.channels.items():
        if len(channels) > 1 and table.rows.get((file, ""), {}).get("label"):
            raise RecordingError(
                f"{path}, line {line_of[file, '']}: labels {file.relative_to(path.parent)} as a "
                "whole, other lines label its channels; take that label out, or theirs"
            )
    return table


def _check_row(
    values: dict[str, str],
    path: Path,
    line: int,
    files: NamedFiles,
    classes: Sequence[str] | None,
) -> Path | None:
    """The recording that a row is about, None if it is not there; label and day are tidied."""
    where = f"{path}, line {line}"
    if not values["file"]:
        raise RecordingError(f"{where}: expected a file, got a blank")
    if classes and values.get("label"):
        label = spellings([values["label"]], preferred=(*NO_CELL, *classes))[values["label"]]
        if label not in (*classes, *NO_CELL):
            raise RecordingError(
                f"{where}: expected label {listed((*classes, *NO_CELL), 'or')}, got "
                f"{shown(values['label'])}"
            )
        values["label"] = label
    if values.get("day"):
        values["day"] = iso_day(values["day"], where, RecordingError)
    fits = files.fits(values["file"])
    if len(fits) > 1:
        raise RecordingError(
            f"{where}: {shown(values['file'])} fits {' and '.join(file.name for file in fits)}; "
            "write the suffix too"
        )
    return fits[0] if fits else None


def _refuse_contradictions(files: Iterable[LabelledFile], classes: Sequence[str]) -> None:
    first: dict[str, LabelledFile] = {}
    for file in files:
        other = first.setdefault(file.cell_id, file)
        for what, here, there in (
            ("class", classes[file.label], classes[other.label]),
            ("day", file.day, other.day),
            ("animal", file.animal, other.animal),
        ):
            if here != there:
                raise RecordingError(
                    f"{file.path}: cell {quoted(file.cell_id)} has {what} "
                    f"{quoted(here) or 'unknown'} here but {quoted(there) or 'unknown'} in "
                    f"{other.path}; correct one of them, or give two cells two ids in {CELL_TABLE}"
                )


def _none_labelled(folder: Path, n_files: int, table: _CellTable, classes: Sequence[str]) -> str:
    reasons = []
    if table.missing:
        n_missing = len(table.missing)
        are = "is" if n_missing == 1 else "are"
        reasons.append(
            f"{CELL_TABLE} lists {counted('file', n_missing)} that {are} not there, the first: "
            f"{shown(table.missing[0].name)}"
        )
    if table.columns and "label" not in table.columns:
        reasons.append(f"{CELL_TABLE} has no column label")
    return (
        f"{folder}: {counted('recording', n_files)}, none with a label"
        f"{' (' if reasons else ''}{'; '.join(reasons)}{')' if reasons else ''}; sort them into "
        f"folders {' and '.join(classes)}, or list them in {folder / CELL_TABLE} with the {COLUMNS}"
    )

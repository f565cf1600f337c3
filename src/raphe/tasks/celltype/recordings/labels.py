"""Which recordings a folder holds, and what is known of each: cell, class, day, animal.

A file's class comes from `cells.csv` in the folder (columns file and label, and where they are
known cell_id, day, animal) or from the name of a folder above the file (`SER/`, `NSER/`).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from raphe.core.errors import RecordingError
from raphe.core.recordings.recording import parse_cell_id
from raphe.core.recordings.tables import iso_day, read_table, spellings
from raphe.tasks.celltype.recordings.file_names import label_from_folders

TABLE = "cells.csv"
NOTE = "note.txt"
SUFFIXES = (".abf", ".nwb")
COLUMNS = "columns file and label (cell_id, day and animal are optional)"


@dataclass(frozen=True)
class RecordedFile:
    """A recording and the cell it belongs to; `day` and `animal` are "" if unknown."""

    path: Path
    cell_id: str
    day: str  # YYYY-MM-DD
    animal: str


@dataclass(frozen=True)
class LabelledFile:
    """A recording to extract and the cell it belongs to; `day` and `animal` are "" if unknown."""

    path: Path
    cell_id: str
    label: int  # index into the classes
    day: str = ""  # YYYY-MM-DD
    animal: str = ""


@dataclass(frozen=True)
class Failure:
    """A file that was left out, and why."""

    path: Path
    message: str

    def __str__(self) -> str:
        named = str(self.path) in self.message
        return self.message if named else f"{self.path}: {self.message}"


@dataclass(frozen=True)
class _Table:
    """What `cells.csv` says: empty without one."""

    columns: tuple[str, ...] = ()
    rows: dict[Path, dict[str, str]] = field(default_factory=dict)  # of each recording there
    missing: list[Path] = field(default_factory=list)  # listed, but not there


def find_labelled(folder: Path, classes: Sequence[str]) -> tuple[list[LabelledFile], list[Failure]]:
    """The labelled recordings below `folder` in the order of their paths, and those left out.

    Raises RecordingError when there are none, when none has a label, when `cells.csv` cannot be
    understood or when two files contradict each other about a cell.
    """
    files, table, failed = _find_files(folder, classes)
    labelled = []
    for file in files:
        found = _label(file, folder, table.rows.get(file, {}), classes)
        (labelled if isinstance(found, LabelledFile) else failed).append(found)
    if not labelled:
        raise RecordingError(_none_labelled(folder, len(files), table, classes))
    _refuse_contradictions(labelled, classes)
    return labelled, failed


def find_recordings(folder: Path) -> tuple[list[RecordedFile], list[Failure]]:
    """All recordings below `folder`, labelled or not, and what `cells.csv` lists in vain.

    Raises RecordingError when there is none, or when `cells.csv` cannot be understood.
    """
    files, table, failed = _find_files(folder, classes=None)
    if not files:
        raise RecordingError(_no_file(folder))
    return [RecordedFile(file, *_cell_of(file, table.rows.get(file, {}))) for file in files], failed


def read_note(folder: Path) -> str:
    """The sentence in `note.txt`, which stands beside every result from these recordings, or ""."""
    file = folder / NOTE
    return " ".join(file.read_text(encoding="utf-8").split()) if file.is_file() else ""


def _find_files(
    folder: Path, classes: Sequence[str] | None
) -> tuple[list[Path], _Table, list[Failure]]:
    """The recordings in the order of their paths, the table, and what it lists in vain."""
    if not folder.is_dir():
        raise RecordingError(
            f"{folder}: there is no such folder; give the folder of the recordings"
        )
    files = sorted(
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in SUFFIXES and not _is_hidden(file.relative_to(folder))
    )
    table = _read_table(folder / TABLE, files, classes)
    failed = [Failure(file, f"listed in {TABLE} but not there") for file in table.missing]
    return files, table, failed


def _cell_of(file: Path, row: dict[str, str]) -> tuple[str, str, str]:
    """Cell id, day and animal of a file; what its row in the table says goes before its name."""
    cell_id, day, _ = parse_cell_id(file.name)
    return (
        row.get("cell_id") or cell_id,
        row.get("day") or (day.isoformat() if day else ""),
        row.get("animal", ""),
    )


def _label(
    file: Path, folder: Path, row: dict[str, str], classes: Sequence[str]
) -> LabelledFile | Failure:
    by_folder = label_from_folders(file.relative_to(folder).parts[:-1], classes)
    label = classes.index(row["label"]) if row.get("label") else by_folder
    if label is None:
        return Failure(
            file, f"no label: not in a folder {_either(classes)} and without one in {TABLE}"
        )
    if by_folder not in (None, label):
        return Failure(
            file,
            f"lies in a folder {classes[by_folder]} but {TABLE} calls it {classes[label]}; "
            "correct one of them",
        )
    cell_id, day, animal = _cell_of(file, row)
    return LabelledFile(file, cell_id, label, day, animal)


def _read_table(path: Path, files: Sequence[Path], classes: Sequence[str] | None) -> _Table:
    """`cells.csv`, if it is there; its labels are among the classes, if given."""
    if not path.exists():
        return _Table()
    rows = read_table(path, RecordingError)
    if "file" not in rows:
        raise RecordingError(f"{path}: expected {COLUMNS}, got {', '.join(rows.columns)!r}")
    find = _finder(files)
    table, line_of = _Table(tuple(name.casefold() for name in rows.columns)), {}
    for row in rows.rows:
        values = dict(row.values)
        file = _check_row(values, path, row.line, find, classes)
        if file is None:
            table.missing.append(path.parent / values["file"])
            continue
        del values["file"]
        line = line_of.setdefault(file, row.line)
        if table.rows.setdefault(file, values) != values:
            raise RecordingError(
                f"{path}: lines {line} and {row.line} say different things of "
                f"{file.relative_to(path.parent)}; remove one of them"
            )
    return table


def _check_row(
    values: dict[str, str],
    path: Path,
    line: int,
    find: Callable[[Path], list[Path]],
    classes: Sequence[str] | None,
) -> Path | None:
    """The recording that a row is about, None if it is not there; label and day are tidied."""
    where = f"{path}, line {line}"
    if not values["file"]:
        raise RecordingError(f"{where}: expected a file, got a blank")
    if classes and values.get("label"):
        label = spellings([values["label"]], preferred=classes)[values["label"]]
        if label not in classes:
            raise RecordingError(
                f"{where}: expected label {_either(classes)}, got {values['label']!r}"
            )
        values["label"] = label
    if values.get("day"):
        values["day"] = iso_day(values["day"], where, RecordingError)
    fits = find(path.parent / values["file"]) or find(
        path.parent / values["file"].replace("\\", "/")
    )
    if len(fits) > 1:
        raise RecordingError(
            f"{where}: {values['file']!r} fits {' and '.join(file.name for file in fits)}; "
            "write the suffix too"
        )
    return fits[0] if fits else None


def _finder(files: Sequence[Path]) -> Callable[[Path], list[Path]]:
    """A function that gives the files a path may mean: itself, or those it lacks the suffix of."""
    there = set(files)
    by_stem: dict[Path, list[Path]] = {}
    for file in files:
        by_stem.setdefault(file.with_suffix(""), []).append(file)
    return lambda path: [path] if path in there else by_stem.get(path, [])


def _refuse_contradictions(files: Iterable[LabelledFile], classes: Sequence[str]) -> None:
    first: dict[str, LabelledFile] = {}
    for file in files:
        other = first.setdefault(file.cell_id, file)
        for what, one, two in (
            ("class", classes[other.label], classes[file.label]),
            ("day", other.day, file.day),
            ("animal", other.animal, file.animal),
        ):
            if one != two:
                raise RecordingError(
                    f"{file.path}: cell {file.cell_id} has {what} {two or 'unknown'} here but "
                    f"{one or 'unknown'} in {other.path}; correct one of them, or give two cells "
                    f"two ids in {TABLE}"
                )


def _none_labelled(folder: Path, n_files: int, table: _Table, classes: Sequence[str]) -> str:
    if not n_files:
        return _no_file(folder)
    reasons = []
    if table.missing:
        n = len(table.missing)
        listed = "1 file that is not there" if n == 1 else f"{n} files that are not there"
        reasons.append(f"{TABLE} lists {listed}, the first: {table.missing[0]}")
    if table.columns and "label" not in table.columns:
        reasons.append(f"{TABLE} has no column label")
    return (
        f"{folder}: none of its {n_files} recordings has a label"
        f"{' (' if reasons else ''}{'; '.join(reasons)}{')' if reasons else ''}; sort them into "
        f"folders {' and '.join(classes)}, or list them in {folder / TABLE} with the {COLUMNS}"
    )


def _no_file(folder: Path) -> str:
    return f"{folder}: there is no {' or '.join(SUFFIXES)} file here or in the folders below"


def _either(classes: Sequence[str]) -> str:
    return " or ".join(classes)


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)

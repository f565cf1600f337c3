"""Labels that a person gave by hand, as the table `cells.csv` that `raphe extract` reads."""

from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from raphe.core.bundles.opened_file import HandLabel
from raphe.core.errors import RecordingError, SettingError
from raphe.core.files.csv_text import csv_text
from raphe.core.sentences import listed, printable
from raphe.core.tables.words import read_table
from raphe.tasks.celltype.recordings.labels import COLUMNS, NO_CELL

FILE, LABEL, NOTE = "file", "label", "note"


def labelled_csv(
    labels: Iterable[HandLabel], classes: Sequence[str], existing: Path | None = None
) -> str:
    """The table with these labels and notes; a later one of a file goes before an earlier one.

    Args:
        labels: a class, one of NO_CELL, or "" to take a label back.
        classes: those there are.
        existing: a table whose other rows and columns stay as they are.

    Raises:
        SettingError: a label that is none of these.
        RecordingError: the table cannot be read, or names no files.
    """
    columns, rows = _existing(existing)
    keys = [column.casefold() for column in columns]
    for hand in labels:
        if hand.label not in ("", *classes, *NO_CELL):
            known = listed((*classes, *NO_CELL), "or")
            raise SettingError(f"label: expected {known}, got {printable(hand.label)!r}")
        said = {LABEL: hand.label, NOTE: printable(" ".join(hand.note.split()))}
        of_file = [row for row in rows if _is_of(row[FILE], hand.file)]
        if not of_file and any(said.values()):
            of_file = [dict.fromkeys(keys, "") | {FILE: hand.file}]
            rows += of_file
        for row in of_file:
            row |= said
    return csv_text(columns, ([row[key] for key in keys] for row in rows))


def _existing(path: Path | None) -> tuple[list[str], list[dict[str, str]]]:
    """Columns as the table spells them, with those of labels, and its rows by their lower case."""
    if path is None:
        return [FILE, LABEL, NOTE], []
    table = read_table(path, RecordingError)
    if FILE not in table:
        raise RecordingError(f"{path}: expected {COLUMNS}, got {table.columns_in_words}")
    columns = [*table.columns, *(name for name in (LABEL, NOTE) if name not in table)]
    keys = [column.casefold() for column in columns]
    return columns, [dict.fromkeys(keys, "") | row.values for row in table.rows]


def _is_of(named: str, file: str) -> bool:
    """Whether a table's word for a file means this one, as `labels` reads it: it may lack the
    suffix, and have Windows' own separators."""
    paths = {PurePosixPath(named), PurePosixPath(named.replace("\\", "/"))}
    asked = PurePosixPath(file)
    return asked in paths or asked.with_suffix("") in paths

"""Labels that a person gave by hand, in the table `cells.csv` that `raphe extract` reads."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from raphe.core.bundles.opened_file import HandLabel, LabelTable
from raphe.core.errors import RecordingError, SettingError
from raphe.core.sentences import listed, printable
from raphe.core.tables.form import Form
from raphe.core.tables.words import read_table, spellings
from raphe.tasks.celltype.recordings.labels import COLUMNS, NO_CELL

FILE, LABEL, NOTE = "file", "label", "note"


class HandLabels(LabelTable):
    """The table; a later label of a file goes before an earlier one.

    Args:
        classes: those there are.
        existing: its file; None: a new one.

    Raises:
        RecordingError: the table cannot be read, or names no files.
    """

    def __init__(self, classes: Sequence[str], existing: Path | None = None) -> None:
        self._labels = (*classes, *NO_CELL)
        self._columns, self._rows, self._form = _read(existing)
        names = [column.casefold() for column in self._columns]
        self._file, self._label, self._note = map(names.index, (FILE, LABEL, NOTE))
        self._of_file: dict[PurePosixPath, list[list[str]]] = {}
        for row in self._rows:
            self._index(row)

    def of(self, file: str) -> HandLabel:
        rows = self._rows_of(file)
        label = next(filter(None, (row[self._label] for row in rows)), "")
        note = next(filter(None, (row[self._note] for row in rows)), "")
        return HandLabel(file, spellings([label], preferred=self._labels)[label], printable(note))

    def say(self, hand: HandLabel) -> None:
        """Raises SettingError for a label that is none."""
        if hand.label not in (None, "", *self._labels):
            known = listed(self._labels, "or")
            raise SettingError(f"label: expected {known}, got {printable(hand.label)!r}")
        note = None if hand.note is None else printable(" ".join(hand.note.split()))
        rows = self._rows_of(hand.file)
        if not rows and (hand.label or note):
            rows = [[""] * len(self._columns)]
            rows[0][self._file] = hand.file
            self._rows += rows
            self._index(rows[0])
        for row in rows:
            for place, word in ((self._label, hand.label), (self._note, note)):
                if word is not None:
                    row[place] = word

    @property
    def contents(self) -> bytes:
        return self._form.written(self._columns, self._rows)

    def _index(self, row: list[str]) -> None:
        """By what its word for a file means, as `labels` reads it, with Windows' separators too."""
        named = row[self._file]
        for path in {PurePosixPath(named), PurePosixPath(named.replace("\\", "/"))}:
            self._of_file.setdefault(path, []).append(row)

    def _rows_of(self, file: str) -> list[list[str]]:
        """The rows that name the file, or it without its suffix."""
        path = PurePosixPath(file)
        return [row for name in (path, path.with_suffix("")) for row in self._of_file.get(name, [])]


def _read(path: Path | None) -> tuple[list[str], list[list[str]], Form]:
    """Columns as the table spells them, with those of labels, its rows and its form.

    An empty file is a table that nobody has begun.
    """
    if path is None:
        return [FILE, LABEL, NOTE], [], Form()
    table = read_table(path, RecordingError)
    if table.columns and FILE not in table:
        raise RecordingError(f"{path}: expected {COLUMNS}, got {table.columns_in_words}")
    missing = [name for name in (FILE, LABEL, NOTE) if name not in table]
    rows = [[*row.words, *[""] * len(missing)] for row in table.rows]
    return [*table.columns, *missing], rows, table.form

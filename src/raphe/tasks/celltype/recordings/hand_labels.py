"""Labels that a person gave by hand, in the table `cells.csv` that `raphe extract` reads."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from raphe.core.bundles.opened_file import HandLabel, LabelTable
from raphe.core.errors import RecordingError, SettingError
from raphe.core.files.folders import Listing
from raphe.core.sentences import listed, printable
from raphe.core.tables.form import Form
from raphe.core.tables.words import read_table, spellings
from raphe.tasks.celltype.recordings.files import find_recordings
from raphe.tasks.celltype.recordings.labels import (
    NO_CELL,
    NamedFiles,
    channel_cell,
    require_understood,
)
from raphe.tasks.celltype.recordings.read_recording import channel_spelt

FILE, LABEL, NOTE, CHANNEL, CELL_ID = "file", "label", "note", "channel", "cell_id"


class HandLabels(LabelTable):
    """The table; a later label of a file goes before an earlier one.

    Args:
        classes: those there are.
        existing: its file; None: a new one.

    Raises:
        RecordingError: the table cannot be read, or `raphe extract` would refuse it.
    """

    def __init__(self, classes: Sequence[str], existing: Path | None = None) -> None:
        self._labels = (*classes, *NO_CELL)
        self._folder = Path() if existing is None else existing.parent
        listing = Listing([], []) if existing is None else find_recordings(self._folder)
        self._files = NamedFiles(self._folder, listing.files)
        self._columns, self._rows, self._form = _read(existing, listing, classes)
        names = [column.casefold() for column in self._columns]
        self._file, self._label, self._note = map(names.index, (FILE, LABEL, NOTE))
        self._channel = names.index(CHANNEL) if CHANNEL in names else None
        self._spellings: dict[tuple[Path, str], str] = {}  # of channels
        self._of_file: dict[Path, list[list[str]]] = {}  # as they may be meant
        for row in self._rows:
            self._index(row)

    def of(self, file: str, item: str | None = None) -> HandLabel:
        channel = channel_of(file, item)
        label, note = self._said(self._rows_of(file, channel))
        if channel and not label:  # of all channels, where the file is labelled as a whole
            whole_label, whole_note = self._said(self._rows_of(file, ""))
            label, note = whole_label, note or whole_note
        return HandLabel(file, label, printable(note), item)

    def _said(self, rows: Sequence[Sequence[str]]) -> tuple[str, str]:
        """Label and note; no label where rows contradict each other."""
        labels = [row[self._label] for row in rows if row[self._label]]
        spelt = set(spellings(labels, preferred=self._labels).values())
        note = next(filter(None, (row[self._note] for row in rows)), "")
        return (spelt.pop() if len(spelt) == 1 else ""), note

    def say(self, hand: HandLabel) -> None:
        """Raises SettingError for a label that is none, for that of a channel of a file whose label
        as a whole stands in the table, and for that of a whole file with rows of channels."""
        if hand.label not in (None, "", *self._labels):
            known = listed(self._labels, "or")
            raise SettingError(f"label: expected {known}, got {printable(hand.label)!r}")
        note = None if hand.note is None else printable(" ".join(hand.note.split()))
        channel = channel_of(hand.file, hand.item)
        rows = self._rows_of(hand.file, channel)
        if hand.label or (note and channel):
            self._refuse_both(hand.file, channel)
        if not rows and (hand.label or note):
            rows = [self._new_row(hand.file, channel)]
        for row in rows:
            for place, word in ((self._label, hand.label), (self._note, note)):
                if word is not None:
                    row[place] = word

    def _refuse_both(self, file: str, channel: str) -> None:
        """Refuse to label a file as a whole and in its channels, which no extraction takes."""
        if channel and any(row[self._label] for row in self._rows_of(file, "")):
            raise SettingError(
                f"{printable(file)}: the table labels this file as a whole; take that label out of "
                "it, and label its channels then"
            )
        if not channel and any(map(self._channel_in, self._rows_of(file, None))):
            raise SettingError(
                f"{printable(file)}: the table has rows of this file's channels; label those, or "
                "take them out of it, and label the file then"
            )

    def _new_row(self, file: str, channel: str) -> list[str]:
        """Of a file, or of one of its channels: with the day and the animal that the file has."""
        if channel and self._channel is None:
            self._channel = len(self._columns)
            self._columns.append(CHANNEL)
            for row in self._rows:
                row.append("")
        whole = self._rows_of(file, "") if channel else []
        row = list(whole[0]) if whole else [""] * len(self._columns)
        row[self._file], row[self._label], row[self._note] = file, "", ""
        for place, column in enumerate(self._columns):
            if column.casefold() == CELL_ID and channel:
                row[place] = ""
        if self._channel is not None:
            row[self._channel] = channel
        self._rows.append(row)
        self._index(row)
        return row

    @property
    def contents(self) -> bytes:
        return self._form.written([self._columns, *self._rows])

    def _index(self, row: list[str]) -> None:
        for path in self._files.paths(row[self._file]):
            self._of_file.setdefault(path, []).append(row)

    def _rows_of(self, file: str, channel: str | None) -> list[list[str]]:
        """The rows that mean the file, as `labels` reads them, and this channel: "" for none, None
        for any."""
        self._files.add(self._folder / file)
        meant = self._files.fits(file)
        path = self._files.paths(file)[0]
        return [
            row
            for name in (path, path.with_suffix(""))
            for row in self._of_file.get(name, [])
            if self._files.fits(row[self._file]) == meant
            and (channel is None or self._is_channel(meant, channel, self._channel_in(row)))
        ]

    def _is_channel(self, files: Sequence[Path], one: str, other: str) -> bool:
        """Whether both words mean one channel, which may be written by its number."""
        if one == other or not (one and other and len(files) == 1):
            return one == other
        return self._spelt(files[0], one) == self._spelt(files[0], other)

    def _spelt(self, file: Path, channel: str) -> str:
        if (file, channel) not in self._spellings:
            self._spellings[file, channel] = channel_spelt(file, channel)
        return self._spellings[file, channel]

    def _channel_in(self, row: list[str]) -> str:
        return "" if self._channel is None else row[self._channel]


def channel_of(file: str, item: str | None) -> str:
    """The channel that an item of a file is; "" of a file that is one item.

    >>> channel_of("day 1/A1.abf", "A1 left"), channel_of("A1.abf", None)
    ('left', '')
    """
    return "" if item is None else item.removeprefix(channel_cell(PurePosixPath(file), "")).strip()


def _read(
    path: Path | None, listing: Listing, classes: Sequence[str]
) -> tuple[list[str], list[list[str]], Form]:
    """Columns as the table spells them, with those of labels, its rows and its form.

    An empty file is a table that nobody has begun.
    """
    if path is None:
        return [FILE, LABEL, NOTE], [], Form()
    table = read_table(path, RecordingError)
    if table.columns:
        require_understood(table, listing, classes)
    missing = [name for name in (FILE, LABEL, NOTE) if name not in table]
    rows = [[*row.words, *[""] * len(missing)] for row in table.rows]
    form = Form.of(path.read_bytes(), table.separator)
    if [words[: len(table.columns)] for words in form.words[1:]] != [
        row.words[: len(words)] for row, words in zip(table.rows, form.words[1:], strict=False)
    ]:
        raise RecordingError(f"{path}: was changed while it was read; try again")
    return [*table.columns, *missing], rows, form

"""A table of words that a person keeps: what nobody changes in it stays, byte for byte."""

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from raphe.core.files.csv_text import csv_line, restored
from raphe.core.tables.text import named_separator

MARKS = {  # of an encoding, at a file's beginning
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
LINE_END = re.compile(r"\r+\n|\r")  # within a cell, where `read_table` has "\n"


@dataclass(frozen=True)
class Record:
    """A row as the file has it, or a line without a word, which is none and has no words."""

    words: tuple[str, ...]  # as `read_table` gives them
    cells: tuple[str, ...]  # with their spaces and quotes
    line_end: str  # "" of a last line without one

    def written(self, words: Sequence[str], separator: str, is_wider: bool) -> str:
        """With these words: what is the same is as it was, in each cell.

        Args:
            is_wider: whether the table has more columns than before.
        """
        n = len(self.words)
        is_same = tuple(words[:n]) == self.words[: len(words)] and not any(words[n:])
        if not self.words or (is_same and not is_wider):
            return separator.join(self.cells) + self.line_end
        cells = [
            cell if word == was else _cell(word, separator)
            for word, was, cell in zip(words, self.words, self.cells, strict=False)
        ]
        cells += [_cell(word, separator) for word in words[n:]]
        if not is_wider:
            cells += self.cells[len(words) :]  # blank, beyond the header
        return separator.join(cells) + self.line_end


@dataclass(frozen=True)
class Form:
    """What Excel, LibreOffice or a person wrote; as it stands, a table that nobody has begun."""

    mark: bytes = b""
    separator: str = ","
    records: tuple[Record, ...] = ()

    @classmethod
    def of(cls, contents: bytes, separator: str) -> "Form":
        """Of a file that `read_table` takes, and of what it found to separate the columns."""
        mark = next(filter(contents.startswith, MARKS), b"")
        text = contents.removeprefix(mark).decode(MARKS.get(mark, "utf-8"))
        return cls(mark, separator, tuple(_records(text, separator)))

    @property
    def words(self) -> list[tuple[str, ...]]:
        """Of the header and of each row."""
        return [record.words for record in self.records if record.words]

    @property
    def line_end(self) -> str:
        rows = [record for record in self.records if record.words] or self.records
        return (rows[0].line_end if rows else "") or "\n"

    def written(self, rows: Sequence[Sequence[str]]) -> bytes:
        """The file's contents.

        Args:
            rows: words of the header and of each row; those there were come first, in their order.
        """
        records = [
            record for record in self.records if self.words or any(map(str.strip, record.cells))
        ]
        is_wider = bool(self.words) and len(rows[0]) > len(self.words[0])
        waiting = iter(rows)
        lines = [
            record.written(next(waiting) if record.words else (), self.separator, is_wider)
            for record in records
        ]
        if lines and len(rows) > len(self.words) and not records[-1].line_end:
            lines[-1] += self.line_end
        for row in waiting:
            cells = (_cell(word, self.separator) for word in row)
            lines.append(self.separator.join(cells) + self.line_end)
        return self.mark + "".join(lines).encode(MARKS.get(self.mark, "utf-8"))


def _records(text: str, separator: str) -> Iterator[Record]:
    """Each row of a text, and the lines between them, with their line ends as they are."""
    raw: list[str] = []

    def feed() -> Iterator[str]:
        for line in io.StringIO(text, newline=""):
            raw.append(line)
            yield line

    mark = re.escape(separator)
    cell = re.compile(rf'("(?:[^"]|"")*"[^{mark}]*|[^{mark}]*)(?:{mark}|\Z)')
    for number, values in enumerate(csv.reader(feed(), delimiter=separator)):
        whole = "".join(raw)
        raw.clear()
        row = whole.rstrip("\r\n")
        words = tuple(restored(LINE_END.sub("\n", value).strip()) for value in values)
        if not any(words) or (number == 0 and named_separator(row) is not None):
            yield Record((), (row,), whole[len(row) :])
            continue
        cells = [match[1] for match in cell.finditer(row)]
        yield Record(words, tuple(cells[: len(words)]), whole[len(row) :])


def _cell(word: str, separator: str) -> str:
    """As this project writes it."""
    return csv_line([word], separator).removesuffix("\n") if word else ""

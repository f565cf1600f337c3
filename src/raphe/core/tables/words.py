"""Tables of cells or units as people save them in CSV, and one spelling for what differs in case.

Comma, semicolon or tab, in UTF-8 or UTF-16. Columns are found whatever their case; a row that has
more or fewer cells than the header is refused, so that none stands under another's name. Labels
that differ in case only are one class, which is spelt as the classes asked for are, and where none
are as in the first row that names it.
"""

import csv
import datetime
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from raphe.core.errors import RapheError
from raphe.core.files.csv_text import restored
from raphe.core.tables.dialect import quoted, shown
from raphe.core.tables.text import (
    Block,
    TableFault,
    blocks,
    named_separator,
    opened,
    outside_quotes,
)

SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab"}
SNIFFED_LINES = 100
MOST_NAMED = 12  # columns in a sentence
NOT_CLOSED = (
    "a quote that opens in this row is not closed where its cell ends; close it, or write it twice "
    "inside a cell"
)


@dataclass(frozen=True)
class Row:
    """One row of a table; blank where it has no value."""

    line: int  # of the file, from 1
    values: dict[str, str]  # by column in lower case
    words: tuple[str, ...] = ()  # of all columns in their order, also of those without a name

    def __getitem__(self, column: str) -> str:
        return self.values[column.casefold()]

    def get(self, column: str) -> str:
        """The value, "" where the table has no such column."""
        return self.values.get(column.casefold(), "")


@dataclass(frozen=True)
class Table:
    """The columns as the file spells them, and the rows that are not blank."""

    path: Path
    columns: tuple[str, ...]
    rows: list[Row]
    separator: str

    def __contains__(self, column: str) -> bool:
        return column.casefold() in {name.casefold() for name in self.columns}

    @property
    def columns_in_words(self) -> str:
        """The columns as a sentence lists them."""
        more = len(self.columns) - MOST_NAMED
        named = ", ".join(map(quoted, self.columns[:MOST_NAMED]))
        return (f"{named} and {more} more" if more > 0 else named) or "none"


def read_table(path: Path, error_type: type[RapheError]) -> Table:
    """Read a table with a header; spaces around words are dropped, blank rows left out.

    Raises `error_type` for a file that cannot be read as a table, a row of another width than the
    header's, a quote that is not closed, and two columns of one name.
    """
    with opened(path, error_type) as stream:
        return Table(path, *_read(blocks(stream)))


def iso_day(text: str, where: str, error_type: type[RapheError]) -> str:
    """A day as YYYY-MM-DD. Raises `error_type` for anything else."""
    try:
        return datetime.date.fromisoformat(text).isoformat()
    except ValueError:
        raise error_type(f"{where}: expected a day such as 2014-03-13, got {shown(text)}") from None


def spellings(labels: Iterable[str], preferred: Sequence[str] = ()) -> dict[str, str]:
    """How each label is to be spelt: as in `preferred`, else as it was first, whatever the case.

    >>> spellings(["SER", "ser", "nser"], preferred=["NSER"])
    {'SER': 'SER', 'ser': 'SER', 'nser': 'NSER'}
    """
    spelling = {name.casefold(): name for name in preferred}
    return {label: spelling.setdefault(label.casefold(), label) for label in labels}


def sniff_separator(lines: Sequence[str]) -> str:
    """Which of SEPARATORS most lines have as often as the header, which is the first of them."""
    header, *rows = [outside_quotes(line) for line in lines if line.strip()] or [""]

    def agreement(separator: str) -> tuple[bool, int, int]:
        n = header.count(separator)
        return n > 0, sum(row.count(separator) == n for row in rows), n

    return max(SEPARATORS, key=agreement)


def _read(parts: Iterator[Block]) -> tuple[tuple[str, ...], list[Row], str]:
    """Columns and rows of a file's blocks, and what separates them."""
    beginning = list(next(parts, Block(1, ())).lines)
    named = named_separator(beginning[0]) if beginning else None
    skipped = int(named is not None)
    separator = named or sniff_separator(beginning[:SNIFFED_LINES])
    lines = chain(beginning[skipped:], chain.from_iterable(part.lines for part in parts))
    records = _records(lines, separator, skipped)
    header_line, header = next(records, (1, []))
    columns = tuple(header)
    _refuse_twins(columns, header_line)
    keys = [name.casefold() for name in columns]
    n_named = max((place for place, name in enumerate(columns, 1) if name), default=0)
    rows, wide = [], []
    for line, words in records:
        if len(words) < n_named or any(words[n_named:]):
            raise TableFault(
                f"expected {n_named} cells as the header names, got {len(words)}; give every row "
                f"as many, and put a cell that holds {SEPARATORS.get(separator, separator)} "
                "between quotes",
                line,
            )
        if len(words) > len(keys):
            wide.append(line)
        words = (words + [""] * len(keys))[: len(keys)]
        # Of several nameless columns the first, which may number the rows, is the one kept.
        values = dict(zip(keys[::-1], words[::-1], strict=True))
        rows.append(Row(line, values, tuple(words)))
    _refuse_shifted(rows, wide, keys)
    return columns, rows, separator


def _records(lines: Iterable[str], separator: str, skipped: int) -> Iterator[tuple[int, list[str]]]:
    """The line in which each row begins, and its words; rows without a word are left out.

    A cell may hold line breaks, but no row, or as good as one, may hide in it.
    """
    raw: list[str] = []

    def feed() -> Iterator[str]:
        for line in lines:
            raw.append(line)
            yield line + "\n"

    reader = csv.reader(feed(), delimiter=separator, strict=True)
    width = 0
    while True:
        line = skipped + reader.line_num + 1
        raw.clear()
        try:
            words = [restored(word.strip()) for word in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            is_quoted = any('"' in text for text in raw)
            what = NOT_CLOSED if is_quoted else "a cell is too long"
            raise TableFault(f"{what} ({error})", line) from None
        width = width or len(words)
        hidden = sum(text.count(separator) for text in raw) - (len(words) - 1)
        if len(raw) > 1 and hidden >= width - 1:
            raise TableFault(f"{NOT_CLOSED} (it reaches to line {line + len(raw) - 1})", line)
        if any(words):
            yield line, words


def _refuse_shifted(rows: Sequence[Row], wide: Sequence[int], keys: Sequence[str]) -> None:
    """Refuse rows with blank cells beyond the header unless all have them and none is numbered."""
    if not wide:
        return
    numbers = [row.values[keys[0]] for row in rows]
    is_numbered = any(numbers == list(map(str, range(n, n + len(rows)))) for n in (0, 1))
    if len(wide) < len(rows) or is_numbered:
        raise TableFault(
            f"has more cells than the header names ({len(keys)}); name each column, or take the "
            "separator at the line's end away",
            wide[0],
        )


def _refuse_twins(columns: Sequence[str], line: int) -> None:
    named: set[str] = set()
    for column in filter(None, columns):  # a spreadsheet leaves nameless columns at the end
        if column.casefold() in named:
            raise TableFault(
                f"two columns are called {shown(column)} (whatever the case); rename one of them",
                line,
            )
        named.add(column.casefold())

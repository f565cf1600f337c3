"""A table of numbers, as people and programs save traces: read block by block, checked by line.

R rows, C columns. Commas, semicolons, tabs or runs of spaces separate columns; decimals have a
point or a comma. A blank cell is NaN; a row of another width than the header's is refused.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

import numpy as np

from raphe.core.errors import RapheError
from raphe.core.files.csv_text import restored
from raphe.core.sentences import counted
from raphe.core.tables.dialect import (
    IS_DECIMAL,
    ONE_COLUMN,
    RUNS_OF_SPACES,
    SEPARATOR_WORDS,
    hint_of_numerals,
    is_number,
    number,
    quoted,
    refuse_thousands,
    shown,
    sniff,
    split,
)
from raphe.core.tables.header import has_names, second_header
from raphe.core.tables.number_table import NumberTable, matched, without_blank_columns
from raphe.core.tables.text import Block, TableFault, blocks, named_separator, opened

SNIFFED_LINES = 30
LEAST_SNIFFED = 4  # however long the lines are
LEADING_ZERO = re.compile(r"(?:^|,)[ \t]*[+-]?0\d+[ \t]*(?=,|$)", re.MULTILINE)


def read_numbers(
    path: Path,
    error_type: type[RapheError],
    has_header: bool | None = None,
    rows_are_traces: bool = False,
    may_be_empty: bool = False,
) -> NumberTable:
    """Read a table of numbers; without `has_header` it is told by what the first line holds.

    `rows_are_traces` allows a name before each row, and a row of times above them; `may_be_empty`
    a header without rows. Raises `error_type`, with the line, for whatever is no such table or can
    be read in two ways.
    """
    with opened(path, error_type) as stream:
        return parse_numbers(stream, has_header, rows_are_traces, may_be_empty=may_be_empty)


def parse_numbers(
    stream: BinaryIO,
    has_header: bool | None = None,
    rows_are_traces: bool = False,
    numbers_are_names: bool = True,
    may_be_empty: bool = False,
) -> NumberTable:
    """As `read_numbers`, of bytes. Raises TableFault, and what the stream does.

    Without `numbers_are_names` a first line of numbers is the first row.
    """
    parts = blocks(stream)
    first_line, beginning = _beginning(parts)
    separator = named_separator(beginning[0]) if beginning else None
    if separator:
        first_line, beginning = first_line + 1, beginning[1:]
    while beginning and not beginning[0].strip():
        first_line, beginning = first_line + 1, beginning[1:]
    sample = [text for text in beginning[:SNIFFED_LINES] if text.strip()]
    if not sample:
        raise TableFault("expected a header line above rows of numbers, got an empty file")
    if separator is None:
        separator = _at(first_line, sniff, sample, has_header)
    filled = (
        line for line in enumerate(beginning, first_line) if not _is_blank(line[1], separator)
    )
    names: list[str] = []
    status: tuple[str, ...] = ()
    may_be_names = has_header is None and numbers_are_names and not rows_are_traces
    n_sniffed = SNIFFED_LINES if may_be_names else LEAST_SNIFFED
    sniffed = [_at(line, split, text, separator) for line, text in islice(filled, n_sniffed)]
    if has_header is None:
        has_header = _at(first_line, has_names, sniffed, rows_are_traces, numbers_are_names)
    cells = sniffed[:LEAST_SNIFFED]
    if has_header:
        names = [restored(name.strip()) for name in cells.pop(0)]
        first_line, beginning = first_line + 1, beginning[1:]
        while len(names) > 1 and beginning and _is_blank(beginning[0], separator):
            first_line, beginning = first_line + 1, beginning[1:]
        if cells and not rows_are_traces:
            status = _at(first_line, second_header, names, cells[0])
        if status:
            names[0] = names[0] or cells[0][0].strip()
            cells.pop(0)
            first_line, beginning = first_line + 1, beginning[1:]
    if not cells and may_be_empty:
        return NumberTable(tuple(names), np.empty((0, len(names))), first_line)
    if not cells:
        raise TableFault("expected rows of numbers below the header, got none", first_line)
    if separator != ",":  # where a comma separates, thousands have none of their own
        numbered = enumerate(beginning[:SNIFFED_LINES], first_line)
        rows_below = [_at(line, split, text, separator) for line, text in numbered if text.strip()]
        _at(first_line, refuse_thousands, rows_below)
    with_row_names = rows_are_traces and not any(is_number(row[0]) for row in cells)
    rows = _Rows(separator, len(cells[0]), names, with_row_names)
    _check_header(names, len(cells[0]), first_line)
    for block in chain([Block(first_line, beginning)], parts):
        rows.add(block)
    return rows.table(first_line, names, status)


def _beginning(parts: Iterator[Block]) -> tuple[int, list[str]]:
    """The first lines of a file and their number, at least LEAST_SNIFFED that are not blank."""
    first_line, lines = 1, list[str]()
    for block in parts:
        lines += block.lines
        if sum(bool(line.strip()) for line in lines[:SNIFFED_LINES]) >= LEAST_SNIFFED:
            break
    return first_line, lines


def _is_blank(text: str, separator: str) -> bool:
    """Whether a line has neither a number nor a separator."""
    return not text.strip(_blanks(separator))


def _blanks(separator: str) -> str | None:
    """What fills a blank line: spaces of any kind, or none that separates."""
    return " " if separator == "\t" else None


def _at(line: int, function, *arguments):
    """What a function gives, or its fault with the line."""
    try:
        return function(*arguments)
    except TableFault as fault:
        raise TableFault(fault.sentence, line if fault.line is None else fault.line) from None


def _check_header(names: Sequence[str], width: int, line: int) -> None:
    """One name too few may be an index's or a separator's at the end, see `matched`."""
    if not names or width - len(names) in (0, 1):
        return
    if width < len(names) and not any(names[width:]):
        return
    raise TableFault(
        f"expected {len(names)} columns as the header names, got {width}; name each column, "
        "separate all lines alike, and put a name that holds the separator between quotes",
        line,
    )


class _Rows:
    """The numbers of a table, as they are read."""

    def __init__(
        self, separator: str, width: int, names: Sequence[str], with_row_names: bool
    ) -> None:
        self.separator, self.width, self.names = separator, width, names
        self.row_names: list[str] | None = [] if with_row_names else None
        self.n_numbers = width - with_row_names  # in a row
        self.values = np.empty((1024, self.n_numbers))
        self.n = 0
        self.n_blank = 0  # lines inside
        self.blank_line: int | None = None  # the first of those that may end the table
        self.marks: dict[str, int] = {}  # "." and ",", and the line in which each comes first
        self.is_decimal = False  # a comma cannot be of thousands

    def add(self, block: Block) -> None:
        """Append the numbers of consecutive lines."""
        line, lines = block.first_line, block.lines
        blanks = _blanks(self.separator)
        if "" not in [text.strip(blanks) for text in lines]:
            self._take(line, lines)
            return
        start = 0
        for place, text in enumerate([*lines, ""]):
            if not _is_blank(text, self.separator):
                continue
            if place > start:
                self._take(line + start, lines[start:place])
            if place < len(lines) and self.blank_line is None:
                self.blank_line = line + place
            start = place + 1

    def table(self, first_line: int, names: Sequence[str], status: tuple[str, ...]) -> NumberTable:
        """What was read, once all is."""
        self.values.resize((self.n, self.n_numbers), refcheck=False)
        self._check_marks()
        if self.n_blank > 2 and 2 * self.n_blank >= self.n - 1:
            raise TableFault(
                "every second line is blank: the ends of the lines are damaged; save the table "
                "anew, or take the blank lines out"
            )
        table = NumberTable(
            tuple(names) or ("",) * self.width,
            self.values,
            first_line,
            row_names=tuple(self.row_names or ()),
            status=status,
            remarks=self._remarks(),
        )
        if self.row_names is not None:
            return replace(table, names=table.names[1:], corner=table.names[0])
        return without_blank_columns(matched(table))

    def _take(self, line: int, lines: Sequence[str]) -> None:
        """Append lines of which none is blank."""
        if self.blank_line is not None:
            missing = line - self.blank_line
            if self.width > 1:
                raise TableFault(
                    "is blank in the middle of the table; take it out, or write its separators if "
                    "it is a sample that is missing",
                    self.blank_line,
                )
            self.n_blank, self.blank_line = self.n_blank + missing, None
            self._append(np.full((missing, self.n_numbers), np.nan))
        body = "\n".join(lines)
        if '"' in body:
            self._append(self._by_cell(line, lines))
            return
        if self.row_names is not None:
            heads, lines = zip(*(self._cut(text) for text in lines), strict=True)
            self.row_names += heads
            body = "\n".join(lines)
        if self.separator != ",":
            self._note_marks(line, lines, body)
            if "," in body:
                body = body.replace(",", ".")
        elif "." not in body and (match := LEADING_ZERO.search(body)):
            raise TableFault(
                f"holds {shown(match[0].lstrip(','))}, as the digits behind a decimal comma; "
                "write decimals with a point, or separate columns by semicolons",
                line + body[: match.start() + 1].count("\n"),
            )
        self._append(self._parsed(line, lines, body))

    def _parsed(self, line: int, lines: Sequence[str], body: str) -> np.ndarray:
        separator = self.separator if self.separator.strip(" ") else None
        for fill in (False, True) if separator else (False,):
            text = _with_nan(body, separator) if fill and separator else body
            try:
                values = np.loadtxt(text.split("\n"), delimiter=separator, comments=None, ndmin=2)
            except ValueError:  # blank cells, other words for missing; or a fault, to be told
                continue
            if values.shape == (len(lines), self.n_numbers):
                return values
        return self._by_cell(line, lines, self.n_numbers)

    def _by_cell(
        self, first_line: int, lines: Sequence[str], width: int | None = None
    ) -> np.ndarray:
        """The same cell by cell: float64 (rows, columns). Raises TableFault for what is none."""
        values = np.empty((len(lines), self.n_numbers))
        for line, text, row in zip(range(first_line, 10**12), lines, values, strict=False):
            cells = _at(line, split, text, self.separator)
            if len(cells) != (width or self.width):
                self._refuse_width(line, len(cells) + (self.width - width if width else 0))
            if width is None and self.row_names is not None:
                self.row_names.append(restored(cells.pop(0).strip()))
            if width is None:
                self._note_marks(line, cells, "\n".join(cells), one_line=True)
            for place, cell in enumerate(cells):
                value = number(cell, "," if "," in self.marks else ".")
                if value is None:
                    self._refuse_cell(line, place, cell)
                row[place] = value
        return values

    def _refuse_width(self, line: int, width: int) -> None:
        raise TableFault(
            f"expected {counted('cell', self.width)} as the rows above, got {width}; give every "
            f"row as many (columns are separated by {self._separator_word()})",
            line,
        )

    def _refuse_cell(self, line: int, place: int, cell: str) -> None:
        place += self.row_names is not None
        name = self.names[place] if len(self.names) == self.width else ""
        hint = hint_of_numerals(cell) or (
            "write times in seconds, or take them out"
            if ":" in cell
            else "remove what is not a number, and leave a cell blank where one is missing"
        )
        raise TableFault(
            f"expected numbers, column {quoted(name) or place + 1} holds {shown(cell)}; {hint}",
            line,
        )

    def _note_marks(
        self, line: int, lines: Iterable[str], body: str, one_line: bool = False
    ) -> None:
        """Note which marks numbers have, of a block or of one line's cells."""
        for mark in ".,":
            if mark not in self.marks and mark in body:
                places = (place for place, text in enumerate(lines) if mark in text)
                self.marks[mark] = line + (0 if one_line else next(places))
        if len(self.marks) == 2:
            line = max(self.marks.values())
            raise TableFault(
                "numbers have both a comma and a point; write decimals with a point, and "
                "thousands without a separator",
                line,
            )
        if "," in self.marks and not self.is_decimal:
            self.is_decimal = IS_DECIMAL.search(body) is not None

    def _check_marks(self) -> None:
        if "," in self.marks and not self.is_decimal:
            raise TableFault(
                "whether its commas mark decimals or thousands cannot be told: each has three "
                "digits behind it; write decimals with a point, and thousands without a separator",
                self.marks[","],
            )

    def _remarks(self) -> tuple[str, ...]:
        remarks = []
        if self.separator not in (",", ONE_COLUMN):
            remarks.append(f"columns are separated by {self._separator_word()}")
        if "," in self.marks:
            remarks.append("a comma marks decimals")
        return (f"read so: {' and '.join(remarks)}",) if remarks else ()

    def _separator_word(self) -> str:
        return SEPARATOR_WORDS.get(self.separator, repr(self.separator))

    def _cut(self, text: str) -> tuple[str, str]:
        """A row's name, and its numbers."""
        if self.separator == RUNS_OF_SPACES:
            head, *numbers = text.split(None, 1)
            return head, "".join(numbers)
        head, _, tail = text.partition(self.separator)
        return restored(head.strip()), tail

    def _append(self, values: np.ndarray) -> None:
        n = self.n + len(values)
        if n > len(self.values):  # in place where the system can
            self.values.resize((max(n, len(self.values) * 3 // 2), self.n_numbers), refcheck=False)
        self.values[self.n : n] = values
        self.n = n


def _with_nan(body: str, separator: str) -> str:
    """The same lines with nan in their empty cells."""
    body, s = f"\n{body}\n", separator
    for empty in (s + s, s + s, f"\n{s}", f"{s}\n"):  # twice where two can overlap
        if empty in body:
            body = body.replace(empty, f"{empty[0]}nan{empty[1]}")
    return body[1:-1]

"""Tables of cells or units as people save them in CSV, and one spelling for what differs in case.

Comma, semicolon or tab, with or without a byte order mark. Columns are found whatever their case.
Labels that differ in case only are one class, which is spelt as the classes asked for are, and
where none are as in the first row that names it.
"""

import csv
import datetime
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from raphe.core.errors import RapheError

DELIMITERS = ";\t,"


@dataclass(frozen=True)
class Row:
    """One row of a table; blank where it has no value."""

    line: int  # of the file, from 1
    values: dict[str, str]  # by column in lower case

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

    def __contains__(self, column: str) -> bool:
        return column.casefold() in {name.casefold() for name in self.columns}


def read_table(path: Path, error_type: type[RapheError]) -> Table:
    """Read a table with a header; spaces around words are dropped.

    Raises `error_type` for a file that cannot be read as a table, and for two columns of one name.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise error_type(f"{path}: there is no such file; check the path") from None
    except UnicodeDecodeError as error:
        raise error_type(f"{path}: could not be read ({error}); save it as UTF-8") from None
    except OSError as error:
        raise error_type(f"{path}: could not be read ({error.strerror or error})") from None
    first_line = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text), delimiter=max(DELIMITERS, key=first_line.count))
    try:
        columns = tuple(name.strip() for name in next(reader, []))
        _refuse_twins(path, columns, error_type)
        keys = [name.casefold() for name in columns]
        rows = []
        for fields in reader:
            words = [word.strip() for word in fields[: len(keys)]]
            if any(words):
                words += [""] * (len(keys) - len(words))
                rows.append(Row(reader.line_num, dict(zip(keys, words, strict=True))))
    except csv.Error as error:
        raise error_type(
            f"{path}, line {reader.line_num}: is not CSV ({error}); save the table as CSV in UTF-8"
        ) from None
    return Table(path, columns, rows)


def iso_day(text: str, where: str, error_type: type[RapheError]) -> str:
    """A day as YYYY-MM-DD. Raises `error_type` for anything else."""
    try:
        return datetime.date.fromisoformat(text).isoformat()
    except ValueError:
        raise error_type(f"{where}: expected a day such as 2014-03-13, got {text!r}") from None


def spellings(labels: Iterable[str], preferred: Sequence[str] = ()) -> dict[str, str]:
    """How each label is to be spelt: as in `preferred`, else as it was first, whatever the case.

    >>> spellings(["SER", "ser", "nser"], preferred=["NSER"])
    {'SER': 'SER', 'ser': 'SER', 'nser': 'NSER'}
    """
    spelling = {name.casefold(): name for name in preferred}
    return {label: spelling.setdefault(label.casefold(), label) for label in labels}


def _refuse_twins(path: Path, columns: Sequence[str], error_type: type[RapheError]) -> None:
    named: set[str] = set()
    for column in filter(None, columns):  # a spreadsheet leaves nameless columns at the end
        if column.casefold() in named:
            raise error_type(
                f"{path}: two columns are called {column!r} (whatever the case); rename one of them"
            )
        named.add(column.casefold())

"""CSV as every table of this project is written: commas, a header, lines that end in "\\n"; one
that a person keeps stays as it is but for what is changed (see `core.tables.form`).

A spreadsheet computes a cell that begins with =, +, - or @, whoever chose its text: such a cell is
written with an apostrophe before it, as OWASP advises, and without it again once it is read here.
"""

import csv
import io
import numbers
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from raphe.core.errors import RapheError

COMPUTED = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")  # apostrophes of a text come back, too


def csv_text(header: Iterable[Any], rows: Iterable[Iterable[Any]]) -> str:
    """A table as text: the header, then one line a row.

    Values are written as `str` gives them, None as nothing, quoted where they hold a separator, a
    quote or a line break, and text as `neutral` gives it. Raises nothing for rows of other lengths
    than the header's.
    """
    return "".join(csv_line(values) for values in (header, *rows))


def filled(
    header: Sequence[Any], rows: Iterable[Sequence[Any]]
) -> tuple[list[Any], list[list[Any]]]:
    """Header and rows without the columns in which no row has anything."""
    rows = [list(row) for row in rows]
    kept = [i for i in range(len(header)) if any(row[i] not in ("", None) for row in rows)]
    return [header[i] for i in kept], [[row[i] for i in kept] for row in rows]


def csv_line(values: Iterable[Any], separator: str = ",") -> str:
    """One row, with its end of line: for files that grow row by row."""
    text = io.StringIO()
    cells = [
        value if value is None or isinstance(value, numbers.Number) else neutral(str(value))
        for value in values
    ]
    # Before Python 3.13 csv does not quote a lone carriage return, and reads it as a line's end.
    has_return = any(isinstance(cell, str) and "\r" in cell for cell in cells)
    csv.writer(
        text,
        delimiter=separator,
        lineterminator="\n",
        quoting=csv.QUOTE_ALL if has_return else csv.QUOTE_MINIMAL,
    ).writerow(cells)
    return text.getvalue()


def neutral(text: str) -> str:
    """A text as a spreadsheet computes nothing from it; numbers stay as they are.

    >>> neutral("=1+1"), neutral("-0.5"), neutral("A1")
    ("'=1+1", '-0.5', 'A1')
    """
    return f"'{text}" if COMPUTED.match(text) and not _is_number(text) else text


def restored(text: str) -> str:
    """The text that `neutral` was given; one that it cannot have written stays.

    >>> restored(neutral("=1+1")), restored(neutral("'=1+1")), restored("'A1"), restored("'-5")
    ('=1+1', "'=1+1", "'A1", "'-5")
    """
    return text[1:] if text.startswith("'") and neutral(text[1:]) == text else text


def csv_rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a table that this project wrote, by its header. Raises as `csv_lines`."""
    lines = csv_lines(path)
    header = next(lines, [])
    return (dict(zip(header, cells, strict=True)) for cells in lines)


def csv_lines(path: Path) -> Iterator[list[str]]:
    """Header and rows of a table that this project wrote, each text as it was.

    Raises OSError, and ValueError for what such a table cannot hold.
    """
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file, strict=True)
        header: list[str] = []
        while True:
            line = reader.line_num + 1
            try:
                cells = [restored(cell) for cell in next(reader)]
            except StopIteration:
                return
            except csv.Error as error:
                raise ValueError(f"line {line} that is no CSV ({error})") from None
            header = header or cells
            if len(cells) != len(header):
                raise ValueError(f"line {line} of {len(cells)} cells under {len(header)} names")
            yield cells


@contextmanager
def damage_told(
    path: Path,
    error_type: type[RapheError],
    remedy: str,
    expected: str = "a whole table of raphe's own",
) -> Iterator[None]:
    """Tell of a table of this project's own that is gone, cut or damaged in one sentence."""
    try:
        yield
    except KeyError as error:
        reason = f"none called {error.args[0]}"
    except OSError as error:
        reason = error.strerror or str(error)
    except (ValueError, IndexError) as error:
        reason = str(error)
    else:
        return
    raise error_type(f"{path}: expected {expected}, got {reason}; {remedy}")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True

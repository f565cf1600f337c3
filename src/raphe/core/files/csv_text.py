"""CSV as every table of this project is written: commas, a header, lines that end in "\\n"."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any


def csv_text(header: Iterable[Any], rows: Iterable[Iterable[Any]]) -> str:
    """A table as text: the header, then one line a row.

    Values are written as `str` gives them, None as nothing, quoted where they hold a comma, a
    quote or a line break. Raises nothing for rows of other lengths than the header's.
    """
    return csv_line(header) + "".join(map(csv_line, rows))


def filled(
    header: Sequence[Any], rows: Iterable[Sequence[Any]]
) -> tuple[list[Any], list[list[Any]]]:
    """Header and rows without the columns in which no row has anything."""
    rows = [list(row) for row in rows]
    kept = [i for i in range(len(header)) if any(row[i] not in ("", None) for row in rows)]
    return [header[i] for i in kept], [[row[i] for i in kept] for row in rows]


def csv_line(values: Iterable[Any]) -> str:
    """One row, with its end of line: for files that grow row by row."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue()

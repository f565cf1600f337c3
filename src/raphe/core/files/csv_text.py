"""CSV as every table of this project is written: commas, a header, lines that end in "\\n"."""

import csv
import io
from collections.abc import Iterable
from typing import Any


def csv_text(header: Iterable[Any], rows: Iterable[Iterable[Any]]) -> str:
    """A table as text: the header, then one line a row.

    Values are written as `str` gives them, None as nothing, quoted where they hold a comma, a
    quote or a line break. Raises nothing for rows of other lengths than the header's.
    """
    return csv_line(header) + "".join(map(csv_line, rows))


def csv_line(values: Iterable[Any]) -> str:
    """One row, with its end of line: for files that grow row by row."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue()

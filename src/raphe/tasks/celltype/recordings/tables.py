"""Read a CSV table as people save them: comma, semicolon or tab, with or without a BOM."""

import csv
import datetime
from pathlib import Path

from raphe.core.errors import RapheError

DELIMITERS = ";\t,"

Rows = list[tuple[int, dict[str, str]]]  # the number of the line in the file, and its values


def read_table(path: Path, error_type: type[RapheError]) -> tuple[list[str], Rows]:
    """The header and the rows, without spaces around the words; blank lines are left out.

    Raises `error_type` for a file that cannot be read as text.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise error_type(f"{path}: could not be read ({error}); save it as UTF-8") from None
    first = text.partition("\n")[0]
    lines = csv.DictReader(text.splitlines(), delimiter=max(DELIMITERS, key=first.count))
    header = [name.strip() for name in lines.fieldnames or ()]
    lines.fieldnames = header
    rows = []
    for line in lines:
        values = {name: (line[name] or "").strip() for name in header}
        if any(values.values()):
            rows.append((lines.line_num, values))
    return header, rows


def iso_day(text: str, where: str, error_type: type[RapheError]) -> str:
    """A day as YYYY-MM-DD. Raises `error_type` for anything else."""
    try:
        return datetime.date.fromisoformat(text).isoformat()
    except ValueError:
        raise error_type(f"{where}: expected a day such as 2014-03-13, got {text!r}") from None

"""Tables of words, as cells.csv and a table of units: commas, semicolons, quotes, UTF-16."""

from collections.abc import Sequence
from pathlib import Path

from faults.reader import Reader
from raphe.core.errors import RecordingError
from raphe.core.tables.words import read_table

ROWS = 40


def seeds(folder: Path) -> Sequence[Path]:
    names = ("file", "cell_id", "label", "note")
    rows = [names, *((f"{n}.abf", f"A{n}", "SER", f'"by eye, ""{n}"""') for n in range(ROWS))]
    files = []
    for name, separator, encoding in (("commas", ",", "utf-8"), ("excel", ";", "utf-16")):
        files.append(folder / f"{name}.csv")
        text = "".join(separator.join(row) + "\r\n" for row in rows)
        files[-1].write_bytes(text.encode(encoding))
    return files


def read(path: Path) -> int:
    """Bytes of the words, and 300 of each row's table."""
    rows = read_table(path, RecordingError).rows
    return sum(300 + sum(100 + len(word) for word in row.values.values()) for row in rows)


READER = Reader(".csv", seeds, read, (RecordingError,))

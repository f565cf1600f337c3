"""The table beside an array of windows, with its labels, cells, animals, days and sources."""

from collections.abc import Sequence
from pathlib import Path

from faults.reader import Reader
from raphe.core.errors import StoreError
from raphe.tasks.celltype.stores.window_table import choose_classes, read_window_rows

ROWS = 60


def seeds(folder: Path) -> Sequence[Path]:
    names = ("row", "label", "cell_id", "animal", "day", "source")
    rows = [
        (n, ("PV", "SST")[n // 3 % 2], n // 3, f"mouse {n // 6}", "2014-03-13", "rig")
        for n in range(ROWS)
    ]
    text = "".join(",".join(map(str, row)) + "\n" for row in [names, *rows])
    (folder / "units.csv").write_text(text)
    return [folder / "units.csv"]


def read(path: Path) -> int:
    """Bytes of the words, at most 1 kB a row."""
    rows = read_window_rows(path)
    choose_classes(path, rows, None)
    return 1000 * len(rows)


READER = Reader(".csv", seeds, read, (StoreError,))

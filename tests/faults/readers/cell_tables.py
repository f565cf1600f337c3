"""A folder's cells.csv, as it labels the recordings beside it."""

from collections.abc import Sequence
from pathlib import Path

from faults.reader import Reader
from raphe.core.errors import RecordingError
from raphe.tasks.celltype.recordings.files import find_recordings
from raphe.tasks.celltype.recordings.labels import CELL_TABLE, label_recordings

CLASSES = ("SER", "NSER")
CELLS = 20


def seeds(folder: Path) -> Sequence[Path]:
    names = ("file", "cell_id", "label", "day", "animal")
    rows = [(f"{n}.abf", f"A{n}", CLASSES[n % 2], "2014-03-13", f"mouse {n}") for n in range(CELLS)]
    folders = []
    for name, separator in (("commas", ","), ("semicolons", ";")):
        folders.append(folder / name)
        folders[-1].mkdir()
        for n in range(CELLS):
            (folders[-1] / f"{n}.abf").touch()
        text = "".join(separator.join(row) + "\n" for row in [names, *rows])
        (folders[-1] / CELL_TABLE).write_text(text)
    return folders


def read(folder: Path) -> int:
    label_recordings(folder, find_recordings(folder), CLASSES)
    return 0


READER = Reader("", seeds, read, (RecordingError,), beside=CELL_TABLE)

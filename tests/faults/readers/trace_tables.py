"""Tables of traces: commas, decimal commas, spaces, UTF-16."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from faults.reader import Reader
from raphe.core.errors import RecordingError
from raphe.tasks.calcium.recordings.read_traces import read_traces
from raphe.tasks.calcium.recordings.trace_set import TraceOptions

FRAMES = 120


def seeds(folder: Path) -> Sequence[Path]:
    files = {
        "commas.csv": table(",").encode(),
        "excel.csv": b"sep=;\r\n" + table(";").replace(".", ",").encode(),
        "spaces.csv": table("  ").encode("utf-16"),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in files]


def read(path: Path) -> int:
    return read_traces(path, TraceOptions(rate_hz=30.0)).read().nbytes


def table(separator: str) -> str:
    """A time and three traces."""
    rng = np.random.default_rng(0)
    values = np.c_[np.arange(FRAMES) / 30, rng.normal(4, 2, (FRAMES, 3))].round(4)
    rows = [["Time(s)", "C0", "C1", '"C2"'], *([f"{x:g}" for x in row] for row in values)]
    return "".join(separator.join(row) + "\n" for row in rows)


READER = Reader(".csv", seeds, read, (RecordingError,))

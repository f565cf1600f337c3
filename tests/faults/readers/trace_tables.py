"""Tables of traces: commas, decimal commas, spaces, gzip, rows as traces."""

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from faults.reader import Reader
from raphe.core.errors import RecordingError
from raphe.tasks.calcium.recordings.read_traces import read_traces
from raphe.tasks.calcium.recordings.trace_set import TraceOptions

FRAMES = 120


def seeds(folder: Path) -> Sequence[Path]:
    rng = np.random.default_rng(0)
    values = np.c_[np.arange(FRAMES) / 30, rng.normal(4, 2, (FRAMES, 3))].round(4)
    names = ["Time(s)", "C0", "C1", '"C2"']
    files = {
        "commas.csv": _text(names, values, ",").encode(),
        "excel.csv": b"sep=;\r\n" + _text(names, values, ";").replace(".", ",").encode(),
        "spaces.csv": _text(names, values, "  ").encode("utf-16"),
        "packed.csv.gz": gzip.compress(_text(names, values, "\t").encode(), mtime=0),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in files]


def read(path: Path) -> int:
    return read_traces(path, TraceOptions(rate_hz=30.0)).read().nbytes


def _text(names: Sequence[str], values: np.ndarray, separator: str) -> str:
    rows = [names, *([f"{value:g}" for value in row] for row in values)]
    return "".join(separator.join(row) + "\n" for row in rows)


READER = Reader(".csv", seeds, read, (RecordingError,))

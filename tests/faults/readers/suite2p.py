"""Suite2p's folders: the settings, a pickle of which the rate alone is read, are damaged."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from faults.reader import Reader
from raphe.core.errors import RecordingError
from raphe.tasks.calcium.recordings.read_traces import read_traces

N, FRAMES = 4, 200


def seeds(folder: Path) -> Sequence[Path]:
    traces = np.random.default_rng(0).normal(400, 30, (N, FRAMES)).astype(np.float32)
    planes = []
    for number, rate_hz in enumerate((30.0, np.float64(30.0))):
        plane = folder / f"plane{number}"
        plane.mkdir()
        np.save(plane / "F.npy", traces)
        np.save(plane / "Fneu.npy", traces / 2)
        np.save(plane / "iscell.npy", np.ones((N, 2)))
        np.save(plane / "ops.npy", {"Ly": 64, "meanImg": np.eye(8), "fs": rate_hz, "tau": 1.0})
        planes.append(plane)
    return planes


def read(path: Path) -> int:
    return read_traces(path).read().nbytes


READER = Reader("", seeds, read, (RecordingError,), beside="ops.npy")

"""Arrays by name: stored, packed, numbers and texts."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from faults.reader import Reader
from raphe.core.errors import RapheError
from raphe.core.recordings.arrays import load_arrays


def seeds(folder: Path) -> Sequence[Path]:
    traces = np.random.default_rng(0).normal(size=(4, 300))
    np.savez(folder / "stored.npz", traces=traces, rate_hz=30.0, names=np.array(["a", "b"]))
    np.savez_compressed(folder / "packed.npz", traces=traces.astype(np.float32), empty=[])
    return sorted(folder.iterdir())


def read(path: Path) -> int:
    return sum(array.nbytes for array in load_arrays(path, RapheError).values())


READER = Reader(".npz", seeds, read, (RapheError,))

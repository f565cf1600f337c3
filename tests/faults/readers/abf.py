"""Axon binary files: gap-free and episodic, whole channels as `read_abf` returns them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from faults.reader import Reader
from raphe.core.abf.reader import read_abf
from raphe.core.abf.writer import write_abf
from raphe.core.errors import RecordingError


def seeds(folder: Path) -> Sequence[Path]:
    rng = np.random.default_rng(0)
    gap_free = write_abf(folder / "gap_free.abf", rng.normal(0, 10, 4000), 40_000, "pA")
    episodic = write_abf(folder / "episodic.abf", rng.normal(0, 10, (3, 1000)), 20_000, "pA")
    return gap_free, episodic


def read(path: Path) -> int:
    return sum(sweep.read().nbytes for sweep in read_abf(path).sweeps)


READER = Reader(".abf", seeds, read, (RecordingError,))

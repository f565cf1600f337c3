"""The file that marks a recording of Open Ephys, in a folder with its samples."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from faults.reader import Reader
from raphe.core.errors import RecordingError
from raphe.core.neo.reader import read_neo
from rig_files import write_open_ephys

MARKER = "Record Node 104/experiment1/recording2/structure.oebin"


def seeds(folder: Path) -> Sequence[Path]:
    codes = np.random.default_rng(0).integers(-1000, 1000, (1, 256, 2)).astype(np.int16)
    write_open_ephys(folder, codes)
    return [folder / "mouse 3"]


def read(folder: Path) -> int:
    return sum(sweep.read().nbytes for sweep in read_neo(folder / MARKER, channel=0).sweeps)


READER = Reader("", seeds, read, (RecordingError,), beside=MARKER)

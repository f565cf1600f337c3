"""Files of other rigs, one of each format that is a single file, as `read_neo` returns them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from faults.reader import Reader
from raphe.core.errors import RecordingError
from raphe.core.neo.reader import read_neo
from rig_files import (
    write_axograph,
    write_igor,
    write_intan,
    write_spike2,
    write_winedr,
    write_winwcp,
)

WRITERS = (write_axograph, write_igor, write_intan, write_spike2, write_winedr, write_winwcp)


def seeds(folder: Path) -> Sequence[Path]:
    codes = np.random.default_rng(0).integers(-1000, 1000, (1, 256, 2)).astype(np.int16)
    return [write(folder, codes)[0] for write in WRITERS]


def read(path: Path) -> int:
    return sum(sweep.read().nbytes for sweep in read_neo(path, channel=0).sweeps)


READER = Reader("", seeds, read, (RecordingError,))

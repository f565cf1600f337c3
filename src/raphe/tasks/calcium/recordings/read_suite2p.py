"""Suite2p's output: each region's fluorescence less a share of its surround's."""

from pathlib import Path

import numpy as np

from raphe.core.errors import RecordingError
from raphe.tasks.calcium.recordings.npy_matrix import open_npy
from raphe.tasks.calcium.recordings.trace_set import TraceOptions, TraceSet

CELLS, SURROUNDS = "F.npy", "Fneu.npy"


def read_suite2p(path: Path, options: TraceOptions) -> TraceSet:
    """Open F.npy and Fneu.npy of a folder (or F.npy's own): F − neuropil × Fneu, a row a region.

    The rate must be told: Suite2p keeps it in a pickle, which could run code when it is opened.
    """
    folder = path if path.is_dir() else path.parent
    if not (folder / CELLS).is_file():
        raise RecordingError(f"{folder}: expected Suite2p's {CELLS}, found none")
    cells = open_npy(folder / CELLS)
    if options.neuropil and not (folder / SURROUNDS).is_file():
        raise RecordingError(
            f"{folder}: expected {SURROUNDS} beside {CELLS}, found none; pass --neuropil 0 to go "
            "without"
        )
    if not options.neuropil:
        return TraceSet.from_matrix(folder / CELLS, cells, options.rate(folder), "traces-time")
    surrounds = open_npy(folder / SURROUNDS)
    if cells.ndim != 2 or cells.shape != surrounds.shape:
        raise RecordingError(
            f"{folder}: expected {CELLS} and {SURROUNDS} of one shape (regions, time), got "
            f"{cells.shape} and {surrounds.shape}"
        )

    def rows(start: int, stop: int) -> np.ndarray:
        return cells[start:stop] - options.neuropil * surrounds[start:stop].astype(np.float64)

    names = tuple(map(str, range(len(cells))))
    return TraceSet(folder, options.rate(folder), names, cells.shape[1], rows)

"""MATLAB files of traces: a matrix of versions 5, 7 and 7.3, c2s' cells, Suite2p's Fall.mat."""

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
from scipy.io import savemat

from faults.reader import Reader
from raphe.core.errors import RecordingError
from raphe.tasks.calcium.recordings.read_traces import read_traces
from raphe.tasks.calcium.recordings.trace_set import TraceOptions

N, FRAMES = 4, 200


def seeds(folder: Path) -> Sequence[Path]:
    rng = np.random.default_rng(0)
    traces = rng.normal(400, 30, (N, FRAMES))
    cells = np.array([{"calcium": trace, "fps": 30.0} for trace in traces], dtype=object)
    regions = {"F": traces, "Fneu": traces / 2, "iscell": np.ones((N, 2)), "ops": {"fs": 30.0}}
    savemat(folder / "plain.mat", {"dff": traces, "fs": 30.0})
    savemat(folder / "packed.mat", {"dff": traces.astype(np.float32)}, do_compression=True)
    savemat(folder / "cells.mat", {"data": cells}, do_compression=True)
    savemat(folder / "Fall.mat", regions)
    with h5py.File(folder / "hdf5.mat", "w", userblock_size=512) as file:
        file["F"], file["Fneu"], file["ops/fs"] = traces.T, traces.T / 2, [[30.0]]
    return sorted(folder.glob("*.mat"))


def read(path: Path) -> int:
    return read_traces(path, TraceOptions(rate_hz=30.0)).read().nbytes


READER = Reader(".mat", seeds, read, (RecordingError,))

"""CaImAn's results (HDF5), and MATLAB 7.3 in the same format."""

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np

from faults.reader import Reader
from raphe.core.errors import RecordingError
from raphe.tasks.calcium.recordings.read_traces import read_traces
from raphe.tasks.calcium.recordings.trace_set import TraceOptions

N, FRAMES = 4, 200


def seeds(folder: Path) -> Sequence[Path]:
    traces = np.random.default_rng(0).normal(0, 1, (N, FRAMES))
    with h5py.File(folder / "results.hdf5", "w") as file:
        file["estimates/F_dff"] = "NoneType"
        file.create_dataset("estimates/C", data=traces, chunks=(2, 50), compression="gzip")
        file["estimates/YrA"] = traces / 10
        file["estimates/idx_components"], file["estimates/idx_components_bad"] = [0, 2], [1, 3]
        file["params/data/fr"] = 30.0
    with h5py.File(folder / "dff.hdf5", "w") as file:
        file["estimates/F_dff"] = traces
    return [folder / "results.hdf5", folder / "dff.hdf5"]


def read(path: Path) -> int:
    return read_traces(path, TraceOptions(rate_hz=30.0)).read().nbytes


READER = Reader(".hdf5", seeds, read, (RecordingError,))

"""CaImAn's saved results (HDF5): ΔF/F where it was computed, else the raw components."""

from pathlib import Path

import h5py
import numpy as np

from raphe.core.errors import RecordingError
from raphe.tasks.calcium.recordings.trace_set import TraceOptions, TraceSet

DFF, DENOISED, RESIDUAL = "estimates/F_dff", "estimates/C", "estimates/YrA"
RATE = "params/data/fr"


def read_caiman(path: Path, options: TraceOptions) -> TraceSet:
    """Open `estimates/F_dff`, or C + YrA: a component with its noise, as networks were trained on.

    `variable` names another dataset of the file, in which each row is a component.
    """
    with h5py.File(path, "r") as file:
        names = [options.variable] if options.variable else _traces(path, file)
        for name in names:
            if not _is_matrix(file, name):
                raise RecordingError(f"{path}: expected a matrix {name}, found none")
        shapes = {file[name].shape for name in names}
        rate_hz = float(file[RATE][()]) if _is_number(file, RATE) else None
    if len(shapes) > 1:
        raise RecordingError(f"{path}: {' and '.join(names)} differ in shape, {shapes}")
    n_traces, n_samples = shapes.pop()

    def rows(start: int, stop: int) -> np.ndarray:
        with h5py.File(path, "r") as file:
            return sum(file[name][start:stop].astype(np.float64) for name in names)

    labels = tuple(map(str, range(n_traces)))
    return TraceSet(path, options.rate(path, rate_hz), labels, n_samples, rows)


def _traces(path: Path, file: h5py.File) -> list[str]:
    if _is_matrix(file, DFF):
        return [DFF]
    if _is_matrix(file, DENOISED) and _is_matrix(file, RESIDUAL):
        return [DENOISED, RESIDUAL]
    raise RecordingError(
        f"{path}: expected CaImAn's {DFF}, or {DENOISED} and {RESIDUAL}; pass --variable NAME"
    )


def _is_matrix(file: h5py.File, name: str) -> bool:
    item = file.get(name)
    return isinstance(item, h5py.Dataset) and item.ndim == 2 and item.dtype.kind in "fiu"


def _is_number(file: h5py.File, name: str) -> bool:
    item = file.get(name)  # CaImAn writes None as a word
    return isinstance(item, h5py.Dataset) and item.size == 1 and item.dtype.kind in "fiu"

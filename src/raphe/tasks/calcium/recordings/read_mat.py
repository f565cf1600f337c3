"""MATLAB files of traces: a matrix, or c2s' list of cells (Theis et al. 2016)."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from scipy.io import loadmat

from raphe.core.errors import RecordingError
from raphe.tasks.calcium.recordings.read_numpy import choose_array, rate_among
from raphe.tasks.calcium.recordings.trace_set import LAYOUTS, TraceOptions, TraceSet

CELLS = "data"  # c2s' cells, with the fields calcium and fps


def read_mat(path: Path, options: TraceOptions) -> TraceSet:
    """Read a matrix of traces (of several see `choose_array`), or c2s' cells up to version 7."""
    variables = _from_hdf5(path) if h5py.is_hdf5(path) else loadmat(path, simplify_cells=True)
    cells = variables.get(CELLS)
    if options.variable is None and isinstance(cells, dict):
        return _from_cells(path, [cells], options)
    if options.variable is None and isinstance(cells, list):
        return _from_cells(path, cells, options)
    matrix = choose_array(path, variables, options.variable)
    return TraceSet.from_matrix(
        path, matrix, options.rate(path, rate_among(variables)), options.layout
    )


def _from_hdf5(path: Path) -> dict[str, Any]:
    """Version 7.3, which is HDF5 with MATLAB's axes in reverse order."""
    with h5py.File(path, "r") as file:
        numbers = {
            name: item
            for name, item in file.items()
            if isinstance(item, h5py.Dataset) and item.dtype.kind in "fiu"
        }
        return {name: item[()].T.squeeze() for name, item in numbers.items()}


def _from_cells(path: Path, cells: list[dict[str, Any]], options: TraceOptions) -> TraceSet:
    traces = [np.atleast_1d(cell["calcium"]).ravel() for cell in cells]
    rates = dict.fromkeys(cell.get("fps") for cell in cells)
    if len(rates) > 1 and options.rate_hz is None:
        raise RecordingError(
            f"{path}: expected cells of one sampling rate, got {', '.join(map(str, rates))} Hz; "
            "save those of each rate into a file of their own"
        )
    padded = np.full((len(traces), max(map(len, traces))), np.nan)
    for row, trace in zip(padded, traces, strict=True):
        row[: len(trace)] = trace
    return TraceSet.from_matrix(path, padded, options.rate(path, next(iter(rates))), LAYOUTS[0])

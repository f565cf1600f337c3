"""NumPy files of traces: .npy stays on disk, .npz may hold its rate."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.recordings.arrays import load_arrays
from raphe.tasks.calcium.recordings.npy_matrix import open_npy
from raphe.tasks.calcium.recordings.trace_set import TraceOptions, TraceSet

RATE_NAMES = ("rate_hz", "rate", "fs", "fps", "framerate", "frame_rate")
TRACE_NAMES = ("calcium", "traces", "dff", "dF_F", "F")


def read_numpy(path: Path, options: TraceOptions) -> TraceSet:
    """Open a matrix of traces; of several arrays in an .npz see `choose_array`."""
    if path.suffix.lower() == ".npy":
        return TraceSet.from_matrix(path, open_npy(path), options.rate(path), options.layout)
    arrays = load_arrays(path, RecordingError)
    matrix = choose_array(path, arrays, options.variable)
    return TraceSet.from_matrix(
        path, matrix, options.rate(path, rate_among(arrays)), options.layout
    )


def choose_array(path: Path, variables: Mapping[str, Any], variable: str | None) -> np.ndarray:
    """The traces among a file's arrays: the one named, the only one, or the one of a usual name.

    Of any shape; TraceSet.from_matrix judges it. Raises RecordingError where that is not one array.
    """
    arrays = {
        name: array
        for name, array in variables.items()
        if isinstance(array, np.ndarray) and array.ndim and array.size > 1
    }
    if variable is None:
        usual = [name for name in TRACE_NAMES if name in arrays]
        names = usual or list(arrays)
        variable = names[0] if len(names) == 1 else None
    if variable not in arrays:
        raise RecordingError(
            f"{path}: expected one array of traces, got {', '.join(arrays) or 'none'}; pass "
            "--variable NAME"
        )
    return arrays[variable]


def rate_among(variables: Mapping[str, Any]) -> float | None:
    """The sampling rate that a file's variables tell, if they do."""
    for name in RATE_NAMES:
        value = np.asarray(variables.get(name, np.nan))
        if value.size == 1 and value.dtype.kind in "fiu" and np.isfinite(value.item()):
            return float(value.item())
    return None

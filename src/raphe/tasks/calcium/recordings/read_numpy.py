"""NumPy files of traces: .npy stays on disk, .npz may hold its rate."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.recordings.arrays import load_arrays
from raphe.core.sentences import printable
from raphe.tasks.calcium.recordings.read_suite2p import CELLS
from raphe.tasks.calcium.recordings.stored_matrix import open_npy
from raphe.tasks.calcium.recordings.trace_set import TraceOptions, TraceSet

RATE_NAMES = ("rate_hz", "rate", "fs", "fps", "framerate", "frame_rate")
PLAIN = "nothing of Suite2p lies beside it, so it is read as an array of traces as they are"
TRACE_NAMES = ("calcium", "traces", "dff", "dF_F", "F")


def read_numpy(path: Path, options: TraceOptions) -> TraceSet:
    """Open a matrix of traces; of several arrays in an .npz see `choose_array`."""
    if path.suffix.lower() == ".npy":
        traces = TraceSet.from_matrix(path, open_npy(path), options.rate(path), options.layout)
        return replace(traces, notes=(f"{path}: {PLAIN}",)) if path.name == CELLS else traces
    arrays = load_arrays(path, RecordingError)
    name = choose_array(path, arrays, options.variable)
    rate_hz = options.rate(path, rate_among(arrays))
    traces = TraceSet.from_matrix(path, arrays[name], rate_hz, options.layout)
    return replace(traces, obeys=traces.obeys | {"variable"})


def choose_array(path: Path, variables: Mapping[str, Any], variable: str | None) -> str:
    """The name of a file's traces: the array named, the only one, or the one of a usual name.

    `variables` have `ndim` and `size`, whether they are read or not; of any shape, TraceSet judges
    it. Raises RecordingError where that is not one array.
    """
    arrays = [name for name, array in variables.items() if array.ndim and array.size > 1]
    if variable is None:
        usual = [name for name in arrays if name.rpartition(".")[2] in TRACE_NAMES]
        names = usual or arrays
        variable = names[0] if len(names) == 1 else None
    if not arrays:
        raise RecordingError(f"{path}: expected an array of traces in it, found none")
    if variable is None:
        raise RecordingError(
            f"{path}: expected one array of traces, got {', '.join(arrays)}; pass --variable NAME"
        )
    if variable not in arrays:
        raise RecordingError(
            f"{path}: expected an array of traces called {printable(variable)}, found "
            f"{', '.join(arrays)}; correct --variable"
        )
    return variable


def rate_among(variables: Mapping[str, Any]) -> float | None:
    """The sampling rate that a file's variables tell, if they do."""
    for name in RATE_NAMES:
        value = np.asarray(variables.get(name, np.nan))
        if value.size == 1 and value.dtype.kind in "fiu" and np.isfinite(value.item()):
            return float(value.item())
    return None

"""Recordings with their spikes in one MATLAB file, as c2s has them (Theis et al. 2016).

A variable `data`, a cell array of structs or an array of structs, one a recording: `calcium`, `fps`
frames a second, and `spike_times` in ms after the first frame, or `spikes`, counts of each frame.
Recordings of one `cell_num` are of one neuron. T frames, K spikes.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.ranges import fault
from raphe.core.sentences import counted
from raphe.tasks.calcium.recordings.read_mat import GROUND_TRUTH, c2s_cells
from raphe.tasks.calcium.recordings.read_numpy import rate_among
from raphe.tasks.calcium.recordings.read_traces import refuse_idle
from raphe.tasks.calcium.recordings.trace_set import RATE_LIMIT, TraceOptions
from raphe.tasks.calcium.stores.labelled import ReadRecording

TRACE, COUNTS, TIMES, NEURON = "calcium", "spikes", "spike_times", "cell_num"
MS_PER_S = 1000.0
# Times in s, taken as ms, all lie within a thousandth of the recording.
FEWEST_TIMES, SUSPECT = 5, 1 / 500


def read_c2s(path: Path, dataset: str, options: TraceOptions) -> list[ReadRecording]:
    """Every recording of a file; what is wrong with one is its fault.

    Raises RecordingError where the file is none of this form, or does not tell its rate.
    """
    cells = c2s_cells(path)
    if not cells:
        raise RecordingError(
            f"{path}: expected traces with their spikes as c2s has them, a variable data of "
            f"structs with {TRACE} and {TIMES} or {COUNTS}, found none; a second file, "
            "NAME.spikes.…, may hold the spikes, and `raphe import ground-truth` reads files of "
            f"{GROUND_TRUTH}"
        )
    refuse_idle(path, options, frozenset({"rate_hz"}))
    return [
        _recording(path, f"{dataset}/{place}", dataset, cell, options)
        for place, cell in enumerate(cells)
    ]


def _recording(
    path: Path, name: str, dataset: str, cell: Mapping[str, np.ndarray], options: TraceOptions
) -> ReadRecording:
    trace = cell[TRACE].ravel().astype(np.float64)
    rate_hz = options.rate(path, rate_among(cell))
    if not RATE_LIMIT.admits(rate_hz, whole=False):
        raise RecordingError(f"{path}: {name}: {fault(RATE_LIMIT, rate_hz, whole=False)}")
    neuron = cell.get(NEURON, np.empty(0))
    of_neuron = f"{dataset}/cell{neuron.item():g}" if neuron.size == 1 else name
    counts, times = cell.get(COUNTS), cell.get(TIMES)
    if times is not None and (times.size or counts is None):
        spike_s = np.sort(times[np.isfinite(times)]) / MS_PER_S
        why = _fault_of_times(spike_s, len(trace) / rate_hz)
        return ReadRecording(name, dataset, of_neuron, trace, rate_hz, spike_s=spike_s, fault=why)
    why = f"expected {TIMES} or {COUNTS} beside {TRACE}, found neither" if counts is None else ""
    if counts is not None and counts.size != trace.size:
        why = (
            f"{COUNTS}: expected a count for each of {counted('frame', trace.size)}, got "
            f"{counts.size}"
        )
    of_frame = np.zeros(len(trace)) if counts is None or why else counts.ravel().astype(np.float64)
    return ReadRecording(name, dataset, of_neuron, trace, rate_hz, counts=of_frame, fault=why)


def _fault_of_times(spike_s: np.ndarray, duration_s: float) -> str:
    """Why times of spikes (K,) cannot be those of a recording, or ""."""
    if not len(spike_s):
        return ""
    if not ((spike_s >= 0) & (spike_s < duration_s)).any():
        return (
            f"{TIMES}: expected ms from 0 to {MS_PER_S * duration_s:g}, in which the trace was "
            f"imaged, got {_from_to_ms(spike_s)}"
        )
    if len(spike_s) >= FEWEST_TIMES and spike_s[-1] < SUSPECT * duration_s:
        return (
            f"{TIMES}: expected ms, got {len(spike_s)} times from {_from_to_ms(spike_s)} of a "
            f"recording of {duration_s:g} s, as if they were in s"
        )
    return ""


def _from_to_ms(spike_s: np.ndarray) -> str:
    return f"{MS_PER_S * spike_s[0]:g} to {MS_PER_S * spike_s[-1]:g}"

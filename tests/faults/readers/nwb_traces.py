"""NWB files of fluorescence: regions, a clock with a gap, cells and rejected ones."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from faults.reader import Reader
from nwb_files import write_fluorescence
from raphe.core.errors import RecordingError
from raphe.tasks.calcium.recordings.read_traces import read_traces
from raphe.tasks.calcium.recordings.trace_set import TraceOptions

FRAMES, N = 300, 3
ACCEPTED = (True, False, True)


def seeds(folder: Path) -> Sequence[Path]:
    traces = np.random.default_rng(0).normal(1, 0.1, (FRAMES, N))
    times_s = np.arange(FRAMES) / 30 + 4.0 * (np.arange(FRAMES) >= 200)
    return (
        write_fluorescence(folder / "clocked.nwb", {"DfOverF/dff": traces}, accepted=ACCEPTED),
        write_fluorescence(
            folder / "timed.nwb",
            {"Fluorescence/F": traces.astype(np.float32), "Fluorescence/Fneu": traces / 2},
            accepted=ACCEPTED,
            times_s=times_s,
        ),
    )


def read(path: Path) -> int:
    try:
        traces = read_traces(path)
    except RecordingError as error:
        if "--variable" not in str(error):
            raise
        traces = read_traces(path, TraceOptions(variable="processing/ophys/Fluorescence/F"))
    return traces.read().nbytes


READER = Reader(".nwb", seeds, read, (RecordingError,))

"""Recordings with known spikes in the form in which laboratories share them, into a store.

Each file, CAttached_NAME_mini.mat, is one neuron (Rupprecht et al. 2021, Nature Neuroscience
24:1324): MATLAB 5, a row `CAttached` with a struct for each uninterrupted recording of it. A folder
is a dataset. T frames, K spikes.
"""

from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.files.folders import list_files
from raphe.core.files.hashed_folder import sha256_of
from raphe.core.files.left_out import Failure, left_out_words
from raphe.core.matlab.mat5 import mat_variables
from raphe.core.sentences import counted, listed
from raphe.tasks.calcium.recordings.conditioning import Conditioning
from raphe.tasks.calcium.recordings.read_mat import GROUND_TRUTH
from raphe.tasks.calcium.stores.labelled import (
    ImportReport,
    Labelling,
    ReadRecording,
    write_labelled,
)
from raphe.tasks.calcium.stores.trace_store import LabelledRecording

PREFIX, SUFFIX, ENDING = f"{GROUND_TRUTH}_", ".mat", "_mini"
TIME, TRACE, SPIKES = "fluo_time", "fluo_mean", "events_AP"
SPIKES_PER_S = 10_000  # their unit is 0.1 ms
MOST_UNEVEN = 1.5  # frames by which a time stamp may be off the even ones


def import_ground_truth(
    folder: Path | str,
    store: Path | str,
    conditioning: Conditioning | None = None,
    overwrite: bool = False,
) -> ImportReport:
    """Write every recording in `folder`, and in the folders below it, into a store.

    The name of a file's folder is its dataset, the file's own its neuron. What has a fault is left
    out and listed.

    Raises:
        RecordingError: there is no such file, or none that can be read.
        StoreError: all recordings are left out, or the store cannot be written.
    """
    folder = Path(folder)
    listing = list_files(folder, _is_ground_truth)
    if not listing.files:
        raise RecordingError(
            f"{folder}: expected files such as {PREFIX}S1_Cal520_cell2{ENDING}{SUFFIX}, found none"
            f"{left_out_words(listing.left_out)}"
        )
    report = ImportReport(Path(store), left_out=[str(failure) for failure in listing.left_out])
    sources: dict[str, str] = {}
    recordings = _recordings(listing.files, folder, conditioning or Conditioning(), report, sources)
    write_labelled(report, recordings, sources, overwrite)
    return report


def read_neuron(path: Path, dataset: str) -> tuple[list[ReadRecording], list[str]]:
    """The recordings of one neuron, and of those that cannot be taken why, a sentence each.

    Raises RecordingError where the file is none of this form.
    """
    variable = mat_variables(path).get(GROUND_TRUTH)
    value = None if variable is None else variable.read()
    structs = value if isinstance(value, list) else [value]
    if not structs or not all(isinstance(struct, Mapping) for struct in structs):
        raise RecordingError(
            f"{path}: expected a variable {GROUND_TRUTH}, a row of structs with {TIME}, {TRACE} "
            f"and {SPIKES}, found none"
        )
    cell = f"{dataset}/{path.stem.removeprefix(PREFIX).removesuffix(ENDING)}"
    recordings, left_out = [], []
    for number, struct in enumerate(structs, start=1):
        name = cell if len(structs) == 1 else f"{cell}/{number}"
        try:
            recordings.append(_recording(name, dataset, cell, struct))
        except RecordingError as error:
            left_out.append(f"{path}: recording {number} of {len(structs)}: {error}")
    return recordings, left_out


def _is_ground_truth(file: Path) -> bool:
    return file.name.startswith(PREFIX) and file.suffix.casefold() == SUFFIX


def _recordings(
    files: list[Path],
    folder: Path,
    condition: Conditioning,
    report: ImportReport,
    sources: dict[str, str],
) -> Generator[LabelledRecording, None, None]:
    """Those of all files that can be read; of the files `sources` gets the hashes."""
    labelling = Labelling(report)
    for file in files:
        try:
            recordings, left_out = read_neuron(file, file.parent.resolve().name)
        except Exception as error:  # one bad file stops no other
            report.left_out.append(str(Failure.of(file, error)))
            continue
        sources[str(file.relative_to(folder))] = sha256_of(file)
        report.left_out += left_out
        for read in recordings:
            recording = labelling.labelled(read, condition)
            if recording is not None:
                yield recording


def _recording(name: str, dataset: str, cell: str, struct: Mapping[str, Any]) -> ReadRecording:
    """One struct. Raises RecordingError, a reason without the file's name."""
    time_s, trace, events = (_numbers(struct, field) for field in (TIME, TRACE, SPIKES))
    known = np.flatnonzero(np.isfinite(time_s))
    time_s = time_s[: known[-1] + 1] if len(known) else time_s[:0]
    if len(time_s) < 2:
        raise RecordingError(f"{TIME}: expected two frames or more, got {len(time_s)}")
    if len(trace) < len(time_s):
        raise RecordingError(
            f"{TRACE}: expected {len(time_s)} frames as {TIME} has, got {len(trace)}"
        )
    frame_s = (time_s[-1] - time_s[0]) / (len(time_s) - 1)
    if not frame_s > 0:
        raise RecordingError(f"{TIME}: expected times that rise, got {frame_s:g} s a frame")
    even = time_s[0] + frame_s * np.arange(len(time_s))
    uneven = np.abs(time_s - even).max() / frame_s  # NaN: a time is missing inside
    if not uneven <= MOST_UNEVEN:
        raise RecordingError(
            f"{TIME}: expected frames evenly in time, got one "
            f"{'without its time' if np.isnan(uneven) else f'{uneven:.1f} frames off'}"
        )
    spike_s = events[np.isfinite(events)] / SPIKES_PER_S - time_s[0]
    return ReadRecording(
        name,
        dataset,
        cell,
        trace[: len(time_s)],
        1 / frame_s,
        spike_s=np.sort(spike_s),
        is_dff=True,
    )


def _numbers(struct: Mapping[str, Any], field: str) -> np.ndarray:
    """A field as float64 (T,). Raises RecordingError."""
    value = struct.get(field)
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "iuf":
        there = listed([name for name in (TIME, TRACE, SPIKES) if name in struct]) or "none of them"
        raise RecordingError(
            f"expected numbers in {TIME}, {TRACE} and {SPIKES}, found {there}"
            if value is None
            else f"{field}: expected numbers, got something else"
        )
    numbers = np.atleast_1d(value).astype(np.float64)
    if numbers.size and numbers.ndim > 1:
        raise RecordingError(
            f"{field}: expected one row or column of {counted('number', numbers.size)}, got shape "
            f"{value.shape}"
        )
    return numbers.reshape(-1)

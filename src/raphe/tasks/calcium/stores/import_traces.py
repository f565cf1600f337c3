"""Recordings with known spikes, from pairs of files into a store.

A pair is NAME.calcium.csv and NAME.spikes.csv, as the Spikefinder challenge hands them out, or
either in another format of `read_traces`; in place of the second NAME.spike_times.csv, whose
columns bear the traces' names and hold times, on the traces' own clock. NAME.cells.csv may say
which traces are of one neuron. NAME.mat may hold both traces and spikes, see `read_c2s`. The name,
less the challenge's .train or .test, is the dataset.
"""

from collections.abc import Generator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.files.hashed_folder import sha256_of
from raphe.core.files.left_out import Failure
from raphe.core.sentences import listed
from raphe.core.tables.numbers import read_numbers
from raphe.core.tables.words import read_table
from raphe.tasks.calcium.recordings.conditioning import AS_IT_IS, Conditioning
from raphe.tasks.calcium.recordings.read_csv import CHALLENGE
from raphe.tasks.calcium.recordings.read_traces import read_traces
from raphe.tasks.calcium.recordings.trace_set import TraceOptions, TraceSet
from raphe.tasks.calcium.stores.labelled import (
    ImportReport,
    Labelling,
    ReadRecording,
    write_labelled,
)
from raphe.tasks.calcium.stores.pairs import TIMES, Pair, find_pairs
from raphe.tasks.calcium.stores.read_c2s import read_c2s
from raphe.tasks.calcium.stores.trace_store import LabelledRecording

HALF_A_FRAME = 0.5


def import_traces(
    folder: Path | str,
    store: Path | str,
    options: TraceOptions | None = None,
    conditioning: Conditioning | None = None,
    overwrite: bool = False,
) -> ImportReport:
    """Write every pair in `folder` into a store; what has a fault is left out and listed.

    The challenge's own files are conditioned already and stay as they are, others go through
    `conditioning`.

    Raises:
        RecordingError: there is no pair, or none that can be read and whose files belong together.
        StoreError: all recordings are left out, or the store cannot be written.
    """
    pairs, alone = find_pairs(Path(folder))
    report = ImportReport(Path(store), left_out=alone)
    sources: dict[str, str] = {}
    recordings = _recordings(pairs, options or TraceOptions(), conditioning, report, sources)
    write_labelled(report, recordings, sources, overwrite)
    return report


def _recordings(
    pairs: dict[str, Pair],
    options: TraceOptions,
    conditioning: Conditioning | None,
    report: ImportReport,
    sources: dict[str, str],
) -> Generator[LabelledRecording, None, None]:
    """Those of all pairs that can be read; of their files `sources` gets the hashes."""
    labelling = Labelling(report)
    for dataset, pair in pairs.items():
        try:
            read, notes = _read_pair(dataset, pair, options)
        except Exception as error:  # one bad pair stops no other
            named = (file for file in pair.files if str(file) in str(error))
            report.left_out.append(str(Failure.of(next(named, pair.calcium), error)))
            continue
        sources |= {path.name: sha256_of(path) for path in pair.files}
        report.notes += notes
        ready = CHALLENGE.fullmatch(pair.calcium.name)
        condition = AS_IT_IS if ready else conditioning or Conditioning()
        for each in read:
            recording = labelling.labelled(each, condition)
            if recording is not None:
                yield recording


def _read_pair(
    dataset: str, pair: Pair, options: TraceOptions
) -> tuple[Iterable[ReadRecording], list[str]]:
    """The recordings of a dataset, and what must be known of all of them.

    Raises RecordingError where the files do not belong together.
    """
    if pair.spikes is None:
        return read_c2s(pair.calcium, dataset, options), []
    calcium = read_traces(pair.calcium, options)
    spikes, notes = _read_spikes(pair.spikes, calcium, options)
    cells = {} if pair.cells is None else read_cells(pair.cells, calcium)
    recordings = (
        ReadRecording(
            name := f"{dataset}/{trace.name}",
            dataset,
            f"{dataset}/{cells[trace.name]}" if cells else name,
            trace.samples,
            calcium.rate_hz,
            fault=trace.fault,
            **known,
        )
        for trace, known in zip(calcium, spikes, strict=True)
    )
    return recordings, [*calcium.notes, *notes]


def _read_spikes(
    path: Path, calcium: TraceSet, options: TraceOptions
) -> tuple[Iterable[Mapping[str, Any]], Sequence[str]]:
    """The spikes of each trace as a ReadRecording has them, and notes on these."""
    if path.name.endswith(TIMES):
        times = read_spike_times(path, calcium)
        notes = [f"{path}: {_clock(calcium)}"] if calcium.first_s else []
        return ({"spike_s": of_trace} for of_trace in times), notes
    spikes = read_traces(path, options)
    shapes = [(len(traces), traces.n_samples) for traces in (calcium, spikes)]
    if shapes[0] != shapes[1] or calcium.rate_hz != spikes.rate_hz:
        raise RecordingError(
            f"{path}: expected {shapes[0][0]} recordings of {shapes[0][1]} samples at "
            f"{calcium.rate_hz:g} Hz as in {calcium.path.name}, got {shapes[1][0]} of "
            f"{shapes[1][1]} at {spikes.rate_hz:g} Hz"
        )
    _refuse_other_order(calcium, spikes)
    _refuse_other_clock(calcium, spikes)
    return ({"counts": trace.samples} for trace in spikes), spikes.notes


def read_spike_times(path: Path, calcium: TraceSet) -> list[np.ndarray]:
    """The spikes (K,) of each trace, in s after its first frame.

    A column holds those of the trace of its name, blank below the last, in s on the clock of the
    traces' own axis; without one, after the first frame. Raises RecordingError for other columns
    than the traces, or times that lie outside them.
    """
    table = read_numbers(path, RecordingError, has_header=True, may_be_empty=True)
    if sorted(table.names) != sorted(calcium.names):
        raise RecordingError(
            f"{path}: expected a column for each of {listed(list(calcium.names))}, as in "
            f"{calcium.path.name}, got {listed(list(table.names))}; where a trace has no spike "
            "leave its column blank"
        )
    first_s = calcium.begins_s
    last_s = first_s + calcium.n_samples / calcium.rate_hz
    remedy = _clock(calcium) if first_s else "give them in s after the first frame"
    columns = dict(zip(table.names, table.values.T, strict=True))
    times = [np.sort(columns[name][~np.isnan(columns[name])]) for name in calcium.names]
    for name, spike_s in zip(calcium.names, times, strict=True):
        if len(spike_s) and not (spike_s[0] >= first_s and spike_s[-1] <= last_s):
            raise RecordingError(
                f"{path}: column {name}: expected times from {first_s:g} to {last_s:g} s, in which "
                f"the trace was imaged, got {spike_s[0]:g} to {spike_s[-1]:g}; {remedy}"
            )
    return [spike_s - first_s for spike_s in times]


def read_cells(path: Path, calcium: TraceSet) -> dict[str, str]:
    """The neuron of each trace, by its name: a row a trace, of the columns `trace` and `cell`.

    Raises RecordingError where rows are not those of the traces, or a cell has no name.
    """
    table = read_table(path, RecordingError)
    if "trace" not in table or "cell" not in table:
        raise RecordingError(
            f"{path}: expected columns trace and cell, got {table.columns_in_words}"
        )
    names = [row["trace"] for row in table.rows]
    if sorted(names) != sorted(calcium.names):
        raise RecordingError(
            f"{path}: expected one row for each of {listed(calcium.names)}, as in "
            f"{calcium.path.name}, got {listed(names or ['none'])}"
        )
    if nameless := [row["trace"] for row in table.rows if not row["cell"]]:
        raise RecordingError(
            f"{path}: expected the name of a cell beside each trace, got none of {listed(nameless)}"
        )
    return {row["trace"]: row["cell"] for row in table.rows}


def _clock(calcium: TraceSet) -> str:
    """On which clock the times of spikes are."""
    return (
        f"the times are those of {calcium.path.name}'s clock, which shows {calcium.first_s:g} s at "
        "the first frame"
    )


def _refuse_other_clock(calcium: TraceSet, spikes: TraceSet) -> None:
    """Refuse counts of frames that were not those of the traces, by the two files' own times."""
    if calcium.first_s is None or spikes.first_s is None:
        return
    if abs(calcium.first_s - spikes.first_s) > HALF_A_FRAME / calcium.rate_hz:
        raise RecordingError(
            f"{spikes.path}: expected a first frame at {calcium.first_s:g} s as in "
            f"{calcium.path.name}, got {spikes.first_s:g} s; give both on one clock, frame by frame"
        )


def _refuse_other_order(calcium: TraceSet, spikes: TraceSet) -> None:
    """Refuse two files that name the same recordings in another order."""
    if calcium.names != spikes.names and sorted(calcium.names) == sorted(spikes.names):
        pairs = zip(calcium.names, spikes.names, strict=True)
        first, other = next(pair for pair in pairs if pair[0] != pair[1])
        raise RecordingError(
            f"{spikes.path}: expected the recordings in the order of {calcium.path.name}, got "
            f"{other} where that has {first}; bring one of them into the other's order"
        )

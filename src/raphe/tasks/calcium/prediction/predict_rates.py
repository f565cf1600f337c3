"""Rates, and spikes by option, of every trace of a file, with an exported ensemble."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from raphe.core.bundles.answers import prediction_json
from raphe.core.errors import RecordingError
from raphe.core.progress import progress
from raphe.tasks.calcium.features.unlike_calcium import unlike_as_a_whole
from raphe.tasks.calcium.metrics.expectation import sentence
from raphe.tasks.calcium.metrics.population_figure import NOISE
from raphe.tasks.calcium.prediction.folder_figures import figures_of
from raphe.tasks.calcium.prediction.infer_rates import Inferrer
from raphe.tasks.calcium.prediction.rate_folder import (
    INFERRED,
    LEFT_OUT,
    MADE_FROM,
    NO_EVENT,
    RATES,
    TABLE,
    UNLIKE,
    RateFolder,
    finished_rows,
    table_row,
)
from raphe.tasks.calcium.prediction.spike_times import spike_times_s
from raphe.tasks.calcium.recordings.trace_set import TraceSet


@dataclass(frozen=True)
class PredictionSummary:
    """What became of a file's traces."""

    out: Path
    what: str  # was inferred, as "rates"
    unit: str
    source: str  # the name of the file
    n_traces: int
    left_out: list[str]  # one line each
    unlike: list[str]
    bridged: list[str]  # traces of which some frames were taken as missing
    no_event: list[str]  # names of traces of which nothing stands out of the noise
    warnings: list[str]  # of the whole file
    to_expect: str  # of its rates, a sentence; "" where the bundle does not tell


def predict_rates(
    traces: TraceSet,
    inferrer: Inferrer,
    out: Path,
    kind: str = "npy",
    spikes: bool = False,
    overwrite: bool = False,
    go_on: bool = False,
) -> PredictionSummary:
    """Write rates and their spread of every trace into a folder, a table and a figure of some.

    After an interruption the same call goes on where it was.

    Args:
        traces: of one file.
        inferrer: what infers.
        out: the folder to make.
        kind: of the files of rates, see RateFolder.
        spikes: also write discrete spike times.
        overwrite: see RateFolder.
        go_on: leave a folder that holds these very answers as it is.

    Raises:
        RecordingError: no trace could be inferred; the table says why.
        StoreError: as RateFolder.
    """
    how = *inferrer.how(traces), spikes
    identity = identity_of(traces, [inferrer.bundle.bundle.content_hash, *how])
    rows = finished_rows(out, RATES, identity, kind) if go_on else None
    if rows is not None:
        return summary(out, "rates", "spikes/s", traces, rows, *_told(traces, inferrer, rows))
    inputs = traces.path, inferrer.bundle.bundle.path
    with RateFolder(out, traces, RATES, identity, kind, spikes, overwrite, inputs) as folder:
        done = folder.files.done
        inferred_traces = inferrer.traces(traces, done)
        for trace in progress(inferred_traces, "Inferring", len(traces) - done):
            rate = np.nan_to_num(trace.rate_per_s)
            times_s = traces.begins_s + spike_times_s(rate, traces.rate_hz) if spikes else ()
            values = trace.rate_per_s, trace.spread_per_s, *vars(trace.counts).values()
            folder.add(values, table_row(trace, folder.next_cell), times_s)
        rows = folder.rows()
        warnings, to_expect = _told(traces, inferrer, rows)
        prediction = prediction_json(
            inferrer.bundle.bundle,
            [*warnings, to_expect],
            traces=traces.path.name,
            frames_per_s=traces.rate_hz,
            first_frame_s=traces.begins_s,
            n_traces=len(traces),
            n_inferred=sum(row["status"] != LEFT_OUT for row in rows),
            dff=inferrer.dff,
            **{MADE_FROM: identity},
            **vars(inferrer.timing),
        )
        folder.finish(figures_of(traces, folder, rows), prediction)
    return summary(out, "rates", "spikes/s", traces, rows, warnings, to_expect)


def _told(
    traces: TraceSet, inferrer: Inferrer, rows: Sequence[Mapping[str, str]]
) -> tuple[list[str], str]:
    """What must be known beside the rates of these rows, and what is to be expected of them."""
    like = (row for row in rows if row["status"] == INFERRED)  # those of training
    rising = (row for row in like if row[NOISE] and not row["remark"].startswith(NO_EVENT))
    noises = [float(row[NOISE]) for row in rising]
    to_expect = sentence(inferrer.bundle.groups, noises, traces.rate_hz)
    inferred = [row["remark"] for row in rows if row["status"] != LEFT_OUT]
    whole = unlike_as_a_whole(inferred)
    return [*inferrer.warnings(traces), *[f"{traces.path}: {whole}"] * bool(whole)], to_expect


def summary(
    out: Path,
    what: str,
    unit: str,
    traces: TraceSet,
    rows: Sequence[Mapping[str, str]],
    warnings: list[str],
    to_expect: str = "",
) -> PredictionSummary:
    """What became of the traces, by the rows of their table.

    Raises RecordingError where nothing could be inferred from any.
    """
    no_event = [row["trace"] for row in rows if row["remark"].startswith(NO_EVENT)]
    left_out, unlike, bridged = (
        [
            f"{row['trace']}: {row['remark']}"
            for row in rows
            if row["remark"] not in ("", NO_EVENT) and row["status"] == status
        ]
        for status in (LEFT_OUT, UNLIKE, INFERRED)
    )
    if len(left_out) == len(rows):
        raise RecordingError(
            f"{traces.path}: expected traces to infer {what} from, {_all(len(traces))} a fault: "
            f"{left_out[0]}; see {out / TABLE}"
        )
    return PredictionSummary(
        out,
        what,
        unit,
        traces.path.name,
        len(traces),
        left_out,
        unlike,
        bridged,
        no_event,
        warnings,
        to_expect,
    )


def _all(n_traces: int) -> str:
    return "its one trace has" if n_traces == 1 else f"every one of {n_traces} has"


def identity_of(traces: TraceSet, how: Sequence[object]) -> str:
    """Of all samples of the traces and their clock, and of what is done to them, JSON values."""
    facts = traces.names, traces.n_samples, traces.rate_hz, traces.begins_s
    digest = hashlib.sha256(json.dumps(facts).encode())
    for _, block in traces.blocks():
        digest.update(np.ascontiguousarray(block))
    return hashlib.sha256(json.dumps([*how, digest.hexdigest()]).encode()).hexdigest()

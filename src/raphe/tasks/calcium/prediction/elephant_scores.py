"""What Elephant's published networks say of every trace of a file: z-scores, no rates.

T frames of a trace.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from raphe.core.bundles.answers import prediction_json
from raphe.core.progress import progress
from raphe.core.threads import in_threads
from raphe.tasks.calcium.elephant.bundle import ElephantBundle
from raphe.tasks.calcium.prediction.folder_figures import figures_of
from raphe.tasks.calcium.prediction.infer_rates import conditioning_of
from raphe.tasks.calcium.prediction.predict_rates import PredictionSummary, identity_of, summary
from raphe.tasks.calcium.prediction.rate_folder import (
    ELEPHANT,
    INFERRED,
    LEFT_OUT,
    MADE_FROM,
    UNLIKE,
    RateFolder,
    finished_rows,
)
from raphe.tasks.calcium.prediction.rate_timing import RateTiming
from raphe.tasks.calcium.prediction.ready_trace import (
    DENOISED,
    MADE_RELATIVE,
    Unusable,
    made_ready,
)
from raphe.tasks.calcium.recordings.conditioning import Conditioning, standardised_noise
from raphe.tasks.calcium.recordings.trace_set import Trace, TraceSet

WHAT, UNIT = "Elephant's numbers", "z-scores, not spikes/s"


@dataclass(frozen=True)
class ElephantInferrer:
    """An opened bundle with the usual conditioning or another; see Inferrer for the rest."""

    bundle: ElephantBundle
    chosen: Conditioning | None = None
    timing: RateTiming = field(default_factory=RateTiming)
    dff: bool = False

    def conditioning(self, traces: TraceSet) -> Conditioning:
        """The one chosen; else the usual one, which is as Elephant's traces were made ready."""
        return conditioning_of(traces, self.chosen, Conditioning())

    def warnings(self, traces: TraceSet) -> list[str]:
        """What must be known beside the answers to all these traces, a sentence each."""
        timed = f"{traces.path}: z-scores are {self.timing}" if self.timing else ""
        made = f"{traces.path}: {MADE_RELATIVE}" * self.dff
        return list(filter(None, (self.bundle.manifest["note"], *traces.told, made, timed)))

    def said(
        self, trace: Trace, rate_hz: float, condition: Conditioning
    ) -> tuple[np.ndarray, tuple[str, ...]]:
        """The z-score in each frame of a trace (T,), and what its row says after its name."""
        try:
            if trace.fault:
                raise Unusable(trace.fault)
            ready = made_ready(trace.samples, rate_hz, condition, self.dff)
        except Unusable as reason:
            nothing = np.full(len(trace.samples), np.nan, np.float32)
            return nothing, (LEFT_OUT, "", "", str(reason))
        answer = ready.in_frames(self.bundle.infer(ready.conditioned.samples))
        denoised = [DENOISED] * ready.screen.is_denoised
        noise = standardised_noise(ready.samples, rate_hz)
        return self.timing(answer, rate_hz), (
            UNLIKE if denoised else INFERRED,
            "" if np.isnan(noise) else f"{noise:.4g}",
            str(self.timing),
            "; ".join([*denoised, *ready.screen.remarks]),
        )


def predict_elephant(
    traces: TraceSet,
    inferrer: ElephantInferrer,
    out: Path,
    kind: str = "npy",
    overwrite: bool = False,
    go_on: bool = False,
) -> PredictionSummary:
    """Write the z-scores of every trace into a folder, a table, and figures of some and of all.

    After an interruption the same call goes on where it was.

    Args:
        traces: of one file.
        inferrer: what infers.
        out: the folder to make.
        kind: of the file of z-scores, see RateFolder.
        overwrite: see RateFolder.
        go_on: leave a folder that holds these very answers as it is.

    Raises:
        RecordingError: nothing could be inferred of any trace; the table says why.
        StoreError: as RateFolder.
    """
    condition = inferrer.conditioning(traces)
    bundle = inferrer.bundle.bundle
    how = [bundle.content_hash, vars(condition), vars(inferrer.timing), inferrer.dff]
    identity, inputs = identity_of(traces, how), (traces.path, bundle.path)
    rows = finished_rows(out, ELEPHANT, identity, kind) if go_on else None
    if rows is not None:
        return summary(out, WHAT, UNIT, traces, rows, inferrer.warnings(traces))
    with RateFolder(
        out, traces, ELEPHANT, identity, kind, overwrite=overwrite, inputs=inputs
    ) as folder:
        done = folder.files.done

        def said(trace: Trace) -> tuple[str, np.ndarray, tuple[str, ...]]:
            return trace.name, *inferrer.said(trace, traces.rate_hz, condition)

        answers = in_threads(said, traces.beginning_with(done), inferrer.bundle.threads)
        for name, answer, row in progress(answers, "Inferring", len(traces) - done):
            folder.add([answer], (name, folder.next_cell, *row))
        rows = folder.rows()
        n_inferred = sum(row["status"] != LEFT_OUT for row in rows)
        prediction = prediction_json(
            bundle,
            inferrer.warnings(traces),
            traces=traces.path.name,
            unit=UNIT,
            frames_per_s=traces.rate_hz,
            n_traces=len(traces),
            n_inferred=n_inferred,
            dff=inferrer.dff,
            **{MADE_FROM: identity},
            **vars(inferrer.timing),
        )
        folder.finish(figures_of(traces, folder, rows, are_scores=True), prediction)
    return summary(out, WHAT, UNIT, traces, rows, inferrer.warnings(traces))

"""Rates, and spikes by option, of every trace of a file, with an exported ensemble.

T frames of a trace at the file's rate, n samples at 100 Hz.
"""

import csv
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.progress import progress
from raphe.tasks.calcium.condition import AS_IT_IS, Conditioning, fault
from raphe.tasks.calcium.rate_bundle import RateBundle
from raphe.tasks.calcium.rate_files import FILES, RateFile
from raphe.tasks.calcium.rates_figure import N_EXAMPLES, Example, rates_figure
from raphe.tasks.calcium.read_csv import CHALLENGE
from raphe.tasks.calcium.score import RATE_HZ
from raphe.tasks.calcium.spike_times import spike_times_s
from raphe.tasks.calcium.trace_domain import outside
from raphe.tasks.calcium.trace_set import TraceSet

SLOWEST_HZ, FASTEST_HZ = 7.0, 100.0  # frame rates of synthetic training
TABLE, FIGURE, SPIKES = "traces.csv", "traces.png", "spikes.csv"


@dataclass(frozen=True)
class Inference:
    """What is said of one trace."""

    name: str
    calcium: np.ndarray  # (T,), as it came
    rate_per_s: np.ndarray  # float32 (T,): NaN where the trace is missing, or all of it
    spread_per_s: np.ndarray  # float32 (T,)
    left_out: str  # why no rate could be inferred, or ""
    unlike: list[str]  # in what it differs from the traces of training


@dataclass
class Summary:
    """What became of a file's traces."""

    out: Path
    n_traces: int = 0
    left_out: list[str] = field(default_factory=list)  # one line each
    unlike: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)  # of the whole file


class Inferrer:
    """An opened bundle with the conditioning it was trained with, or another.

    Raises BundleError.
    """

    def __init__(self, bundle: Path | str, conditioning: Conditioning | None = None) -> None:
        self.bundle = RateBundle.open(bundle)
        self.conditioning = conditioning or self.bundle.conditioning

    def traces(self, traces: TraceSet) -> Iterator[Inference]:
        """Infer one trace after the other; one with a fault is marked, and the next goes on."""
        known = CHALLENGE.fullmatch(traces.path.name)
        condition = AS_IT_IS if known else self.conditioning
        for name, trace in traces:
            yield self._infer(name, trace, traces.rate_hz, condition)

    def _infer(
        self, name: str, trace: np.ndarray, rate_hz: float, condition: Conditioning
    ) -> Inference:
        if reason := fault(trace):
            nothing = np.full(len(trace), np.nan, np.float32)
            return Inference(name, trace, nothing, nothing, reason, [])
        conditioned = condition(trace, rate_hz)
        rates = self.bundle.infer(conditioned.samples)
        missing = np.isnan(trace)
        at_frames = [in_frames(each, len(trace), rate_hz) for each in rates]
        for each in at_frames:
            each[missing] = np.nan
        seen = conditioned.samples[~conditioned.missing]
        unlike = outside(seen, self.bundle.manifest["domain"])
        return Inference(name, trace, *at_frames, "", unlike)


def in_frames(rate_per_s: np.ndarray, n_frames: int, rate_hz: float) -> np.ndarray:
    """The mean rate in each frame, of a rate (n,) at 100 Hz: float32 (n_frames,).

    Frame i lasts from i / rate_hz to (i + 1) / rate_hz; no spike is lost but beyond the last.
    """
    reached = np.concatenate([[0.0], np.cumsum(rate_per_s, dtype=np.float64)]) / RATE_HZ
    ends_s = np.arange(n_frames + 1) / rate_hz
    at_ends = np.interp(ends_s, np.arange(len(reached)) / RATE_HZ, reached)
    return (np.diff(at_ends) * rate_hz).astype(np.float32)


def predict_spikes(
    traces: TraceSet, inferrer: Inferrer, out: Path, kind: str = "npy", spikes: bool = False
) -> Summary:
    """Write `rates` and `spread` of every trace into a folder, a table and a figure of some.

    Args:
        traces: of one file.
        inferrer: what infers.
        out: the folder, made where it is not there.
        kind: of the files of rates, one of rate_files.FORMATS.
        spikes: also write discrete spike times.

    Raises:
        RecordingError: no trace could be inferred; the table says why.
    """
    out.mkdir(parents=True, exist_ok=True)
    summary = Summary(out, len(traces), warnings=_of_rate(traces))
    with ExitStack() as stack:
        rates, spread = (
            stack.enter_context(FILES[kind](out / f"{name}.{kind}", traces.names, traces.n_samples))
            for name in ("rates", "spread")
        )
        writers = _Writers(stack, out, rates, spread, traces.rate_hz, spikes)
        examples: list[Example] = []
        for one in progress(inferrer.traces(traces), "Inferring", len(traces)):
            writers.write(one, summary)
            if not one.left_out and len(examples) < N_EXAMPLES:
                examples.append(Example(one.name, one.calcium, one.rate_per_s))
    if not examples:
        raise RecordingError(
            f"{traces.path}: expected traces to infer rates from, every one of {len(traces)} has a "
            f"fault: {summary.left_out[0]}; see {out / TABLE}"
        )
    rates_figure(examples, traces.rate_hz).savefig(out / FIGURE, dpi=150)
    return summary


def _of_rate(traces: TraceSet) -> list[str]:
    if SLOWEST_HZ <= traces.rate_hz <= FASTEST_HZ:
        return []
    return [
        f"{traces.path}: {traces.rate_hz:g} Hz lies outside the {SLOWEST_HZ:g} to {FASTEST_HZ:g} "
        "Hz of training; take the rates with caution"
    ]


class _Writers:
    """The files that grow by each trace."""

    def __init__(
        self,
        stack: ExitStack,
        out: Path,
        rates: RateFile,
        spread: RateFile,
        rate_hz: float,
        spikes: bool,
    ) -> None:
        self.rates, self.spread, self.rate_hz = rates, spread, rate_hz
        self.table = csv.writer(stack.enter_context((out / TABLE).open("w")), lineterminator="\n")
        self.table.writerow(["trace", "mean_rate_per_s", "mean_spread_per_s", "remark"])
        self.spikes = None
        if spikes:
            file = stack.enter_context((out / SPIKES).open("w"))
            self.spikes = csv.writer(file, lineterminator="\n")
            self.spikes.writerow(["trace", "time_s"])

    def write(self, inference: Inference, summary: Summary) -> None:
        self.rates.append(inference.rate_per_s)
        self.spread.append(inference.spread_per_s)
        if inference.left_out:
            summary.left_out.append(f"{inference.name}: {inference.left_out}")
            self.table.writerow([inference.name, "", "", f"left out: {inference.left_out}"])
            return
        remark = "; ".join(inference.unlike)
        if remark:
            summary.unlike.append(f"{inference.name}: {remark}")
        means = (np.nanmean(each) for each in (inference.rate_per_s, inference.spread_per_s))
        self.table.writerow([inference.name, *(f"{mean:.4g}" for mean in means), remark])
        if self.spikes is not None:
            times = spike_times_s(np.nan_to_num(inference.rate_per_s), self.rate_hz)
            self.spikes.writerows([inference.name, f"{time:.3f}"] for time in times)

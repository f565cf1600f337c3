"""Rates of one trace after the other with an opened bundle.

T frames of a trace at the file's rate, n samples at 100 Hz.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from raphe.core.threads import in_threads
from raphe.tasks.calcium.ensemble.bundle import RateBundle
from raphe.tasks.calcium.features.noise import standardised_noise
from raphe.tasks.calcium.features.training_domain import facts_of, outside
from raphe.tasks.calcium.metrics.expectation import expected
from raphe.tasks.calcium.prediction.rate_timing import RateTiming
from raphe.tasks.calcium.recordings.conditioning import (
    AS_IT_IS,
    RELATIVE_TO_S,
    Conditioning,
    fault,
    relative,
)
from raphe.tasks.calcium.recordings.read_csv import CHALLENGE
from raphe.tasks.calcium.recordings.sampling import RATE_HZ
from raphe.tasks.calcium.recordings.screening import screened
from raphe.tasks.calcium.recordings.trace_set import Trace, TraceSet

SHORTEST_S = 2.0  # of known samples, below which a trace tells nothing of its own noise and scale
DENOISED = (
    "denoised: no noise above its signal, as all traces of training had; give the raw one (of "
    "CaImAn, C + YrA)"
)
MADE_RELATIVE = f"and brought to ΔF/F by their running 5th percentile of {RELATIVE_TO_S:g} s"
NOT_ABOVE_0 = "its baseline is not above 0 throughout, as ΔF/F needs; leave --dff out"
BRIDGED_S = 1.0  # of a gap; the rest is cut out, as it would count as a quiet stretch


@dataclass(frozen=True)
class InferredTrace:
    """What is said of one trace."""

    name: str
    rate_per_s: np.ndarray  # float32 (T,): NaN where the trace is missing, or all of it
    spread_per_s: np.ndarray  # float32 (T,), the members' standard deviation
    left_out: str = ""  # why no rate could be inferred
    unlike: tuple[str, ...] = ()  # in what it differs from the traces of training
    bridged: tuple[str, ...] = ()  # frames that were no fluorescence, and taken as missing
    facts: Mapping[str, float] = field(default_factory=dict)  # it is compared to training by
    no_event: bool = False  # nothing in it stands out of the noise: its rate is 0
    mean_rate: "MeanRate | None" = None  # of the frames that have a rate
    noise: float = np.nan  # before conditioning, see standardised_noise
    expected_correlation: float = np.nan  # with the true spikes; NaN where it cannot be told
    timing: str = ""  # what was done to its rates in the end, a phrase


class MeanRate(NamedTuple):
    """The mean rate of a trace, and the ends between which the true one lies for nine in ten cells
    that networks trained alike had not seen."""

    value: float  # spikes/s
    low: float  # spikes/s, NaN where it is not known
    high: float  # spikes/s, NaN where it is not known


def mean_rate(rate_per_s: np.ndarray, factors: tuple[float, float] | None) -> MeanRate:
    """Of a rate (T,), NaN left out; between `factors` of it the true one lies, where these are
    known. Of a trace without an event no end can be told but 0."""
    value = float(np.nanmean(rate_per_s))
    if not value:
        return MeanRate(value, 0.0, np.nan)
    low, high = (np.nan, np.nan) if factors is None else factors
    return MeanRate(value, low * value, high * value)


class Inferrer:
    """An opened bundle with the conditioning of its training or with another.

    With `dff` traces are fluorescence as it was measured, and brought to ΔF/F first. `timing` is
    what is done to the rates in the end.
    """

    def __init__(
        self,
        bundle: RateBundle,
        conditioning: Conditioning | None = None,
        timing: RateTiming | None = None,
        dff: bool = False,
    ) -> None:
        self.bundle = bundle
        self.chosen = conditioning
        self.timing = timing or RateTiming()
        self.dff = dff

    def conditioning(self, traces: TraceSet) -> Conditioning:
        """The one chosen; else that of training, but none for the challenge's own files."""
        if self.chosen is not None:
            return self.chosen
        return AS_IT_IS if CHALLENGE.fullmatch(traces.path.name) else self.bundle.conditioning

    def warnings(self, traces: TraceSet) -> list[str]:
        """What must be known beside the rates of all these traces, a sentence each."""
        timed = f"{traces.path}: rates are {self.timing}" if self.timing else ""
        made = f"{traces.path}: traces are taken as fluorescence, {MADE_RELATIVE}" * self.dff
        warnings = [*traces.told, self.unlike_rate(traces), made, timed]
        return [warning for warning in (self.bundle.manifest["note"], *warnings) if warning]

    def unlike_rate(self, traces: TraceSet) -> str:
        """A sentence where no imaging of training was as fast or as slow, or ""."""
        slowest, fastest = self.bundle.frame_hz
        if slowest <= traces.rate_hz <= fastest:
            return ""
        return (
            f"{traces.path}: {traces.rate_hz:g} Hz lies outside the {slowest:g} to "
            f"{fastest:g} Hz of training; take the rates with caution"
        )

    def traces(self, traces: TraceSet, first: int = 0) -> Iterator[InferredTrace]:
        """Infer from the trace `first` on; one with a fault is marked, and the next goes on.

        As many at once as the bundle has threads, and a few wait for their turn.
        """
        condition = self.conditioning(traces)

        def infer(trace: Trace) -> InferredTrace:
            return self._of_read(trace, traces.rate_hz, condition)

        return in_threads(infer, traces.beginning_with(first), self.bundle.threads)

    def trace(self, traces: TraceSet, number: int) -> InferredTrace:
        """Infer from one of the traces."""
        trace = next(traces.beginning_with(number))
        return self._of_read(trace, traces.rate_hz, self.conditioning(traces))

    def _of_read(self, read: Trace, rate_hz: float, condition: Conditioning) -> InferredTrace:
        if read.fault:
            return _nothing(read.name, read.samples, read.fault)
        return self.infer(read.name, read.samples, rate_hz, condition)

    def infer(
        self, name: str, trace: np.ndarray, rate_hz: float, condition: Conditioning
    ) -> InferredTrace:
        """Infer from a trace (T,) at its own rate, before conditioning."""
        screen = screened(trace, rate_hz)
        if reason := fault(trace) or fault(screen.samples) or _too_short(screen.samples, rate_hz):
            return _nothing(name, trace, reason)
        trace = screen.samples
        if self.dff:
            missing = np.isnan(trace)
            trace = relative(trace, rate_hz)
            if (np.isnan(trace) & ~missing).any():
                return _nothing(name, screen.samples, NOT_ABOVE_0)
        used = frames_used(trace, rate_hz)
        with np.errstate(over="ignore", invalid="ignore"):
            conditioned = condition(trace[used], rate_hz)
        if not np.isfinite(conditioned.samples).all():
            largest = np.nanmax(np.abs(trace))
            return _nothing(
                name, trace, f"its rates are not finite, because its values reach {largest:.0e}"
            )
        rates = self.bundle.infer(conditioned.samples, rate_hz)
        at_frames = np.full((2, len(trace)), np.nan, np.float32)
        for row, at_100_hz in zip(at_frames, (rates.mean, rates.spread), strict=True):
            row[used] = in_frames(at_100_hz, int(used.sum()), rate_hz)
        at_frames[:, np.isnan(trace)] = np.nan
        facts = facts_of(conditioned.samples[~conditioned.missing])
        unlike = [DENOISED] * screen.is_denoised + outside(facts, self.bundle.domain)
        if remark := rates.rises.remark:
            unlike.insert(0, remark)
        noise = standardised_noise(trace, rate_hz)
        group = expected(self.bundle.groups, noise, rate_hz)
        rate_per_s, spread_per_s = (self.timing(row, rate_hz) for row in at_frames)
        return InferredTrace(
            name,
            rate_per_s,
            spread_per_s,
            unlike=tuple(unlike),
            bridged=screen.remarks,
            facts=facts,
            no_event=not rates.mean.any(),
            mean_rate=mean_rate(rate_per_s, self.bundle.rate_factors),
            noise=noise,
            expected_correlation=np.nan if group is None else group.correlation,
            timing=str(self.timing),
        )


def frames_used(trace: np.ndarray, rate_hz: float) -> np.ndarray:
    """The frames that the network is shown of a trace (T,), bool (T,).

    Those from the first known one to the last, without what a gap has beyond its first second.
    """
    present = ~np.isnan(trace)
    place = np.arange(len(trace))
    last_present = np.maximum.accumulate(np.where(present, place, -len(trace)))
    used = place - last_present <= round(BRIDGED_S * rate_hz)
    used[np.flatnonzero(present)[-1] + 1 :] = False
    return used


def in_frames(rate_per_s: np.ndarray, n_frames: int, rate_hz: float) -> np.ndarray:
    """The mean rate in each frame, of a rate (n,) at 100 Hz: float32 (n_frames,).

    Frame i lasts from i / rate_hz to (i + 1) / rate_hz; no spike is lost but beyond the last.
    """
    reached = np.concatenate([[0.0], np.cumsum(rate_per_s, dtype=np.float64)]) / RATE_HZ
    ends_s = np.arange(n_frames + 1) / rate_hz
    at_ends = np.interp(ends_s, np.arange(len(reached)) / RATE_HZ, reached)
    return (np.diff(at_ends) * rate_hz).astype(np.float32)


def _too_short(trace: np.ndarray, rate_hz: float) -> str:
    known_s = np.count_nonzero(~np.isnan(trace)) / rate_hz
    return (
        f"only {known_s:.2g} s of it are numbers, expected {SHORTEST_S:g} s"
        if known_s < SHORTEST_S
        else ""
    )


def _nothing(name: str, trace: np.ndarray, reason: str) -> InferredTrace:
    nothing = np.full(len(trace), np.nan, np.float32)
    return InferredTrace(name, nothing, nothing, reason)

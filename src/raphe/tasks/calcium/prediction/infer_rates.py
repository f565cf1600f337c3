"""Rates of one trace after the other with an opened bundle.

T frames of a trace at the file's rate.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from raphe.core.threads import in_threads
from raphe.tasks.calcium.ensemble.bundle import RateBundle
from raphe.tasks.calcium.features.rises import FAINT
from raphe.tasks.calcium.features.training_domain import facts_of, outside
from raphe.tasks.calcium.features.unitary_amplitude import (
    UNKNOWN,
    Amplitude,
    unitary_amplitude,
)
from raphe.tasks.calcium.features.unlike_calcium import unlike_calcium
from raphe.tasks.calcium.metrics.expectation import expected
from raphe.tasks.calcium.metrics.second_counts import SecondCounts, second_counts
from raphe.tasks.calcium.prediction.rate_timing import RateTiming
from raphe.tasks.calcium.prediction.ready_trace import (
    DENOISED,
    MADE_RELATIVE,
    Unusable,
    made_ready,
)
from raphe.tasks.calcium.recordings.conditioning import AS_IT_IS, Conditioning, standardised_noise
from raphe.tasks.calcium.recordings.read_csv import CHALLENGE
from raphe.tasks.calcium.recordings.trace_set import Trace, TraceSet

CLOCK = (
    "its clock shows {:g} s at the first frame; times of spikes are on that clock, figures begin "
    "at 0"
)


@dataclass(frozen=True)
class InferredTrace:
    """What is said of one trace."""

    name: str
    rate_per_s: np.ndarray  # float32 (T,): NaN where the trace is missing, or all of it
    spread_per_s: np.ndarray  # float32 (T,), the members' standard deviation
    counts: SecondCounts  # spikes in each whole second
    left_out: str = ""  # why no rate could be inferred
    unlike: tuple[str, ...] = ()  # in what it differs from the traces of training
    bridged: tuple[str, ...] = ()  # frames that were no fluorescence, and taken as missing
    facts: Mapping[str, float] = field(default_factory=dict)  # it is compared to training by
    no_event: bool = False  # nothing in it stands out of the noise: its rate is 0
    mean_rate: "MeanRate | None" = None  # of the frames that have a rate
    noise: float = np.nan  # before conditioning, see standardised_noise
    # With the true spikes; NaN where it cannot be told, as of a rate of 0 or an unlike trace.
    expected_correlation: float = np.nan
    single_spike: Amplitude = UNKNOWN  # how far one lifts the trace, in its unit
    timing: str = ""  # what was done to its rates in the end, a phrase


class MeanRate(NamedTuple):
    """The mean rate of a trace, and the ends between which the true one lies for nine in ten cells
    that networks trained alike had not seen."""

    value: float  # spikes/s
    low: float  # spikes/s, NaN where it is not known
    high: float  # spikes/s, NaN where it is not known


def mean_rate(
    rate_per_s: np.ndarray, factors: tuple[float, float] | None, steepest: float
) -> MeanRate:
    """Of a rate (T,), NaN left out; between `factors` of it the true one lies, where these are
    known. Of a trace without an event no end can be told but 0, and no upper one of a trace of
    which nothing rises much further out of the noise than that, by its steepest rise."""
    value = float(np.nanmean(rate_per_s))
    if not value:
        return MeanRate(value, 0.0, np.nan)
    low, high = (np.nan, np.nan) if factors is None else factors
    return MeanRate(value, low * value, high * value if steepest >= FAINT else np.nan)


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
        return conditioning_of(traces, self.chosen, self.bundle.conditioning)

    def how(self, traces: TraceSet) -> tuple[dict[str, Any], dict[str, Any], bool]:
        """What is done to these traces and their rates, JSON values."""
        return vars(self.conditioning(traces)), vars(self.timing), self.dff

    def warnings(self, traces: TraceSet) -> list[str]:
        """What must be known beside the rates of all these traces, a sentence each."""
        timed = f"{traces.path}: rates are {self.timing}" if self.timing else ""
        made = f"{traces.path}: {MADE_RELATIVE}" * self.dff
        clock = f"{traces.path}: {CLOCK.format(traces.begins_s)}" if traces.begins_s else ""
        warnings = [*traces.told, clock, self.unlike_rate(traces), made, timed]
        return [warning for warning in (self.bundle.manifest["note"], *warnings) if warning]

    def unlike_rate(self, traces: TraceSet) -> str:
        """A sentence where no imaging of training was as fast or as slow, or ""."""
        slowest, fastest = self.bundle.frame_hz
        if self.bundle.knows_rate(traces.rate_hz):
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
            return _nothing(read.name, read.samples, rate_hz, read.fault)
        return self.infer(read.name, read.samples, rate_hz, condition)

    def infer(
        self, name: str, trace: np.ndarray, rate_hz: float, condition: Conditioning
    ) -> InferredTrace:
        """Infer from a trace (T,) at its own rate, before conditioning."""
        try:
            ready = made_ready(trace, rate_hz, condition, self.dff)
        except Unusable as reason:
            return _nothing(name, trace, rate_hz, str(reason))
        conditioned = ready.conditioned
        rates = self.bundle.infer(conditioned.samples, rate_hz)
        facts = facts_of(conditioned.samples[~conditioned.missing])
        unlike = outside(facts, self.bundle.domain)
        if ready.screen.is_denoised:  # of which nothing else can be told, with no noise as measure
            unlike.insert(0, DENOISED)
        elif rates.stands_out and (phrase := unlike_calcium(rates.bins)):
            unlike.insert(0, phrase)
        noise = standardised_noise(ready.samples, rate_hz)
        no_event = not rates.mean.any()
        is_told = not (no_event or unlike)
        group = expected(self.bundle.groups, noise, rate_hz) if is_told else None
        rate_per_s, spread_per_s = (
            self.timing(ready.in_frames(values), rate_hz) for values in (rates.mean, rates.spread)
        )
        return InferredTrace(
            name,
            rate_per_s,
            spread_per_s,
            second_counts(rate_per_s, rate_hz, self.bundle.count_ends),
            unlike=tuple(unlike),
            bridged=ready.screen.remarks,
            facts=facts,
            no_event=no_event,
            mean_rate=mean_rate(rate_per_s, self.bundle.rate_factors, rates.steepest),
            noise=noise,
            expected_correlation=np.nan if group is None else group.correlation,
            single_spike=unitary_amplitude(ready.samples, rate_hz) if is_told else UNKNOWN,
            timing=str(self.timing),
        )


def conditioning_of(
    traces: TraceSet, chosen: Conditioning | None, usual: Conditioning
) -> Conditioning:
    """The one chosen; else the usual one, but none for the challenge's own files."""
    if chosen is not None:
        return chosen
    return AS_IT_IS if CHALLENGE.fullmatch(traces.path.name) else usual


def _nothing(name: str, trace: np.ndarray, rate_hz: float, reason: str) -> InferredTrace:
    nothing = np.full(len(trace), np.nan, np.float32)
    return InferredTrace(name, nothing, nothing, second_counts(nothing, rate_hz, ()), reason)

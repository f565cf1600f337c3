"""When the samples of an NWB series were taken: a rate and a start, or a time for each of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import Any

import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.recordings.missing_samples import missing_after
from raphe.core.recordings.rates import off_even
from raphe.core.sentences import counted

JITTER = 0.1  # of a step, where nothing else is said
GAP = 1.5  # steps from which on samples are missing
COARSEST = 0.4  # of a step: where times are no more exact than this, a gap cannot be told
TIMES_READ = 2**20  # timestamps compared at once
MOST_SEGMENTS = 10_000  # a file with more gaps was not sampled evenly


@dataclass(frozen=True)
class Segment:
    """Samples without a gap between them."""

    first: int
    n_samples: int
    start_s: float


@dataclass(frozen=True, eq=False)
class Clock:
    """Times of N samples.

    Args:
        where: file and series, for sentences.
        n_samples: N.
        rate_hz: sampling rate, or None where each sample has its time.
        start_s: of the first sample.
        times: timestamps (N,) in s, on disk; None where there is a rate.
        jitter: of a step, by which one may differ from the rest. A spike looks the same at JITTER;
            of frames, which last far longer than what is between them, more may be allowed: then
            samples are missing where those behind stay late.
    """

    where: str
    n_samples: int
    rate_hz: float | None
    start_s: float
    times: Any = None
    jitter: float = JITTER

    @classmethod
    def of_rate(cls, where: str, n_samples: int, rate_hz: object, start_s: object) -> "Clock":
        """Raises RecordingError for a rate or a start that is none."""
        rate, start = _number(rate_hz), 0.0 if start_s is None else _number(start_s)
        if not (isfinite(rate) and rate > 0):
            raise RecordingError(f"{where}: expected a sampling rate in Hz above 0, got {rate_hz}")
        if not isfinite(start):
            raise RecordingError(f"{where}: expected a starting time in s, got {start_s}")
        return cls(where, n_samples, rate, start)

    @classmethod
    def of_times(cls, where: str, n_samples: int, times: Any) -> "Clock":
        """Raises RecordingError for times that are not one a sample."""
        n_times, kind = getattr(times, "shape", None), getattr(times, "dtype", None)
        if kind is None or kind.kind not in "iuf" or n_times != (n_samples,):
            raise RecordingError(
                f"{where}: expected a timestamp for each of {counted('sample', n_samples)}, got "
                f"{'none' if n_times is None else f'shape {tuple(n_times)}'}"
            )
        if n_samples < 2:
            raise RecordingError(
                f"{where}: expected a sampling rate, or two timestamps that tell it, got "
                f"{counted('timestamp', n_samples)}"
            )
        return cls(where, n_samples, None, float(times[0]), times)

    @property
    def end_s(self) -> float:
        """When the last sample was over, about."""
        if self.rate_hz is not None:
            return self.start_s + self.n_samples / self.rate_hz
        return float(self.times[self.n_samples - 1])

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        """Raises RecordingError for timestamps that are uneven but for gaps."""
        if self.rate_hz is not None:
            return (Segment(0, self.n_samples, self.start_s),)
        return self._timed[1]

    @property
    def off_s(self) -> float:
        """How far timestamps are off an even clock between gaps, in s; 0 where it is within a step.

        Raises RecordingError as `segments` does.
        """
        if self.rate_hz is not None:
            return 0.0
        spans = (slice(part.first, part.first + part.n_samples) for part in self.segments)
        return max(off_even(self.times[span]) for span in spans)

    @property
    def sampled_hz(self) -> float:
        """The sampling rate, from timestamps where there are only these. Raises RecordingError."""
        return self.rate_hz if self.rate_hz is not None else self._timed[0]

    @cached_property
    def _timed(self) -> tuple[float, tuple[Segment, ...]]:
        step_s, coarse_s = self._step()
        begins, starts_s = [0], [float(self.times[0])]
        ends_s = []
        for first, times in self._blocks():
            steps = np.diff(times)
            stray = np.abs(steps - step_s) > self.jitter * step_s + coarse_s
            gaps = steps >= GAP * step_s
            if self.jitter > JITTER:
                gaps = np.isin(np.arange(len(steps)), missing_after(times, step_s))
            if not (steps > 0).all() or (stray & ~gaps).any():
                worst = first + int(np.argmax(~(steps > 0) | (stray & ~gaps)))
                raise RecordingError(
                    f"{self.where}: expected to be sampled evenly but for gaps, its timestamps are "
                    f"not: {steps[worst - first]:g} s behind sample {worst}, {step_s:g} s as a "
                    "rule; resample it, or leave this recording out"
                )
            at = np.flatnonzero(gaps)
            begins += (first + at + 1).tolist()
            starts_s += times[at + 1].tolist()
            ends_s += times[at].tolist()
            if len(begins) > MOST_SEGMENTS:
                raise RecordingError(
                    f"{self.where}: expected at most {MOST_SEGMENTS} stretches without a gap, its "
                    "timestamps have more; resample it, or leave this recording out"
                )
        ends_s.append(float(self.times[self.n_samples - 1]))
        lengths = np.diff([*begins, self.n_samples])
        within_s = float(np.sum(np.subtract(ends_s, starts_s)))
        n_steps = int(self.n_samples - len(begins))
        rate_hz = n_steps / within_s if n_steps and within_s > 0 else 1 / step_s
        segments = map(Segment, begins, lengths.tolist(), starts_s)
        return _nominal(rate_hz, n_steps), tuple(segments)

    def _step(self) -> tuple[float, float]:
        """The usual step in s, and how exactly times are told."""
        times = np.asarray(self.times[:TIMES_READ])
        last = np.asarray(self.times[self.n_samples - 1 : self.n_samples])
        if not (np.isfinite(times).all() and np.isfinite(last).all()):
            raise RecordingError(
                f"{self.where}: expected timestamps that are numbers, got NaN or infinity"
            )
        step_s = float(np.median(np.diff(times.astype(np.float64))))
        if not step_s > 0:
            raise RecordingError(
                f"{self.where}: expected timestamps that rise, got steps of {step_s:g} s, "
                + (
                    "as where they were rounded; store them unrounded as float64, or give a rate"
                    if step_s == 0
                    else "bring the samples into the order of time, or give a rate"
                )
            )
        most = max(abs(float(times[0])), abs(float(last[0])))
        coarse_s = float(np.spacing(np.asarray(most, _precision(times))))
        if coarse_s > COARSEST * step_s:
            raise RecordingError(
                f"{self.where}: its timestamps are told to {coarse_s:g} s, too coarse for steps of "
                f"{step_s:g} s; store them as float64, or give a rate"
            )
        return step_s, coarse_s

    def _blocks(self) -> Iterator[tuple[int, np.ndarray]]:
        """Times, so many at once, each with the first of the next."""
        for first in range(0, self.n_samples - 1, TIMES_READ):
            block = self.times[first : min(first + TIMES_READ + 1, self.n_samples)]
            yield first, np.asarray(block, np.float64)


def _precision(times: np.ndarray) -> type:
    """That of the floats which times were computed in, whatever they are stored as."""
    with np.errstate(over="ignore"):
        single = times.astype(np.float32)
    return np.float32 if np.array_equal(single.astype(times.dtype), times) else np.float64


def _nominal(rate_hz: float, n_steps: int) -> float:
    """The whole rate that was meant, where that puts no sample half a step elsewhere."""
    whole = round(rate_hz)
    return float(whole) if whole and abs(whole / rate_hz - 1) * n_steps <= 0.5 else rate_hz


def _number(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]  # a file may hold anything
    except (TypeError, ValueError, OverflowError):
        return float("nan")

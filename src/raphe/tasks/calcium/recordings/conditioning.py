"""A trace as every network takes it: at 100 Hz, without gaps, its percentiles at 0 and 1.

The percentiles are those of c2s (Theis et al. 2016), which the challenge's organisers and Elephant
used. T samples at the file's rate, N at 100 Hz.
"""

from bisect import insort
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from scipy.ndimage import rank_filter
from scipy.signal import resample_poly

from raphe.core.errors import SettingError
from raphe.core.ranges import Range, check_ranges
from raphe.core.recordings.rates import rate_ratio
from raphe.core.sentences import number
from raphe.tasks.calcium.recordings.sampling import RATE_HZ

LOW, HIGH = 5, 80  # percentiles that become 0 and 1
BASELINE_S = 40.0  # window of the running percentile, Elephant's choice
RELATIVE_TO_S = 60.0  # of the one that ΔF/F is relative to: longer than bursts, shorter than fading
# It is taken from means over 0.2 s, in a tenth of the time: of 39 real recordings at 7.8 to 500 Hz
# the rates correlate at 0.998 or more, in the median at 0.9999, with those by every frame.
BASELINE_HZ = 5.0
SHORTEST_S = 2.0  # of known samples


@dataclass(frozen=True)
class ConditionedTrace:
    """A trace at 100 Hz; where it is `missing` a gap was bridged, or an end held."""

    samples: np.ndarray  # float32 (N,)
    missing: np.ndarray  # bool (N,)


LEAST_BASELINE_S = 5.0  # a few transients: within a shorter window they are baseline themselves
FEWEST_FRAMES = 10  # of the window: below, its 5th percentile is its least one
Baseline = Annotated[
    float, Range(LEAST_BASELINE_S, noun="seconds", also="or null for none (--baseline 0)")
]


@dataclass(frozen=True)
class Conditioning:
    """How a trace becomes a network's input.

    Args:
        baseline_s: window of the running 5th percentile that is taken off, see `baseline`; None
            takes none off.
        normalise: scale so that the 5th percentile is 0 and the 80th 1.

    Raises:
        SettingError: for a window that is none, or when it is used at a rate that leaves it too
            few frames.
    """

    baseline_s: Baseline | None = BASELINE_S
    normalise: bool = True

    def __post_init__(self) -> None:
        check_ranges(Conditioning, vars(self))

    def __call__(self, trace: np.ndarray, rate_hz: float) -> ConditionedTrace:
        """Condition a trace (T,) that has no fault."""
        assert not fault(trace)
        self._require_frames(rate_hz)
        missing = np.isnan(trace)
        present = np.flatnonzero(~missing)
        span = slice(present[0], present[-1] + 1)
        samples = np.interp(np.arange(len(trace)), present, trace[present])  # holds the ends
        if self.baseline_s is not None:
            samples[span] -= baseline(samples[span], rate_hz, self.baseline_s)
        if self.normalise:
            low, high = np.percentile(samples[present], [LOW, HIGH])
            samples = (samples - low) / (high - low if high > low else 1.0)
        samples[: span.start], samples[span.stop :] = samples[present[0]], samples[present[-1]]
        return _at_100_hz(samples, missing, rate_hz)

    def _require_frames(self, rate_hz: float) -> None:
        if self.baseline_s is not None and self.baseline_s * rate_hz < FEWEST_FRAMES:
            raise SettingError(
                f"a baseline over {self.baseline_s:g} s: expected {FEWEST_FRAMES} frames or more, "
                f"got {self.baseline_s * rate_hz:.3g} at {rate_hz:g} Hz; pass --baseline "
                f"{FEWEST_FRAMES / rate_hz:.4g} or more, or 0 for none"
            )


AS_IT_IS = Conditioning(baseline_s=None, normalise=False)  # the challenge's files: conditioned


def fault(trace: np.ndarray) -> str:
    """Why no rate can be inferred from a trace (T,), or ""."""
    numbers = trace[~np.isnan(trace)]
    if not len(numbers):
        return "no sample is a number"
    if np.isinf(numbers).any():
        return f"{np.isinf(numbers).sum()} of {len(trace)} samples infinite"
    if np.ptp(numbers) == 0:
        return f"constant at {numbers[0]:g}"
    return ""


def too_short(trace: np.ndarray, rate_hz: float) -> str:
    """Why a trace (T,) tells nothing of its own noise and scale, or ""."""
    known_s = np.count_nonzero(~np.isnan(trace)) / rate_hz
    is_whole = not np.isnan(trace).any()
    short = "it is only {} s long" if is_whole else "only {} s of it are numbers"
    return (
        f"{short.format(number(known_s))}, expected {SHORTEST_S:g} s or more"
        if known_s < SHORTEST_S
        else ""
    )


def baseline(samples: np.ndarray, rate_hz: float, window_s: float) -> np.ndarray:
    """The running 5th percentile of means over 0.2 s, linear between them: float64 (T,).

    Slower frames than 5 Hz stand for themselves; at the ends the nearest mean's is held.
    """
    n_frames = max(1, int(rate_hz / BASELINE_HZ))  # in a mean
    begins = np.arange(0, len(samples), n_frames)
    counts = np.diff(begins, append=len(samples))
    means = np.add.reduceat(samples, begins) / counts
    percentiles = running_percentile(means, int(rate_hz * window_s / n_frames))
    return np.interp(np.arange(len(samples)), begins + (counts - 1) / 2, percentiles)


def relative(trace: np.ndarray, rate_hz: float) -> np.ndarray:
    """ΔF/F (T,) as a fraction, of fluorescence (T,) without a fault, by its running baseline.

    NaN stay, and come where the baseline is not above 0.
    """
    present = np.flatnonzero(~np.isnan(trace))
    samples = np.interp(np.arange(len(trace)), present, trace[present])
    below = baseline(samples, rate_hz, RELATIVE_TO_S)
    below[below <= 0] = np.nan
    return np.where(np.isnan(trace), np.nan, (samples - below) / below)


def standardised_noise(trace: np.ndarray, rate_hz: float) -> float:
    """Noise of ΔF/F (T,) as a fraction, in %/√Hz: median |step from frame to frame| / √rate.

    Alike for a slow and a fast microscope (Rupprecht et al. 2021); transients hardly count, being
    few. A frame that is NaN has no step. NaN where there is none at all; of a trace in another unit
    it is in 100 of that.
    """
    steps = np.abs(np.diff(trace))
    known = steps[~np.isnan(steps)]
    return float(100 * np.median(known) / np.sqrt(rate_hz)) if len(known) else np.nan


def running_percentile(samples: np.ndarray, window: int, percentile: float = LOW) -> np.ndarray:
    """The percentile within window // 2 samples to each side, as far as there are any.

    Args:
        samples: (T,), all of them numbers.
        window: in samples.
        percentile: 0 to 100, linear between the two nearest samples.

    Returns:
        float64 (T,), in the unit of the samples.
    """
    samples = np.asarray(samples, dtype=np.float64)
    half, share = window // 2, percentile / 100
    n_ends = min(half, -(-len(samples) // 2))  # samples whose window is cut off, at each end
    percentiles = np.empty(len(samples))
    percentiles[:n_ends] = _of_growing_windows(samples, half, n_ends, share)
    percentiles[len(samples) - n_ends :] = _of_growing_windows(samples[::-1], half, n_ends, share)[
        ::-1
    ]
    if len(samples) > 2 * half:
        whole = slice(half, len(samples) - half)
        rank, between = divmod(share * 2 * half, 1)
        percentiles[whole] = low = rank_filter(samples, int(rank), 2 * half + 1)[whole]
        if between:
            high = rank_filter(samples, int(rank) + 1, 2 * half + 1)[whole]
            percentiles[whole] += (high - low) * between
    return percentiles


def _of_growing_windows(samples: np.ndarray, half: int, n: int, share: float) -> np.ndarray:
    """A percentile of the first half + 1 samples of (T,), the first half + 2 …: (n,)."""
    ordered = sorted(samples[: half + 1].tolist())
    percentiles = np.empty(n)
    for place in range(n):
        rank, between = divmod(share * (len(ordered) - 1), 1)
        low, high = ordered[int(rank)], ordered[min(int(rank) + 1, len(ordered) - 1)]
        percentiles[place] = low + (high - low) * between
        if half + 1 + place < len(samples):
            insort(ordered, samples[half + 1 + place])
    return percentiles


def _at_100_hz(samples: np.ndarray, missing: np.ndarray, rate_hz: float) -> ConditionedTrace:
    ratio = rate_ratio(RATE_HZ, rate_hz)
    if ratio != 1:
        samples = resample_poly(samples, ratio.numerator, ratio.denominator, padtype="edge")
        frame = np.arange(len(samples)) * ratio.denominator // ratio.numerator
        missing = missing[frame]
    return ConditionedTrace(samples.astype(np.float32), missing)

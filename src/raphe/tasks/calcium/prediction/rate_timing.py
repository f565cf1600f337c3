"""Rates moved in time and smoothed, as another clock or a coarser analysis wants them.

T frames; a stretch is a run of frames that have a rate.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from scipy.ndimage import convolve1d
from scipy.signal import lfilter
from scipy.special import erf

from raphe.core.errors import SettingError
from raphe.core.ranges import Range, check_ranges

REACH = 5.0  # standard deviations, beyond which the Gaussian is nothing
HALF_MEAN = (2 / np.pi) ** 0.5  # of a half Gaussian, in its standard deviations

Shift = Annotated[float, Range(-1.0, 1.0, noun="seconds")]
Smooth = Annotated[float, Range(0.025, 0.2, noun="seconds", also="or left out for none")]


@dataclass(frozen=True)
class RateTiming:
    """What is done to rates after they were inferred.

    Args:
        shift_s: by how much they come later; below 0, earlier. Gaps move with them.
        smooth_s: standard deviation of the Gaussian that they are smoothed by; None smooths none.
        causal: smooth by the Gaussian's past half alone, so that no rate tells of later frames; it
            comes later by 0.8 standard deviations on average.

    Raises:
        SettingError: for a value outside its range, or `causal` where nothing is smoothed.
    """

    shift_s: Shift = 0.0
    smooth_s: Smooth | None = None
    causal: bool = False

    def __post_init__(self) -> None:
        check_ranges(RateTiming, vars(self))
        if self.causal and self.smooth_s is None:
            raise SettingError(
                "causal: expected something to smooth, got none; pass --smooth S as well, or leave "
                "--causal out"
            )

    def __bool__(self) -> bool:
        return bool(self.shift_s or self.smooth_s)

    def __str__(self) -> str:
        """As a phrase on rates; "" where nothing is done."""
        phrases = []
        if self.shift_s:
            direction = "later" if self.shift_s > 0 else "earlier"
            phrases.append(f"{abs(self.shift_s):g} s {direction} than inferred")
        if self.smooth_s:
            half = "the past half of " if self.causal else ""
            phrases.append(f"smoothed by {half}a Gaussian of {self.smooth_s:g} s")
        if self.causal and self.smooth_s:
            delay_s = self.smooth_s * HALF_MEAN
            phrases.append(f"which delays them by {delay_s:.2g} s on average")
        return ", ".join(phrases)

    def __call__(self, rate_per_s: np.ndarray, rate_hz: float) -> np.ndarray:
        """The same of a rate (T,), NaN where there is none: float32 (T,).

        A constant rate stays what it is to the ends of a stretch. Spikes are kept but for those
        that leave the trace, and for a share of the ends' own.
        """
        if not self:
            return rate_per_s
        rate = np.asarray(rate_per_s, np.float64)
        if self.smooth_s is not None:
            weights = smoothing_weights(self.smooth_s * rate_hz, self.causal)
            for stretch in _stretches(rate):
                rate[stretch] = _smoothed(rate[stretch], weights, self.causal)
        if self.shift_s:
            rate = _shifted(rate, self.shift_s * rate_hz)
        return rate.astype(np.float32)


def smoothing_weights(deviation: float, causal: bool = False) -> np.ndarray:
    """What a frame's rate adds to its own and to each neighbour's, the nearest first: sum 1.

    `deviation` is in frames. A rate is the mean over its frame, so the Gaussian is integrated over
    both frames: it smooths as much as it should where it is narrower than a frame.
    """
    ends = np.arange(-1, np.ceil(REACH * deviation) + 2)  # in frames
    twice_integrated = (
        ends * erf(ends / deviation / 2**0.5) / 2
        + deviation * np.exp(-((ends / deviation) ** 2) / 2) / (2 * np.pi) ** 0.5
    )
    if causal:
        at_0 = deviation / (2 * np.pi) ** 0.5
        twice_integrated = np.where(ends > 0, 2 * (twice_integrated - at_0), 0)
    weights = np.diff(twice_integrated, 2)  # of the frame itself, the next …
    total = weights.sum() if causal else 2 * weights.sum() - weights[0]
    return weights / total


def _stretches(rate: np.ndarray) -> Iterator[slice]:
    known = np.concatenate([[False], ~np.isnan(rate), [False]])
    ends = np.flatnonzero(known[1:] != known[:-1])
    for begin, end in ends.reshape(-1, 2).tolist():
        yield slice(begin, end)


def _smoothed(rate: np.ndarray, weights: np.ndarray, causal: bool) -> np.ndarray:
    if causal:
        reached = np.cumsum(weights)[np.minimum(np.arange(len(rate)), len(weights) - 1)]
        return lfilter(weights, 1.0, rate) / reached
    return convolve1d(rate, np.concatenate([weights[:0:-1], weights]), mode="reflect")


def _shifted(rate: np.ndarray, frames: float) -> np.ndarray:
    """Moved by a number of frames, whole or not; NaN at the end that nothing is moved to."""
    shifted = np.full(len(rate), np.nan)
    whole = round(frames)
    for stretch in _stretches(rate):
        n = stretch.stop - stretch.start
        reached = np.concatenate([[0.0], np.cumsum(rate[stretch])])
        ends = np.clip(np.arange(n + 1) - (frames - whole), 0, n)  # of the frames as they were
        moved = np.diff(np.interp(ends, np.arange(n + 1), reached)) / np.diff(ends)
        to = np.arange(stretch.start, stretch.stop) + whole
        within = (to >= 0) & (to < len(rate))
        shifted[to[within]] = moved[within]
    return shifted

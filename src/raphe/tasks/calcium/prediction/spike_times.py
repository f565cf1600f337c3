"""Discrete spikes from a rate, where it says that some are more likely than none.

T frames, K spikes.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from scipy.ndimage import convolve1d, maximum_filter1d
from scipy.signal import find_peaks

from raphe.tasks.calcium.prediction.rate_timing import smoothing_weights

# Standard deviations of the Gaussians that a rate is compared with: it tells when a spike was to
# within about so much.
WIDTHS_S = (0.05, 0.1, 0.2)
REACH = 2  # of those, to each side, that belong to the spikes found
VALLEY = 0.8  # of the lower peak beside it: a lower rate between two peaks parts them
LEAST_RATE = 1e-9  # of the highest one: nothing, of which the logarithm is taken


def spike_times_s(rate_per_s: np.ndarray, rate_hz: float) -> np.ndarray:
    """Times of the spikes that a rate (T,) tells, ascending, in seconds from its start: (K,).

    An event is where one spike, drawn as a Gaussian, fits the rate better than none: a rate that is
    low throughout, or whose bumps hold less than a third of a spike, has no events, whatever its
    integral comes to. An event has its integral's number of spikes, to within a half. It is parted
    at its valleys; n spikes of a part are where its integral reaches 1/2, 3/2 … of an n-th of the
    whole, which brings them nearest, on average, to those that the rate stands for.
    """
    counts = np.asarray(rate_per_s, dtype=np.float64) / rate_hz
    times = [
        _placed(counts, part, n)
        for event in _events(counts, rate_hz)
        for part, n in _parts(counts, event)
        if n
    ]
    return np.concatenate(times) / rate_hz if times else np.zeros(0)


def _events(counts: np.ndarray, rate_hz: float) -> Iterator[slice]:
    """Where spikes are more likely than none, of spikes expected in each frame (T,)."""
    within = np.zeros(len(counts) + 2, dtype=bool)
    for width_s in WIDTHS_S:
        weights = smoothing_weights(width_s * rate_hz)
        shape = np.concatenate([weights[:0:-1], weights])
        # Less of the squared difference to the rate than without the spike.
        is_nearer = 2 * convolve1d(counts, shape, mode="constant") > shape @ shape
        around = 2 * int(np.ceil(REACH * width_s * rate_hz)) + 1
        within[1:-1] |= maximum_filter1d(is_nearer, around, mode="constant")
    ends = np.flatnonzero(within[1:] != within[:-1])
    for begin, end in ends.reshape(-1, 2).tolist():
        yield slice(begin, end)


def _parts(counts: np.ndarray, event: slice) -> Iterator[tuple[slice, int]]:
    """An event cut at its valleys, and the number of spikes in each part.

    What rounding leaves of a part is the next one's.
    """
    rates = np.concatenate([[0.0], counts[event], [0.0]])
    logs = np.log(np.maximum(rates, LEAST_RATE * rates.max()))
    peaks, _ = find_peaks(logs, prominence=-np.log(VALLEY))
    valleys = [
        event.start + begin - 1 + int(rates[begin : end + 1].argmin())
        for begin, end in pairwise(peaks.tolist())
    ]
    left = 0.0
    ends = [event.start, *valleys, event.stop]
    for begin, end in pairwise(ends):
        left += counts[begin:end].sum()
        n = max(int(np.floor(left + 0.5)), 0)
        left -= n
        yield slice(begin, end), n


def _placed(counts: np.ndarray, part: slice, n: int) -> np.ndarray:
    """Where n spikes of a part are, in frames from the start: (n,)."""
    reached = np.concatenate([[0.0], np.cumsum(counts[part])])
    rising = np.concatenate([[True], np.diff(reached) > 0])  # one place for each value
    wanted = (np.arange(n) + 0.5) / n * reached[-1]
    return part.start + np.interp(wanted, reached[rising], np.flatnonzero(rising))

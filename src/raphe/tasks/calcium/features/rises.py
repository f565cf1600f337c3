"""How clearly a trace rises out of its noise, beyond what drifts and what hums.

N samples at 100 Hz in units of the noise, see network_input; B bins of at least a frame each.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from scipy import fft

from raphe.tasks.calcium.features.network_input import BIN_HZ, COMMON_HZ, NetworkInput
from raphe.tasks.calcium.recordings.sampling import RATE_HZ, SAMPLES_PER_BIN

WINDOWS_S = (0.15, 0.3, 0.6, 1.0)  # means over so long, before and after, are compared
SLOPE_S = 1.5  # of the means by which it slopes before and after; drift does so for longer
CLEAR = 5.5  # deviations of the noise: white noise rises by more once in 50 million windows
# Of a steepest rise, in deviations of the noise: below, single spikes may be too small to be seen.
# One in twenty such neurons of benchmarks/rate_calibration.py fires 50 times as often as is said.
FAINT = 15.0
FAINTER = 4.5  # of what may be a rise: white noise has one in half an hour, or more seldom
SLOWEST_HUM_HZ = 0.3  # a sine is called hum: transients at even times have overtones
HUM = 30.0  # times the power around it, in the median, which noise exceeds once in a billion lines
AROUND = 50  # lines whose median is taken


class Bins(NamedTuple):
    """Means of a trace over 40 ms, or over a frame where frames are longer."""

    values: np.ndarray  # float64 (B,), of white noise of deviation 1
    per_s: float
    frame_hz: float  # at most 100


def in_bins(shown: NetworkInput) -> Bins:
    """Of a trace in units of its noise."""
    frame_hz = float(np.exp(shown.log_frame_rate[0])) * COMMON_HZ
    n = max(SAMPLES_PER_BIN, int(np.ceil(RATE_HZ / frame_hz)))  # samples in a bin
    whole = shown.samples[: len(shown.samples) // n * n]
    values = whole.reshape(-1, n).mean(axis=1, dtype=np.float64)
    per_s = RATE_HZ / n
    return Bins(values / np.sqrt(min(per_s, frame_hz) / (2 * BIN_HZ)), per_s, frame_hz)


def steps(bins: Bins, windows_s: Iterable[float]) -> dict[float, np.ndarray]:
    """By window from each mean over it to that over the next: (n,), of white noise of deviation 1.

    Windows of 0 s are of a bin.
    """
    reached = np.concatenate([[0.0], np.cumsum(bins.values)])
    found = {}
    for window_s in windows_s:
        n = max(1, round(window_s * bins.per_s))
        sums = reached[n:] - reached[:-n]
        found[window_s] = (sums[n:] - sums[:-n]) / np.sqrt(2 * n)
    return found


class Rises(NamedTuple):
    """How far a trace rises beyond drift and hum, in deviations of such rises of white noise."""

    steepest: float
    clear_s: np.ndarray  # float64 (R,), when those of CLEAR and more are, in order
    fainter_s: np.ndarray  # float64 (R,), when those of FAINTER and more are

    @property
    def tell_silence(self) -> bool:
        """Whether spikes stand out so far that where nothing rises there are none."""
        return self.steepest >= FAINT


def rises_of(bins: Bins) -> Rises:
    """A rise counts beyond the mean of the slopes before and after it; near an end beyond the one
    that there is."""
    steepest, at_most = 0.0, np.zeros(len(bins.values) + 1)
    rises = steps(without_hum(bins), (SLOPE_S, *WINDOWS_S))
    slopes, n_slope = rises.pop(SLOPE_S), round(SLOPE_S * bins.per_s)
    for window_s, rise in rises.items():
        n = max(1, round(window_s * bins.per_s))
        middle = n + np.arange(len(rise))
        two = np.stack([_at(slopes, middle - 2 * n_slope), _at(slopes, middle)])  # (2, rises)
        known = np.isfinite(two).sum(0)
        slope = np.nan_to_num(two).sum(0) / np.maximum(known, 1)
        share = n / n_slope
        variance = np.where(known, 1 + share**2 + share**3 / np.maximum(known, 1), 1)
        beyond = (rise - share**1.5 * slope) / np.sqrt(variance)  # of 1 in white noise
        steepest = max(steepest, float(beyond.max(initial=0.0)))
        at_most[middle] = np.maximum(at_most[middle], beyond)
    clear, fainter = (np.flatnonzero(at_most >= least) for least in (CLEAR, FAINTER))
    return Rises(steepest, clear / bins.per_s, fainter / bins.per_s)


def _at(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Values (n,) at places, NaN beyond their ends."""
    found = np.full(len(places), np.nan)
    inside = (places >= 0) & (places < len(values))
    found[inside] = values[places[inside]]
    return found


def without_hum(bins: Bins) -> Bins:
    """A trace less its strongest line, where one stands far above the spectrum around it."""
    values = bins.values
    spectrum = fft.rfft(values - values.mean()) if len(values) else np.zeros(0)
    power = np.square(np.abs(spectrum))
    first = max(int(np.ceil(SLOWEST_HUM_HZ * len(values) / bins.per_s)), 1)
    if len(power) < first + AROUND:
        return bins
    line = first + int(power[first:-1].argmax())
    around = power[max(line - AROUND // 2, first) : line + AROUND // 2]
    if power[line] < HUM * np.median(around):
        return bins
    before, at, after = spectrum[line - 1 : line + 2]
    place = line + float(np.real((before - after) / (2 * at - before - after)))  # Jacobsen 2007
    phase = 2 * np.pi * place / len(values) * np.arange(len(values))
    waves = np.stack([np.cos(phase), np.sin(phase)])
    hum = 2 * np.einsum("wn,n->w", waves, values - values.mean()) / len(values)
    return bins._replace(values=values - np.einsum("w,wn->n", hum, waves))

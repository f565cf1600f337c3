"""How far one spike lifts a trace, read from the trace alone, where that can be told.

Transients that nothing else is near are weighed by the neuron's own shape of transient; their sizes
pile up at one spike, two spikes and more (after the autocalibration of Deneux et al. 2016). The
lowest pile is one spike's if nothing hides a lower one: there is a gap between it and the noise.
T frames of a trace, E events, W frames around an event.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.signal import find_peaks

from raphe.tasks.calcium.features.network_input import density_of_frames

FASTEST_HZ = 60.0  # frames/s that are kept: more are averaged
SHORTEST_S = 3.0  # of frames without a gap
BEFORE_S, AFTER_S = 0.4, 0.6  # around an event
ALONE_BEFORE_S, ALONE_AFTER_S = 1.0, 0.5  # without another event
APART_S = 0.1
ROUGH_WINDOWS_S = (0.08, 0.25)  # means over so long, before and after, are compared at first
ROUGH = 4.5  # deviations of the noise, of such an event
CLEAR = 4.0  # deviations of what the trace does when it is quiet
NEIGHBOUR = 2.5  # of an event that another is not alone beside
QUIET_S, QUIET_SHARE, QUIET_BIAS = 2.0, 0.2, 1.15  # the quietest fifth of stretches of 2 s
FEWEST_ROUGH, FEWEST_EVENTS = 5, 6
LOWER_SHARE = 2 / 3  # of the first events: the larger ones are bursts, which last longer
ROUNDS = 3
WIDTH = 0.15  # of the kernel that events are counted with, in the logarithm of their size
SUPPORT = 0.3  # of the highest pile, that the lowest one must have
NEAR = 0.35  # in the logarithm, of a pile's events
DELAYS_S = np.arange(-0.2, 0.13, 0.02)
RISES_S = np.geomspace(0.003, 0.4, 9)
DECAYS_S = np.geomspace(0.05, 4.0, 12)


class Shape(NamedTuple):
    """Of a transient."""

    delay_s: float
    rise_s: float
    decay_s: float


@dataclass(frozen=True)
class LowestPile:
    """The smallest events of a trace that there are many of."""

    size: float  # in the trace's unit
    n_events: int
    gap: float  # the least density between it and the noise, over its own
    below: float  # share of the events that are smaller still
    unrest: float  # what the trace does when it is quiet, over what its noise would do
    shape: Shape


class Limits(NamedTuple):
    """Of a pile that is one spike's."""

    gap: float
    n_events: int
    unrest: float
    below: float = 0.15
    rise_s: float = 0.2

    def hold(self, pile: LowestPile) -> bool:
        return (
            pile.gap <= self.gap
            and pile.n_events >= self.n_events
            and pile.unrest <= self.unrest
            and pile.below <= self.below
            and pile.shape.rise_s <= self.rise_s
        )


class Amplitude(NamedTuple):
    """Of one spike, in the trace's unit, and the ends between which the true one lies for nine in
    ten neurons."""

    value: float
    low: float
    high: float

    @property
    def percent(self) -> "Amplitude":
        """Of ΔF/F in %, if the trace is in fractions."""
        return Amplitude(*(100 * value for value in self))


LIMITS = Limits(gap=0.2, n_events=8, unrest=2.2)  # benchmarks/unitary_amplitude.py
TRUE_OVER_TOLD = (0.83, 1.54)  # benchmarks/unitary_amplitude.py
UNKNOWN = Amplitude(np.nan, np.nan, np.nan)


def unitary_amplitude(trace: np.ndarray, rate_hz: float) -> Amplitude:
    """Of one spike of a trace (T,), NaN where a frame is missing; UNKNOWN: it cannot be told."""
    known = trace[~np.isnan(trace)]
    # Squares of a large unit overflow, of a small one vanish; by a power of two no digit is lost.
    unit = 2.0 ** (np.frexp(np.ptp(known))[1] if len(known) else 0)
    pile = lowest_pile([trace / unit], rate_hz)
    if pile is None or not LIMITS.hold(pile):
        return UNKNOWN
    low, high = TRUE_OVER_TOLD
    size = pile.size * unit
    return Amplitude(size, low * size, high * size)


def lowest_pile(traces: Sequence[np.ndarray], rate_hz: float) -> LowestPile | None:
    """Of one neuron's traces (T,) of one rate; None of too few events."""
    n = max(1, int(rate_hz / FASTEST_HZ))
    rate_hz /= n
    stretches = [
        stretch - stretch.mean()
        for trace in traces
        for stretch in _without_gaps(trace[: len(trace) // n * n].reshape(-1, n).mean(axis=1))
        if len(stretch) >= SHORTEST_S * rate_hz
    ]
    if not stretches:
        return None
    noise = _noise(stretches, rate_hz)
    events, sizes = _rough_events(stretches, rate_hz, noise)
    if len(events) < FEWEST_ROUGH:
        return None
    lower = sizes <= np.quantile(sizes, LOWER_SHARE)
    windows = _windows(stretches, rate_hz, events[lower])
    pile = None
    for _ in range(ROUNDS):
        shape = _fitted(windows, rate_hz)
        if shape is None:
            return None
        found = _weighed(stretches, rate_hz, noise, shape)
        if len(found.sizes) < FEWEST_EVENTS:
            return None
        pile, near = _lowest(found, shape)
        if len(near) < FEWEST_ROUGH:
            break
        windows = _windows(stretches, rate_hz, found.events[near])
    return pile


def transient(t_s: np.ndarray, shape: Shape) -> np.ndarray:
    """What one spike at 0 does to a trace, its peak 1, at times (…,)."""
    delay_s, rise_s, decay_s = shape
    since = np.maximum(t_s - delay_s, 0.0)
    at_peak_s = rise_s * np.log1p(decay_s / rise_s)
    peak = (1 - np.exp(-at_peak_s / rise_s)) * np.exp(-at_peak_s / decay_s)
    return (1 - np.exp(-since / rise_s)) * np.exp(-since / decay_s) / peak


def _without_gaps(trace: np.ndarray) -> list[np.ndarray]:
    known = np.concatenate([[False], ~np.isnan(trace), [False]])
    ends = np.flatnonzero(known[1:] != known[:-1])
    return [trace[begin:end] for begin, end in ends.reshape(-1, 2).tolist()]


def _noise(stretches: Sequence[np.ndarray], rate_hz: float) -> float:
    """The deviation of a frame's noise."""
    densities = [float(density_of_frames(stretch, rate_hz)) for stretch in stretches]
    density = np.average(densities, weights=[len(stretch) for stretch in stretches])
    return max(float(density) * np.sqrt(rate_hz / 2), 1e-12)


def _rough_events(
    stretches: Sequence[np.ndarray], rate_hz: float, noise: float
) -> tuple[np.ndarray, np.ndarray]:
    """Steps out of the noise: their stretch and frame (E, 2), their sizes (E,)."""
    events, sizes = [], []
    for number, stretch in enumerate(stretches):
        reached = np.concatenate([[0.0], np.cumsum(stretch)])
        rise = np.zeros(len(stretch))
        for window_s in ROUGH_WINDOWS_S:
            n = max(1, round(window_s * rate_hz))
            sums = reached[n:] - reached[:-n]
            steps = (sums[n:] - sums[:-n]) / np.sqrt(2 * n) / noise
            at = slice(n, n + len(steps))
            rise[at] = np.maximum(rise[at], steps)
        frames = _alone(_peaks(rise, ROUGH, rate_hz), len(stretch), rate_hz)
        events += [(number, frame) for frame in frames.tolist()]
        sizes.append(rise[frames])
    return np.array(events, dtype=int).reshape(-1, 2), np.concatenate(sizes)


def _peaks(values: np.ndarray, least: float, rate_hz: float) -> np.ndarray:
    return find_peaks(values, height=least, distance=max(1, int(APART_S * rate_hz)))[0]


def _alone(frames: np.ndarray, n_frames: int, rate_hz: float) -> np.ndarray:
    """Events (E,) far enough from others and from the ends of their stretch."""
    times_s = frames / rate_hz
    since = np.diff(times_s, prepend=-np.inf)
    until = np.diff(times_s, append=np.inf)
    is_inside = (times_s > 1.5 * BEFORE_S) & ((n_frames - frames) / rate_hz > 1.3 * AFTER_S)
    return frames[(since > ALONE_BEFORE_S) & (until > ALONE_AFTER_S) & is_inside]


def _window_s(rate_hz: float) -> np.ndarray:
    """Times of the frames around an event: (W,)."""
    return np.arange(-int(np.ceil(BEFORE_S * rate_hz)), int(AFTER_S * rate_hz) + 1) / rate_hz


def _windows(stretches: Sequence[np.ndarray], rate_hz: float, events: np.ndarray) -> np.ndarray:
    """What is around events (E, 2), which are sorted by their stretch: (E, W)."""
    around = np.round(_window_s(rate_hz) * rate_hz).astype(int)
    number, frame = events.T
    return np.concatenate(
        [stretch[frame[number == at, None] + around] for at, stretch in enumerate(stretches)]
    )


def _fitted(windows: np.ndarray, rate_hz: float) -> Shape | None:
    """The shape that the median of windows (E, W) is nearest to."""
    times_s = _window_s(rate_hz)
    quiet = windows[:, times_s < -0.1].mean(axis=1, keepdims=True)
    middle = np.median(windows - quiet, axis=0)
    grid, shapes, lengths = _shapes(rate_hz)
    fits = np.einsum("sw,w->s", shapes, middle) / lengths
    best = int(fits.argmax())
    return grid[best] if fits[best] > 0 else None


@lru_cache(maxsize=4)
def _shapes(rate_hz: float) -> tuple[list[Shape], np.ndarray, np.ndarray]:
    """Those that transients are compared with, what each does to a window less its mean (shapes, W)
    and the length of that (shapes,): the same for every trace of a rate."""
    each = np.meshgrid(DELAYS_S, RISES_S, DECAYS_S, indexing="ij")
    grid = [values.reshape(-1, 1) for values in each]
    shapes = transient(_window_s(rate_hz), Shape(*grid))
    shapes -= shapes.mean(axis=1, keepdims=True)
    named = [Shape(*values) for values in np.concatenate(grid, axis=1).tolist()]
    return named, shapes, np.sqrt(np.square(shapes).sum(axis=1))


class _Weighed(NamedTuple):
    """Events by how large a transient of one shape fits them best."""

    events: np.ndarray  # (E, 2), stretch and frame
    sizes: np.ndarray  # (E,)
    least: float  # size of a clear event
    unrest: float


def _weighed(
    stretches: Sequence[np.ndarray], rate_hz: float, noise: float, shape: Shape
) -> _Weighed:
    times_s = _window_s(rate_hz)
    weights = transient(times_s, shape._replace(delay_s=0.0))
    weights -= weights.mean()
    energy = float(np.square(weights).sum())
    fits = [np.correlate(stretch, weights, "valid") / energy for stretch in stretches]
    of_noise = noise / np.sqrt(energy)
    quiet = np.quantile(np.concatenate([_deviations(fit, rate_hz) for fit in fits]), QUIET_SHARE)
    deviation = max(QUIET_BIAS * float(quiet), of_noise)
    before = int(np.ceil(BEFORE_S * rate_hz))
    events, sizes = [], []
    for number, (stretch, fit) in enumerate(zip(stretches, fits, strict=True)):
        peaks = _peaks(fit, NEIGHBOUR * deviation, rate_hz) + before
        frames = _alone(peaks, len(stretch), rate_hz)
        frames = frames[fit[frames - before] > CLEAR * deviation]
        events += [(number, frame) for frame in frames.tolist()]
        sizes.append(fit[frames - before])
    at = np.array(events, dtype=int).reshape(-1, 2)
    return _Weighed(at, np.concatenate(sizes), CLEAR * deviation, float(deviation / of_noise))


def _deviations(fit: np.ndarray, rate_hz: float) -> np.ndarray:
    """Of stretches of QUIET_S."""
    n = max(3, int(QUIET_S * rate_hz))
    mean = uniform_filter1d(fit, n)
    variance = uniform_filter1d(np.square(fit), n) - np.square(mean)
    return np.sqrt(np.maximum(variance, 0.0))[n // 2 :: max(1, n // 4)]


def _lowest(found: _Weighed, shape: Shape) -> tuple[LowestPile, np.ndarray]:
    """The lowest pile, and the numbers of its events."""
    logs = np.log(found.sizes)
    grid = np.linspace(logs.min() - 0.3, logs.max() + 0.3, 150)
    density = _density(grid, logs)
    is_peak = (density[1:-1] >= density[:-2]) & (density[1:-1] > density[2:])
    is_peak &= density[1:-1] > SUPPORT * density.max()
    at = grid[1 + int(is_peak.argmax())]
    towards_noise = _density(np.linspace(np.log(found.least), at, 30), logs)
    near = np.flatnonzero(np.abs(logs - at) < NEAR)
    pile = LowestPile(
        float(np.exp(at)),
        len(near),
        float(towards_noise.min() / towards_noise[-1]),
        float(np.mean(logs < at - NEAR)),
        found.unrest,
        shape,
    )
    return pile, near


def _density(grid: np.ndarray, logs: np.ndarray) -> np.ndarray:
    return np.exp(-np.square((grid[:, None] - logs) / WIDTH) / 2).sum(axis=1)

"""Where a spike has its extrema and crossings, between samples. Vectorised over windows.

Every place is counted in samples of the spline. N windows, T samples a window, L of its spline.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

FINE_RATE_HZ = 200_000.0  # or the next multiple of the windows' own rate above


def spline_matrix(n_samples: int, rate_hz: float) -> tuple[np.ndarray, float]:
    """What turns windows (N, T) into their cubic splines (N, L): float64 (T, L).

    And the splines' step in ms.
    """
    factor = max(1, int(np.ceil(FINE_RATE_HZ / rate_hz)))
    return _spline_matrix(n_samples, factor), 1000 / (rate_hz * factor)


@lru_cache(maxsize=8)
def _spline_matrix(n_samples: int, factor: int) -> np.ndarray:
    """As scipy.interpolate.CubicSpline has it, its ends not-a-knot; to load that takes as long as
    to judge a cell. For four samples or more."""
    n = n_samples
    # Of second derivatives (T,) and samples (T,): of_bends @ derivatives = of_samples @ samples.
    of_bends = np.eye(n, k=-1) + 4 * np.eye(n) + np.eye(n, k=1)
    of_samples = 6 * (np.eye(n, k=-1) - 2 * np.eye(n) + np.eye(n, k=1))
    of_bends[[0, -1]] = of_samples[[0, -1]] = 0
    of_bends[0, :3] = of_bends[-1, -3:] = (
        1,
        -2,
        1,
    )  # no jump of the third beside an end
    bends = np.linalg.solve(of_bends, of_samples)
    places = np.arange((n - 1) * factor + 1)
    left = np.minimum(places // factor, n - 2)
    to_left = (places / factor - left)[:, None]
    to_right = 1 - to_left
    samples = np.eye(n)
    fine = (
        to_right * samples[left]
        + to_left * samples[left + 1]
        + (to_right**3 - to_right) / 6 * bends[left]
        + (to_left**3 - to_left) / 6 * bends[left + 1]
    )
    return np.ascontiguousarray(fine.T)  # (T, L)


@dataclass(frozen=True)
class Extremum:
    """The extremum of each window, all (N,); `inside` is false where it is the first or last."""

    index: np.ndarray  # int64, of the sample
    place: np.ndarray  # float64, of the parabola's vertex through it and its neighbours
    value: np.ndarray  # float64, of the vertex, in the windows' unit
    inside: np.ndarray  # bool


def lowest(fine: np.ndarray) -> Extremum:
    """The minimum of each window (N, L)."""
    return _refined(fine, fine.argmin(axis=1))


def highest_after(fine: np.ndarray, index: np.ndarray) -> Extremum:
    """The maximum of each window (N, L) from `index` (N,) on."""
    after = np.arange(fine.shape[1]) >= index[:, None]
    return _refined(fine, np.where(after, fine, -np.inf).argmax(axis=1))


def highest_before(fine: np.ndarray, index: np.ndarray) -> np.ndarray:
    """The largest value of each window (N, L) up to `index` (N,): float64 (N,)."""
    before = np.arange(fine.shape[1]) <= index[:, None]
    return np.where(before, fine, -np.inf).max(axis=1)


def dip(fine: np.ndarray, index: np.ndarray, level: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each window (N, L) falls below and rises above `level` (N,) next to `index` (N,).

    Returns both places, float64 (N,), NaN where there is none within the window.
    """
    position = np.arange(fine.shape[1])
    above = fine >= level[:, None]
    start = np.where(above & (position < index[:, None]), position, -1).max(axis=1)
    last = fine.shape[1]
    stop = np.where(above & (position > index[:, None]), position, last).min(axis=1)
    fall = np.where(start >= 0, _crossing(fine, np.maximum(start, 0), level), np.nan)
    rise = np.where(stop < last, _crossing(fine, np.minimum(stop, last - 1) - 1, level), np.nan)
    return fall, rise


def slopes(fine: np.ndarray, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """Slope of the regression line over samples `start` to `stop` − 1 of each window (N, L).

    Per sample, float64 (N,). `stop` − `start`, both int64 (N,), must be 2 or more where the slope
    is used.
    """
    position = np.arange(fine.shape[1], dtype=np.float64)
    inside = (position >= start[:, None]) & (position < stop[:, None])
    n = stop - start
    centred = np.where(inside, position - (start + stop - 1)[:, None] / 2, 0)
    spread = np.maximum(n * (n.astype(np.float64) ** 2 - 1) / 12, 1e-12)  # of consecutive integers
    return np.einsum("nl,nl->n", centred, fine) / spread


def _refined(fine: np.ndarray, index: np.ndarray) -> Extremum:
    rows, last = np.arange(len(fine)), fine.shape[1] - 1
    inside = (index > 0) & (index < last)
    middle = np.clip(index, 1, last - 1)
    left, centre, right = (fine[rows, middle + step] for step in (-1, 0, 1))
    curvature = left - 2 * centre + right
    curved = inside & (curvature != 0)
    shift = np.divide(left - right, 2 * curvature, out=np.zeros(len(fine)), where=curved)
    value = np.where(inside, centre - (left - right) * shift / 4, fine[rows, index])
    return Extremum(index, index + shift, value, inside)


def _crossing(fine: np.ndarray, index: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Where the line from sample `index` (N,) to the next one meets `level` (N,)."""
    rows = np.arange(len(fine))
    here, there = fine[rows, index], fine[rows, index + 1]
    step = there - here
    share = np.divide(level - here, step, out=np.zeros(len(fine)), where=step != 0)
    return index + share

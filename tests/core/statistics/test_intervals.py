"""Intervals against SciPy's, against figures published elsewhere, and by their coverage."""

import numpy as np
import pytest
from scipy import stats

from raphe.core.statistics.intervals import (
    bootstrap,
    draw_groups,
    mean_of,
    paired_difference,
    wilson,
)


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_wilson_against_scipy(confidence):
    for n in (1, 2, 7, 54, 1000):
        for k in {0, 1, n // 3, n - 1, n}:
            low, high = wilson(k, n, confidence)
            expected = stats.binomtest(k, n).proportion_ci(confidence, method="wilson")
            assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-12)
            assert 0 <= low <= high <= 1


def test_wilson_of_the_published_cells():
    # 51 of 54 serotonergic cells and 24 of 26 others called right.
    low, high = wilson([51, 24], [54, 26])
    np.testing.assert_allclose(100 * low, [84.9, 75.9], atol=0.05)
    np.testing.assert_allclose(100 * high, [98.1, 97.9], atol=0.05)


def test_wilson_of_nothing_is_unknown():
    assert np.isnan(wilson(0, 0)).all()


def test_a_mean_leaves_out_nan_and_may_be_that_of_strata():
    scores = np.array([1.0, 3.0, np.nan, 10.0])
    once, draws = np.ones((1, 4)), np.array([[2, 1, 5, 0]])
    assert mean_of(scores)(once) == pytest.approx([14 / 3])
    assert mean_of(scores)(draws) == pytest.approx([5 / 3])
    assert mean_of(scores, np.array([0, 0, 0, 1]))(once) == pytest.approx([6])


def test_bootstrap_of_single_items_against_scipy():
    rng = np.random.default_rng(0)
    value = rng.exponential(size=40)
    draws = draw_groups(np.zeros(40), rng, 20_000)
    estimate = bootstrap(mean_of(value), draws)
    expected = stats.bootstrap(
        (value,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert estimate.value == pytest.approx(value.mean())
    # Two Monte-Carlo answers, each good to about 1 % of the SD of the mean.
    tolerance = 0.06 * value.std() / np.sqrt(40)
    assert (estimate.low, estimate.high) == pytest.approx(
        (expected.low, expected.high), abs=tolerance
    )


def test_bootstrap_over_groups_against_scipy():
    """A share of spikes, resampled by cells of unequal size."""
    rng = np.random.default_rng(2)
    size = rng.integers(5, 200, size=25)
    right = rng.binomial(size, rng.beta(6, 2, size=25))

    def share(right, size, axis=-1):
        return right.sum(axis=axis) / size.sum(axis=axis)

    estimate = bootstrap(
        lambda drawn: drawn @ right / (drawn @ size), draw_groups(np.zeros(25), rng, 20_000)
    )
    expected = stats.bootstrap(
        (right, size),
        share,
        paired=True,
        vectorized=True,
        n_resamples=20_000,
        method="percentile",
        rng=np.random.default_rng(3),
    )
    assert estimate.value == pytest.approx(right.sum() / size.sum())
    assert (estimate.low, estimate.high) == pytest.approx(
        expected.confidence_interval, abs=0.06 * expected.standard_error
    )


def test_groups_keep_together():
    """Copies of each item narrow an interval over items, not one over their groups."""
    rng = np.random.default_rng(4)
    value = rng.normal(size=20)
    once = bootstrap(mean_of(value), draw_groups(np.zeros(20), np.random.default_rng(5)))
    copied = np.repeat(value, 9)
    as_items = bootstrap(mean_of(copied), draw_groups(np.zeros(180), np.random.default_rng(5)))
    as_groups = bootstrap(mean_of(9 * value), draw_groups(np.zeros(20), np.random.default_rng(5)))
    assert (as_groups.low / 9, as_groups.high / 9) == pytest.approx((once.low, once.high))
    assert as_items.high - as_items.low == pytest.approx((once.high - once.low) / 3, rel=0.15)


def test_strata_keep_their_size():
    strata = np.array([0, 0, 0, 1, 1, 2])
    draws = draw_groups(strata, np.random.default_rng(6), 500)
    for stratum, size in ((0, 3), (1, 2), (2, 1)):
        assert (draws[:, strata == stratum].sum(axis=1) == size).all()
    assert draws[:, 0].mean() == pytest.approx(1, abs=0.1)
    assert len(np.unique(draws[:, 0])) == 4


def test_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(7)
    inside = 0
    for _ in range(400):
        day = rng.normal(size=30)  # 30 days of 4 cells that share the day's offset
        value = day[:, None] + rng.normal(size=(30, 4))
        estimate = bootstrap(mean_of(value.mean(axis=1)), draw_groups(np.zeros(30), rng, 300))
        inside += estimate.low <= 0 <= estimate.high
    assert 0.90 <= inside / 400 <= 0.975  # the percentile interval covers a little too little


def test_undefined_resamples_are_left_out():
    def only_with_first(drawn):
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(drawn[:, 0] > 0, drawn[:, 1] / drawn[:, 0], np.nan)

    draws = draw_groups(np.zeros(2), np.random.default_rng(8), 1000)
    estimate = bootstrap(only_with_first, draws)
    assert (estimate.low, estimate.high) == (0, 1)
    never = bootstrap(lambda drawn: np.full(len(drawn), np.nan), draws)
    assert np.isnan([never.value, never.low, never.high]).all()


def test_a_perfect_score_has_no_interval():
    estimate = bootstrap(mean_of(np.ones(5)), draw_groups(np.zeros(5), np.random.default_rng(9)))
    assert estimate.value == 1 and np.isnan([estimate.low, estimate.high]).all()


def test_paired_difference_cancels_what_both_share():
    rng = np.random.default_rng(10)
    hard = rng.normal(size=60)
    first, second = hard + 0.1 + 0.1 * rng.normal(size=60), hard
    draws = draw_groups(np.zeros(60), rng)
    difference = paired_difference(mean_of(first), mean_of(second), draws)
    assert difference.value == pytest.approx((first - second).mean())
    expected = stats.ttest_rel(first, second).confidence_interval()
    assert (difference.low, difference.high) == pytest.approx(
        (expected.low, expected.high), abs=0.01
    )
    assert difference.p == pytest.approx(2 / 2001)  # as small as 2000 resamples can tell
    alone = bootstrap(mean_of(first), draws)
    assert difference.high - difference.low < 0.3 * (alone.high - alone.low)


def test_p_is_uniform_where_there_is_no_difference():
    rng = np.random.default_rng(11)
    p = []
    for _ in range(600):
        first, second = rng.normal(size=(2, 80))
        draws = draw_groups(np.zeros(80), rng, 400)
        p.append(paired_difference(mean_of(first), mean_of(second), draws).p)
    assert 0.03 <= np.mean(np.array(p) < 0.05) <= 0.09
    assert np.mean(np.array(p) < 0.5) == pytest.approx(0.5, abs=0.06)


def test_the_same_classifier_twice_does_not_differ():
    value = np.random.default_rng(12).normal(size=10)
    draws = draw_groups(np.zeros(10), np.random.default_rng(13))
    difference = paired_difference(mean_of(value), mean_of(value), draws)
    assert difference.value == 0 and difference.p == 1

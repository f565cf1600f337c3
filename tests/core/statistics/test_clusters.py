"""Variance over groups against the cluster-robust one of statsmodels, a jackknife and Welch's."""

import numpy as np
import pytest
import statsmodels.api as sm

from raphe.core.statistics.clusters import Clusters


def days_that_differ(sizes: list[int], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Right or wrong of each cell, bool (n,), and its day."""
    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(len(sizes)), sizes)
    return rng.random(len(day)) < rng.beta(2, 1, len(sizes))[day], day


def of_share(right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Influences and weights of a share of all items."""
    n = len(right)
    return (right - right.mean()) / n, np.full(n, 1 / n)


def test_days_of_one_size_have_the_cluster_robust_variance():
    right, day = days_that_differ([12] * 8, 0)
    variance = Clusters.of(day).variance(*of_share(right))
    model = sm.OLS(right.astype(float), np.ones(len(right)))
    robust = model.fit(cov_type="cluster", cov_kwds={"groups": day})
    assert variance.value == pytest.approx(robust.cov_params()[0, 0])
    assert variance.degrees_of_freedom == pytest.approx(7)


def test_days_of_any_size_have_that_of_leaving_one_out():
    right, day = days_that_differ([1, 4, 9, 30, 2], 1)
    variance = Clusters.of(day).variance(*of_share(right))
    without = np.array([right[day != d].mean() for d in range(5)])
    assert variance.value == pytest.approx(4 / 5 * ((without - right.mean()) ** 2).sum())
    assert 1 < variance.degrees_of_freedom < 4


def test_one_large_day_leaves_few_degrees_of_freedom():
    right, day = days_that_differ([3] * 9 + [200], 2)
    right[day == 9] = np.arange(200) < 150
    right[day < 9] = False  # so that cells of a day are alike
    assert Clusters.of(day).variance(*of_share(right)).degrees_of_freedom < 1


def test_items_as_groups_have_the_binomial_variance():
    right, _ = days_that_differ([200], 3)
    variance = Clusters.of(np.arange(200)).variance(*of_share(right))
    assert variance.value == pytest.approx(right.mean() * (1 - right.mean()) / 199)
    assert variance.degrees_of_freedom == pytest.approx(199)


def test_classes_on_days_of_their_own_are_strata():
    right, day = days_that_differ([10] * 7, 4)
    label = (day >= 3).astype(int)
    variance = Clusters.of(day, label).variance(*of_share(right))
    of_days = np.array([right[day == d].mean() for d in range(7)])
    first, second = of_days[:3].var(ddof=1) / 3, of_days[3:].var(ddof=1) / 4
    expected = (3 / 7) ** 2 * first + (4 / 7) ** 2 * second
    assert variance.value == pytest.approx(expected)
    # A day of both classes, or a class of one day, and the days are drawn from one pool.
    for mixed in (np.where(np.arange(70) == 0, 1, label), (day == 6).astype(int)):
        pooled = Clusters.of(day, mixed).variance(*of_share(right))
        assert pooled == Clusters.of(day).variance(*of_share(right))


def test_the_figure_of_one_class_rests_on_its_days_alone():
    right, day = days_that_differ([10] * 9, 5)
    own = day < 4
    influence = np.where(own, right - right[own].mean(), 0) / own.sum()
    clusters = Clusters.of(day)
    variance = clusters.variance(influence, own / own.sum())
    of_days = np.array([right[day == d].mean() for d in range(4)])
    assert variance.value == pytest.approx(of_days.var(ddof=1) / 4)
    assert variance.degrees_of_freedom == pytest.approx(3)
    assert clusters.n_with(own) == 4


def test_one_group_tells_nothing():
    right, day = days_that_differ([20], 6)
    assert np.isnan(Clusters.of(day).variance(*of_share(right)).value)


def test_groups_may_have_any_names():
    right, day = days_that_differ([5, 8, 6], 7)
    named = np.array(["2026-01-03", "2026-01-01", "2026-01-02"])[day]
    ours, expected = (Clusters.of(g).variance(*of_share(right)) for g in (named, day))
    assert ours.value == pytest.approx(expected.value)

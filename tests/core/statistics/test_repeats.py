"""Means over folds and seeds, and their intervals, against SciPy's and a formula by hand."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from raphe.core.statistics.repeats import holm, over_repeats, spread_of_seeds


def test_over_seeds_alone_it_is_the_mean_with_ts_interval() -> None:
    scores = np.random.default_rng(0).normal(0.3, 1.0, (4, 1, 6))
    over = over_repeats(scores)
    for c, values in enumerate(scores[:, 0]):
        expected = stats.ttest_1samp(values, 0.0)
        ends = expected.confidence_interval()
        assert (over.mean[c], over.p[c]) == pytest.approx((values.mean(), expected.pvalue))
        assert (over.low[c], over.high[c]) == pytest.approx((ends.low, ends.high))


def test_over_folds_it_has_the_variance_of_nadeau_and_bengio() -> None:
    scores = np.random.default_rng(1).normal(0.5, 0.1, (10, 5))
    over = over_repeats(scores)
    of_fold = scores.mean(1)
    error = np.sqrt((1 / 10 + 1 / 9) * of_fold.var(ddof=1))
    reach = stats.t.ppf(0.975, 9) * error
    assert over.mean == pytest.approx(of_fold.mean()) and over.error == pytest.approx(error)
    assert (over.low, over.high) == pytest.approx((of_fold.mean() - reach, of_fold.mean() + reach))


def test_what_is_missing_weighs_no_fold_down() -> None:
    scores = np.array([[1.0, 3.0], [5.0, np.nan], [np.nan, np.nan]])
    over = over_repeats(scores)
    assert over.mean == pytest.approx(3.5)
    assert over.error == pytest.approx(np.sqrt((1 / 2 + 1 / 2) * np.var([2.0, 5.0], ddof=1)))
    nothing = over_repeats(np.full((2, 3), np.nan))
    assert np.isnan([nothing.mean, nothing.low, nothing.p]).all()


def test_where_nothing_varies_there_is_no_interval() -> None:
    over = over_repeats(np.full((3, 2), 0.1 + 0.2))
    assert np.isnan([over.low, over.high, over.error]).all()
    assert over_repeats(np.zeros((1, 4))).p == 1.0


def test_the_interval_holds_the_mean_of_folds_that_share_their_trainings() -> None:
    """Two classifiers that are alike are told apart no more often than was said, where those of
    different folds go wrong together, as trained on the same cells."""
    rng = np.random.default_rng(2)
    n_draws, n_folds, shared = 4000, 10, 1 / 10  # the correlation that the correction stands for
    common = rng.normal(size=(n_draws, 1, 1)) * np.sqrt(shared)
    folds = rng.normal(size=(n_draws, n_folds, 1)) * np.sqrt(1 - shared)
    over = over_repeats(common + folds)
    assert np.mean(over.p < 0.05) == pytest.approx(0.05, abs=0.012)


def test_seeds_differ_within_their_folds() -> None:
    scores = np.array([[[1.0, 3.0], [11.0, 13.0]], [[2.0, np.nan], [4.0, np.nan]]])
    assert spread_of_seeds(scores)[0] == pytest.approx(np.sqrt(2))
    assert np.isnan(spread_of_seeds(scores)[1])


def test_corrected_as_statsmodels_corrects() -> None:
    p = np.array([0.01, np.nan, 0.04, 0.03, 0.9, 0.005])
    there = ~np.isnan(p)
    assert holm(p)[there] == pytest.approx(multipletests(p[there], method="holm")[1])
    assert np.isnan(holm(p)[1])

"""Differences of two classifiers on the same cells, against paired tests of SciPy."""

import numpy as np
import pytest
from scipy import stats

from raphe.core.statistics.clusters import Clusters
from raphe.core.statistics.figure_interval import CELL, difference_of
from raphe.core.statistics.intervals import Difference
from raphe.core.statistics.linear_figures import linear_figures
from raphe.tasks.celltype.metrics.predictions import Predictions

TWO = ("SER", "NSER")
LABEL = np.arange(60) % 2


def called(right: np.ndarray, label: np.ndarray = LABEL) -> Predictions:
    """Cells called right or not, bool (n,), with probabilities all of their own."""
    own = np.where(right, 0.7, 0.3) + np.linspace(-0.05, 0.05, len(right))
    first = np.where(label == 0, own, 1 - own)
    probability = np.stack([first, 1 - first], axis=1)
    return Predictions(probability, probability, label, np.arange(len(label)))


def differences(
    first: Predictions, second: Predictions, day: np.ndarray | None = None
) -> dict[str, Difference]:
    levels = {CELL: Clusters.of(first.cell, first.label)}
    if day is not None:
        levels["day"] = Clusters.of(day, first.label)
    pairs = zip(linear_figures(first, TWO), linear_figures(second, TWO), strict=True)
    return {one.name: difference_of(one, other, levels) for one, other in pairs}


def test_over_days_it_is_the_paired_t_test_of_days():
    rng = np.random.default_rng(0)
    day = np.repeat(np.arange(10), 6)
    worse = rng.random(10) < 0.4
    first, second = rng.random(60) < 0.9, rng.random(60) < np.where(worse, 0.3, 0.9)[day]
    accuracy = differences(called(first), called(second), day)["accuracy"]
    of_days = [np.bincount(day, right) / 6 for right in (first, second)]
    expected = stats.ttest_rel(*of_days)
    ends = expected.confidence_interval()
    assert accuracy.p == pytest.approx(expected.pvalue)
    assert (accuracy.low, accuracy.high) == pytest.approx((ends.low, ends.high))


def test_what_is_hard_for_both_cancels():
    hard = np.arange(60) % 3 == 0
    second = hard & (np.arange(60) < 50)
    for name, difference in differences(called(~second), called(~hard)).items():
        assert difference.value > 0, name
        assert difference.high - difference.low < 0.2 * (2 if name == "mcc" else 1), name


def test_the_same_classifier_twice_may_differ_by_what_no_cell_showed():
    right = np.arange(60) % 5 > 0
    for name, difference in differences(called(right), called(right)).items():
        assert difference.value == 0 and difference.p == 1, name
        assert difference.low == -difference.high < 0, name
    # Of 60 cells none is called differently.
    accuracy = differences(called(right), called(right))["accuracy"]
    exact = stats.binomtest(0, 60).proportion_ci(method="exact")
    assert accuracy.high == pytest.approx(exact.high)


def test_two_perfect_classifiers_are_not_said_to_be_equal():
    right = np.ones(60, bool)
    day = np.repeat(np.arange(6), 10)
    cells, days = (differences(called(right), called(right), d)["auroc"] for d in (None, day))
    assert cells.value == 0 and cells.high == pytest.approx(1 - 0.025 ** (1 / 30))
    assert days.high > cells.high


def test_all_right_against_all_wrong_has_the_sign_tests_p():
    right = np.ones(12, bool)
    label = np.arange(12) % 2
    accuracy = differences(called(right, label), called(~right, label))["accuracy"]
    assert accuracy.value == 1 and accuracy.high == 1
    assert accuracy.p == pytest.approx(stats.binomtest(12, 12, 0.5).pvalue)


def test_few_days_keep_the_level_of_p():
    """Two classifiers equally good on new days, of which each is better on some."""
    rng = np.random.default_rng(3)
    day = np.repeat(np.arange(8), 8)
    label = np.arange(64) % 2
    p = []
    for _ in range(80):
        shares = rng.beta(3, 1, size=(2, 8))
        first, second = (rng.random(64) < share[day] for share in shares)
        p.append(differences(called(first, label), called(second, label), day)["accuracy"].p)
    assert np.mean(np.array(p) < 0.05) < 0.12


def test_of_an_absent_class_nothing_is_compared():
    label = np.zeros(10, int)
    right = np.arange(10) % 2 == 0
    specificity = differences(called(right, label), called(~right, label))["specificity"]
    assert np.isnan([specificity.value, specificity.low, specificity.p]).all()


@pytest.mark.parametrize("n", range(2, 17, 2))
def test_a_perfect_network_and_a_baseline_that_is_always_wrong_need_cells_enough(n):
    """Interval and p agree, and p is that of the sign test."""
    label = np.arange(n) % 2
    of_all = differences(called(np.ones(n, bool), label), called(np.zeros(n, bool), label))
    for name, difference in of_all.items():
        assert difference.value == (2 if name == "mcc" else 1)
        assert (difference.low > 0) == (difference.p < 0.05), name
    assert of_all["accuracy"].p == pytest.approx(stats.binomtest(n, n).pvalue)

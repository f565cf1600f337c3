"""Permutation tests against hypergeometric tails, scipy's own and the rate of false alarms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from raphe.core.statistics import permutation
from raphe.core.statistics.permutation import Exchange, grouped_permutation_test, permutation_test


def p_of(score, label, group=None, block=None, seed=0):
    """Of the sum of the scores of label 1."""
    score, label = np.asarray(score, float), np.asarray(label)
    group = np.arange(len(label)) if group is None else np.asarray(group)
    block = np.zeros(len(label), int) if block is None else np.asarray(block)
    evidence = np.stack([np.zeros(len(score)), score], axis=1)
    return grouped_permutation_test(evidence, label, group, block, np.random.default_rng(seed))


def test_few_orders_are_all_counted():
    """Of the 20 ways to deal three labels to six items, one is as good as the best."""
    test = p_of([1, 2, 3, 4, 5, 6], [0, 0, 0, 1, 1, 1])
    assert (test.p, test.smallest, test.exact) == (1 / 20, 1 / 20, True)
    assert test.can_tell
    assert test.shows


def test_two_by_two_is_fishers_exact_test():
    label = np.repeat([1, 0], [7, 8])
    score = np.array([1] * 5 + [0] * 2 + [1] * 2 + [0] * 6)
    table = [[5, 2], [2, 6]]
    expected = stats.fisher_exact(table, alternative="greater").pvalue
    assert p_of(score, label).p == pytest.approx(expected, rel=1e-12)


def test_a_rank_sum_has_scipys_exact_p():
    rng = np.random.default_rng(3)
    first, second = rng.normal(0.8, 1, 8), rng.normal(size=7)
    ranks = stats.rankdata(np.concatenate([first, second]))
    expected = stats.mannwhitneyu(first, second, alternative="greater", method="exact").pvalue
    assert p_of(ranks, np.repeat([1, 0], [8, 7])).p == pytest.approx(expected, rel=1e-12)


def test_many_orders_are_drawn_and_p_is_never_zero():
    label = np.repeat([0, 1], 30)
    test = p_of(label, label)
    assert not test.exact
    assert test.p == test.smallest == 1 / 10_000


def test_labels_stay_in_their_block():
    """What differs between two folds is no evidence: 3 · 3 ways, of which one is the best."""
    score, label = [0, 0, 1, 10, 11, 11], [0, 0, 1, 0, 1, 1]
    assert p_of(score, label, block=[0, 0, 0, 1, 1, 1]).p == pytest.approx(1 / 9)


def test_days_of_one_class_are_dealt_out_whole():
    """Twelve cells on four days are four items, two of each class: too few to tell."""
    label = np.repeat([0, 0, 1, 1], 3)
    by_day = p_of(label, label, group=np.repeat(np.arange(4), 3))
    assert p_of(label, label).p < 0.002
    assert by_day.p == by_day.smallest == pytest.approx(1 / 6)
    assert not by_day.can_tell


def test_days_of_both_classes_exchange_labels_within_and_shares_among_themselves():
    """Two days of one and two in three: 2 ways to give the shares, 3 · 3 to give the labels."""
    label, day = [1, 0, 0, 1, 1, 0], [0, 0, 0, 1, 1, 1]
    test = p_of([1, 0, 0, 1.5, 1.5, 0], label, group=day)
    assert test.p == test.smallest == pytest.approx(1 / 18)


def test_three_classes_are_dealt_out_in_every_way():
    right = Exchange(np.array([0, 1, 2, 2]), lambda labels: (labels == [0, 1, 2, 2]).sum(axis=1))
    assert permutation_test([right], np.random.default_rng(0)).p == 1 / 12  # 4! / 2!
    assert len(np.unique(right.orders(), axis=0)) == right.n_orders == 12


def test_an_undefined_statistic_is_no_answer():
    test = p_of([np.nan, 1.0], [1, 0])
    assert np.isnan(test.p)
    assert not test.can_tell
    assert not test.shows
    assert str(test) == "p –"


@given(st.lists(st.integers(-5, 5), min_size=2, max_size=7), st.integers(0, 99))
def test_p_is_the_share_of_orders_that_do_as_well(score, seed):
    rng = np.random.default_rng(seed)
    label = np.concatenate([[0, 1], rng.integers(0, 2, len(score) - 2)])
    exact = p_of(score, label)
    drawn = [
        rng.permutation(label) @ np.array(score) >= label @ np.array(score) for _ in range(400)
    ]
    assert exact.p == pytest.approx(np.mean(drawn), abs=0.12)
    assert exact.smallest <= exact.p <= 1


@pytest.mark.parametrize("n_days", [4, 20])
def test_days_of_their_own_level_and_share_raise_few_false_alarms(n_days, monkeypatch):
    """Scores and class shares vary from day to day, without any relation to each other."""
    monkeypatch.setattr(permutation, "N_DRAWS", 199)
    rng = np.random.default_rng(n_days)
    alarms, n = 0, 150
    for _ in range(n):
        day = np.repeat(np.arange(n_days), 10)
        label = (rng.random(len(day)) < rng.beta(1, 1, n_days)[day]).astype(int)
        score = rng.normal(size=len(day)) + 2 * rng.normal(size=n_days)[day]
        alarms += p_of(stats.rankdata(score), label, group=day, seed=rng).shows
    assert alarms / n < 0.1

"""AUROC within folds and its p: against the scalar AUROC, perfect and undefined, false alarms."""

import numpy as np
import pytest

from raphe.core.audit.chance import evidence_within_folds, p_of_cells, p_of_table
from raphe.core.statistics import permutation
from raphe.tasks.celltype.metrics.fold_auroc import auroc_within_folds

RNG = np.random.default_rng(0)


def two_classes(score: np.ndarray) -> np.ndarray:
    return np.stack([score, -score], axis=1)


def p_of(score, label, fold=None, group=None):
    n = len(label)
    fold = np.zeros(n, int) if fold is None else fold
    group = np.arange(n) if group is None else group
    return p_of_cells(two_classes(np.asarray(score, float)), label, fold, group, RNG)


def test_evidence_adds_up_to_the_auroc_within_folds():
    rng = np.random.default_rng(1)
    score, fold = np.round(rng.normal(size=90), 1), rng.integers(0, 4, 90)  # with ties
    label = rng.integers(0, 2, 90)
    expected = auroc_within_folds(score, label == 0, fold).value
    evidence = evidence_within_folds(two_classes(score), label, fold)
    assert 0.5 + evidence[np.arange(90), label].sum() == pytest.approx(expected, rel=1e-12)


def test_of_three_classes_it_is_their_mean():
    rng = np.random.default_rng(2)
    probability, fold = rng.dirichlet(np.ones(3), 60), rng.integers(0, 3, 60)
    label = rng.integers(0, 3, 60)
    each = [auroc_within_folds(probability[:, c], label == c, fold).value for c in range(3)]
    evidence = evidence_within_folds(probability, label, fold)
    assert 0.5 + evidence[np.arange(60), label].sum() == pytest.approx(np.mean(each), rel=1e-12)


def test_a_perfect_separation_has_the_smallest_p():
    label = np.repeat([0, 1], 6)
    test = p_of(-label, label)
    assert test.p == test.smallest == 1 / 924  # 12! / 6! / 6!
    assert p_of(label, label).p == 1


def test_four_cells_can_show_nothing():
    test = p_of([2, 1, 0, -1], np.array([0, 0, 1, 1]))
    assert test.smallest == 1 / 6 and not test.can_tell


def test_no_fold_with_both_classes_is_no_test():
    label = np.repeat([0, 1], 10)
    assert np.isnan(p_of(-label, label, fold=label).p)


def test_days_of_one_class_count_as_one_each():
    """Six days: three against three, in 20 ways."""
    label, day = np.repeat([0, 1], 30), np.repeat(np.arange(6), 10)
    assert p_of(-label, label, group=day).p == 1 / 20
    assert p_of(-label, label).p < 0.001


def test_few_days_that_mix_classes_are_permuted_within():
    label, day = np.tile([0, 1], 20), np.repeat(np.arange(4), 10)
    test = p_of(-label + day, label, group=day)
    assert test.p < 0.001


@pytest.mark.parametrize("mixes", ["alike", "in part", "not at all"])
def test_days_of_their_own_level_raise_few_false_alarms(mixes, monkeypatch):
    """Ten days, whose level is far from each other's, and scores that know no class."""
    monkeypatch.setattr(permutation, "N_DRAWS", 199)
    rng = np.random.default_rng(4)
    day = np.repeat(np.arange(10), 12)
    share = {"alike": np.full(10, 0.5), "in part": np.tile([0.15, 0.85], 5),
             "not at all": np.tile([0.0, 1.0], 5)}[mixes]  # fmt: skip
    alarms, n = 0, 200
    for _ in range(n):
        label = (rng.random(120) < share[day]).astype(int)
        score = rng.normal(size=120) + 2 * rng.normal(size=10)[day]
        fold = day % 5 if mixes != "alike" else rng.integers(0, 5, 120)
        alarms += p_of_cells(two_classes(score), label, fold, day, rng).shows
    assert alarms / n < 0.09


def test_shuffled_labels_that_are_learnt_are_seen():
    rng = np.random.default_rng(5)
    label, shuffle = rng.integers(0, 2, 80), np.repeat([0, 1], 40)
    assert p_of(-label + rng.normal(size=80), label, fold=shuffle).p < 0.001
    assert p_of(rng.normal(size=80), label, fold=shuffle).p > 0.05


def test_two_shuffles_of_four_cells_can_show_something():
    label, shuffle = np.tile([0, 0, 1, 1], 2), np.repeat([0, 1], 4)
    test = p_of(-label, label, fold=shuffle)
    assert test.p == test.smallest == 1 / 36


def test_a_table_is_judged_by_how_alike_its_groups_are():
    label = np.tile([0, 1], 20)
    assert p_of_table(np.repeat(np.arange(10), 4), label, RNG).p > 0.5
    assert p_of_table(label * 5 + np.arange(40) // 2 % 5, label, RNG).p < 0.001
    assert p_of_table(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1]), RNG).p == 1 / 3

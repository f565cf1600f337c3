"""AUROC over folds: against scikit-learn's, and its chance level against trained classifiers."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.neighbors import NearestCentroid

from raphe.tasks.celltype.metrics.fold_auroc import (
    FoldComparison,
    auroc_within_folds,
    chance_pooled_over_folds,
)
from raphe.tasks.celltype.metrics.predictions import Predictions


def test_of_one_fold_it_is_scikit_learns():
    rng = np.random.default_rng(0)
    positive = rng.random(40) < 0.4
    score = np.round(rng.random(40), 1)  # with ties
    area = auroc_within_folds(score, positive, np.zeros(40))
    assert area.value == pytest.approx(roc_auc_score(positive, score))
    assert (area.n_folds, area.n_cells, area.share) == (1, 40, 1)


def test_pairs_of_two_folds_do_not_count():
    positive = np.array([1, 1, 0, 1, 0, 0, 1], bool)
    score = np.array([0.9, 0.2, 0.5, 0.1, 0.05, 0.07, 0.4])
    fold = np.array([0, 0, 0, 1, 1, 1, 2])  # the last holds one class
    area = auroc_within_folds(score, positive, fold)
    assert area.value == pytest.approx((1 + 0 + 1 + 1) / 4)
    assert (area.n_folds, area.n_cells) == (2, 6)
    assert area.share == pytest.approx(3 / 4) and area.stands_for_all
    assert not auroc_within_folds(score, positive, np.arange(7)).stands_for_all
    assert np.isnan(auroc_within_folds(score, positive, np.arange(7)).value)


def test_a_network_that_leans_does_not_lower_it():
    rng = np.random.default_rng(1)
    fold = np.repeat(np.arange(10), 12)
    positive = np.tile([True, False], 60)
    score = positive + rng.normal(size=120)
    lean = rng.normal(scale=3, size=10)[fold]
    within = auroc_within_folds(score, positive, fold).value
    assert auroc_within_folds(score + lean, positive, fold).value == pytest.approx(within)
    assert roc_auc_score(positive, score + lean) < within - 0.1


def test_leaving_one_group_out_lies_below_a_half_as_the_chance_level_says():
    n_groups, size = 6, 8
    group = np.repeat(np.arange(n_groups), size)
    positive = group % 2 == 0
    chance = chance_pooled_over_folds(positive, group, group, np.random.default_rng(2))
    assert chance.auroc < 0.47 and chance.balanced_accuracy < 0.5
    rng = np.random.default_rng(3)
    areas = []
    for _ in range(30):
        feature = rng.normal(size=(n_groups, 8))[group] + rng.normal(size=(len(group), 8))
        scores = cross_val_predict(
            NearestCentroid(), feature, positive, groups=group, cv=LeaveOneGroupOut(),
            method="decision_function",
        )  # fmt: skip
        areas.append(roc_auc_score(positive, scores))
    error = np.std(areas) / np.sqrt(len(areas))
    assert np.mean(areas) == pytest.approx(chance.auroc, abs=3 * error + 0.01)


def test_no_chance_level_where_a_fold_holds_a_whole_class():
    positive = np.array([1, 1, 0, 0], bool)
    fold = np.array([0, 0, 1, 2])
    chance = chance_pooled_over_folds(positive, fold, np.arange(4), np.random.default_rng(4))
    assert np.isnan([chance.auroc, chance.balanced_accuracy]).all()


def test_folds_of_both_classes_hardly_lean():
    fold = np.repeat(np.arange(5), 20)
    positive = np.tile([True, False], 50)
    chance = chance_pooled_over_folds(positive, fold, np.arange(100), np.random.default_rng(5))
    assert chance.auroc == pytest.approx(0.5, abs=0.02)


def _cells(label: np.ndarray, n_classes: int, seed: int) -> Predictions:
    probability = np.random.default_rng(seed).dirichlet(np.ones(n_classes), size=len(label))
    return Predictions(probability, probability, label, np.arange(len(label)))


def test_the_reader_is_told_what_pooling_does():
    cells = _cells(np.arange(60) // 10 % 2, 2, 6)
    of_animals = np.arange(60) // 10
    alone = FoldComparison.of(cells, of_animals, of_animals, np.random.default_rng(7))
    assert not alone.stands_for_all and np.isnan(alone.within)
    assert f"has {alone.chance.auroc:.2f} in these folds, not 0.50" in alone.sentence()
    assert "nan" not in alone.sentence()
    mixed = FoldComparison.of(cells, np.arange(60) % 5, np.arange(60), np.random.default_rng(7))
    assert (
        f"{mixed.within:.3f}, from 60 cells in 5 folds that hold more than one class"
        in mixed.sentence()
    )


def test_more_classes_count_each_against_the_rest():
    cells = _cells(np.arange(90) % 3, 3, 8)
    fold = np.arange(90) % 4
    comparison = FoldComparison.of(cells, fold, np.arange(90), np.random.default_rng(9))
    expected = [
        auroc_within_folds(cells.probability[:, c], cells.label == c, fold).value for c in range(3)
    ]
    assert comparison.within == pytest.approx(np.mean(expected))
    assert comparison.sentence().count("macro AUROC") == 1


def test_a_class_in_folds_of_its_own_leaves_no_area_to_tell():
    label = np.r_[np.arange(20) % 2, np.full(10, 2)]
    fold = np.r_[np.arange(20) // 10, np.full(10, 2)]
    rng = np.random.default_rng(0)
    sentence = FoldComparison.of(_cells(label, 3, 0), fold, np.arange(30), rng).sentence()
    assert sentence == (
        "Only 20 cells are in folds of more than one class: the macro AUROC of cells compares "
        "cells that different networks scored."
    )

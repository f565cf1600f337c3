"""Predictions pooled and counted, and the exact sensitivity, against brute force and references."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from raphe.tasks.celltype.metrics.predictions import Predictions, sensitivity_at_specificity

# Few distinct scores, so that ties within and across the classes are common.
scored = st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=2, max_size=40).filter(
    lambda rows: len({positive for _, positive in rows}) == 2
)


def random_case(n: int, n_classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    label = rng.integers(n_classes, size=n)
    logits = rng.normal(size=(n, n_classes)) + 1.5 * np.eye(n_classes)[label]
    return logits.astype(np.float32), label


@given(scored, st.sampled_from([0.0, 0.25, 0.5, 0.8, 0.9, 0.95, 1.0]))
def test_exact_sensitivity_against_every_threshold(rows, specificity):
    score = np.array([s for s, _ in rows], dtype=float)
    positive = np.array([p for _, p in rows])
    best = 0.0
    for threshold in np.arange(-0.5, 9.0, 0.5):
        called = score > threshold
        if np.mean(~called[~positive]) >= specificity:
            best = max(best, np.mean(called[positive]))
    assert sensitivity_at_specificity(score, positive, specificity) == pytest.approx(best)


def test_exact_sensitivity_by_hand():
    score = np.array([0.9, 0.8, 0.8, 0.3, 0.8, 0.4, 0.2, 0.1])
    positive = np.array([True] * 4 + [False] * 4)
    # Calling ≥ 0.8 finds 3 of 4 and costs 1 of 4; only > 0.8 costs none, and finds 1 of 4.
    assert sensitivity_at_specificity(score, positive, 0.75) == 0.75
    assert sensitivity_at_specificity(score, positive, 0.76) == 0.25
    assert sensitivity_at_specificity(score, positive, 0.50) == 1.0


def test_more_classes_share_a_softmax():
    logits, label = random_case(50, 4, seed=6)
    predictions = Predictions.from_logits(logits, label, label)
    expected = torch.tensor(logits, dtype=torch.float64).softmax(dim=1).numpy()
    np.testing.assert_allclose(predictions.probability, expected)
    np.testing.assert_allclose(predictions.sigmoid, expected)


def test_per_cell_averages_and_keeps_labels():
    probability = np.array([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8], [0.4, 0.6], [0.3, 0.7]])
    cell, label = np.array([7, 7, 3, 3, 3]), np.array([0, 0, 1, 1, 1])
    cells = Predictions(probability, probability, label, cell).per_cell()
    np.testing.assert_array_equal(cells.cell, [3, 7])
    np.testing.assert_array_equal(cells.label, [1, 0])
    np.testing.assert_allclose(cells.probability, [[0.3, 0.7], [0.7, 0.3]])


def test_confusion_rows_are_the_truth():
    logits, label = random_case(200, 3, seed=4)
    predictions = Predictions.from_logits(logits, label, label)
    expected = reference.confusion_matrix(label, predictions.predicted)
    np.testing.assert_array_equal(predictions.confusion(), expected)

"""Keras' sensitivity at a specificity against its definition and the cases of Keras' own tests."""

import numpy as np
import pytest

from raphe.tasks.celltype.metrics.keras_sensitivity import keras_sensitivity
from raphe.tasks.celltype.metrics.predictions import Predictions, sensitivity_at_specificity


def pooled(score: list[float], positive: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Outputs and labels whose pooled one-hot answers are exactly these, two to a row."""
    sigmoid = np.array(score, dtype=float).reshape(-1, 2)
    truth = np.array(positive).reshape(-1, 2)
    assert (truth.sum(axis=1) == 1).all(), "each row needs one right answer"
    return sigmoid, truth.argmax(axis=1)


def by_its_definition(sigmoid: np.ndarray, label: np.ndarray, specificity: float) -> float:
    """200 thresholds, one after another, on the pooled answers."""
    truth = np.eye(2, dtype=bool)[label].ravel()
    best = 0.0
    for threshold in [0.0, *((i + 1) / 199 for i in range(198)), 1.0]:
        called = sigmoid.ravel() > threshold
        if np.sum(~called & ~truth) / np.sum(~truth) >= specificity:
            best = max(best, np.sum(called & truth) / np.sum(truth))
    return best


@pytest.mark.parametrize("seed", range(8))
def test_against_its_definition(seed):
    rng = np.random.default_rng(seed)
    label = rng.integers(2, size=60)
    logits = rng.normal(size=(60, 2)) + 1.5 * np.eye(2)[label] - seed
    sigmoid = Predictions.from_logits(logits, label, label).sigmoid
    for specificity in (0.1, 0.5, 0.9):
        expected = by_its_definition(sigmoid, label, specificity)
        assert keras_sensitivity(sigmoid, label, specificity) == pytest.approx(expected)


def test_on_the_cases_of_keras_own_tests():
    # keras/src/metrics/confusion_metrics_test.py, five of each kind, paired here into one-hot rows.
    negative, positive = [0.0, 0.1, 0.2, 0.3, 0.4], [0.1, 0.45, 0.5, 0.8, 0.9]
    rows = np.stack([positive, negative], axis=1).ravel()
    assert keras_sensitivity(*pooled(rows, [1, 0] * 5), 0.8) == pytest.approx(0.8)
    positive = [0.01, 0.02, 0.25, 0.26, 0.26]
    rows = np.stack([positive, negative], axis=1).ravel()
    assert keras_sensitivity(*pooled(rows, [1, 0] * 5), 0.4) == pytest.approx(0.6)


def test_it_differs_from_the_exact_one_as_published():
    # Between two thresholds of the grid, 100/199 and 101/199, Keras cannot tell answers apart.
    between = (100.3 / 199, 100.7 / 199)
    sigmoid, label = pooled([between[1], between[0], between[0], between[1]], [1, 0, 0, 1])
    assert keras_sensitivity(sigmoid, label) == 0.0
    assert sensitivity_at_specificity(sigmoid[:, 0], label == 0, 0.5) == 1.0

"""Figures against brute force, hand-made cases, Keras' documented examples and scikit-learn."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from raphe.tasks.celltype.metrics.epoch_figures import classification_metrics
from raphe.tasks.celltype.metrics.predictions import (
    Predictions,
    auroc,
    keras_sensitivity,
    operating_points,
    sensitivity_at_specificity,
)
from raphe.tasks.celltype.network.net import CellTypeNet

TWO_CLASS_NAMES = {
    "loss",
    "accuracy",
    "sensitivity_at_specificity_0.50",
    "sensitivity_at_specificity_0.90",
    "sensitivity_at_specificity_0.95",
    "keras_sensitivity_at_specificity_0.50",
    "auroc",
    "f1",
    "brier",
}

# Few distinct scores, so that ties within and across the classes are common.
scored = st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=2, max_size=40).filter(
    lambda rows: len({positive for _, positive in rows}) == 2
)


def random_case(n: int, n_classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    label = rng.integers(n_classes, size=n)
    logits = rng.normal(size=(n, n_classes)) + 1.5 * np.eye(n_classes)[label]
    return logits.astype(np.float32), label


def pooled(score: list[float], positive: list[int]) -> Predictions:
    """Predictions whose pooled one-hot predictions are exactly these, two to a row."""
    sigmoid = np.array(score, dtype=float).reshape(-1, 2)
    truth = np.array(positive).reshape(-1, 2)
    assert (truth.sum(axis=1) == 1).all(), "each row needs one right answer"
    label = truth.argmax(axis=1)
    return Predictions(sigmoid / sigmoid.sum(axis=1, keepdims=True), sigmoid, label, label)


@given(scored, st.sampled_from([0.0, 0.25, 0.5, 0.8, 0.9, 0.95, 1.0]))
@settings(deadline=None)
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


@given(scored)
@settings(deadline=None)
def test_auroc_against_scikit_learn(rows):
    score = np.array([s for s, _ in rows], dtype=float)
    positive = np.array([p for _, p in rows])
    assert auroc(score, positive) == pytest.approx(reference.roc_auc_score(positive, score))
    false_rate, true_rate, _ = reference.roc_curve(positive, score, drop_intermediate=False)
    true_positives, false_positives = operating_points(score, positive)
    np.testing.assert_allclose(true_positives / positive.sum(), true_rate)
    np.testing.assert_allclose(false_positives / (~positive).sum(), false_rate)


def test_two_class_figures_against_scikit_learn_and_torch():
    logits, label = random_case(500, 2, seed=0)
    figures = classification_metrics(logits, label)
    assert set(figures) == TWO_CLASS_NAMES
    ser = CellTypeNet.class_probability(torch.tensor(logits, dtype=torch.float64))[:, 0].numpy()
    called = logits.argmax(axis=1)
    loss = torch.nn.functional.binary_cross_entropy(
        torch.tensor(logits).double().sigmoid(), torch.eye(2, dtype=torch.float64)[label]
    )
    assert figures["loss"] == pytest.approx(loss.item(), rel=1e-9)
    assert figures["accuracy"] == reference.accuracy_score(label, called)
    assert figures["f1"] == pytest.approx(reference.f1_score(label == 0, called == 0))
    assert figures["brier"] == pytest.approx(reference.brier_score_loss(label == 0, ser))
    assert figures["auroc"] == pytest.approx(reference.roc_auc_score(label == 0, ser))


def test_loss_of_confident_answers_stays_finite():
    figures = classification_metrics(np.array([[-500.0, 500.0]]), np.array([0]))
    assert figures["loss"] == pytest.approx(500)


@pytest.mark.parametrize("n_classes", [3, 5])
def test_more_classes_against_scikit_learn_and_torch(n_classes):
    logits, label = random_case(300, n_classes, seed=1)
    called = logits.argmax(axis=1)
    softmax = torch.tensor(logits, dtype=torch.float64).softmax(dim=1).numpy()
    loss = torch.nn.functional.cross_entropy(torch.tensor(logits).double(), torch.tensor(label))
    assert classification_metrics(logits, label) == pytest.approx(
        {
            "loss": loss.item(),
            "accuracy": reference.accuracy_score(label, called),
            "balanced_accuracy": reference.balanced_accuracy_score(label, called),
            "macro_f1": reference.f1_score(label, called, average="macro"),
            "macro_auroc": reference.roc_auc_score(label, softmax, multi_class="ovr"),
            "brier": reference.brier_score_loss(label, softmax, labels=range(n_classes)),
        }
    )


def test_more_classes_share_a_softmax():
    logits, label = random_case(50, 4, seed=6)
    predictions = Predictions.from_logits(logits, label, label)
    expected = torch.tensor(logits, dtype=torch.float64).softmax(dim=1).numpy()
    np.testing.assert_allclose(predictions.probability, expected)
    np.testing.assert_allclose(predictions.sigmoid, expected)


def keras_by_its_definition(predictions: Predictions, specificity: float) -> float:
    """200 thresholds, one after another, on the pooled predictions."""
    truth = np.eye(2, dtype=bool)[predictions.label].ravel()
    answer = predictions.sigmoid.ravel()
    best = 0.0
    for threshold in [0.0, *((i + 1) / 199 for i in range(198)), 1.0]:
        called = answer > threshold
        if np.sum(~called & ~truth) / np.sum(~truth) >= specificity:
            best = max(best, np.sum(called & truth) / np.sum(truth))
    return best


@pytest.mark.parametrize("seed", range(8))
def test_keras_sensitivity_against_its_definition(seed):
    logits, label = random_case(60, 2, seed)
    predictions = Predictions.from_logits(logits - seed, label, label)
    for specificity in (0.1, 0.5, 0.9):
        expected = keras_by_its_definition(predictions, specificity)
        assert keras_sensitivity(predictions, specificity) == pytest.approx(expected)


def test_keras_sensitivity_on_the_cases_of_keras_own_tests():
    # keras/src/metrics/confusion_metrics_test.py, five of each kind, paired here into one-hot rows.
    negative, positive = [0.0, 0.1, 0.2, 0.3, 0.4], [0.1, 0.45, 0.5, 0.8, 0.9]
    rows = np.stack([positive, negative], axis=1).ravel()
    assert keras_sensitivity(pooled(rows, [1, 0] * 5), 0.8) == pytest.approx(0.8)
    positive = [0.01, 0.02, 0.25, 0.26, 0.26]
    rows = np.stack([positive, negative], axis=1).ravel()
    assert keras_sensitivity(pooled(rows, [1, 0] * 5), 0.4) == pytest.approx(0.6)


def test_keras_sensitivity_differs_from_the_exact_one_as_published():
    # Between two thresholds of the grid, 100/199 and 101/199, Keras cannot tell predictions apart.
    between = (100.3 / 199, 100.7 / 199)
    predictions = pooled([between[1], between[0], between[0], between[1]], [1, 0, 0, 1])
    assert keras_sensitivity(predictions) == 0.0
    score, positive = predictions.sigmoid[:, 0], predictions.label == 0
    assert sensitivity_at_specificity(score, positive, 0.5) == 1.0


@pytest.mark.parametrize(
    ("label", "undefined"),
    [
        (0, {"auroc", *(f"sensitivity_at_specificity_{s}" for s in ("0.50", "0.90", "0.95"))}),
        (
            1,
            {"auroc", "f1", *(f"sensitivity_at_specificity_{s}" for s in ("0.50", "0.90", "0.95"))},
        ),
    ],
)
def test_one_class_absent_leaves_some_undefined(label, undefined):
    logits, _ = random_case(20, 2, seed=2)
    figures = classification_metrics(logits, np.full(20, label))
    assert {name for name, value in figures.items() if math.isnan(value)} == undefined


def test_absent_class_of_three_leaves_macro_figures_undefined():
    logits, _ = random_case(20, 3, seed=3)
    figures = classification_metrics(logits, np.arange(20) % 2)
    undefined = {name for name, value in figures.items() if math.isnan(value)}
    assert undefined == {"balanced_accuracy", "macro_auroc", "macro_f1"}
    assert 0 <= figures["accuracy"] <= 1


def test_diverged_network_has_no_figures():
    figures = classification_metrics(np.array([[np.nan, 0.0], [1.0, 0.0]]), np.array([0, 1]))
    assert set(figures) == TWO_CLASS_NAMES
    assert all(math.isnan(value) for value in figures.values())


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

"""Figures that stay ours, as they run without torch, against torchmetrics'.

Where torchmetrics says 0 or 1 of what cannot be told, ours are NaN: that is tested, too, so that a
torchmetrics that learns to tell is noticed.
"""

import numpy as np
import pytest
import torch
from torchmetrics.functional import classification as reference

from raphe.core.statistics.calibration import brier, reliability
from raphe.core.statistics.linear_figures import linear_figures
from raphe.tasks.celltype.metrics.predictions import Predictions, sensitivity_at_specificity

TWO, FOUR = ("SER", "NSER"), ("a", "b", "c", "d")
NOT_CHECKED = {"validate_args": False}


def random_predictions(n_classes: int, seed: int, digits: int = 1) -> Predictions:
    """Rounded to so few digits that most scores are ties."""
    rng = np.random.default_rng(seed)
    label = rng.integers(n_classes, size=200)
    probability = np.round(rng.random((200, n_classes)) + 0.5 * np.eye(n_classes)[label], digits)
    probability /= probability.sum(axis=1, keepdims=True)
    return Predictions(probability, probability, label, np.arange(200))


def figures_of(predictions: Predictions, classes: tuple[str, ...]) -> dict[str, float]:
    return {figure.name: figure.value for figure in linear_figures(predictions, classes)}


def tensors(predictions: Predictions) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(predictions.probability), torch.from_numpy(predictions.label)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("classes", [TWO, FOUR])
def test_headline_figures(classes: tuple[str, ...], seed: int) -> None:
    predictions = random_predictions(len(classes), seed)
    probability, label = tensors(predictions)
    figures, n = figures_of(predictions, classes), len(classes)
    average = {"num_classes": n, "average": "macro"}
    assert figures["accuracy"] == pytest.approx(
        reference.multiclass_accuracy(probability, label, n, average="micro").item()
    )
    assert figures["balanced_accuracy"] == pytest.approx(
        reference.multiclass_accuracy(probability, label, **average).item()
    )
    assert figures["mcc"] == pytest.approx(
        reference.multiclass_matthews_corrcoef(probability, label, n).item(), abs=1e-6
    )
    if n == 2:
        area = reference.binary_auroc(probability[:, 0], (label == 0).long())
        assert figures["auroc"] == pytest.approx(area.item())
        recall = reference.multiclass_recall(probability, label, n, average="none")
        precision = reference.multiclass_precision(probability, label, n, average="none")
        assert [figures["sensitivity"], figures["specificity"]] == pytest.approx(recall.tolist())
        assert [figures["ppv"], figures["npv"]] == pytest.approx(precision.tolist())
    else:
        area = reference.multiclass_auroc(probability, label, **average)
        assert figures["macro_auroc"] == pytest.approx(area.item())
        assert figures["macro_f1"] == pytest.approx(
            reference.multiclass_f1_score(probability, label, **average).item()
        )
        assert figures["macro_ppv"] == pytest.approx(
            reference.multiclass_precision(probability, label, **average).item()
        )


@pytest.mark.parametrize("n_classes", [2, 4])
def test_confusion_matrix(n_classes: int) -> None:
    predictions = random_predictions(n_classes, seed=7)
    expected = reference.multiclass_confusion_matrix(*tensors(predictions), n_classes)
    np.testing.assert_array_equal(predictions.confusion(), expected.numpy())


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("specificity", [0.5, 0.9, 0.95])
def test_sensitivity_at_specificity(specificity: float, seed: int) -> None:
    predictions = random_predictions(2, seed)
    score, first = predictions.probability[:, 0], predictions.label == 0
    expected, _ = reference.binary_sensitivity_at_specificity(
        torch.from_numpy(score), torch.from_numpy(first).long(), specificity, **NOT_CHECKED
    )
    assert sensitivity_at_specificity(score, first, specificity) == pytest.approx(expected.item())


@pytest.mark.parametrize("n_bins", [5, 10])
def test_calibration_error(n_bins: int) -> None:
    predictions = random_predictions(4, seed=3, digits=3)
    probability, label = tensors(predictions)
    right = predictions.predicted == predictions.label
    stated = reliability(predictions.probability.max(axis=1), right, "equal width", n_bins)
    expected = reference.multiclass_calibration_error(probability, label, 4, n_bins, norm="l1")
    assert stated.expected_error == pytest.approx(expected.item(), abs=1e-6)


def test_brier_score_is_a_mean_squared_error() -> None:
    predictions = random_predictions(2, seed=1)
    probability, label = tensors(predictions)
    expected = ((probability[:, 0] - (label == 0).double()) ** 2).mean().item()
    assert brier(predictions.probability, predictions.label) == pytest.approx(expected)


@pytest.mark.filterwarnings("ignore:No (positive|negative) samples")
@pytest.mark.parametrize("label", [0, 1])
def test_what_one_class_alone_cannot_tell_is_nan_here_and_a_number_there(label: int) -> None:
    both = random_predictions(2, seed=2)
    alone = Predictions(both.probability, both.sigmoid, np.full(200, label), both.cell)
    first = alone.label == 0
    assert np.isnan(figures_of(alone, TWO)["auroc"])
    assert np.isnan(sensitivity_at_specificity(alone.probability[:, 0], first, 0.5))
    theirs = reference.binary_auroc(
        torch.from_numpy(alone.probability[:, 0]), torch.from_numpy(first).long(), **NOT_CHECKED
    )
    assert theirs == 0

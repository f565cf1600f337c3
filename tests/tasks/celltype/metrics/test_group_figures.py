"""Figures of groups against scikit-learn, for single groups and for groups drawn several times."""

import numpy as np
import pytest
from sklearn import metrics as reference

from raphe.tasks.celltype.metrics.group_figures import GroupCounts, matthews
from raphe.tasks.celltype.metrics.predictions import Predictions

TWO, FOUR = ("SER", "NSER"), ("PV", "SST", "VIP", "pyramidal")


def random_predictions(
    n_classes: int, n: int = 300, seed: int = 0
) -> tuple[Predictions, np.ndarray]:
    """With many ties, in 12 groups of unequal size."""
    rng = np.random.default_rng(seed)
    label = rng.integers(n_classes, size=n)
    logits = np.round(rng.normal(size=(n, n_classes)) + 1.2 * np.eye(n_classes)[label], 1)
    group = rng.choice(12, size=n, p=rng.dirichlet(np.ones(12) * 5))
    return Predictions.from_logits(logits, label, group), np.unique(group, return_inverse=True)[1]


def expected_figures(label: np.ndarray, probability: np.ndarray, classes) -> dict[str, float]:
    called = probability.argmax(axis=1)
    recall = reference.recall_score(label, called, average=None, zero_division=np.nan)
    precision = reference.precision_score(label, called, average=None, zero_division=np.nan)
    shared = {
        "accuracy": reference.accuracy_score(label, called),
        "balanced_accuracy": reference.balanced_accuracy_score(label, called),
        "mcc": reference.matthews_corrcoef(label, called),
    }
    if len(classes) == 2:
        auroc = reference.roc_auc_score(label == 0, probability[:, 0])
        rates = dict(zip(("sensitivity", "specificity"), recall, strict=True))
        return shared | rates | {"ppv": precision[0], "npv": precision[1], "auroc": auroc}
    macro = {
        "macro_ppv": precision.mean(),
        "macro_f1": reference.f1_score(label, called, average="macro"),
        "macro_auroc": reference.roc_auc_score(label, probability, multi_class="ovr"),
    }
    for name, r, p in zip(classes, recall, precision, strict=True):
        macro |= {f"sensitivity of {name}": r, f"ppv of {name}": p}
    return shared | macro


@pytest.mark.parametrize("classes", [TWO, FOUR])
def test_figures_against_scikit_learn(classes):
    predictions, group = random_predictions(len(classes))
    counted = GroupCounts.count(predictions, group, classes)
    drawn = np.random.default_rng(1).integers(0, 4, size=(5, group.max() + 1))
    figures = counted.figures(drawn)
    for i, times in enumerate(drawn):
        rows = np.repeat(np.arange(len(group)), times[group])  # each group as often as drawn
        expected = expected_figures(predictions.label[rows], predictions.probability[rows], classes)
        assert {name: values[i] for name, values in figures.items()} == pytest.approx(expected)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_matthews_where_only_one_class_is_called(n_classes):
    label = np.arange(12) % n_classes
    called = np.zeros(12, int)
    confusion = reference.confusion_matrix(label, called)[None]
    assert matthews(confusion) == reference.matthews_corrcoef(label, called) == 0
    assert np.isnan(matthews(confusion.transpose(0, 2, 1)))  # all of one class


def test_a_drawn_set_without_a_class_leaves_its_figures_undefined():
    label = np.array([0, 0, 1, 1])
    probability = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.3, 0.7]])
    counted = GroupCounts.count(Predictions(probability, probability, label, label), label, TWO)
    figures = counted.figures(np.array([[2, 0], [0, 1], [1, 1]]))
    np.testing.assert_array_equal(figures["sensitivity"], [0.5, np.nan, 0.5])
    np.testing.assert_array_equal(figures["specificity"], [np.nan, 1, 1])
    np.testing.assert_array_equal(figures["auroc"], [np.nan, np.nan, 1])
    np.testing.assert_array_equal(figures["balanced_accuracy"], [np.nan, np.nan, 0.75])

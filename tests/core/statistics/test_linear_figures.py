"""Figures against scikit-learn's, and their influences against what leaving items out does."""

import numpy as np
import pytest
from sklearn import metrics as reference

from raphe.core.statistics.linear_figures import linear_figures, matthews, mean_recall
from raphe.tasks.celltype.metrics.fold_auroc import auroc_within_folds
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


def values_of(predictions: Predictions, classes, fold=None) -> dict[str, float]:
    return {figure.name: figure.value for figure in linear_figures(predictions, classes, fold)}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("classes", [TWO, FOUR])
def test_figures_against_scikit_learn(classes, seed):
    predictions, _ = random_predictions(len(classes), 60, seed)
    expected = expected_figures(predictions.label, predictions.probability, classes)
    assert values_of(predictions, classes) == pytest.approx(expected)


@pytest.mark.parametrize("classes", [TWO, FOUR])
def test_influences_are_what_leaving_a_group_out_does(classes):
    """To first order: the rest shrinks with the square of a group's share."""
    predictions, group = random_predictions(len(classes), 4000)
    group = np.arange(4000) // 40
    for figure in linear_figures(predictions, classes):
        assert figure.influence.sum() == pytest.approx(0, abs=1e-9)
        assert figure.weight.sum() == pytest.approx(1)
        moved = np.bincount(group, figure.influence)
        for g in (0, 57):
            rest = group != g
            without = Predictions(
                predictions.probability[rest], predictions.sigmoid[rest],
                predictions.label[rest], predictions.cell[rest],
            )  # fmt: skip
            change = figure.value - values_of(without, classes)[figure.name]
            assert moved[g] == pytest.approx(change, abs=0.05 * np.abs(moved).max())


def test_variance_of_the_auroc_is_delongs():
    predictions, _ = random_predictions(2, 80)
    figure = linear_figures(predictions, TWO)[-1]
    score, first = predictions.probability[:, 0], predictions.label == 0
    wins = np.heaviside(score[first][:, None] - score[~first], 0.5)
    own, other = wins.mean(axis=1), wins.mean(axis=0)
    assert figure.name == "auroc"
    assert figure.item_variance == pytest.approx(own.var() / len(own) + other.var() / len(other))


@pytest.mark.parametrize("name", ["balanced_accuracy", "mcc"])
def test_item_variance_is_that_of_classes_drawn_anew(name):
    predictions, _ = random_predictions(2, 150, 3)
    figure = {f.name: f for f in linear_figures(predictions, TWO)}[name]
    rng = np.random.default_rng(4)
    confusion = predictions.confusion()
    rows = [
        rng.multinomial(row.sum(), row / row.sum(), 20_000) for row in confusion
    ]  # (R, C) of each true class
    function = {"balanced_accuracy": mean_recall, "mcc": matthews}[name]
    drawn = function(np.stack(rows, axis=1).astype(float))
    assert figure.item_variance == pytest.approx(drawn.var(), rel=0.05)


def test_a_proportion_of_n_counts_as_n_and_other_figures_as_no_more_than_their_items():
    predictions, _ = random_predictions(2, 300)
    figures = {figure.name: figure for figure in linear_figures(predictions, TWO)}
    sizes = np.bincount(predictions.label)
    assert [figures[name].n_items for name in ("sensitivity", "specificity")] == sizes.tolist()
    assert figures["accuracy"].n_items == 300
    assert figures["balanced_accuracy"].n_items == pytest.approx(300, rel=0.05)
    assert sizes.min() < figures["auroc"].n_items < 2 * 300


def test_pairs_of_two_folds_are_not_compared():
    predictions, group = random_predictions(2, 100)
    fold = group % 3
    expected = auroc_within_folds(predictions.probability[:, 0], predictions.label == 0, fold)
    figure = linear_figures(predictions, TWO, fold)[-1]
    assert figure.value == pytest.approx(expected.value)
    assert figure.influence.sum() == pytest.approx(0, abs=1e-12)


def test_perfect_figures_count_as_many_items_as_nothing_but_luck_would_need():
    label = np.repeat([0, 1], [6, 20])
    probability = np.eye(2)[label] * 0.8 + 0.1
    predictions = Predictions(probability, probability, label, np.arange(26))
    figures = {figure.name: figure for figure in linear_figures(predictions, TWO)}
    assert all(figure.is_perfect and figure.value == 1 for figure in figures.values())
    assert figures["auroc"].n_items == 6  # so many pairs without an item in common
    assert figures["sensitivity"].n_items == 6 and figures["accuracy"].n_items == 26
    assert figures["mcc"].n_items == figures["balanced_accuracy"].n_items == 12


@pytest.mark.parametrize("n_classes", [2, 3])
def test_matthews_where_only_one_class_is_called(n_classes):
    label = np.arange(12) % n_classes
    called = np.zeros(12, int)
    confusion = reference.confusion_matrix(label, called)[None]
    assert matthews(confusion) == reference.matthews_corrcoef(label, called) == 0
    assert np.isnan(matthews(confusion.transpose(0, 2, 1)))  # all of one class
    probability = np.eye(n_classes)[called]
    figures = linear_figures(
        Predictions(probability, probability, label, np.arange(12)), ("a", "b", "c")[:n_classes]
    )
    mcc = next(figure for figure in figures if figure.name == "mcc")
    assert mcc.value == 0 and mcc.n_items == 12 and np.isfinite(mcc.influence).all()


def test_a_set_without_a_class_leaves_its_figures_undefined():
    probability = np.array([[0.9, 0.1], [0.4, 0.6]])
    predictions = Predictions(probability, probability, np.zeros(2, int), np.arange(2))
    figures = values_of(predictions, TWO)
    assert figures["sensitivity"] == 0.5
    undefined = [figures[name] for name in ("specificity", "auroc", "balanced_accuracy", "mcc")]
    assert np.isnan(undefined).all()

"""The figures of a set of verdicts, each with what every item adds to it.

A figure moves by about the sum of its items' influences where items are drawn anew, which gives its
variance for items that come in groups, and that of the difference between two classifiers of the
same items. n items (cells or spikes), C classes, R matrices.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from raphe.core.metric_names import OF_CLASS

NO_VARIANCE = 1e-18  # rounding; that of one item of 100 000 is 1e-10
STEP = 1e-4  # of numerical derivatives, as a share of the items

OfConfusion = Callable[[np.ndarray], np.ndarray]  # (R, C, C) → (R,)


class Predictions(Protocol):
    """What a classifier says of n items, and their truth."""

    @property
    def probability(self) -> np.ndarray:
        """(n, C)."""
        ...

    @property
    def label(self) -> np.ndarray:
        """int (n,)."""
        ...

    @property
    def predicted(self) -> np.ndarray:
        """The class called, int (n,)."""
        ...

    @property
    def n_classes(self) -> int: ...

    def confusion(self) -> np.ndarray:
        """Counts (C, C), a row for each true class."""
        ...


@dataclass(frozen=True)
class LinearFigure:
    """A figure of n items; NaN where they cannot tell it."""

    name: str
    value: float
    influence: np.ndarray  # (n,) of each item, 0 in sum
    weight: np.ndarray  # (n,) share of each item in the figure, 1 in sum
    parts: Sequence[np.ndarray]  # bool (n,) each: items of which none may lack, as those of a class
    item_variance: float  # were items independent
    n_items: float  # of a proportion that would be as sure, were items independent
    counts: tuple[int, int] | None = None  # numerator and denominator of a proportion
    lowest: float = 0.0  # value it can have; the highest is 1

    @property
    def share(self) -> float:
        """Where between the lowest and the highest value it lies."""
        return (self.value - self.lowest) / (1 - self.lowest)

    @property
    def is_perfect(self) -> bool:
        """Whether all items say the same of it, as where all are right."""
        return self.item_variance < NO_VARIANCE


def linear_figures(
    predictions: Predictions, classes: Sequence[str], fold: np.ndarray | None = None
) -> list[LinearFigure]:
    """Every figure of n items.

    Two classes: sensitivity, specificity, ppv, npv, accuracy, balanced_accuracy, mcc, auroc, of
    the first class against the second. More: accuracy, balanced_accuracy (the mean of the
    classes' sensitivities), mcc, macro_ppv, macro_f1, macro_auroc, and the sensitivity and the
    ppv of each class.

    Args:
        fold: (n,) items of different folds are not compared with one another in the AUROC.
    """
    label, called = predictions.label, predictions.predicted
    right, everything = label == called, np.ones(len(label), bool)
    fold = np.zeros(len(label), np.int64) if fold is None else fold
    of_class = [label == c for c in range(len(classes))]
    by_class = [
        proportion(name, right, own)
        for name, own in zip(recall_names(classes), of_class, strict=True)
    ]
    # Which items are called a class is chance: each has its weight, called so or not.
    weight, parts = everything / len(label), [own for own in of_class if own.any()]
    by_class += [
        replace(proportion(name, right, called == c), weight=weight, parts=parts)
        for c, name in enumerate(precision_names(classes))
    ]
    shared = [
        proportion("accuracy", right, everything),
        _of_confusion("balanced_accuracy", mean_recall, predictions),
        _of_confusion("mcc", matthews, predictions, lowest=-1.0),
    ]
    if len(classes) == 2:
        return [*by_class, *shared, auroc("auroc", predictions, fold)]
    macro = [
        _of_confusion("macro_ppv", mean_precision, predictions),
        _of_confusion("macro_f1", mean_f1, predictions),
        auroc("macro_auroc", predictions, fold),
    ]
    return [*shared, *macro, *by_class]


def recall_names(classes: Sequence[str]) -> list[str]:
    """What the share of each class' own items that are called so is called."""
    two = len(classes) == 2
    return ["sensitivity", "specificity"] if two else [f"sensitivity{OF_CLASS}{c}" for c in classes]


def precision_names(classes: Sequence[str]) -> list[str]:
    """What the share of right ones among those called each class is called."""
    return ["ppv", "npv"] if len(classes) == 2 else [f"ppv{OF_CLASS}{c}" for c in classes]


def is_of_a_class(name: str) -> bool:
    """Whether a figure is of one of more than two classes: it stands in tables alone, as the name
    of a class may hold what no metric's name can."""
    return OF_CLASS in name


def mean_recall(confusion: np.ndarray) -> np.ndarray:
    """Balanced accuracy of matrices (R, C, C): (R,). NaN where a class is absent."""
    return _ratio(_right(confusion), confusion.sum(axis=2)).mean(axis=1)


def mean_precision(confusion: np.ndarray) -> np.ndarray:
    """Macro PPV of matrices (R, C, C): (R,). NaN where a class is never called."""
    return _ratio(_right(confusion), confusion.sum(axis=1)).mean(axis=1)


def mean_f1(confusion: np.ndarray) -> np.ndarray:
    """Macro F1 of matrices (R, C, C): (R,). NaN where a class is absent."""
    true, called = confusion.sum(axis=2), confusion.sum(axis=1)
    f1 = np.where(true > 0, _ratio(2 * _right(confusion), true + called), np.nan)
    return f1.mean(axis=1)


def matthews(confusion: np.ndarray) -> np.ndarray:
    """Matthews' correlation (Gorodkin 2004 for C > 2) of matrices (R, C, C): (R,).

    0 where all are called one class, as scikit-learn has it; NaN where all are of one class.
    """
    true, called = confusion.sum(axis=2), confusion.sum(axis=1)
    n, right = confusion.sum(axis=(1, 2)), np.trace(confusion, axis1=1, axis2=2)
    spread_true = n**2 - (true**2).sum(axis=1)
    # A slope is taken a step below none of a class called.
    spread = np.sqrt(np.maximum(spread_true * (n**2 - (called**2).sum(axis=1)), 0))
    mcc = np.divide(
        right * n - (true * called).sum(axis=1), spread, out=np.zeros(len(n)), where=spread > 0
    )
    return np.where(spread_true > 0, mcc, np.nan)


def _right(confusion: np.ndarray) -> np.ndarray:
    return np.diagonal(confusion, axis1=1, axis2=2)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=whole > 0)


def _undefined(name: str, n: int, counts: tuple[int, int] | None = None) -> LinearFigure:
    nothing, nan = np.zeros(n), float("nan")
    return LinearFigure(name, nan, nothing, nothing, (), nan, 0.0, counts)


def proportion(name: str, right: np.ndarray, among: np.ndarray) -> LinearFigure:
    """The share of right ones, bool (n,), among some, bool (n,)."""
    k, n = int((right & among).sum()), int(among.sum())
    if not n:
        return _undefined(name, len(right), (k, n))
    share = k / n
    influence = np.where(among, right - share, 0.0) / n
    return LinearFigure(
        name, share, influence, among / n, [among], share * (1 - share) / n, n, (k, n)
    )


def weighted_precision(
    name: str, label: np.ndarray, number: int, called: np.ndarray, weight: np.ndarray
) -> LinearFigure:
    """The share of a class among those called it, bool (n,) with one or more, items weighing
    `weight` (n,)."""
    right, total = label == number, weight[called].sum()
    share = float(weight[called & right].sum() / total)
    influence = np.where(called, weight * (right - share), 0.0) / total
    item_variance = float((influence**2).sum())
    n_items = total**2 / (weight[called] ** 2).sum()  # Kish 1965
    if item_variance > NO_VARIANCE:  # fewer where the wrong ones weigh most
        n_items = min(n_items, share * (1 - share) / item_variance)
    of_all, parts = weight / weight.sum(), [label == c for c in np.unique(label)]
    return LinearFigure(name, share, influence, of_all, parts, item_variance, float(n_items))


def _of_confusion(
    name: str, function: OfConfusion, predictions: Predictions, lowest: float = 0.0
) -> LinearFigure:
    confusion = predictions.confusion().astype(float)
    n_classes, of_class = len(confusion), confusion.sum(axis=1)
    present = np.flatnonzero(of_class)
    value = float(function(confusion[None])[0])
    if np.isnan(value):
        return _undefined(name, len(predictions.label))
    label, called = predictions.label, predictions.predicted
    slope = _slope(function, confusion)
    # One more item of each class, half right of two: else a figure at or near an end of its range
    # would look surer than its items can make it.
    more = confusion + 1 / n_classes
    smoothed = float(function(more[None])[0])
    variance = _multinomial_variance(more, _slope(function, more))
    share = (smoothed - lowest) / (1 - lowest)
    n_items = share * (1 - share) * (1 - lowest) ** 2 / variance
    item_variance = _multinomial_variance(confusion, slope)
    if item_variance < NO_VARIANCE:
        # Were a class hardly ever right, all of so many items would hardly be: an exact bound of
        # classes of one size, a low one of others.
        n_items = len(present) * of_class[present].min()
    return LinearFigure(
        name,
        value,
        slope[label, called] - slope[label, called].mean(),
        1 / (len(present) * of_class[label]),
        [label == c for c in present],
        item_variance,
        float(n_items),
        lowest=lowest,
    )


def _slope(function: OfConfusion, confusion: np.ndarray) -> np.ndarray:
    """What one more item in each place of a matrix (C, C) adds to a figure: (C, C)."""
    step = STEP * confusion.sum()
    changes = step * np.eye(confusion.size).reshape(-1, *confusion.shape)
    rise = function(confusion + changes) - function(confusion - changes)
    return (rise / (2 * step)).reshape(confusion.shape)


def _multinomial_variance(confusion: np.ndarray, slope: np.ndarray) -> float:
    """Of a figure of so many items of each class, each called for itself."""
    mean = (confusion * slope).sum(axis=1) / np.maximum(confusion.sum(axis=1), 1)
    return float((confusion * (slope - mean[:, None]) ** 2).sum())


def auroc(name: str, predictions: Predictions, fold: np.ndarray) -> LinearFigure:
    """Of two classes that of the first; of more the mean over the classes, each against the
    rest."""
    n_classes, label = predictions.n_classes, predictions.label
    ranked = range(1 if n_classes == 2 else n_classes)
    areas = [_Area.of(predictions.probability[:, c], label == c, fold) for c in ranked]
    value = float(np.mean([area.value for area in areas]))
    if np.isnan(value):
        return _undefined(name, len(label))
    influence = np.mean([area.influence for area in areas], axis=0)
    item_variance = float((influence**2).sum())
    # As in _of_confusion, one more item of either side, that wins half of its pairs.
    smoothed = np.mean([area.smoothed for area in areas])
    variance = item_variance + np.sum([area.added_variance for area in areas]) / len(areas) ** 2
    if item_variance < NO_VARIANCE:
        # So many pairs share no item, and all are ranked alike: an exact bound where all are right.
        n_items = min(area.n_pairs_apart for area in areas)
    else:
        n_items = smoothed * (1 - smoothed) / variance
    return LinearFigure(
        name,
        value,
        influence,
        np.mean([area.weight for area in areas], axis=0),
        [label == c for c in range(n_classes)],
        item_variance,
        float(n_items),
    )


@dataclass(frozen=True)
class _Area:
    """One class against the rest."""

    value: float
    influence: np.ndarray  # (n,)
    weight: np.ndarray  # (n,)
    smoothed: float
    added_variance: float
    n_pairs_apart: float

    @classmethod
    def of(cls, score: np.ndarray, positive: np.ndarray, fold: np.ndarray) -> "_Area":
        wins, pairs = _wins(score, positive, fold)
        n_pairs = pairs[positive].sum()
        if not n_pairs:
            nan, nothing = float("nan"), np.zeros(len(score))
            return cls(nan, nothing, nothing, nan, nan, 0.0)
        value = float(wins[positive].sum() / n_pairs)
        sides = [
            pairs[side].sum() ** 2 / (pairs[side] ** 2).sum() for side in (positive, ~positive)
        ]
        n_sides = np.array(sides)  # items of equal weight on either side
        return cls(
            value,
            (wins - value * pairs) / n_pairs,
            pairs / (2 * n_pairs),
            float(np.mean((value * n_sides + 0.5) / (n_sides + 1))),
            float((((value - 0.5) / (n_sides + 1)) ** 2).sum()),
            float(n_sides.min()),
        )


def _wins(
    score: np.ndarray, positive: np.ndarray, fold: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of each item with those of the other side in its fold: ranked right, and all, (n,)
    each. A tie is half a pair."""
    wins, pairs = np.zeros(len(score)), np.zeros(len(score))
    for number in np.unique(fold):
        here = fold == number
        for side, sign in ((positive, 1), (~positive, -1)):
            own, others = here & side, np.sort(sign * score[here & ~side])
            below = np.searchsorted(others, sign * score[own], side="left")
            below_or_tied = np.searchsorted(others, sign * score[own], side="right")
            wins[own], pairs[own] = (below + below_or_tied) / 2, len(others)
    return wins, pairs

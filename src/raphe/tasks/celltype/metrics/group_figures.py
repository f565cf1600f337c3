"""Figures of a set of verdicts as functions of how often each group of cells counts.

Once counted by group, a figure of thousands of resamples is a product of small matrices. R
resamples, G groups, C classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from raphe.tasks.celltype.metrics.predictions import Predictions


@dataclass(frozen=True)
class GroupCounts:
    """What each group adds to the figures of a set."""

    classes: Sequence[str]
    confusion: np.ndarray  # (G, C, C): a row for each true class, a column for each class called
    wins: np.ndarray  # (C, G, G): see `_wins`; of two classes that of the first alone (1, G, G)

    @classmethod
    def count(
        cls, predictions: Predictions, group: np.ndarray, classes: Sequence[str]
    ) -> "GroupCounts":
        """Count predictions by the group (n,) of each, numbered from 0."""
        n_groups, n_classes = int(group.max()) + 1, predictions.n_classes
        confusion = np.zeros((n_groups, n_classes, n_classes), dtype=np.int64)
        np.add.at(confusion, (group, predictions.label, predictions.predicted), 1)
        ranked = range(1 if n_classes == 2 else n_classes)
        wins = [_wins(predictions.probability[:, c], predictions.label == c, group) for c in ranked]
        return cls(classes, confusion, np.stack(wins))

    def figures(self, draws: np.ndarray) -> dict[str, np.ndarray]:
        """Each figure (R,) for groups that count as often as drawn (R, G); NaN where undefined.

        Two classes: sensitivity, specificity, ppv, npv, accuracy, balanced_accuracy, mcc, auroc, of
        the first class against the second. More: accuracy, balanced_accuracy (the mean of the
        classes' sensitivities), macro_ppv, macro_f1, mcc, macro_auroc, and the sensitivity and the
        ppv of each class.
        """
        confusion = np.tensordot(draws.astype(float), self.confusion, 1)  # (R, C, C)
        right = np.diagonal(confusion, axis1=1, axis2=2)
        true, called = confusion.sum(axis=2), confusion.sum(axis=1)
        recall, precision = _ratio(right, true), _ratio(right, called)
        areas = self._aurocs(draws)  # (R, C) or (R, 1)
        shared = {
            "accuracy": _ratio(right.sum(axis=1), true.sum(axis=1)),
            "balanced_accuracy": recall.mean(axis=1),
            "mcc": matthews(confusion),
        }
        by_class = dict(zip(recall_names(self.classes), recall.T, strict=True))
        by_class |= dict(zip(precision_names(self.classes), precision.T, strict=True))
        if len(self.classes) == 2:
            return by_class | shared | {"auroc": areas[:, 0]}
        f1 = np.where(true > 0, _ratio(2 * right, true + called), np.nan)
        macro = {
            "macro_ppv": precision.mean(axis=1),
            "macro_f1": f1.mean(axis=1),
            "macro_auroc": areas.mean(axis=1),
        }
        return shared | macro | by_class

    def _aurocs(self, draws: np.ndarray) -> np.ndarray:
        drawn = draws.astype(float)
        areas = []
        for c, wins in enumerate(self.wins):
            n_positive = drawn @ self.confusion[:, c].sum(axis=1)
            n_negative = drawn @ self.confusion.sum(axis=(1, 2)) - n_positive
            areas.append(_ratio(((drawn @ wins) * drawn).sum(axis=1), n_positive * n_negative))
        return np.stack(areas, axis=1)


def recall_names(classes: Sequence[str]) -> list[str]:
    """What the share of each class' own items that are called so is called."""
    two = len(classes) == 2
    return ["sensitivity", "specificity"] if two else [f"sensitivity of {c}" for c in classes]


def precision_names(classes: Sequence[str]) -> list[str]:
    """What the share of right ones among those called each class is called."""
    return ["ppv", "npv"] if len(classes) == 2 else [f"ppv of {c}" for c in classes]


def matthews(confusion: np.ndarray) -> np.ndarray:
    """Matthews' correlation (Gorodkin 2004 for C > 2) of matrices (R, C, C): (R,).

    0 where all are called one class, as scikit-learn has it; NaN where all are of one class.
    """
    true, called = confusion.sum(axis=2), confusion.sum(axis=1)
    n, right = confusion.sum(axis=(1, 2)), np.trace(confusion, axis1=1, axis2=2)
    spread_true = n**2 - (true**2).sum(axis=1)
    spread = np.sqrt(spread_true * (n**2 - (called**2).sum(axis=1)))
    mcc = np.divide(
        right * n - (true * called).sum(axis=1), spread, out=np.zeros(len(n)), where=spread > 0
    )
    return np.where(spread_true > 0, mcc, np.nan)


def _wins(score: np.ndarray, positive: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Pairs of a positive of group g and a negative of group h that are ranked right, (G, G)
    float64; a tie is half a pair."""
    n_groups = int(group.max()) + 1
    wins = np.zeros((n_groups, n_groups))
    positives, their_group = score[positive], group[positive]
    for h in np.unique(group[~positive]):
        negatives = np.sort(score[~positive & (group == h)])
        below = np.searchsorted(negatives, positives, side="left")
        below_or_tied = np.searchsorted(negatives, positives, side="right")
        wins[:, h] = np.bincount(their_group, (below + below_or_tied) / 2, minlength=n_groups)
    return wins


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=whole > 0)

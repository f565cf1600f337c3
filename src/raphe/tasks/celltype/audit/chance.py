"""Whether scores tell cells' classes apart better than chance does: permutation p of their AUROC.

n cells, C classes, F folds, B permutations.
"""

import numpy as np
from scipy.stats import rankdata

from raphe.core.statistics.permutation import (
    Exchange,
    PermutationTest,
    grouped_permutation_test,
    permutation_test,
)


class FoldRanks:
    """Scores ranked within the folds whose networks gave them; cells of two are not compared.

    Args:
        probability: (n, C).
        fold: int (n,).
    """

    def __init__(self, probability: np.ndarray, fold: np.ndarray) -> None:
        ranked = probability[:, :1] if probability.shape[1] == 2 else probability
        self._in_fold = fold[:, None] == np.unique(fold)  # bool (n, F)
        self._centred = np.zeros(ranked.shape)  # rank less the fold's mean rank
        for rows in self._in_fold.T:
            self._centred[rows] = rankdata(ranked[rows], axis=0) - (rows.sum() + 1) / 2

    def auroc(self, labels: np.ndarray) -> np.ndarray:
        """Share of pairs of a fold that are ranked right, of labels (B, n): (B,).

        The mean over the classes, each against all others; of two the first alone. NaN where no
        fold holds a pair.
        """
        areas = []
        for c, centred in enumerate(self._centred.T):
            positive = (labels == c).astype(float)  # (B, n)
            areas.append(_ratio(positive @ centred, self._pairs(positive)) + 0.5)
        return np.mean(areas, axis=0)

    def evidence(self, label: np.ndarray) -> np.ndarray:
        """What each cell adds to the AUROC above 0.5 were it of each class: (n, C).

        Of as many pairs as labels (n,) make; all NaN where they make none.
        """
        evidence = np.zeros((len(label), max(2, self._centred.shape[1])))
        for c, centred in enumerate(self._centred.T):
            pairs = self._pairs((label == c).astype(float)[None])[0]
            evidence[:, c] = centred / (pairs if pairs else np.nan)
        return evidence / self._centred.shape[1]

    def _pairs(self, positive: np.ndarray) -> np.ndarray:
        """Of a positive and a negative of one fold, of (B, n): (B,)."""
        n_positive = positive @ self._in_fold  # (B, F)
        return (n_positive * (self._in_fold.sum(axis=0) - n_positive)).sum(axis=1)


def p_of_cells(
    probability: np.ndarray,
    label: np.ndarray,
    fold: np.ndarray,
    group: np.ndarray,
    rng: np.random.Generator,
) -> PermutationTest:
    """The p of an AUROC within folds where cells of one group (day or animal) are alike.

    Groups change places within folds where none has cells in two. Labels that were dealt out at
    random, cell by cell, are a randomised experiment: groups of one, whatever cells share.

    Args:
        probability: (n, C) of each cell.
        label, fold, group: int (n,).
    """
    evidence = FoldRanks(probability, fold).evidence(label)
    block = fold if _is_function_of(fold, group) else np.zeros_like(fold)
    return grouped_permutation_test(evidence, label, group, block, rng)


def p_of_table(group: np.ndarray, label: np.ndarray, rng: np.random.Generator) -> PermutationTest:
    """Whether cells of a group are of one class more often than chance has it, of (n,) each."""
    in_group = (group[:, None] == np.unique(group)).astype(float)
    n_of_group = in_group.sum(axis=0)

    def likeness(labels: np.ndarray) -> np.ndarray:  # Pearson's, but for what labels keep
        counts = (((labels == c) @ in_group) ** 2 / n_of_group for c in np.unique(label))
        return sum(of_class.sum(axis=1) for of_class in counts)

    return permutation_test([Exchange(label, likeness)], rng)


def _is_function_of(value: np.ndarray, group: np.ndarray) -> bool:
    """Whether each group has one value."""
    pairs = np.unique(np.stack([group, value]), axis=1).shape[1]
    return pairs == len(np.unique(group))


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=whole > 0)

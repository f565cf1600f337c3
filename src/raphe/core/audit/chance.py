"""Whether scores tell cells' classes apart better than chance does: permutation p of their AUROC.

n cells, C classes.
"""

from math import ceil, comb, log

import numpy as np
from scipy.stats import rankdata

from raphe.core.statistics.permutation import (
    SIGNIFICANT,
    Exchange,
    PermutationTest,
    grouped_permutation_test,
    permutation_test,
)

FEWEST_SHUFFLES = 2


def evidence_within_folds(
    probability: np.ndarray, label: np.ndarray, fold: np.ndarray
) -> np.ndarray:
    """What each cell would add to the AUROC above 0.5 were it of each class: (n, C).

    Scores are ranked within the folds whose networks gave them, so that the sum over cells of their
    own classes' is the share of pairs of one fold that are ranked right, less 0.5: of two classes
    that of the first, of more the mean of each against all others. All NaN where no fold holds a
    pair.

    Args:
        probability: (n, C).
        label, fold: int (n,).
    """
    ranked = 1 if probability.shape[1] == 2 else probability.shape[1]
    evidence = np.zeros(probability.shape)
    n_pairs = np.zeros(ranked)
    for rows in (np.flatnonzero(fold == number) for number in np.unique(fold)):
        rank = rankdata(probability[rows, :ranked], axis=0)
        evidence[rows, :ranked] = rank - (len(rows) + 1) / 2
        n_positive = (label[rows, None] == np.arange(ranked)).sum(axis=0)
        n_pairs += n_positive * (len(rows) - n_positive)
    evidence[:, :ranked] /= np.where(n_pairs > 0, n_pairs, np.nan) * ranked
    return evidence


def p_of_cells(
    probability: np.ndarray,
    label: np.ndarray,
    fold: np.ndarray,
    group: np.ndarray,
    rng: np.random.Generator,
    block: np.ndarray | None = None,
) -> PermutationTest:
    """The p of an AUROC within folds where cells of one group (day or animal) are alike.

    Groups change places within folds where none has cells in two. Labels that were dealt out at
    random, cell by cell, are a randomised experiment: groups of one, whatever cells share.

    Args:
        probability: (n, C) of each cell.
        label, fold, group: int (n,).
        block: int (n,), within which groups change places, one for each group; None: see above.
    """
    evidence = evidence_within_folds(probability, label, fold)
    if block is None:
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


def shuffles_needed(label: np.ndarray) -> int:
    """The fewest that let a p be small, of cells with these labels (n,).

    Four cells can be dealt two labels in six ways, so that one shuffling shows nothing.
    """
    counts = np.bincount(label)
    n_ways = max(comb(int(counts.sum()), int(n)) for n in counts)
    if n_ways == 1:  # one class
        return 0
    return max(FEWEST_SHUFFLES, ceil(log(1 / SIGNIFICANT) / log(n_ways)))


def _is_function_of(value: np.ndarray, group: np.ndarray) -> bool:
    """Whether each group has one value."""
    pairs = np.unique(np.stack([group, value]), axis=1).shape[1]
    return pairs == len(np.unique(group))

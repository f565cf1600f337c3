"""Cross-validation: every group of cells is tested once, by networks that never saw it.

G groups (cells, days or animals), n cells, C classes, K folds.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np

from raphe.core.errors import SettingError, SplitError
from raphe.core.ranges import Range, check_ranges
from raphe.core.sentences import counted
from raphe.core.statistics.splits import ASSIGNMENTS_TRIED, PARTS

Folds = Annotated[int, Range(2, also="all or null")] | Literal["all"]
Fold = Annotated[int, Range(0)]

TRAIN, VAL, TEST = range(len(PARTS))
FEWEST_CLASSES = 2  # in training and in validation: one class alone teaches and measures nothing


def check_folds(folds: Folds | None, fold: Fold, split: str) -> None:
    """Raise SettingError for folds that no store can have."""
    if folds is None:
        return
    if split == "spike":
        raise SettingError(
            f"data.folds={folds}: with data.split=spike a cell would be tested in every fold and "
            "trained on in all others; set data.split=cell, day, animal or source"
        )
    check_ranges(check_folds, locals(), "data")


def assign_folds(
    group: np.ndarray, label: np.ndarray, folds: Folds, seed: int, group_name: str
) -> np.ndarray:
    """The fold that tests each cell: int64 (n,), 0 to K − 1, none of them empty.

    Folds hold about as many cells, and of each class about as many, as their groups allow.

    Args:
        group: int (n,), the group of each cell.
        label: int (n,), the class of each cell.
        folds: K, or "all": each group is a fold of its own, in their order.
        seed: which groups come together.
        group_name: what a group is ("cell", "day"), for error messages.

    Raises:
        SplitError: with fewer groups than folds.
    """
    names, row = np.unique(group, return_inverse=True)
    n_folds = len(names) if folds == "all" else folds
    if len(names) < max(n_folds, FEWEST_CLASSES):
        fewer = "set data.folds=all, or " if len(names) >= FEWEST_CLASSES else ""
        raise SplitError(
            f"data.folds={folds}: the store has {counted(group_name, len(names))} to share out; "
            f"{fewer}split otherwise (data.split)"
        )
    if folds == "all":
        return row
    counts = _counts(row, label)
    shares = counts / counts.sum(axis=0)  # (G, C), of each class's cells
    fold_shares, n_cells = np.zeros((n_folds, shares.shape[1])), np.zeros(n_folds)
    order = np.random.default_rng(seed).permutation(len(names))
    fold_of_group = np.empty(len(names), dtype=np.int64)
    for index in order[np.argsort(-counts.sum(axis=1)[order], kind="stable")]:  # the largest first
        # The growth of the sum of squared shares, which even folds keep smallest.
        growth = (fold_shares * shares[index]).sum(axis=1)
        best = int(np.lexsort((n_cells, np.round(growth, 12)))[0])
        fold_of_group[index] = best
        fold_shares[best] += shares[index]
        n_cells[best] += counts[index].sum()
    return fold_of_group[row]


def parts_of_fold(
    group: np.ndarray,
    label: np.ndarray,
    fold_of_cell: np.ndarray,
    fold: int,
    fractions: Sequence[float],
    seed: int,
    class_names: Sequence[str],
) -> np.ndarray:
    """The part of each cell in one fold: uint8 (n,), index into PARTS.

    `group`, `label` and `fold_of_cell` are of each cell, int (n,). Test is what `assign_folds` put
    in `fold`. Of the other groups some validate, by the ratio of the first two fractions. A class
    of which one group is left is trained on and not validated; of which none is left, neither.

    Raises:
        SplitError: where fewer than two classes are left for training or validation.
        SettingError: for a fold that there is not.
    """
    n_folds = int(fold_of_cell.max()) + 1
    if fold >= n_folds:
        raise SettingError(f"data.fold={fold}: expected 0 to {n_folds - 1}, there are {n_folds}")
    rest = np.flatnonzero(fold_of_cell != fold)
    _, row = np.unique(group[rest], return_inverse=True)
    counts = _counts(row, label[rest], len(class_names))
    share = fractions[1] / (fractions[0] + fractions[1])
    rng = np.random.default_rng([seed, fold])
    pure = ((counts > 0).sum(axis=1) == 1).all()
    validates = (_of_each_class if pure else _of_mixed)(counts, share, rng)
    part = np.full(len(group), TEST, np.uint8)
    part[rest] = np.where(validates[row], VAL, TRAIN)
    for number in (TRAIN, VAL):
        classes = np.unique(label[part == number])
        if len(classes) < FEWEST_CLASSES:
            names = ", ".join(class_names[index] for index in classes) or "none"
            raise SplitError(
                f"data.fold={fold}: the {PARTS[number]} part needs two classes, got {names}; add "
                "recordings, or ask for other folds (data.folds, data.split)"
            )
    assert not set(group[part == TEST]) & set(group[rest])
    assert not set(group[part == VAL]) & set(group[part == TRAIN])
    return part


def _counts(row: np.ndarray, label: np.ndarray, n_classes: int = 0) -> np.ndarray:
    """Cells of each class in each group: int64 (G, C)."""
    counts = np.zeros((int(row.max()) + 1, max(n_classes, int(label.max()) + 1)), np.int64)
    np.add.at(counts, (row, label), 1)
    return counts


def _of_each_class(counts: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Groups that validate, where each holds one class: bool (G,)."""
    validates = np.zeros(len(counts), bool)
    of_group = counts.argmax(axis=1)
    for index in np.unique(of_group):
        members = rng.permutation(np.flatnonzero(of_group == index))
        n = min(max(1, round(share * len(members))), len(members) - 1)
        validates[members[:n]] = True
    return validates


def _of_mixed(counts: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Groups that validate, where they mix classes: bool (G,), the best balanced of many draws."""
    n = min(max(1, round(share * len(counts))), len(counts) - 1)
    counts = counts[:, counts.any(axis=0)]  # of the classes that there are
    whole = counts.sum(axis=0)
    best, best_key = np.zeros(len(counts), bool), (np.inf, np.inf)
    for _ in range(ASSIGNMENTS_TRIED):
        validates = rng.permutation(len(counts)) < n
        n_validating = counts[validates].sum(axis=0)
        n_lacking = int((n_validating == 0).sum() + (n_validating == whole).sum())
        key = (n_lacking, float(np.abs(n_validating / whole - share).sum()))
        if key < best_key:
            best, best_key = validates, key
    return best

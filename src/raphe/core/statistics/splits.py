"""Train, validation and test parts, by item or by group; disjointness is checked, not assumed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from raphe.core.errors import SplitError
from raphe.core.ranges import Numbers, Range, fault
from raphe.core.sentences import counted

PARTS = ("train", "val", "test")
ASSIGNMENTS_TRIED = 500  # random assignments of mixed groups, of which the best balanced is kept

FRACTIONS_LIMIT = Numbers(
    "three numbers (train, validation, test) that sum to 1, each",
    Range(0, ends="neither"),
    n=3,
    total=1,
    remedy="set data.fractions, for instance [0.7,0.15,0.15]",
)
Fractions = Annotated[Sequence[float], FRACTIONS_LIMIT]


@dataclass(frozen=True)
class Split:
    """Row numbers of each part, ascending int64 arrays."""

    train: np.ndarray
    val: np.ndarray
    test: np.ndarray

    def parts(self) -> dict[str, np.ndarray]:
        """Row numbers (n of the part,) by the part's name."""
        return {name: getattr(self, name) for name in PARTS}


def part_sizes(n: int, fractions: Sequence[float]) -> tuple[int, int, int]:
    """Sizes of the parts of n items: the training part rounded down, the rest with test's half up.

    43 327 items give 30 328, 6 499 and 6 500, the sizes of Corradetti et al. 2024. Raises
    SplitError where a part would be empty.
    """
    train_fraction, val_fraction, test_fraction = check_fractions(fractions)
    n_train = int(train_fraction * n)
    rest = n - n_train
    n_test = int(np.ceil(rest * test_fraction / (val_fraction + test_fraction)))
    sizes = n_train, rest - n_test, n_test
    if min(sizes) < 1:
        raise SplitError(
            f"splitting {n} in {list(fractions)} leaves a part empty {sizes}; add data"
        )
    return sizes


def check_fractions(fractions: Sequence[float]) -> tuple[float, float, float]:
    if not FRACTIONS_LIMIT.admits(fractions, whole=False):
        raise SplitError(f"split fractions: {fault(FRACTIONS_LIMIT, fractions, whole=False)}")
    train_fraction, val_fraction, test_fraction = fractions
    return train_fraction, val_fraction, test_fraction


def split_by_group(
    groups: np.ndarray,
    labels: np.ndarray,
    fractions: Sequence[float],
    seed: int,
    *,
    group_name: str,
    class_names: Sequence[str],
    otherwise: str = "",
) -> Split:
    """All items of a group fall into one part, and each part holds every class.

    Where each group has one label (cells), every class is divided by itself; where groups mix
    labels (days), the best balanced of many seeded assignments is taken.

    Args:
        groups: (N,) non-negative int, the group of each item.
        labels: (N,) int, the class of each item.
        fractions: of the groups, for train, validation and test.
        group_name: what a group is ("cell", "day"), for error messages.
        class_names: names of the classes that occur in `labels`, by number.
        otherwise: what else than more groups would help, for error messages: "set …".

    Raises:
        SplitError: fewer groups than three parts with every class need.
    """
    check_fractions(fractions)
    names, group_of_item = np.unique(groups, return_inverse=True)
    counts = np.zeros((len(names), len(class_names)), dtype=np.int64)  # (groups, classes)
    np.add.at(counts, (group_of_item, labels), 1)
    _refuse_too_few(counts, group_name, class_names, otherwise)
    rng = np.random.default_rng(seed)
    if np.all((counts > 0).sum(axis=1) == 1):
        part_of_group = _divide_each_class(counts.argmax(axis=1), fractions, rng)
    else:
        part_of_group = _balance_mixed_groups(counts, fractions, rng, group_name, otherwise)
    part_of_item = part_of_group[group_of_item]
    split = Split(*(np.flatnonzero(part_of_item == part) for part in range(3)))
    check_disjoint(split, groups, group_name)
    return split


def check_disjoint(split: Split, groups: np.ndarray, group_name: str) -> None:
    """Raise SplitError where one group has items in two parts; `groups` (N,) is each item's."""
    seen: dict[int, str] = {}
    for part, rows in split.parts().items():
        for group in np.unique(groups[rows]).tolist():
            if group in seen:
                raise SplitError(
                    f"{group_name} {group} is in both {seen[group]} and {part}, so that what is "
                    "tested on would be trained on"
                )
            seen[group] = part


def _refuse_too_few(
    counts: np.ndarray, group_name: str, class_names: Sequence[str], otherwise: str
) -> None:
    for class_index, class_name in enumerate(class_names):
        n_groups = int((counts[:, class_index] > 0).sum())
        if n_groups < 3:
            raise SplitError(
                f"class {class_name} has {counted(group_name, n_groups)}: "
                f"splitting by {group_name} needs at least 3, one each for train, validation and "
                f"test; add {group_name}s{_or(otherwise)}"
            )


def _divide_each_class(
    class_of_group: np.ndarray, fractions: Sequence[float], rng: np.random.Generator
) -> np.ndarray:
    part_of_group = np.empty(len(class_of_group), dtype=np.int64)
    for class_index in np.unique(class_of_group):
        members = rng.permutation(np.flatnonzero(class_of_group == class_index))
        n_val, n_test = _held_out(len(members), fractions)
        part_of_group[members] = 0
        part_of_group[members[:n_val]] = 1
        part_of_group[members[n_val : n_val + n_test]] = 2
    return part_of_group


def _held_out(n: int, fractions: Sequence[float]) -> tuple[int, int]:
    """How many of n ≥ 3 groups validate and test: at least one each, and one left to train on."""
    n_val, n_test = (max(1, round(fraction * n)) for fraction in fractions[1:])
    while n_val + n_test > n - 1:
        if n_val > n_test:
            n_val -= 1
        else:
            n_test -= 1
    return n_val, n_test


def _balance_mixed_groups(
    counts: np.ndarray,
    fractions: Sequence[float],
    rng: np.random.Generator,
    group_name: str,
    otherwise: str,
) -> np.ndarray:
    n_groups = len(counts)
    n_val, n_test = _held_out(n_groups, fractions)
    template = np.zeros(n_groups, dtype=np.int64)
    template[:n_val] = 1
    template[n_val : n_val + n_test] = 2
    target_counts = np.outer(fractions, counts.sum(axis=0))  # (parts, classes)
    best, best_error = None, np.inf
    for _ in range(ASSIGNMENTS_TRIED):
        part_of_group = rng.permutation(template)
        held = np.stack([counts[part_of_group == part].sum(axis=0) for part in range(3)])
        error = float(np.abs(held / target_counts - 1).sum())
        if held.min() > 0 and error < best_error:
            best, best_error = part_of_group, error
    if best is None:
        raise SplitError(
            f"no assignment of {counted(group_name, n_groups)} puts every class in train, "
            f"validation and test; add {group_name}s that hold every class{_or(otherwise)}"
        )
    return best


def _or(otherwise: str) -> str:
    return f", or {otherwise}" if otherwise else ""

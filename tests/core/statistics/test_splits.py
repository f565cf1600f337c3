"""Splits: sizes as published, groups never shared, classes in every part, clear refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raphe.core.errors import SplitError
from raphe.core.statistics.splits import (
    Split,
    check_disjoint,
    part_sizes,
    split_by_group,
)

FRACTIONS = (0.70, 0.15, 0.15)
CLASSES = ("SER", "NSER")


def split_cells(groups: np.ndarray, labels: np.ndarray, seed: int = 42) -> Split:
    return split_by_group(groups, labels, FRACTIONS, seed, group_name="cell", class_names=CLASSES)


@pytest.mark.parametrize(
    ("n", "sizes"),
    [(43_327, (30_328, 6_499, 6_500)), (27_108, (18_975, 4_066, 4_067))],  # Corradetti et al. 2024
)
def test_part_sizes_are_the_published_ones(n: int, sizes: tuple[int, int, int]) -> None:
    assert part_sizes(n, FRACTIONS) == sizes


FRACTIONS_OF_ALL_KINDS = st.tuples(st.floats(0.05, 1), st.floats(0.05, 1), st.floats(0.05, 1)).map(
    lambda parts: tuple(part / sum(parts) for part in parts)
)


@given(
    fractions=FRACTIONS_OF_ALL_KINDS,
    cells=st.lists(st.integers(0, 1), min_size=6, max_size=60).filter(
        lambda labels: min(labels.count(0), labels.count(1)) >= 3
    ),
    seed=st.integers(0, 1000),
)
def test_a_cell_is_in_one_part_and_every_part_has_both_classes(
    fractions: tuple[float, float, float], cells: list[int], seed: int
) -> None:
    label_of_cell = np.array(cells)
    groups = np.random.default_rng(seed).integers(0, len(cells), 5 * len(cells))
    groups = np.concatenate([np.arange(len(cells)), groups])
    split = split_by_group(
        groups, label_of_cell[groups], fractions, seed, group_name="cell", class_names=CLASSES
    )
    parts = list(split.parts().values())
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(groups)))
    seen = [set(groups[rows].tolist()) for rows in parts]
    assert not seen[0] & seen[1] and not seen[0] & seen[2] and not seen[1] & seen[2]
    for rows in parts:
        assert set(label_of_cell[groups[rows]].tolist()) == {0, 1}


def test_cells_are_shared_out_by_the_fractions_within_each_class() -> None:
    groups = np.arange(100)
    labels = (groups >= 60).astype(int)
    split = split_cells(groups, labels)
    counts = {name: np.bincount(labels[rows]).tolist() for name, rows in split.parts().items()}
    assert counts == {"train": [42, 28], "val": [9, 6], "test": [9, 6]}


def test_days_with_both_classes_stay_whole_and_balanced() -> None:
    days = np.repeat(np.arange(20), 50)
    labels = np.random.default_rng(0).integers(0, 2, len(days))
    split = split_by_group(days, labels, FRACTIONS, 1, group_name="day", class_names=CLASSES)
    check_disjoint(split, days, "day")
    for rows in split.parts().values():
        assert 0.3 < labels[rows].mean() < 0.7


def test_a_leaked_cell_is_found() -> None:
    groups = np.repeat(np.arange(20), 10)
    split = split_cells(groups, groups % 2)
    check_disjoint(split, groups, "cell")
    leaked = Split(np.append(split.train, split.test[0]), split.val, split.test)
    with pytest.raises(SplitError, match="in both train and test"):
        check_disjoint(leaked, groups, "cell")


def test_too_few_cells_are_refused_with_the_remedy() -> None:
    groups = np.array([0, 1, 2, 3, 4])
    with pytest.raises(
        SplitError, match="class NSER has 2 cells: splitting by cell needs at least"
    ):
        split_cells(groups, np.array([0, 0, 0, 1, 1]))


def test_days_that_cannot_give_every_part_both_classes_are_refused() -> None:
    days = np.array([0, 1, 2, 3, 4, 5, 6, 6])  # only day 6 has both
    labels = np.array([0, 0, 0, 1, 1, 1, 0, 1])
    with pytest.raises(SplitError, match=r"no assignment of 7 days .*, or go by cell"):
        split_by_group(
            days,
            labels,
            FRACTIONS,
            0,
            group_name="day",
            class_names=CLASSES,
            otherwise="go by cell",
        )


def test_a_part_without_items_is_refused() -> None:
    with pytest.raises(SplitError, match=r"splitting 3 in .* leaves a part empty \(2, 0, 1\)"):
        part_sizes(3, FRACTIONS)


@pytest.mark.parametrize("fractions", [(0.7, 0.3), (0.7, 0.3, 0.0), (0.7, 0.2, 0.2)])
def test_fractions_that_are_none_are_refused(fractions: tuple[float, ...]) -> None:
    with pytest.raises(SplitError, match=r"expected three numbers .*, each above 0"):
        part_sizes(100, fractions)

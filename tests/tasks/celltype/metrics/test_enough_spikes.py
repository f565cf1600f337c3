"""One rule for enough spikes: the verdict stays, whatever it is."""

import numpy as np
import pytest

from raphe.core.statistics.abstention import NotSure
from raphe.tasks.celltype.metrics.enough_spikes import (
    FEWEST_SPIKES,
    enough_for_cell,
    enough_for_cells,
    verdict_of,
)

NOT_SURE = NotSure(0.8, 0.05, 0.05, 40, 30, 1)


def told(first: list[float], n: int = FEWEST_SPIKES, now: float | None = None) -> bool:
    p = np.array(first)
    now = np.median(p) if now is None else now
    return enough_for_cell(np.array([now, 1 - now]), np.stack([p, 1 - p], axis=1), n, NOT_SURE)


@pytest.mark.parametrize(
    ("first", "enough"),
    [
        ([0.9] * 100, True),
        ([0.9] * 95 + [0.7] * 5, True),
        ([0.9] * 94 + [0.7] * 6, False),
        ([0.55] * 60 + [0.45] * 40, True),  # not sure, and not sure it stays
        ([0.9] * 50 + [0.1] * 50, False),
    ],
)
def test_enough_is_when_the_verdict_stays(first: list[float], enough: bool) -> None:
    assert told(first, now=first[0]) == enough


def test_few_spikes_are_never_enough() -> None:
    assert told([0.9] * 100, FEWEST_SPIKES) and not told([0.9] * 100, FEWEST_SPIKES - 1)


def test_of_a_tests_cells_it_is_the_same_share_and_the_same_floor() -> None:
    counts = np.array([1, 5, 10, 20, 50])
    assert enough_for_cells(counts, np.array([0.99, 0.99, 0.99, 0.99, 1])) == FEWEST_SPIKES
    assert enough_for_cells(counts, np.array([0.5, 0.96, 0.96, 0.94, 1])) == 50
    assert enough_for_cells(counts, np.array([0.5, 0.6, 0.7, 0.8, 0.9])) is None


def test_a_verdict_is_a_class_or_not_sure() -> None:
    probability = np.array([[0.9, 0.1], [0.3, 0.7], [0.2, 0.8]])
    assert verdict_of(probability, NOT_SURE).tolist() == [0, -1, 1]
    assert verdict_of(probability, None).tolist() == [0, 1, 1]

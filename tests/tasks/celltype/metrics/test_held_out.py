"""What validation cells can promise hangs on how they were held out and what is known of them."""

import numpy as np
import pytest

from raphe.tasks.celltype.metrics.held_out import held_out_units
from raphe.tasks.celltype.stores.spike_set import Cell

CELLS = [Cell("a", 0, "2026-01-02", "m2", "lab"), Cell("b", 1, "2026-01-01", "m2", "lab")]


@pytest.mark.parametrize(
    ("split", "units"), [("day", [1, 0]), ("animal", [0, 0]), ("source", [0, 0])]
)
def test_a_split_by_more_than_cells_counts_these(split: str, units: list[int]) -> None:
    held_out = held_out_units(split, CELLS)
    assert (held_out.unit, held_out.shared) == (split, "")
    np.testing.assert_array_equal(held_out.unit_of_item, units)


@pytest.mark.parametrize(
    ("cells", "shared"),
    [
        (CELLS, "day"),
        ([Cell("a", 0, "", "m1"), Cell("b", 1, "", "m2")], "animal"),
        ([*CELLS, Cell("c", 0)], ""),
        ([], ""),
    ],
)
def test_a_split_by_cell_shares_the_days_where_all_are_known(cells: list, shared: str) -> None:
    held_out = held_out_units("cell", cells)
    assert held_out.unit == "cell" and held_out.unit_of_item is None
    assert held_out.shared == shared
    assert (held_out.shared_of_item is None) == (shared == "")


def test_copies_of_a_cell_are_one_unit() -> None:
    cells = [Cell("a", 0, group="a"), Cell("a2", 0, group="a"), Cell("b", 1)]
    np.testing.assert_array_equal(held_out_units("cell", cells).unit_of_item, [0, 0, 1])

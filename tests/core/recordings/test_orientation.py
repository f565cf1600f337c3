"""Time runs along the axis whose neighbours are alike; where none or both are, nothing is said."""

import numpy as np
import pytest

from raphe.core.recordings.orientation import orientation_fault

RNG = np.random.default_rng(0)
SMOOTH = np.cumsum(RNG.normal(size=(40, 300)), axis=1)  # rows that know nothing of each other


@pytest.mark.parametrize(
    "matrix",
    [
        SMOOTH,
        SMOOTH + 50,
        RNG.normal(size=(50, 50)),
        np.repeat(SMOOTH[:4], 10, axis=0),  # ten windows of a cell one after the other
        np.zeros((30, 30)),
        np.full((30, 30), np.nan),
        SMOOTH[:7].T,  # too few to tell
        SMOOTH[0],
    ],
)
def test_a_matrix_that_may_lie_right_is_taken(matrix) -> None:
    assert orientation_fault(matrix) is None


@pytest.mark.parametrize("size", [(40, 300), (40, 40), (20, 9)])
def test_a_matrix_that_lies_the_other_way_is_told(size) -> None:
    turned = SMOOTH[: size[0], : size[1]].T
    assert "the rows follow each other as samples in time do" in orientation_fault(turned)
    turned = np.concatenate([turned, np.full_like(turned[:3], np.nan)])
    assert "the rows follow each other as samples in time do" in orientation_fault(turned)

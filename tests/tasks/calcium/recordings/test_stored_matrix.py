"""A matrix on disk reads as the one that was saved, in either order, and never whole."""

from pathlib import Path

import numpy as np
import pytest

from raphe.core.errors import StoreError
from raphe.tasks.calcium.recordings.stored_matrix import NpyMatrix, open_npy

MATRIX = np.random.default_rng(0).normal(size=(7, 50))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<i2"])
def test_parts_are_those_of_the_array(tmp_path: Path, order: str, dtype: str) -> None:
    saved = np.asarray(100 * MATRIX, dtype=dtype, order=order)
    np.save(tmp_path / "x.npy", saved)
    matrix = open_npy(tmp_path / "x.npy")
    assert isinstance(matrix, NpyMatrix) and (matrix.shape, len(matrix)) == ((7, 50), 7)
    for part in (slice(2, 5), (slice(None), slice(10, 13)), (slice(1, 2), slice(0, 50))):
        np.testing.assert_array_equal(matrix[part], saved[part])


def test_a_single_trace_is_an_array(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", MATRIX[0])
    np.testing.assert_array_equal(open_npy(tmp_path / "x.npy"), MATRIX[0])


def test_a_file_that_is_replaced_meanwhile_is_told(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", MATRIX)
    matrix = open_npy(tmp_path / "x.npy")
    np.save(tmp_path / "x.npy", MATRIX[:5])
    with pytest.raises(StoreError, match="was replaced while it was in use"):
        matrix[0:1]

"""A lazy array gives what the concatenated array gives, wherever its sources lie."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raphe.core.recordings.arrays import ArrayFile
from raphe.tasks.celltype.stores import lazy_array
from raphe.tasks.celltype.stores.lazy_array import InMemory, LazyArray, LookedUp


@pytest.fixture(scope="module")
def make(tmp_path_factory):
    """A lazy array whose sources have these lengths, every other one on disk, and its array."""

    def make(lengths: list[int], width: int = 2) -> tuple[LazyArray, np.ndarray]:
        whole = np.arange(sum(lengths) * width, dtype=np.float32).reshape(-1, width)
        sources, folder = [], tmp_path_factory.mktemp("sources")
        for number, piece in enumerate(np.split(whole, np.cumsum(lengths)[:-1])):
            if number % 2 or not len(piece):
                sources.append(InMemory(piece))
            else:
                path = folder / f"{number}.npy"
                np.save(path, piece)
                sources.append(ArrayFile.of(np.load(path, mmap_mode="r")))
        return LazyArray(*sources), whole

    return make


@settings(max_examples=100)
@given(data=st.data(), lengths=st.lists(st.integers(0, 9), min_size=1, max_size=6).filter(any))
def test_spans_across_sources(make, data, lengths):
    lazy, whole = make(lengths)
    n = len(whole)
    cuts = sorted(data.draw(st.sets(st.integers(0, n), max_size=10)))
    spans = np.array(cuts[: len(cuts) // 2 * 2], int).reshape(-1, 2)
    rows_read = lazy.read(spans[:, 0], spans[:, 1])
    expected = [whole[start:stop] for start, stop in spans]
    np.testing.assert_array_equal(rows_read, np.concatenate([whole[:0], *expected]))
    rows = np.array(data.draw(st.lists(st.integers(0, n - 1), max_size=20)), int)
    np.testing.assert_array_equal(lazy[rows], whole[rows])


def test_a_lazy_array_is_indexed_and_compared_like_an_array(make, monkeypatch):
    lazy, whole = make([3, 5, 4], width=1)
    for key in (slice(None), slice(2, 7), slice(-3, None), slice(9, 2), slice(1, 11, 3)):
        np.testing.assert_array_equal(lazy[key], whole[key])
    for key in (4, np.int64(11), [8, 0], whole[:, 0] > 5, np.array([[1, 2], [3, 4]])):
        np.testing.assert_array_equal(lazy[key], whole[key])
    np.testing.assert_array_equal(lazy == 4, whole == 4)
    np.testing.assert_array_equal(2 * lazy + lazy, 3 * whole)
    np.testing.assert_array_equal(np.asarray(lazy, np.int64), whole.astype(np.int64))
    assert lazy.tolist() == whole.tolist()
    assert (len(lazy), lazy.shape, lazy.dtype) == (12, (12, 1), np.float32)
    for outside in (12, -1, [0, 12]):
        with pytest.raises(IndexError):
            lazy[outside]
    monkeypatch.setattr(lazy_array, "BLOCK_ROWS", 5)
    starts, blocks = zip(*lazy.blocks(), strict=True)
    assert starts == (0, 5, 10)
    np.testing.assert_array_equal(np.concatenate(blocks), whole)


def test_a_lookup_looks_up_each_item():
    cell, table = np.array([2, 0, 1, 1, 2]), np.array([5, 6, 7], np.uint8)
    lazy = LazyArray(LookedUp(LazyArray(InMemory(cell)), table))
    np.testing.assert_array_equal(lazy[:], table[cell])
    np.testing.assert_array_equal(lazy[[4, 1]], [7, 5])
    assert lazy.dtype == np.uint8

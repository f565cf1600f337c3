"""Rows are read as NumPy reads them, leave nothing in memory, and a changed file is noticed."""

import os
import pickle
from pathlib import Path

import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raphe.core.errors import StoreError
from raphe.core.recordings import array_file
from raphe.core.recordings.array_file import ArrayFile

N = 1000


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> tuple[np.ndarray, Path]:
    array = np.random.default_rng(0).normal(size=(N, 3, 2))
    path = tmp_path_factory.mktemp("array") / "array.npy"
    np.save(path, array)
    return array, path


def opened(path: Path) -> ArrayFile:
    return ArrayFile.of(np.load(path, mmap_mode="r"))


@settings(max_examples=50, deadline=None)
@given(bounds=st.lists(st.integers(0, N), max_size=20, unique=True))
def test_spans_and_rows_are_numpys(saved, bounds):
    array, path = saved
    cuts = np.sort(np.array(bounds[: len(bounds) // 2 * 2], int)).reshape(-1, 2)
    spans = [array[start:stop] for start, stop in cuts]
    expected = np.concatenate([array[:0], *spans])
    out = np.empty_like(expected)
    opened(path).read(cuts[:, 0], cuts[:, 1], out)
    np.testing.assert_array_equal(out, expected)
    rows = np.array(bounds, int) % N
    np.testing.assert_array_equal(opened(path)[rows], array[rows])


def test_items_of_another_kind_are_converted(tmp_path):
    np.save(tmp_path / "big.npy", np.arange(10, dtype=">f8"))
    out = np.empty(4, np.float32)
    opened(tmp_path / "big.npy").read(np.array([1, 7]), np.array([3, 9]), out)
    assert out.tolist() == [1, 2, 7, 8]


def test_what_was_read_stays_neither_in_memory_nor_open(tmp_path):
    n, width = 60_000, 1000  # 480 MB, of which the file holds nothing but the last item
    array = np.lib.format.open_memmap(tmp_path / "a.npy", "w+", float, (n, width))
    array[-1, -1] = 7
    del array
    file, process = opened(tmp_path / "a.npy"), psutil.Process()
    files, before, most = process.num_fds(), process.memory_info().rss, 0
    out = np.empty((2000, width))
    for start in range(0, n, len(out)):
        file.read(np.array([start]), np.array([start + len(out)]), out)
        most = max(most, process.memory_info().rss)
    assert out[-1, -1] == 7
    assert most - before < 64e6  # `out` is 16 MB
    assert process.num_fds() == files


@pytest.mark.parametrize("limit", [0, 2**27])
def test_large_files_are_mapped_for_one_call_alone(saved, monkeypatch, limit):
    monkeypatch.setattr(array_file, "KEPT_MAP_BYTES", limit)
    array, path = saved
    file, before = opened(path), psutil.Process().num_fds()
    np.testing.assert_array_equal(file[np.array([5, 1])], array[[5, 1]])
    assert psutil.Process().num_fds() == before + (limit > 0)
    assert len(pickle.dumps(file)) < 400
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(file))[np.array([9])], array[[9]])


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-8]), "was replaced while it was in use"),
        (lambda path: os.utime(path, (1, 1)), "was replaced while it was in use"),
        (lambda path: path.unlink(), "could not be read"),
    ],
)
def test_a_file_changed_since_it_was_opened_is_told(tmp_path, harm, told):
    np.save(tmp_path / "a.npy", np.arange(10))
    file = opened(tmp_path / "a.npy")
    harm(tmp_path / "a.npy")
    with pytest.raises(StoreError, match=rf"a\.npy: {told}"):
        file.read(np.array([0]), np.array([10]), np.empty(10, int))


def test_a_file_that_ends_too_early_is_told(tmp_path):
    (tmp_path / "a.npy").write_bytes(bytes(20))
    file = ArrayFile(tmp_path / "a.npy", "<i8", (10,), 0)
    with pytest.raises(StoreError, match=r"a\.npy: ends too early"):
        file.read(np.array([0]), np.array([10]), np.empty(10, np.int64))

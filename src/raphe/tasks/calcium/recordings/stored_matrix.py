"""Matrices in .npy and HDF5 files, read in parts: a memory map would keep each page it touched.

How large those of HDF5 unpack to is looked at before.
"""

from pathlib import Path

import h5py
import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.recordings.arrays import ArrayFile, open_array
from raphe.core.recordings.unpacking import refuse_bomb


class NpyMatrix:
    """Of two axes, in C or in Fortran order."""

    ndim = 2

    def __init__(self, mapped: np.memmap) -> None:
        assert mapped.filename is not None  # it was opened from a file
        self.shape, self.dtype = mapped.shape, mapped.dtype
        self._columns_first = not mapped.flags.c_contiguous
        self._items = ArrayFile(Path(mapped.filename), self.dtype, (mapped.size,), mapped.offset)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, part: slice | tuple[slice, slice]) -> np.ndarray:
        """Rows [a:b], or a block [a:b, c:d], as an array in memory."""
        rows, columns = part if isinstance(part, tuple) else (part, slice(None))
        if self._columns_first:
            return self._block(columns, rows, self.shape[::-1]).T
        return self._block(rows, columns, self.shape)

    def _block(self, outer: slice, inner: slice, shape: tuple[int, int]) -> np.ndarray:
        begin, end, _ = outer.indices(shape[0])
        first, last, _ = inner.indices(shape[1])
        starts = np.arange(begin, end, dtype=np.int64) * shape[1] + first
        block = np.empty((end - begin, last - first), self.dtype)
        self._items.read(starts, starts + (last - first), block)
        return block


def open_npy(path: Path) -> NpyMatrix | np.ndarray:
    """A matrix (rows, columns) that stays on disk; an array of other axes, memory-mapped.

    Raises RecordingError.
    """
    mapped = open_array(path, RecordingError)
    return NpyMatrix(mapped) if mapped.ndim == 2 else mapped


class Hdf5Matrix:
    """A dataset of numbers; with `reversed_axes` as MATLAB names its axes.

    Nothing is open between two reads. Raises RecordingError for one that would unpack to far more
    than its file holds.
    """

    def __init__(self, path: Path, item: h5py.Dataset, reversed_axes: bool = False) -> None:
        self.path, self.name, self.dtype = path, item.name, item.dtype
        self._reversed = reversed_axes
        self.shape = item.shape[::-1] if reversed_axes else item.shape
        self.ndim, self.size = len(self.shape), item.size or 0
        refuse_bomb(path, self.name, item.nbytes, item.id.get_storage_size())

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, part: slice | tuple[slice, ...]) -> np.ndarray:
        """Rows [a:b], or a block [a:b, c:d], as an array in memory."""
        part = part if isinstance(part, tuple) else (part,)
        part = (*part, *[slice(None)] * (self.ndim - len(part)))
        with h5py.File(self.path, "r") as file:
            if self._reversed:
                return file[self.name][part[::-1]].T
            return file[self.name][part]

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype=dtype)

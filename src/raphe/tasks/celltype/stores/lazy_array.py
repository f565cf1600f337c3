"""Arrays with a row for each spike that stay on disk until they are indexed.

N spikes, n rows of them.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

BLOCK_ROWS = 2**16


class ArraySource(Protocol):
    """Rows that lie together: an ArrayFile, InMemory, LookedUp, a reader of the authors' arrays."""

    dtype: np.dtype
    shape: tuple[int, ...]

    def __len__(self) -> int: ...

    def read(self, starts: np.ndarray, stops: np.ndarray, out: np.ndarray) -> object:
        """Fill `out` (n, …) with the rows of these spans, int64 (spans,), one after the other."""

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """Items of these rows, int64 (n,), in their order: (n, …)."""


class InMemory:
    """A source in memory: an array (N, …)."""

    def __init__(self, array: np.ndarray) -> None:
        self.array, self.dtype, self.shape = array, array.dtype, array.shape

    def __len__(self) -> int:
        return len(self.array)

    def read(self, starts: np.ndarray, stops: np.ndarray, out: np.ndarray) -> None:
        done = 0
        for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
            out[done : done + stop - start] = self.array[start:stop]
            done += stop - start

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        return self.array[rows]


class LazyArray(NDArrayOperatorsMixin):
    """Sources one after the other, as one array that is read where it is indexed.

    `array[:]` reads it whole, and so do comparisons and arithmetic.
    """

    def __init__(self, *sources: ArraySource) -> None:
        self._sources = sources
        self._stops = np.cumsum([len(source) for source in sources])
        self.dtype = np.result_type(*(source.dtype for source in sources))
        self.shape = (int(self._stops[-1]), *sources[0].shape[1:])

    def __len__(self) -> int:
        return self.shape[0]

    def read(
        self, starts: np.ndarray, stops: np.ndarray, out: np.ndarray | None = None
    ) -> np.ndarray:
        """The rows of spans that ascend and do not overlap, one span after the other: (n, …).

        `starts` and `stops` are int64, one a span; no span may be empty. `out` takes the rows.
        """
        if out is None:
            out = np.empty((int((stops - starts).sum()), *self.shape[1:]), self.dtype)
        starts, stops = self._cut(starts, stops)
        which = np.searchsorted(self._stops, starts, "right")
        place = np.concatenate([[0], np.cumsum(stops - starts)])
        changes = np.flatnonzero(np.diff(which, prepend=-1)).tolist()
        for first, last in pairwise([*changes, len(which)]):
            number = which[first]
            before = self._stops[number] - len(self._sources[number])
            spans = slice(first, last)
            self._sources[number].read(
                starts[spans] - before, stops[spans] - before, out[place[first] : place[last]]
            )
        return out

    def blocks(self) -> Iterator[tuple[int, np.ndarray]]:
        """The whole array, BLOCK_ROWS at a time: the first row's number, and the rows (n, …)."""
        for start in range(0, len(self), BLOCK_ROWS):
            yield start, self[start : start + BLOCK_ROWS]

    def __getitem__(self, key: Any) -> Any:
        """Items (n, …) of a slice, a row, or rows (n,) by number or mask, in their order."""
        if isinstance(key, slice):
            start, stop, step = key.indices(len(self))
            if step != 1:
                return self._gather(np.arange(start, stop, step))
            if stop <= start:
                return np.empty((0, *self.shape[1:]), self.dtype)
            return self.read(np.array([start]), np.array([stop]))
        rows = np.asarray(key)
        if rows.dtype == bool:
            assert rows.shape == (len(self),)
            rows = np.flatnonzero(rows)
        items = self._gather(rows.reshape(-1))
        return items.reshape((*rows.shape, *self.shape[1:]))[()]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        whole = [item[:] if isinstance(item, LazyArray) else item for item in inputs]
        return getattr(ufunc, method)(*whole, **options)

    def tolist(self) -> list:
        return self[:].tolist()

    def _gather(self, rows: np.ndarray) -> np.ndarray:
        if rows.size and not 0 <= rows.min() <= rows.max() < len(self):
            raise IndexError(f"rows {rows.min()} to {rows.max()} asked of {len(self)}")
        if len(self._sources) == 1:
            return self._sources[0][rows]
        which = np.searchsorted(self._stops, rows, side="right")
        out = np.empty((len(rows), *self.shape[1:]), self.dtype)
        for number in np.unique(which).tolist():
            places, source = np.flatnonzero(which == number), self._sources[number]
            out[places] = source[rows[places] - (self._stops[number] - len(source))]
        return out

    def _cut(self, starts: np.ndarray, stops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The same spans, cut where one source ends and the next begins."""
        ends = np.unique(self._stops[:-1])
        if not len(ends) or not len(starts):
            return starts, stops
        around = np.searchsorted(starts, ends) - 1  # the last span that begins before each end
        inside = ends[(around >= 0) & (stops[around] > ends)]
        return np.sort(np.append(starts, inside)), np.sort(np.append(stops, inside))


class LookedUp:
    """A source that looks up each index of an array in a table: a cell's class, its part."""

    def __init__(self, index: LazyArray, table: np.ndarray) -> None:
        """`index` int (N,) into `table` (items,)."""
        self.index, self.table = index, table
        self.dtype, self.shape = table.dtype, index.shape

    def __len__(self) -> int:
        return len(self.index)

    def read(self, starts: np.ndarray, stops: np.ndarray, out: np.ndarray) -> None:
        out[:] = self.table[self.index.read(starts, stops)]

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        return self.table[self.index[rows]]

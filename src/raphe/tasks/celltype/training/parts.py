"""Spikes of a store that belong to one part of a split, read in random order at constant memory.

N spikes of the store, n of them read at once, T samples of a spike.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from raphe.tasks.celltype.stores.lazy_array import LazyArray
from raphe.tasks.celltype.stores.spike_set import SpikeSet
from raphe.tasks.celltype.training.batches import Block, Seeds

CHUNK_ROWS = 64  # neighbours read together: single rows cost ten times as much
MIN_CHUNKS = 512  # of a small store, so that they mix; its chunks are smaller
READ_ROWS = 4096


@dataclass(frozen=True, eq=False)
class Part:
    """Spikes of a store whose item of a column is a number; without a column all of them.

    Holds a byte for every CHUNK_ROWS spikes of the store, and a stream of them some 24.
    """

    spikes: SpikeSet
    column: LazyArray | None = None  # uint8 (N,): the part of each spike
    number: int = 0
    of_cell: np.ndarray | None = None  # uint8 (cells,): what the column says, if cells tell it

    def __len__(self) -> int:
        return int(self.held.sum())

    @property
    def n_samples(self) -> int:
        return self.spikes.n_samples

    @property
    def rows(self) -> np.ndarray:
        """All its rows, ascending int64: 8 bytes a spike."""
        if self.column is None:
            return np.arange(self.spikes.n)
        return np.flatnonzero(self.column == self.number)

    @cached_property
    def held(self) -> np.ndarray:
        """How many spikes of each chunk belong to the part: uint8 (chunks,)."""
        size = self.chunk_rows
        held = np.diff(np.append(np.arange(0, self.spikes.n, size), self.spikes.n)).astype(np.uint8)
        if self.column is not None:
            held[:] = 0
            for start, block in self.column.blocks():
                own = start + np.flatnonzero(block == self.number)
                np.add.at(held, own // size, 1)
        return held

    @property
    def chunk_rows(self) -> int:
        return max(1, min(CHUNK_ROWS, self.spikes.n // MIN_CHUNKS))

    def read(self, chunks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Windows float32 (n, T) and cells (n,) of the spikes in these chunks, which ascend."""
        starts = chunks * self.chunk_rows
        stops = np.minimum(starts + self.chunk_rows, self.spikes.n)
        windows, cell = (one.read(starts, stops) for one in (self.spikes.windows, self.spikes.cell))
        if self.column is None:
            return windows, cell
        by_cell = self.of_cell is not None
        parts = self.of_cell[cell] if by_cell else self.column.read(starts, stops)
        own = np.flatnonzero(parts == self.number)
        return windows[own], cell[own]

    def stream(self, count: int, epoch: int, seeds: Seeds | None) -> "PartStream":
        return PartStream(self, count * epoch if seeds else 0, seeds)


class PartStream:
    """Round after round of a part's spikes, each round in an order of its own, from a place on.

    So over epochs every spike is used equally often, however many make an epoch.
    """

    def __init__(self, part: Part, place: int, seeds: Seeds | None) -> None:
        self.part, self.place, self.seeds = part, place, seeds
        self._round = -1

    def put(self, block: Block, places: np.ndarray) -> None:
        n = len(self.part)
        while len(places):
            number, begin = divmod(self.place, n)
            self._begin_round(number)
            now, places = np.split(places, [n - begin])
            self._copy(begin, block, now)
            self.place += len(now)

    def _begin_round(self, number: int) -> None:
        if number == self._round:
            return
        self._round = number
        self._chunks = np.flatnonzero(self.part.held)
        if self.seeds is not None:
            self.seeds(number).shuffle(self._chunks)
        self._ends = np.cumsum(self.part.held[self._chunks], dtype=np.int64)

    def _copy(self, begin: int, block: Block, places: np.ndarray) -> None:
        """Spike `begin` of the round and those after it go to these places of the block."""
        first, last = np.searchsorted(self._ends, [begin, begin + len(places) - 1], "right")
        chunks = self._chunks[first : last + 1]
        held = self.part.held[chunks].astype(np.int64)
        offset = self._ends[first : last + 1] - held - begin  # in `places`; the first may begin < 0
        by_row = np.argsort(chunks)  # neighbours on the disk are read one after the other
        per_read = READ_ROWS // self.part.chunk_rows
        for start in range(0, len(chunks), per_read):
            group = by_row[start : start + per_read]
            windows, cell = self.part.read(chunks[group])
            in_read = np.cumsum(held[group]) - held[group]
            at = np.arange(len(cell)) + np.repeat(offset[group] - in_read, held[group])
            wanted = np.flatnonzero((at >= 0) & (at < len(places)))
            if len(wanted) < len(at):
                windows, cell, at = windows[wanted], cell[wanted], at[wanted]
            block.put(places[at], windows, self.part.spikes.label_of_cell[cell], cell)

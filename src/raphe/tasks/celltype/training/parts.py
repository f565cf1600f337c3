"""What training draws spikes from: a part of a store, or synthetic spikes made as they are needed.

N spikes of the store, n of them read at once, T samples of a spike.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Generic

import numpy as np

from raphe.core.statistics.splits import PARTS
from raphe.tasks.celltype.stores.lazy_array import LazyArray
from raphe.tasks.celltype.stores.spike_set import SpikeSet
from raphe.tasks.celltype.synthetic.synthesizer import Synthesizer
from raphe.tasks.celltype.training.batches import BlockT, Seeds, SpikeBlock

CHUNK_ROWS = 64  # neighbours read together: single rows cost ten times as much
MIN_CHUNKS = 512  # of a small store, so that they mix; its chunks are smaller
READ_ROWS = 4096
DRAWN_AT_ONCE = 8192  # synthetic spikes


@dataclass(frozen=True, eq=False)
class StorePart:
    """Spikes of a store whose item of a column is a number; without a column all of them.

    Read in random order at constant memory.

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
                rows = start + np.flatnonzero(block == self.number)
                np.add.at(held, rows // size, 1)
        return held

    @property
    def chunk_rows(self) -> int:
        return max(1, min(CHUNK_ROWS, self.spikes.n // MIN_CHUNKS))

    @property
    def class_shares(self) -> np.ndarray:
        """Of each class among its spikes: (C,)."""
        if self.column is None:
            of_class = self.spikes.per_class(self.spikes.counts)
        elif self.of_cell is not None:
            counts = np.where(self.of_cell == self.number, self.spikes.counts, 0)
            of_class = self.spikes.per_class(counts)
        else:
            of_class = np.zeros(len(self.spikes.classes), np.int64)
            for start, block in self.column.blocks():
                label = self.spikes.label[start : start + len(block)][block == self.number]
                of_class += np.bincount(label, minlength=len(of_class))
        return of_class / max(1, of_class.sum())

    def read(self, chunks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Windows float32 (n, T) and cells (n,) of the spikes in these chunks, which ascend."""
        starts = chunks * self.chunk_rows
        stops = np.minimum(starts + self.chunk_rows, self.spikes.n)
        windows = self.spikes.windows.read(starts, stops)
        cell = self.spikes.cell.read(starts, stops)
        if self.column is None:
            return windows, cell
        parts = self.column.read(starts, stops) if self.of_cell is None else self.of_cell[cell]
        rows = np.flatnonzero(parts == self.number)
        return windows[rows], cell[rows]

    def stream(self, count: int, epoch: int, seeds: Seeds | None) -> "PartStream":
        return PartStream(self, count * epoch if seeds else 0, seeds)


class PartRounds(ABC, Generic[BlockT]):
    """Round after round of a part's spikes, each round in an order of its own, from a place on.

    So over epochs every spike is used equally often, however many make an epoch.
    """

    def __init__(self, part: StorePart, place: int, seeds: Seeds | None) -> None:
        self.part, self.place, self.seeds = part, place, seeds
        self._round = -1

    def put(self, block: BlockT, places: np.ndarray) -> None:
        """Put the next m spikes at these places of the block: int64 (m,)."""
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

    @abstractmethod
    def _copy(self, begin: int, block: BlockT, places: np.ndarray) -> None:
        """Spike `begin` of the round and those after it go to these places of the block."""


class PartStream(PartRounds[SpikeBlock]):
    """The spikes themselves, read from their store."""

    def _copy(self, begin: int, block: SpikeBlock, places: np.ndarray) -> None:
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


@dataclass(frozen=True)
class OnlinePart:
    """Synthetic spikes whose parent is in a part, or with None in any; each epoch has new ones."""

    synthesizer: Synthesizer
    part: str | None = "train"

    @property
    def n_samples(self) -> int:
        return self.synthesizer.spikes.n_samples

    def stream(self, count: int, epoch: int, seeds: Seeds | None) -> "OnlineStream":
        """The first `count` samples of the epoch's own that are in the part, by their index."""
        # Far enough that fewer than `count` among them are in the part once in 10¹² epochs.
        span = int((count + 8 * np.sqrt(count) + 64) / self._share())
        number = None if self.part is None else PARTS.index(self.part)
        return OnlineStream(self.synthesizer, number, epoch * span, (epoch + 1) * span)

    @property
    def class_shares(self) -> np.ndarray:
        """Of each class among its spikes: (C,)."""
        return self._kept() / self._kept().sum()

    def _share(self) -> float:
        """Of the samples of every class, which take turns."""
        return float(np.mean(self._kept()))

    def _kept(self) -> np.ndarray:
        """Of the samples of each class, the share whose parent is in the part: (C,)."""
        if self.part is None:
            return np.ones(len(self.synthesizer.spikes.classes))
        split = self.synthesizer.split
        assert split is not None
        counts = self.synthesizer.spikes.per_class(split.counts)  # (classes, parts)
        return counts[:, PARTS.index(self.part)] / counts.sum(axis=1)


class OnlineStream:
    """Samples of a part from `start` to before `stop`, by their index."""

    def __init__(self, synthesizer: Synthesizer, part: int | None, start: int, stop: int) -> None:
        self.synthesizer, self.part, self.next, self.stop = synthesizer, part, start, stop

    def put(self, block: SpikeBlock, places: np.ndarray) -> None:
        """Put the next m spikes at these places of the block: int64 (m,)."""
        while len(places):
            index = np.arange(self.next, self.next + DRAWN_AT_ONCE)
            drawn = self.synthesizer.draw(index)
            in_part = np.arange(len(index))
            if self.part is not None:
                in_part = np.flatnonzero(drawn.part == self.part)
            in_part = in_part[: len(places)]
            full = len(in_part) == len(places)
            self.next = int(index[in_part[-1] if full else -1]) + 1
            spikes = self.synthesizer.carry_out(drawn[in_part])
            now, places = np.split(places, [len(in_part)])
            block.put(now, spikes.waveforms, spikes.label, spikes.cell)
        assert self.next <= self.stop

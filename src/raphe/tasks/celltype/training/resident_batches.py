"""Spikes that stay in an accelerator's memory, so that training copies none to it.

An epoch's order is drawn as for spikes that are streamed from stores, only of rows in memory
instead of the spikes themselves: the batches are the same, to the last bit.

N spikes in memory, n of a block, B of a batch, T samples of a spike.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from raphe.tasks.celltype.training.batches import (
    Batch,
    MixedBatches,
    Seeds,
    SpikeBatches,
    SpikeBlock,
)
from raphe.tasks.celltype.training.parts import PartRounds, StorePart

ROWS_AT_ONCE = 32_768  # read from a store
BYTES_BESIDE_SAMPLES = 16  # label and cell of a spike
SHARE_OF_FREE = 0.5  # of the device's memory; the rest is for training


def fits_resident(batches: SpikeBatches, device: torch.device) -> bool:
    """Whether all is of stores, which stays as it is, and fits half a CUDA device's free memory."""
    of_stores = [part for part in batches.parts if isinstance(part, StorePart)]
    if device.type != "cuda" or len(of_stores) < len(batches.parts):
        return False
    per_spike = 4 * batches.parts[0].n_samples + BYTES_BESIDE_SAMPLES
    free, _ = torch.cuda.mem_get_info(device)
    return per_spike * sum(map(len, of_stores)) <= SHARE_OF_FREE * free


class ResidentBatches(MixedBatches["_RowBlock"]):
    """The batches of a SpikeBatches over stores, from a device's memory."""

    def __init__(self, batches: SpikeBatches, device: torch.device) -> None:
        parts: list[_ResidentPart] = []
        begin = 0
        for part in batches.parts:
            assert isinstance(part, StorePart)
            parts.append(_ResidentPart(part, begin))
            begin += len(part)
        super().__init__(parts, batches.counts, batches.batch_size, batches.seed, batches.epoch)
        self._spikes = _SpikesInMemory(
            torch.empty(begin, batches.parts[0].n_samples, device=device),
            torch.empty(begin, dtype=torch.int64, device=device),
            torch.empty(begin, dtype=torch.int64, device=device),
        )
        for resident in parts:
            self._spikes.read(resident)

    def _new_block(self, n: int) -> "_RowBlock":
        return _RowBlock(self._spikes, np.empty(n, np.int64))


@dataclass(frozen=True)
class _SpikesInMemory:
    current: Tensor  # float32 (N, T) in pA
    label: Tensor  # int64 (N,)
    cell: Tensor  # int64 (N,)

    def read(self, resident: "_ResidentPart") -> None:
        """Bring a part's spikes to their rows, in the order of their store."""
        part, begin = resident.part, resident.begin
        stream = part.stream(len(part), epoch=0, seeds=None)
        for start in range(begin, begin + len(part), ROWS_AT_ONCE):
            rows = slice(start, min(start + ROWS_AT_ONCE, begin + len(part)))
            block = SpikeBlock.empty(rows.stop - start, part.n_samples)
            stream.put(block, np.arange(rows.stop - start))
            self.current[rows] = torch.from_numpy(block.current).to(self.current)
            self.label[rows] = torch.from_numpy(block.label).to(self.label)
            self.cell[rows] = torch.from_numpy(block.cell).to(self.cell)


@dataclass(frozen=True)
class _RowBlock:
    """A SpikeBlock that holds rows of the spikes in memory: int64 (n,)."""

    spikes: _SpikesInMemory
    rows: np.ndarray

    def batches(self, size: int) -> Iterator[Batch]:
        spikes = self.spikes
        for rows in torch.from_numpy(self.rows).to(spikes.label.device).split(size):
            yield spikes.current[rows], spikes.label[rows], spikes.cell[rows]


@dataclass(frozen=True)
class _ResidentPart:
    """A part whose spikes lie in memory from row `begin` on, in the order of their store."""

    part: StorePart
    begin: int

    @property
    def n_samples(self) -> int:
        return self.part.n_samples

    def stream(self, count: int, epoch: int, seeds: Seeds | None) -> "_RowStream":
        return _RowStream(self, count * epoch if seeds else 0, seeds)


class _RowStream(PartRounds[_RowBlock]):
    """As a PartStream, but puts rows of the spikes in memory instead of the spikes."""

    def __init__(self, resident: _ResidentPart, place: int, seeds: Seeds | None) -> None:
        super().__init__(resident.part, place, seeds)
        held = resident.part.held.astype(np.int64)
        self._first_row = resident.begin + np.cumsum(held) - held  # of each chunk

    def _copy(self, begin: int, block: _RowBlock, places: np.ndarray) -> None:
        held = self.part.held[self._chunks].astype(np.int64)
        # Of each chunk in the round's order, how far its rows are from its places in the round.
        shift = self._first_row[self._chunks] - (self._ends - held)
        place = np.arange(begin, begin + len(places))
        chunk = np.searchsorted(self._ends, place, "right")
        block.rows[places] = place + shift[chunk]

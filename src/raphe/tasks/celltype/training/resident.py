"""Spikes that stay in an accelerator's memory, so that training copies none to it.

N spikes in all, n of a part, T samples of a spike.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from raphe.tasks.celltype.training.batches import Batch, Block, SpikeBatches
from raphe.tasks.celltype.training.parts import Part

ROWS_AT_ONCE = 32_768  # read from the store
BYTES_BESIDE_SAMPLES = 16  # label and cell of a spike
SHARE_OF_FREE = 0.5  # of the device's memory; the rest is for training
SHUFFLE, PART = 0, 1  # kinds of random numbers


def resident(batches: SpikeBatches, device: torch.device) -> "SpikeBatches | ResidentBatches":
    """Bring what the batches are drawn from to a CUDA device, if it stays as it is and fits."""
    if device.type != "cuda" or not all(isinstance(part, Part) for part in batches.parts):
        return batches
    per_spike = 4 * batches.parts[0].n_samples + BYTES_BESIDE_SAMPLES
    n_bytes = per_spike * sum(map(len, batches.parts))
    free, _ = torch.cuda.mem_get_info(device)
    return ResidentBatches(batches, device) if n_bytes <= SHARE_OF_FREE * free else batches


class ResidentBatches:
    """The batches of a SpikeBatches over stores, from a device's memory.

    An epoch takes as many spikes of each part, and over epochs every one equally often, as there.
    The order depends on the seed and the epoch's number alone, but is another one.
    """

    def __init__(self, batches: SpikeBatches, device: torch.device) -> None:
        self._counts, self._batch_size = batches.counts, batches.batch_size
        self._seed, self._epoch = batches.seed, batches.epoch
        self._device = device
        self._sizes = [len(part) for part in batches.parts]
        n, n_samples = sum(self._sizes), batches.parts[0].n_samples
        self._current = torch.empty(n, n_samples, device=device)
        self._label = torch.empty(n, dtype=torch.int64, device=device)
        self._cell = torch.empty_like(self._label)
        begin = 0
        for part in batches.parts:
            self._read(part, begin)
            begin += len(part)

    def __len__(self) -> int:
        return -(-sum(self._counts) // self._batch_size)

    def __iter__(self) -> Iterator[Batch]:
        for rows in self._order().split(self._batch_size):
            yield self._current[rows], self._label[rows], self._cell[rows]

    def _read(self, part: Part, begin: int) -> None:
        stream = part.stream(len(part), epoch=0, seeds=None)
        for start in range(begin, begin + len(part), ROWS_AT_ONCE):
            stop = min(start + ROWS_AT_ONCE, begin + len(part))
            block = Block.empty(stop - start, part.n_samples)
            stream.put(block, np.arange(stop - start))
            self._current[start:stop] = torch.from_numpy(block.current).to(self._device)
            self._label[start:stop] = torch.from_numpy(block.label).to(self._device)
            self._cell[start:stop] = torch.from_numpy(block.cell).to(self._device)

    def _order(self) -> Tensor:
        """Rows of the epoch: int64."""
        if self._seed is None:
            return torch.arange(len(self._label), device=self._device)
        epoch, begin, rows = self._epoch(), 0, []
        for number, (size, count) in enumerate(zip(self._sizes, self._counts, strict=True)):
            rows += [begin + own for own in self._turns(number, size, count * epoch, count)]
            begin += size
        order = torch.cat(rows)
        return order[self._permutation(len(order), SHUFFLE, epoch)]

    def _turns(self, number: int, size: int, place: int, count: int) -> Iterator[Tensor]:
        """`count` rows of a part from a place on, in rounds that each take every row once."""
        while count:
            turn, first = divmod(place, size)
            rows = self._permutation(size, PART, number, turn)[first : first + count]
            yield rows
            place, count = place + len(rows), count - len(rows)

    def _permutation(self, n: int, *key: int) -> Tensor:
        seed = np.random.SeedSequence(self._seed, spawn_key=key).generate_state(1, np.uint64)
        generator = torch.Generator(self._device).manual_seed(int(seed[0] >> 1))
        return torch.randperm(n, generator=generator, device=self._device)

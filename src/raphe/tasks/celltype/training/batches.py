"""Batches of spikes, mixed in a buffer of constant size on their way from stores.

n spikes of a block, B of a batch, T samples of a spike.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, Protocol, TypeVar

import numpy as np
import torch

Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]  # current (B, T) pA, label (B,), cell (B,)
Seeds = Callable[[int], np.random.Generator]  # the generator of a number

BUFFER_BYTES = 20 * 2**20  # mixed at once: 32 768 spikes of 160 samples


@dataclass(frozen=True)
class SpikeBlock:
    """Spikes in memory, of which batches are slices."""

    current: np.ndarray  # float32 (n, T)
    label: np.ndarray  # int64 (n,)
    cell: np.ndarray  # int64 (n,)

    @classmethod
    def empty(cls, n: int, n_samples: int) -> "SpikeBlock":
        return cls(
            np.empty((n, n_samples), np.float32), np.empty(n, np.int64), np.empty(n, np.int64)
        )

    def put(
        self, places: np.ndarray, current: np.ndarray, label: np.ndarray, cell: np.ndarray
    ) -> None:
        """Put m spikes at places (m,): current (m, T) in pA, label (m,), cell (m,)."""
        self.current[places], self.label[places], self.cell[places] = current, label, cell

    def batches(self, size: int) -> Iterator[Batch]:
        tensors = (torch.from_numpy(array) for array in (self.current, self.label, self.cell))
        return zip(*(tensor.split(size) for tensor in tensors), strict=True)


class Block(Protocol):
    """Spikes in the order of their batches: themselves, or where they lie."""

    def batches(self, size: int) -> Iterator[Batch]: ...


BlockT = TypeVar("BlockT", bound=Block)
FilledT = TypeVar("FilledT", bound=Block, contravariant=True)


class SpikeStream(Protocol[FilledT]):
    """The spikes of one epoch from one source."""

    def put(self, block: FilledT, places: np.ndarray) -> None:
        """Put the next m spikes at these places of the block: int64 (m,)."""


class SpikeSource(Protocol[FilledT]):
    """What spikes are drawn from."""

    @property
    def n_samples(self) -> int: ...

    def stream(self, count: int, epoch: int, seeds: Seeds | None) -> SpikeStream[FilledT]:
        """The `count` spikes of an epoch in random order, or without `seeds` in their own."""


class Loader(Protocol):
    """The batches of an epoch; each pass is one."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Batch]: ...


class MixedBatches(ABC, Generic[BlockT]):
    """An iterable of batches from one or more sources; each pass is an epoch.

    Each source is read in an order of its own, and all are mixed in a buffer, in proportion; an
    epoch that fits the buffer comes in an order drawn from all. The order depends on the seed and
    the epoch's number alone.

    Args:
        parts: what to draw from.
        counts: how many spikes of each part make an epoch.
        seed: of the order; None: no shuffling, parts in order.
        epoch: tells the epoch's number when a pass begins.
    """

    def __init__(
        self,
        parts: Sequence[SpikeSource[BlockT]],
        counts: Sequence[int],
        batch_size: int,
        seed: int | None = None,
        epoch: Callable[[], int] = lambda: 0,
    ) -> None:
        self.parts = parts
        self.counts = counts
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-sum(self.counts) // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        epoch = self.epoch()
        order = None if self.seed is None else self._generator(0, epoch)
        streams = [
            part.stream(
                count, epoch, None if order is None else partial(self._generator, 1 + number)
            )
            for number, (part, count) in enumerate(zip(self.parts, self.counts, strict=True))
        ]
        left = list(self.counts)
        size = self._block_size()
        while total := sum(left):
            n = min(size, total)
            block = self._new_block(n)
            places = np.arange(n) if order is None else order.permutation(n)
            shares = _shares(left, n)
            for stream, its_places in zip(
                streams, np.split(places, np.cumsum(shares)[:-1]), strict=True
            ):
                stream.put(block, its_places)
            left = [rest - share for rest, share in zip(left, shares, strict=True)]
            yield from block.batches(self.batch_size)

    @abstractmethod
    def _new_block(self, n: int) -> BlockT:
        """Room for n spikes."""

    def _generator(self, *key: int) -> np.random.Generator:
        # Not [seed, *key], of which [1, 2] and [1, 2, 0] give the same numbers.
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))

    def _block_size(self) -> int:
        """Blocks of one epoch are alike, so that none is too small to mix in; whole batches."""
        n_rows = max(1, BUFFER_BYTES // (4 * self.parts[0].n_samples))
        total = sum(self.counts)
        n_blocks = -(-total // n_rows)
        n_batches = -(-total // (n_blocks * self.batch_size))
        return n_batches * self.batch_size


class SpikeBatches(MixedBatches[SpikeBlock]):
    """Batches of spikes that are brought into memory block by block."""

    def _new_block(self, n: int) -> SpikeBlock:
        return SpikeBlock.empty(n, self.parts[0].n_samples)


def _shares(left: Sequence[int], n: int) -> list[int]:
    """Divide n in proportion to what is left; they sum to n and none exceeds what it has."""
    shares, total = [], sum(left)
    for rest in left:
        share = round(n * rest / total) if total else 0
        shares.append(share)
        n, total = n - share, total - rest
    return shares

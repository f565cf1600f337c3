"""Batches of spikes, drawn from stores or made on the way.

B spikes of a batch, T samples of a spike, n rows.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from raphe.core.splits import PARTS
from raphe.tasks.celltype.spike_set import SpikeSet
from raphe.tasks.celltype.spike_split import LEFT_OUT
from raphe.tasks.celltype.synthetic import Synthesizer

Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]  # current (B, T) pA, label (B,), cell (B,)
Spikes = tuple[np.ndarray, np.ndarray, np.ndarray]  # the same, read from a store

BATCHES_READ_AT_ONCE = 64  # one gather from the store serves so many batches


@dataclass(frozen=True)
class Part:
    """Rows of a store that belong to one part of a split."""

    spikes: SpikeSet
    rows: np.ndarray  # (n,) int64, ascending

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def n_samples(self) -> int:
        return self.spikes.n_samples

    def draw(self, count: int, epoch: int, seed: Sequence[int]) -> np.ndarray:
        """`count` rows for an epoch: int64 (count,).

        The whole part, or fewer or more: then each epoch goes on where the last one ended in the
        shuffled part, so that over epochs every spike is used equally often.
        """
        if count == len(self):
            return self.rows
        turns = np.arange(epoch * count, (epoch + 1) * count)
        which_round, position = turns // len(self), turns % len(self)
        drawn = np.empty(count, dtype=np.int64)
        for number in np.unique(which_round):
            order = np.random.default_rng([*seed, number]).permutation(len(self))
            here = which_round == number
            drawn[here] = self.rows[order[position[here]]]
        return drawn

    def read(self, rows: np.ndarray) -> Spikes:
        """Waveforms (n, T) in pA, labels (n,) and cells (n,) of these rows."""
        return self.spikes.read(rows), self.spikes.label[rows], self.spikes.cell[rows]


@dataclass(frozen=True)
class OnlinePart:
    """Synthetic training spikes, made as they are asked for; each epoch has new ones."""

    synthesizer: Synthesizer

    @property
    def n_samples(self) -> int:
        return self.synthesizer.spikes.n_samples

    def draw(self, count: int, epoch: int, seed: Sequence[int]) -> np.ndarray:
        """The epoch's first `count` samples with a parent in training: int64 (count,) indices."""
        trained = self._share_trained()
        # Far enough that fewer than `count` among them are trained on once in 10¹² epochs.
        span = int((count + 8 * np.sqrt(count) + 64) / trained)
        drawn = self.synthesizer.indices("train", epoch * span, (epoch + 1) * span)
        assert len(drawn) >= count
        return drawn[:count]

    def read(self, rows: np.ndarray) -> Spikes:
        made = self.synthesizer.make(rows)
        return made.waveforms, made.label, made.cell

    def _share_trained(self) -> float:
        """Of the samples of every class, which take turns."""
        split, spikes = self.synthesizer.split, self.synthesizer.spikes
        assert split is not None
        chosen = split.part != LEFT_OUT
        trained = split.part == PARTS.index("train")
        return float(
            np.mean(
                [
                    trained[spikes.label == label].sum() / chosen[spikes.label == label].sum()
                    for label in range(len(spikes.classes))
                ]
            )
        )


class SpikeBatches:
    """An iterable of batches over the parts of one or more stores; each pass is an epoch.

    Args:
        parts: what to draw from.
        counts: how many spikes of each part make an epoch.
        seed: with the epoch's number it decides the order; None: no shuffling, parts in order.
        epoch: tells the epoch's number when a pass begins.
    """

    def __init__(
        self,
        parts: Sequence[Part | OnlinePart],
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
        sources, rows = self._epoch_order(self.epoch())
        block = self.batch_size * BATCHES_READ_AT_ONCE
        for start in range(0, len(rows), block):
            yield from self._read(sources[start : start + block], rows[start : start + block])

    def _epoch_order(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """The epoch's spikes in order: which part, which row of its store. Both (n,)."""
        chosen = [
            part.draw(count, epoch, [self.seed or 0, index])
            for index, (part, count) in enumerate(zip(self.parts, self.counts, strict=True))
        ]
        sources = np.repeat(np.arange(len(self.parts), dtype=np.uint8), self.counts)
        rows = np.concatenate(chosen)
        if self.seed is None:
            return sources, rows
        order = np.random.default_rng([self.seed, epoch]).permutation(len(rows))
        return sources[order], rows[order]

    def _read(self, sources: np.ndarray, rows: np.ndarray) -> Iterator[Batch]:
        n = len(rows)
        current = np.empty((n, self.parts[0].n_samples), dtype=np.float32)
        label = np.empty(n, dtype=np.int64)
        cell = np.empty(n, dtype=np.int64)
        for index, part in enumerate(self.parts):
            here = np.flatnonzero(sources == index)
            here = here[np.argsort(rows[here])]  # ascending rows: neighbours share pages
            current[here], label[here], cell[here] = part.read(rows[here])
        tensors = [torch.from_numpy(array) for array in (current, label, cell)]
        for start in range(0, n, self.batch_size):
            current_pa, labels, cells = (t[start : start + self.batch_size] for t in tensors)
            yield current_pa, labels, cells

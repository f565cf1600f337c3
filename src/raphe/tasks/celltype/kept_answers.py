"""The answers of an epoch as they come, kept in a few large blocks.

Small ones, kept one by one among the buffers that a network frees after each batch, would hold
those apart: memory then grows with every batch. n spikes, B of a batch.
"""

import torch
from torch import Tensor

BLOCK_SPIKES = 65_536


class KeptAnswers:
    """Tensors that grow along their first axis, on the device where they are made."""

    def __init__(self) -> None:
        self._blocks: list[tuple[Tensor, ...]] = []
        self._n_in_last = BLOCK_SPIKES

    def add(self, *values: Tensor) -> None:
        """Copy what there is of one batch: (B, …) each, as many and of the same kinds each time."""
        start, n_batch = 0, len(values[0])
        while start < n_batch:
            if self._n_in_last == BLOCK_SPIKES:
                self._begin_block(values)
            n = min(BLOCK_SPIKES - self._n_in_last, n_batch - start)
            for block, own in zip(self._blocks[-1], values, strict=True):
                block[self._n_in_last : self._n_in_last + n] = own[start : start + n]
            self._n_in_last, start = self._n_in_last + n, start + n

    def whole(self) -> list[Tensor]:
        """All that was added: (n, …) each, n ≥ 1."""
        last = [block[: self._n_in_last] for block in self._blocks[-1]]
        return [torch.cat(parts) for parts in zip(*self._blocks[:-1], last, strict=True)]

    def _begin_block(self, values: tuple[Tensor, ...]) -> None:
        self._blocks.append(tuple(own.new_empty((BLOCK_SPIKES, *own.shape[1:])) for own in values))
        self._n_in_last = 0

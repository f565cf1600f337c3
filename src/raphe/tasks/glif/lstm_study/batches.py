"""Batches of stored voltages, padded to the longest.

B traces of a batch, T samples of the longest.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from raphe.tasks.glif.lstm_study.grid import targets
from raphe.tasks.glif.lstm_study.trace_store import TraceStore

# voltages in mV (B, T), how many samples of each count (B,), scaled targets (B, 5)
Batch = tuple[Tensor, Tensor, Tensor]


class TraceBatches:
    """Every file of a part once, in the store's order, or in one of (seed, epoch) alone."""

    def __init__(
        self,
        traces: TraceStore,
        part: str,
        batch_size: int,
        seed: int | None = None,
        epoch: Callable[[], int] = lambda: 0,
    ) -> None:
        self.traces, self.batch_size, self.seed, self.epoch = traces, batch_size, seed, epoch
        self.rows = traces.rows(part)

    def __len__(self) -> int:
        return -(-len(self.rows) // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        rows = self.rows
        if self.seed is not None:
            rows = np.random.default_rng([self.seed, self.epoch()]).permutation(rows)
        for start in range(0, len(rows), self.batch_size):
            yield self._batch(rows[start : start + self.batch_size])

    def _batch(self, files: np.ndarray) -> Batch:
        fed = [self.traces.fed_mv(file) for file in files]
        lengths = torch.tensor([len(one) for one in fed])
        voltage = torch.zeros(len(fed), int(lengths.max()))
        for row, one in zip(voltage, fed, strict=True):
            row[: len(one)] = torch.from_numpy(one)
        return voltage, lengths, torch.from_numpy(targets(self.traces.parameters[files]))

"""Voltages of the published grid from a store, in batches padded to the longest.

B traces of a batch, T samples of the longest.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor

from raphe.core.protocol import UsedStore
from raphe.core.ranges import Count, Seed, check_ranges
from raphe.core.sentences import counted
from raphe.tasks.glif.lstm_study.grid import targets
from raphe.tasks.glif.lstm_study.voltage_store import VoltageStore, open_voltages

EVALUATED_AT_ONCE = 16

# voltages in mV (B, T), how many samples of each count (B,), scaled targets (B, 5)
Batch = tuple[Tensor, Tensor, Tensor]


class TraceBatches:
    """Every file of a part once, in the store's order, or in one of (seed, epoch) alone."""

    def __init__(
        self,
        traces: VoltageStore,
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
        lengths = torch.tensor([len(trace) for trace in fed])
        voltage = torch.zeros(len(fed), int(lengths.max()))
        for row, trace in zip(voltage, fed, strict=True):
            row[: len(trace)] = torch.from_numpy(trace)
        return voltage, lengths, torch.from_numpy(targets(self.traces.parameters[files]))


class LstmGlifData(pl.LightningDataModule):
    """The files of a store in their parts, as `write_study` drew them.

    Args:
        store: made by `prepare`.
        batch_size: traces in a training batch; 1 as published.
        shuffle: whether an epoch's order changes; the study's files kept theirs.
        seed: of the order.
    """

    test_names = ("test",)

    def __init__(
        self, store: str | Path, batch_size: Count = 1, shuffle: bool = True, seed: Seed = 42
    ) -> None:
        super().__init__()
        check_ranges(LstmGlifData.__init__, locals(), "data")
        self.batch_size, self.shuffle, self.seed = batch_size, shuffle, seed
        self.traces = open_voltages(store)

    @property
    def hashes(self) -> dict[str, str]:
        return {"traces": self.traces.content_hash}

    @property
    def used_stores(self) -> list[UsedStore]:
        contents = counted("trace", len(self.traces.part))
        return [UsedStore("traces", self.traces.path, contents)]

    @property
    def facts(self) -> dict[str, list[float]]:
        """The training targets' mean, which a constant predictor answers."""
        mean = targets(self.traces.parameters[self.traces.rows("train")]).mean(axis=0)
        return {"target_mean": mean.tolist()}

    @property
    def note(self) -> str:
        return self.traces.note

    def train_dataloader(self) -> TraceBatches:
        return TraceBatches(
            self.traces, "train", self.batch_size, self.seed if self.shuffle else None, self._epoch
        )

    def val_dataloader(self) -> TraceBatches:
        return TraceBatches(self.traces, "val", EVALUATED_AT_ONCE)

    def test_dataloader(self) -> TraceBatches:
        return TraceBatches(self.traces, "test", EVALUATED_AT_ONCE)

    def _epoch(self) -> int:
        return self.trainer.current_epoch if self.trainer is not None else 0

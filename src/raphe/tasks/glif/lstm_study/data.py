"""Voltages of the published grid from a store, in batches for the network."""

from pathlib import Path

import pytorch_lightning as pl

from raphe.core.errors import SettingError
from raphe.tasks.glif.lstm_study.batches import TraceBatches
from raphe.tasks.glif.lstm_study.grid import targets
from raphe.tasks.glif.lstm_study.trace_store import open_traces

EVALUATED_AT_ONCE = 16


class GlifData(pl.LightningDataModule):
    """The files of a store in their parts, as `write_study` drew them.

    Args:
        store: made by `prepare`.
        batch_size: traces in a training batch; 1 as published.
        shuffle: whether an epoch's order changes; the study's files kept theirs.
        seed: of the order.
    """

    test_names = ("test",)

    def __init__(
        self, store: str | Path, batch_size: int = 1, shuffle: bool = True, seed: int = 42
    ) -> None:
        super().__init__()
        if not isinstance(batch_size, int) or batch_size < 1:
            raise SettingError(f"data.batch_size={batch_size}: expected a whole number from 1 up")
        self.batch_size, self.shuffle, self.seed = batch_size, shuffle, seed
        self.traces = open_traces(store)

    @property
    def hashes(self) -> dict[str, str]:
        return {"traces": self.traces.content_hash}

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

"""Calcium traces with their spikes, from a store, split by recording or by dataset."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytorch_lightning as pl

from raphe.core.errors import SettingError, SplitError
from raphe.tasks.calcium.elephant.focus import Focus, shares
from raphe.tasks.calcium.elephant.windows import (
    SHORTEST,
    Part,
    RecordingBatches,
    WindowBatches,
    rate_scale_per_s,
)
from raphe.tasks.calcium.stores.split import FRACTIONS, split_recordings
from raphe.tasks.calcium.stores.trace_store import TraceStore, open_traces


class CalciumData(pl.LightningDataModule):
    """Recordings of a store, split; further stores for testing only.

    Args:
        store: made by `raphe import-traces` or simulated, see `open_traces`.
        test_stores: name → store, each tested on whole beside the test part; None is left out.
        held_out: the dataset, or the recording, that is tested on, or none; None divides every
            dataset.
        fractions: of the recordings for training, validation and test.
        batch_size: samples predicted in a training batch.
        consecutive: of them so many follow each other, see `WindowBatches`.
        focus: new recordings; training then draws more from the datasets they resemble.
        seed: of the split and of the order.
    """

    def __init__(
        self,
        store: str | Path,
        test_stores: Mapping[str, str | Path] | None = None,
        held_out: str | int | None = None,
        fractions: Sequence[float] = FRACTIONS,
        batch_size: int = 256,
        consecutive: int = 1,
        focus: Focus | None = None,
        seed: int = 42,
    ) -> None:
        super().__init__()
        for name, value in (("batch_size", batch_size), ("consecutive", consecutive)):
            if not isinstance(value, int) or value < 1:
                raise SettingError(f"data.{name}={value}: expected a whole number from 1 up")
        self.batch_size, self.consecutive, self.seed = batch_size, consecutive, seed
        self.labelled = open_traces(store)
        self.focus = focus or Focus()
        self.split = split_recordings(
            self.labelled, None if held_out is None else str(held_out), fractions, seed
        )
        self.tests = {name: open_traces(path) for name, path in (test_stores or {}).items() if path}
        self._refuse_shared_recordings()

    @property
    def hashes(self) -> dict[str, str]:
        """The content hash of each store, and of what training is focused on."""
        stores = {"traces": self.labelled, **self.tests}
        hashes = {name: store.content_hash for name, store in stores.items()}
        return {**hashes, "focus": self.focus.content_hash} if self.focus else hashes

    @property
    def facts(self) -> dict[str, float]:
        """The scale of the training target; completes the model's settings."""
        mean, deviation = rate_scale_per_s(self.scales)
        return {"rate_mean_per_s": mean, "rate_std_per_s": deviation}

    @property
    def note(self) -> str:
        return self.labelled.note

    @property
    def test_names(self) -> list[str]:
        """Names of the test sets in the order of `test_dataloader`."""
        return ["test", *self.tests] if len(self.split.test) else list(self.tests)

    def test_store(self, name: str) -> TraceStore:
        """The store whose recordings a test set holds."""
        return self.tests.get(name, self.labelled)

    def setup(self, stage: str | None = None) -> None:
        self.parts = {name: Part(self.labelled, rows) for name, rows in self.split.parts().items()}
        self.scales = self.parts["train"].scales()
        if self.parts["train"].n_windows().sum() < self.consecutive:
            raise SplitError(
                f"{self.labelled.path}: no training recording is longer than {SHORTEST} samples; "
                "add longer ones"
            )
        self.shares = self._shares()

    def train_dataloader(self) -> WindowBatches:
        return WindowBatches(
            self.parts["train"],
            self.scales,
            self.batch_size,
            self.consecutive,
            self.shares,
            self.seed,
            self._current_epoch,
        )

    def val_dataloader(self) -> RecordingBatches:
        return RecordingBatches(self.parts["val"])

    def test_dataloader(self) -> list[RecordingBatches]:
        whole = [Part(store, np.arange(len(store.recordings))) for store in self.tests.values()]
        own = [self.parts["test"]] if len(self.split.test) else []
        return [RecordingBatches(part) for part in (*own, *whole)]

    def _current_epoch(self) -> int:
        return self.trainer.current_epoch if self.trainer is not None else 0

    @property
    def only_tested(self) -> set[str]:
        """Datasets of which no recording is trained on."""
        trained, tested = (
            {one.dataset for one in self.parts[name].recordings} for name in ("train", "test")
        )
        return tested - trained

    def _shares(self) -> dict[str, float]:
        """How much of each dataset's training windows an epoch draws; empty for all of all."""
        if not self.focus:
            return {}
        part = self.parts["train"]
        n_windows: dict[str, int] = {}
        for one, n in zip(part.recordings, part.n_windows().tolist(), strict=True):
            n_windows[one.dataset] = n_windows.get(one.dataset, 0) + n
        return shares(self.focus.weights(n_windows, self.only_tested), n_windows)

    def _refuse_shared_recordings(self) -> None:
        if not self.tests:
            return
        trained = {_fingerprint(self.labelled, row) for row in (*self.split.train, *self.split.val)}
        for name, store in self.tests.items():
            for row, recording in enumerate(store.recordings):
                if _fingerprint(store, row) in trained:
                    raise SplitError(
                        f"data.test_stores.{name}: its recording {recording.name} is trained on; "
                        f"take it out of {store.path} or of {self.labelled.path}"
                    )


def _fingerprint(store: TraceStore, row: int) -> str:
    return hashlib.sha256(store.calcium[store.recordings[row].rows].tobytes()).hexdigest()

"""Every recording of a store, each to train a network of its own and to test all of them on."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
import torch

from raphe.core.errors import StoreError
from raphe.core.protocol import UsedStore
from raphe.core.ranges import Count, Seed, check_ranges
from raphe.tasks.calcium.elephant.single_network import BEFORE, SMOOTHING, WINDOW
from raphe.tasks.calcium.elephant.windows import WindowCut, stacked
from raphe.tasks.calcium.features.trace_statistics import SEGMENT
from raphe.tasks.calcium.stores.trace_store import RecordingSubset, open_traces
from raphe.tasks.calcium.training.recording_data import RecordingBatches, z_scored_input

CUT = WindowCut(WINDOW, BEFORE, SMOOTHING)
N_CHECKED = 2048  # windows of each recording that an epoch is validated on


class SingleData(pl.LightningDataModule):
    """Recordings that have spikes and last 1024 samples or more; others are left out.

    Args:
        store: see `open_traces`.
        batch_size: windows of one recording in a training batch.
        seed: of the order.
    """

    def __init__(self, store: str | Path, batch_size: Count = 1024, seed: Seed = 42) -> None:
        super().__init__()
        check_ranges(SingleData.__init__, locals(), "data")
        self.batch_size, self.seed = batch_size, seed
        self.store = open_traces(store)
        usable = [
            row
            for row, recording in enumerate(self.store.recordings)
            if recording.n_spikes and recording.n_samples >= SEGMENT
        ]
        if not usable:
            raise StoreError(
                f"{store}: expected recordings with spikes of {SEGMENT} samples or more, got none"
            )
        self.subset = RecordingSubset(self.store, np.array(usable))

    @property
    def hashes(self) -> dict[str, str]:
        return {"traces": self.store.content_hash}

    @property
    def used_stores(self) -> list[UsedStore]:
        return [UsedStore("traces", self.store.path, self.store.contents)]

    @property
    def facts(self) -> dict[str, int]:
        return {"n_recordings": len(self.subset.recordings)}

    @property
    def note(self) -> str:
        return self.store.note

    def setup(self, stage: str | None = None) -> None:
        self.scales = stacked(CUT.scales(self.subset))

    def train_dataloader(self) -> "RecordingWindows":
        return RecordingWindows(self, shuffled=True)

    def val_dataloader(self) -> "RecordingWindows":
        return RecordingWindows(self, shuffled=False)

    def test_dataloader(self) -> RecordingBatches:
        return RecordingBatches(self.subset, z_scored_input)


class RecordingWindows:
    """Batches of one recording's windows each: calcium (B, 100), target (B, 1), its place.

    Shuffled, every window of every recording once an epoch, in an order of (seed, epoch) alone;
    else one batch a recording, of windows evenly spread over it.
    """

    def __init__(self, data: SingleData, shuffled: bool) -> None:
        self.data, self.shuffled = data, shuffled
        self._windows = [recording.n_samples - WINDOW for recording in data.subset.recordings]

    def __len__(self) -> int:
        if not self.shuffled:
            return len(self._windows)
        return sum(self._n_batches(n) for n in self._windows)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor, int]]:
        for place, chosen in self._shuffled() if self.shuffled else self._spread():
            data = self.data
            first = data.subset.recordings[place].start + BEFORE + chosen
            scales = np.repeat(data.scales[place, None], len(first), axis=0)
            yield (*CUT.read(data.store, first, 1, scales), place)

    def _n_batches(self, n_windows: int) -> int:
        return -(-n_windows // self.data.batch_size)

    def _shuffled(self) -> Iterator[tuple[int, np.ndarray]]:
        trainer = self.data.trainer
        rng = np.random.default_rng([self.data.seed, trainer.current_epoch if trainer else 0])
        batches = [
            (place, chosen)
            for place, n in enumerate(self._windows)
            for chosen in np.array_split(rng.permutation(n), self._n_batches(n))
        ]
        for index in rng.permutation(len(batches)):
            yield batches[index]

    def _spread(self) -> Iterator[tuple[int, np.ndarray]]:
        for place, n in enumerate(self._windows):
            yield place, np.linspace(0, n - 1, min(n, N_CHECKED)).astype(int)

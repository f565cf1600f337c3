"""Recordings for an ElephantModule: windows in random order to train on, whole ones to test."""

from collections.abc import Mapping
from pathlib import Path

from raphe.core.errors import SplitError
from raphe.core.ranges import Count, Seed, check_ranges
from raphe.core.statistics.splits import Fractions
from raphe.tasks.calcium.elephant.focus import Focus, shares
from raphe.tasks.calcium.elephant.windows import (
    CUT,
    SHORTEST,
    WindowBatches,
    n_windows,
    rate_scale_per_s,
)
from raphe.tasks.calcium.stores.split import FRACTIONS
from raphe.tasks.calcium.training.recording_data import RecordingData


class ElephantData(RecordingData):
    """Split and tested as RecordingData; trained on windows.

    Args:
        store, test_stores, held_out, fractions, seed: see RecordingData.
        batch_size: samples predicted in a training batch.
        consecutive: of them so many follow each other, see `WindowBatches`.
        focus: new recordings; training then draws more from the datasets they resemble.

    Raises:
        SettingError: for a batch of no samples.
        SplitError: as RecordingData; no training recording holds a window.
    """

    def __init__(
        self,
        store: str | Path,
        test_stores: Mapping[str, str | Path] | None = None,
        held_out: str | int | None = None,
        fractions: Fractions = FRACTIONS,
        batch_size: Count = 256,
        consecutive: Count = 1,
        focus: Focus | None = None,
        seed: Seed = 42,
    ) -> None:
        check_ranges(ElephantData.__init__, locals(), "data")
        super().__init__(store, test_stores, held_out, fractions, seed)
        self.batch_size, self.consecutive = batch_size, consecutive
        self.focus = focus or Focus()

    @property
    def hashes(self) -> dict[str, str]:
        """The content hash of each store, and of what training is focused on."""
        hashes = super().hashes
        return {**hashes, "focus": self.focus.content_hash} if self.focus else hashes

    @property
    def facts(self) -> dict[str, float]:
        """The scale of the training target; completes the model's settings."""
        mean, deviation = rate_scale_per_s(self.scales)
        return {"rate_mean_per_s": mean, "rate_std_per_s": deviation}

    def setup(self, stage: str | None = None) -> None:
        super().setup(stage)
        self.scales = CUT.scales(self.parts["train"])
        if n_windows(self.parts["train"]).sum() < self.consecutive:
            raise SplitError(
                f"{self.store.path}: no training recording is longer than {SHORTEST} samples; "
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
            self.current_epoch,
        )

    @property
    def only_tested(self) -> set[str]:
        """Datasets of which no recording is trained on."""
        trained, tested = (
            {recording.dataset for recording in self.parts[name].recordings}
            for name in ("train", "test")
        )
        return tested - trained

    def _shares(self) -> dict[str, float]:
        """How much of each dataset's training windows an epoch draws; empty for all of all."""
        if not self.focus:
            return {}
        part = self.parts["train"]
        n_of_dataset: dict[str, int] = {}
        for recording, n in zip(part.recordings, n_windows(part).tolist(), strict=True):
            n_of_dataset[recording.dataset] = n_of_dataset.get(recording.dataset, 0) + n
        return shares(self.focus.weights(n_of_dataset, self.only_tested), n_of_dataset)

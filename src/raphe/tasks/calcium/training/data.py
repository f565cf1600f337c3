"""Recordings and synthetic traces for a RateModule: long stretches to train on, the rest whole."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Protocol

import numpy as np
import torch

from raphe.core.ranges import Count, Range, Seed, Share, check_ranges
from raphe.core.statistics.splits import Fractions
from raphe.tasks.calcium.features.network_input import NetworkInput, network_input
from raphe.tasks.calcium.features.training_domain import domain
from raphe.tasks.calcium.network.rate_net import STRIDE
from raphe.tasks.calcium.stores.split import FRACTIONS
from raphe.tasks.calcium.synthetic.synthesizer import Synthesis
from raphe.tasks.calcium.training.recording_data import RecordingData
from raphe.tasks.calcium.training.stretches import Augmentation, StretchBatches

N_JUDGED, JUDGED_SAMPLES = 64, 4096  # synthetic traces, by which all are known


class Teaching(Protocol):
    """What a network may learn from in place of spikes, as an exported ensemble: see Teacher."""

    heads: int  # that the network needs

    @property
    def content_hash(self) -> str: ...

    @property
    def saw(self) -> Mapping[str, int]: ...

    def __call__(self, calcium: np.ndarray, log_frame_rate: np.ndarray) -> np.ndarray: ...

    def require_seen(self, datasets: Sequence[str]) -> None: ...


class RateData(RecordingData):
    """Split and tested as RecordingData; trained on stretches, of which some are synthetic.

    Args:
        store, test_stores, held_out, fractions, seed: see RecordingData.
        synthesis: makes the synthetic traces.
        augmentation: changes those of recordings.
        length: of a stretch, in samples.
        batch_size: stretches of a batch.
        batches: of an epoch.
        pretrain_epochs: the first epochs, which are synthetic alone.
        synthetic: share of synthetic stretches afterwards.
        teacher: whose rates are learned, and not spikes.

    Raises:
        SettingError: for a length, a count or a share that is none.
        SplitError: as RecordingData.
    """

    def __init__(
        self,
        store: str | Path,
        test_stores: Mapping[str, str | Path] | None = None,
        held_out: str | int | None = None,
        fractions: Fractions = FRACTIONS,
        synthesis: Synthesis | None = None,
        augmentation: Augmentation | None = None,
        length: Annotated[int, Range(STRIDE, step=STRIDE, noun="a multiple of 4 samples")] = 4096,
        batch_size: Count = 4,
        batches: Count = 100,
        pretrain_epochs: Annotated[int, Range(0)] = 40,
        synthetic: Share = 0.25,
        teacher: Teaching | None = None,
        seed: Seed = 42,
    ) -> None:
        check_ranges(RateData.__init__, locals(), "data")
        super().__init__(store, test_stores, held_out, fractions, seed)
        self.synthesis = synthesis or Synthesis()
        self.augmentation = augmentation or Augmentation()
        self.length, self.batch_size, self.batches = length, batch_size, batches
        self.pretrain_epochs, self.synthetic = pretrain_epochs, synthetic
        self.teacher = teacher

    def shown(self, calcium: np.ndarray, imaging_hz: float) -> NetworkInput:
        """In units of its noise, see network_input."""
        return network_input(calcium, imaging_hz)

    @property
    def facts(self) -> dict[str, object]:
        """What completes the model's settings."""
        return {
            "pretrain_epochs": self.pretrain_epochs,
            "heads": 1 if self.teacher is None else self.teacher.heads,
        }

    @property
    def hashes(self) -> dict[str, str]:
        """The content hash of each store, and of the teacher."""
        taught = {} if self.teacher is None else {"teacher": self.teacher.content_hash}
        return super().hashes | taught

    @cached_property
    def synthetic_domain(self) -> dict[str, list[float]]:
        """What synthetic traces are like, see training_domain."""
        rng = np.random.default_rng(self.seed)
        traces = self.synthesis.batch(N_JUDGED, JUDGED_SAMPLES, rng)
        return domain(traces.calcium)

    def train_dataloader(self) -> "StretchBatches | TaughtBatches":
        batches = StretchBatches(
            self.parts["train"],
            self.synthesis,
            self.augmentation,
            self.length,
            self.batch_size,
            self.batches,
            self._n_synthetic,
            self.seed,
            self.current_epoch,
        )
        if self.teacher is None:
            return batches
        epochs = 0 if self.trainer is None else self.trainer.max_epochs
        if self.teacher.saw or epochs > self.pretrain_epochs:
            self.teacher.require_seen([each.dataset for each in self.parts["train"].recordings])
        return TaughtBatches(batches, self.teacher)

    def _n_synthetic(self, epoch: int) -> int:
        if epoch < self.pretrain_epochs:
            return self.batch_size
        return round(self.synthetic * self.batch_size)


class TaughtBatches:
    """Batches of stretches with what a teacher expects of each head (H, B, T) for spikes."""

    def __init__(self, batches: StretchBatches, teacher: Teaching) -> None:
        self.batches, self.teacher = batches, teacher

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, ...]]:
        for calcium, log_frame_rate, _, *others in self.batches:
            expected = self.teacher(calcium.numpy(), log_frame_rate.numpy())
            yield calcium, log_frame_rate, torch.from_numpy(expected), *others

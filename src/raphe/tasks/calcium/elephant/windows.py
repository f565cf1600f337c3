"""Batches for Elephant's training: windows of calcium, and what it shall say of each, in any order.

They are cut from the store's files as they are needed. B rows of a batch, L consecutive samples
predicted by a row.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from raphe.tasks.calcium.elephant.network import BEFORE, WINDOW
from raphe.tasks.calcium.recordings.sampling import (
    EPSILON,
    KERNEL_REACH,
    KERNEL_WIDTH,
    RATE_HZ,
    smoothed,
    smoothing_kernel,
)
from raphe.tasks.calcium.stores.trace_store import CalciumStore, RecordingSubset, StoredRecording

# Elephant predicts the samples 32 … N − 224 in training: its own margin at the end.
TRAINED_AFTER = 224
SHORTEST = BEFORE + TRAINED_AFTER  # samples of a recording with one window to train on


@dataclass(frozen=True)
class RecordingScale:
    """Mean and standard deviation of a recording, which turn its samples into z-scores."""

    calcium: tuple[float, float]
    rate: tuple[float, float]  # of the smoothed spikes in a sample


@dataclass(frozen=True)
class WindowCut:
    """`samples` of calcium, `before` of them before the predicted one; spikes smoothed."""

    samples: int
    before: int
    smoothing: float = KERNEL_WIDTH  # of smoothing_kernel

    @cached_property
    def kernel(self) -> np.ndarray:
        """float64 (31,), of sum 1."""
        return smoothing_kernel(self.smoothing)

    def scale(self, store: CalciumStore, recording: StoredRecording) -> RecordingScale:
        """A recording's scale; reads all of its samples."""
        calcium = store.calcium[recording.rows].astype(np.float64)
        rate = smoothed(store.spikes[recording.rows], self.smoothing)
        return RecordingScale(
            (calcium.mean(), calcium.std() + EPSILON), (rate.mean(), rate.std() + EPSILON)
        )

    def scales(self, subset: RecordingSubset) -> list[RecordingScale]:
        """Each recording's scale."""
        return [self.scale(subset.store, recording) for recording in subset.recordings]

    def read(
        self, store: CalciumStore, first: np.ndarray, length: int, scales: np.ndarray
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Cut stretches of `length` windows.

        Args:
            store: where they are cut.
            first: (B,) the first predicted sample of each, counted through the store.
            length: L.
            scales: (B, 2, 2) mean and deviation of calcium and of rate.

        Returns:
            Calcium (B, samples − 1 + L) and target (B, L), z-scored, float32.
        """
        calcium = store.calcium[first[:, None] - self.before + np.arange(self.samples - 1 + length)]
        spikes = store.spikes[first[:, None] - KERNEL_REACH + np.arange(length + 2 * KERNEL_REACH)]
        around = np.lib.stride_tricks.sliding_window_view(spikes, len(self.kernel), axis=1)
        batch = []
        for index, values in enumerate((calcium, around @ self.kernel)):  # the kernel is even
            mean, deviation = scales[:, index].T[..., None]
            batch.append(torch.from_numpy(((values - mean) / deviation).astype(np.float32)))
        return batch[0], batch[1]


CUT = WindowCut(WINDOW, BEFORE)


def n_windows(subset: RecordingSubset) -> np.ndarray:
    """How many samples of each recording are predicted in training: int64 (recordings,)."""
    lengths = np.array([recording.n_samples for recording in subset.recordings])
    return np.maximum(lengths - SHORTEST + 1, 0)


def stacked(scales: Sequence[RecordingScale]) -> np.ndarray:
    """Scales of n recordings as one array, float64 (n, 2, 2)."""
    return np.array([(scale.calcium, scale.rate) for scale in scales])


def rate_scale_per_s(scales: Sequence[RecordingScale]) -> tuple[float, float]:
    """Mean and deviation of the smoothed spikes in spikes/s, each averaged over the recordings."""
    mean, deviation = np.mean([scale.rate for scale in scales], axis=0) * RATE_HZ
    return float(mean), float(deviation)


class WindowBatches:
    """Every window of the training recordings once an epoch, in an order of (seed, epoch) alone.

    Yields calcium (B, 127 + L) and target (B, L), z-scored within each recording, float32.

    Args:
        subset: the recordings.
        scales: of each of them.
        batch_size: samples predicted in a batch, B × L.
        consecutive: L. Neighbouring windows share most of the work: so many cost little more than
            one, but are alike.
        shares: dataset → share of its windows that an epoch draws; all of a dataset that is absent.
        seed: of the order.
        epoch: tells the epoch's number when a pass begins.
    """

    def __init__(
        self,
        subset: RecordingSubset,
        scales: Sequence[RecordingScale],
        batch_size: int,
        consecutive: int = 1,
        shares: Mapping[str, float] | None = None,
        seed: int = 0,
        epoch: Callable[[], int] = lambda: 0,
    ) -> None:
        self.subset, self.batch_size, self.consecutive = subset, batch_size, consecutive
        self.seed, self.epoch = seed, epoch
        recordings = subset.recordings
        self._start = np.array([recording.start for recording in recordings])
        self._windows = n_windows(subset)
        self._stretches = self._windows // consecutive
        share = np.array([(shares or {}).get(recording.dataset, 1.0) for recording in recordings])
        self._drawn = (self._stretches * share).astype(int)
        self._scales = stacked(scales)

    @property
    def rows_per_batch(self) -> int:
        return max(1, self.batch_size // self.consecutive)

    def __len__(self) -> int:
        return -(-int(self._drawn.sum()) // self.rows_per_batch)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        recording, first = self._epoch_order(np.random.default_rng([self.seed, self.epoch()]))
        for start in range(0, len(first), self.rows_per_batch):
            rows = slice(start, start + self.rows_per_batch)
            scales = self._scales[recording[rows]]
            yield CUT.read(self.subset.store, first[rows], self.consecutive, scales)

    def _epoch_order(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """The epoch's stretches: which recording, and its first predicted sample in the store."""
        recordings, firsts = [], []
        for index, (count, drawn) in enumerate(zip(self._stretches, self._drawn, strict=True)):
            spare = self._windows[index] - count * self.consecutive
            begin = self._start[index] + BEFORE + rng.integers(spare + 1)
            chosen = rng.permutation(count)[:drawn]
            firsts.append(begin + chosen * self.consecutive)
            recordings.append(np.full(drawn, index))
        order = rng.permutation(int(self._drawn.sum()))
        return np.concatenate(recordings)[order], np.concatenate(firsts)[order]

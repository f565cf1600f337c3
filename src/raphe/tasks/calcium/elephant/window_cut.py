"""What a network sees of a recording and what it shall say: windows of calcium, smoothed spikes.

B windows, or stretches of L windows that begin one sample apart.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from raphe.tasks.calcium.elephant.target import (
    ELEPHANT_WIDTH,
    EPSILON,
    REACH,
    smoothed,
    smoothing_kernel,
)
from raphe.tasks.calcium.stores.trace_store import StoredRecording, TraceStore


@dataclass(frozen=True)
class Scale:
    """Mean and standard deviation of a recording, which turn its samples into z-scores."""

    calcium: tuple[float, float]
    rate: tuple[float, float]  # of the smoothed spikes in a sample


@dataclass(frozen=True)
class WindowCut:
    """`samples` of calcium, `before` of them before the predicted one; spikes smoothed."""

    samples: int
    before: int
    smoothing: float = ELEPHANT_WIDTH  # of smoothing_kernel

    @cached_property
    def kernel(self) -> np.ndarray:
        return smoothing_kernel(self.smoothing)

    def scale(self, store: TraceStore, recording: StoredRecording) -> Scale:
        """A recording's scale; reads all of its samples."""
        calcium = store.calcium[recording.rows].astype(np.float64)
        rate = smoothed(store.spikes[recording.rows], self.kernel)
        return Scale((calcium.mean(), calcium.std() + EPSILON), (rate.mean(), rate.std() + EPSILON))

    def read(
        self, store: TraceStore, first: np.ndarray, length: int, scales: np.ndarray
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
        spikes = store.spikes[first[:, None] - REACH + np.arange(length + 2 * REACH)]
        around = np.lib.stride_tricks.sliding_window_view(spikes, len(self.kernel), axis=1)
        batch = []
        for index, values in enumerate((calcium, around @ self.kernel)):  # the kernel is even
            mean, deviation = scales[:, index].T[..., None]
            batch.append(torch.from_numpy(((values - mean) / deviation).astype(np.float32)))
        return batch[0], batch[1]


def stacked(scales: list[Scale]) -> np.ndarray:
    """Scales of n recordings as one array (n, 2, 2)."""
    return np.array([(scale.calcium, scale.rate) for scale in scales])

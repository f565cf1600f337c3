"""Batches for training, of windows in random order, and for scoring, of whole recordings.

Both read from the store's files as they go. B rows of a batch, L consecutive samples predicted by
a row, N samples of a recording.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch

from raphe.tasks.calcium.elephant.network import BEFORE, WINDOW
from raphe.tasks.calcium.elephant.target import smoothed, z_scored
from raphe.tasks.calcium.elephant.window_cut import Scale, WindowCut, stacked
from raphe.tasks.calcium.metrics.scores import RATE_HZ
from raphe.tasks.calcium.stores.trace_store import TraceStore

CUT = WindowCut(WINDOW, BEFORE)
# Elephant predicts the samples 32 … N − 224 in training: its own margin at the end.
TRAINED_AFTER = 224
SHORTEST = BEFORE + TRAINED_AFTER  # samples of a recording with one window to train on


class Part:
    """The recordings of a store that belong to one part of a split."""

    def __init__(self, store: TraceStore, rows: np.ndarray) -> None:
        self.store, self.rows = store, rows
        self.recordings = [store.recordings[row] for row in rows]

    def scales(self) -> list[Scale]:
        """Each recording's scale; reads all of its samples."""
        return [CUT.scale(self.store, one) for one in self.recordings]

    def n_windows(self) -> np.ndarray:
        """How many samples of each recording are predicted in training: int64 (recordings,)."""
        lengths = np.array([one.n_samples for one in self.recordings])
        return np.maximum(lengths - SHORTEST + 1, 0)


def rate_scale_per_s(scales: Sequence[Scale]) -> tuple[float, float]:
    """Mean and deviation of the smoothed spikes in spikes/s, each averaged over the recordings."""
    mean, deviation = np.mean([scale.rate for scale in scales], axis=0) * RATE_HZ
    return float(mean), float(deviation)


class WindowBatches:
    """Every window of the training recordings once an epoch, in an order of (seed, epoch) alone.

    Yields calcium (B, 127 + L) and target (B, L), z-scored within each recording, float32.

    Args:
        part: the recordings.
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
        part: Part,
        scales: list[Scale],
        batch_size: int,
        consecutive: int = 1,
        shares: Mapping[str, float] | None = None,
        seed: int = 0,
        epoch: Callable[[], int] = lambda: 0,
    ) -> None:
        self.part, self.batch_size, self.consecutive = part, batch_size, consecutive
        self.seed, self.epoch = seed, epoch
        self._start = np.array([one.start for one in part.recordings])
        self._windows = part.n_windows()
        self._stretches = self._windows // consecutive
        share = np.array([(shares or {}).get(one.dataset, 1.0) for one in part.recordings])
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
            yield CUT.read(self.part.store, first[rows], self.consecutive, scales)

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


class RecordingBatches:
    """Recordings, one a batch: calcium and target (1, N) as z-scores, spikes (1, N), index (1,)."""

    def __init__(self, part: Part) -> None:
        self.part = part

    def __len__(self) -> int:
        return len(self.part.recordings)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, ...]]:
        store = self.part.store
        for row, one in zip(self.part.rows, self.part.recordings, strict=True):
            spikes = np.asarray(store.spikes[one.rows], dtype=np.float32)
            traces = (z_scored(store.calcium[one.rows]), z_scored(smoothed(spikes)), spikes)
            tensors = (torch.from_numpy(each.astype(np.float32))[None] for each in traces)
            yield (*tensors, torch.tensor([int(row)]))

"""Batches of long stretches, from recordings and synthesised, for a network that reads them whole.

B stretches of a batch, T samples of each.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch

from raphe.core.ranges import Range, check_ranges
from raphe.tasks.calcium.recordings.sampling import z_scored
from raphe.tasks.calcium.stores.trace_store import RecordingSubset
from raphe.tasks.calcium.synthetic.indicators import Span
from raphe.tasks.calcium.synthetic.synthesizer import Synthesis

SYNTHETIC = -1  # in the place of a dataset's number

Deviation = Annotated[float, Range(0, 2)]


@dataclass(frozen=True)
class Augmentation:
    """How a stretch of a recording is changed each time it is drawn.

    Args:
        stretch: time runs faster or slower by up to this, as a logarithm.
        noise: deviation of the noise added, up to this many of the trace's own.
        gain: deviation of the logarithm of the gain.
    """

    stretch: Deviation = 0.2
    noise: Deviation = 0.3
    gain: Deviation = 0.2
    noise_hz: Span = (3.0, 45.0)  # log: it ends somewhere here, as a frame rate's noise does

    def __post_init__(self) -> None:
        check_ranges(Augmentation, vars(self))

    def __call__(self, calcium: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Calcium (B, T) with noise, z-scored, at another gain: float32 (B, T)."""
        n, length = calcium.shape
        frequency = np.fft.rfftfreq(length, 0.01)
        lowest, highest = np.log(self.noise_hz)
        end = np.exp(rng.uniform(lowest, highest, (n, 1)))
        spectrum = np.fft.rfft(rng.normal(size=calcium.shape)) * (frequency < end)
        noise = np.fft.irfft(spectrum, length)
        noise *= rng.uniform(0, self.noise, (n, 1)) / noise.std(1, keepdims=True)
        calcium = calcium + noise
        calcium = z_scored(calcium) * np.exp(self.gain * rng.normal(size=(n, 1)))
        return calcium.astype(np.float32)


class StretchBatches:
    """So many batches an epoch, the same for the same seed and epoch.

    Yields calcium (B, T), z-scored, spikes (B, T), both float32, and the number of each stretch's
    dataset (B,), SYNTHETIC for none. Every dataset is drawn from alike, each recording by its
    length.

    Args:
        subset: the recordings to draw from; datasets are numbered as in their store.
        synthesis: makes the rest.
        augmentation: of stretches of recordings.
        length: T, a multiple of 4.
        batch_size: B.
        n_batches: of an epoch.
        synthetic: how many of an epoch's stretches are synthetic, of the batch's B.
        seed: of everything that is drawn.
        epoch: tells the epoch's number when a pass begins.
    """

    def __init__(
        self,
        subset: RecordingSubset,
        synthesis: Synthesis,
        augmentation: Augmentation,
        length: int,
        batch_size: int,
        n_batches: int,
        synthetic: Callable[[int], int],
        seed: int,
        epoch: Callable[[], int],
    ) -> None:
        self.synthesis, self.augmentation = synthesis, augmentation
        self.length, self.batch_size, self.n_batches = length, batch_size, n_batches
        self.synthetic, self.seed, self.epoch = synthetic, seed, epoch
        store = subset.store
        self._recordings: list[list[tuple[np.ndarray, np.ndarray]]] = [[] for _ in store.datasets]
        for recording in subset.recordings:
            calcium = z_scored(store.calcium[recording.rows])
            spikes = np.asarray(store.spikes[recording.rows], dtype=np.float64)
            self._recordings[store.datasets.index(recording.dataset)].append((calcium, spikes))

    def __len__(self) -> int:
        return self.n_batches

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
        epoch = self.epoch()
        rng = np.random.default_rng([self.seed, epoch])
        n_synthetic = self.synthetic(epoch)
        for batch in range(self.n_batches):
            calcium, spikes = self.synthesis.batch(n_synthetic, self.length, rng)
            parts = [(z_scored(calcium), spikes, np.full(n_synthetic, SYNTHETIC))]
            if n_synthetic < self.batch_size:
                parts.append(self._recorded(self.batch_size - n_synthetic, batch, rng))
            calcium, spikes, dataset = (np.concatenate(rows) for rows in zip(*parts, strict=True))
            yield (
                torch.from_numpy(calcium.astype(np.float32)),
                torch.from_numpy(spikes.astype(np.float32)),
                torch.from_numpy(dataset),
            )

    def _recorded(
        self, n: int, batch: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        present = [number for number, recordings in enumerate(self._recordings) if recordings]
        turns = range(batch * n, (batch + 1) * n)  # the next batch goes on where this one ends
        dataset = np.array([present[turn % len(present)] for turn in turns])
        drawn = [self._stretch(self._recordings[number], rng) for number in dataset]
        calcium, spikes = (np.stack(rows) for rows in zip(*drawn, strict=True))
        return self.augmentation(calcium, rng), spikes, dataset

    def _stretch(
        self, recordings: list[tuple[np.ndarray, np.ndarray]], rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """One of `length`, cut anywhere and run at another speed."""
        lengths = np.array([len(calcium) for calcium, _ in recordings])
        calcium, spikes = recordings[rng.choice(len(recordings), p=lengths / lengths.sum())]
        speed = np.exp(rng.uniform(-1, 1) * self.augmentation.stretch)
        reach = int(self.length * speed) + 2
        if len(calcium) < reach:  # there and back again
            calcium, spikes = (
                np.pad(samples, (0, reach - len(samples)), mode="symmetric")
                for samples in (calcium, spikes)
            )
        start = rng.integers(len(calcium) - reach + 1)
        span = slice(start, start + reach)
        return run_at(calcium[span], spikes[span], speed, self.length)


def run_at(
    calcium: np.ndarray, spikes: np.ndarray, speed: float, length: int
) -> tuple[np.ndarray, np.ndarray]:
    """A recording `speed` times as fast, (length,) each; no spike is lost or divided."""
    at = np.arange(length) * speed
    calcium = np.interp(at, np.arange(len(calcium)), calcium)
    fired = np.repeat(np.arange(len(spikes)), spikes.astype(int))
    place = np.floor((fired + 0.5) / speed).astype(int)
    return calcium, np.bincount(place[place < length], minlength=length).astype(np.float64)

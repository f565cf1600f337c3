"""Batches of long stretches, from recordings and synthesised, for a network that reads them whole.

B stretches of a batch, T samples of each.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import numpy as np
import torch

from raphe.core.ranges import Range, Share, check_ranges
from raphe.tasks.calcium.features.network_input import frame_rate_hz, network_input, noise_density
from raphe.tasks.calcium.recordings.sampling import RATE_HZ
from raphe.tasks.calcium.stores.trace_store import RecordingSubset
from raphe.tasks.calcium.synthetic.synthesizer import Synthesis

Deviation = Annotated[float, Range(0, 2)]


@dataclass(frozen=True)
class Augmentation:
    """How a stretch of a recording is changed each time it is drawn.

    Args:
        stretch: time runs faster or slower by up to this, as a logarithm.
        noise: deviation of the noise added, up to this many of the recording's own.
        noisier: share of the stretches to which noise is added.
    """

    stretch: Deviation = 0.2
    noise: Deviation = 1.5
    noisier: Share = 0.6

    def __post_init__(self) -> None:
        check_ranges(Augmentation, vars(self))

    def with_noise(
        self, calcium: np.ndarray, frame_hz: float, rng: np.random.Generator
    ) -> np.ndarray:
        """Calcium (T,) of a frame rate, with white noise that ends where its own does: (T,)."""
        if rng.random() >= self.noisier:
            return calcium
        deviation = rng.uniform(0, self.noise) * noise_density(calcium, frame_hz)  # by √Hz
        noise = rng.normal(size=len(calcium)) * deviation * np.sqrt(RATE_HZ / 2)
        spectrum = np.fft.rfft(noise)
        spectrum[np.fft.rfftfreq(len(calcium), 1 / RATE_HZ) > frame_hz / 2] = 0
        return calcium + np.fft.irfft(spectrum, len(calcium))


class Recorded(NamedTuple):
    """One recording of a dataset."""

    calcium: np.ndarray  # (T,)
    frame_hz: float
    spikes: np.ndarray  # (T,)


class Stretch(NamedTuple):
    """A part of a trace, as long as every other of a batch."""

    calcium: np.ndarray  # (T,)
    frame_hz: float
    spikes: np.ndarray  # (T,)


class StretchBatches:
    """So many batches an epoch, the same for the same seed and epoch.

    Yields what a network is shown of calcium (B, T) and of frame rates (B, 1), see network_input,
    and spikes (B, T), all float32.
    Every dataset is drawn from alike, each recording by its length.

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
        self._recordings: list[list[Recorded]] = [[] for _ in store.datasets]
        for recording in subset.recordings:
            calcium = np.asarray(store.calcium[recording.rows], dtype=np.float64)
            spikes = np.asarray(store.spikes[recording.rows], dtype=np.float64)
            frame_hz = frame_rate_hz(calcium, recording.imaging_hz)
            number = store.datasets.index(recording.dataset)
            self._recordings[number].append(Recorded(calcium, frame_hz, spikes))

    def __len__(self) -> int:
        return self.n_batches

    def __iter__(self) -> Iterator[tuple[torch.Tensor, ...]]:
        epoch = self.epoch()
        rng = np.random.default_rng([self.seed, epoch])
        n_synthetic = self.synthetic(epoch)
        for batch in range(self.n_batches):
            stretches = self._synthetic(n_synthetic, rng)
            stretches += self._recorded(self.batch_size - n_synthetic, batch, rng)
            shown = [network_input(stretch.calcium, stretch.frame_hz) for stretch in stretches]
            calcium, log_frame_rate = (np.stack(parts) for parts in zip(*shown, strict=True))
            spikes = np.stack([stretch.spikes for stretch in stretches]).astype(np.float32)
            yield tuple(map(torch.from_numpy, (calcium, log_frame_rate, spikes)))

    def _synthetic(self, n: int, rng: np.random.Generator) -> list[Stretch]:
        traces = self.synthesis.batch(n, self.length, rng)
        return [
            Stretch(calcium, min(float(frame_hz), RATE_HZ), spikes)
            for calcium, spikes, frame_hz in zip(*traces, strict=True)
        ]

    def _recorded(self, n: int, batch: int, rng: np.random.Generator) -> list[Stretch]:
        present = [number for number, recordings in enumerate(self._recordings) if recordings]
        turns = range(batch * n, (batch + 1) * n)  # the next batch goes on where this one ends
        return [self._stretch(present[turn % len(present)], rng) for turn in turns]

    def _stretch(self, dataset: int, rng: np.random.Generator) -> Stretch:
        """One of `length`, cut anywhere and run at another speed."""
        recordings = self._recordings[dataset]
        lengths = np.array([len(recording.spikes) for recording in recordings])
        share = lengths / lengths.sum()

        def drawn() -> Recorded:
            return recordings[rng.choice(len(recordings), p=share)]

        calcium, frame_hz, spikes = drawn()
        speed = np.exp(rng.uniform(-1, 1) * self.augmentation.stretch)
        reach = int(self.length * speed) + 2
        while len(calcium) < reach:
            calcium, spikes = followed_by(calcium, spikes, drawn())
        start = rng.integers(len(calcium) - reach + 1)
        span = slice(start, start + reach)
        calcium, spikes = run_at(calcium[span], spikes[span], speed, self.length)
        frame_hz = min(frame_hz * speed, RATE_HZ)
        calcium = self.augmentation.with_noise(calcium, frame_hz, rng)
        return Stretch(calcium, frame_hz, spikes)


def followed_by(
    calcium: np.ndarray, spikes: np.ndarray, other: Recorded
) -> tuple[np.ndarray, np.ndarray]:
    """A recording (T,) and behind it another of the same dataset (T',), brought to its level."""
    level = np.median(calcium) - np.median(other.calcium)
    return (
        np.concatenate([calcium, other.calcium + level]),
        np.concatenate([spikes, other.spikes]),
    )


def run_at(
    calcium: np.ndarray, spikes: np.ndarray, speed: float, length: int
) -> tuple[np.ndarray, np.ndarray]:
    """A recording `speed` times as fast, (length,) each; no spike is lost or divided."""
    at = np.arange(length) * speed
    calcium = np.interp(at, np.arange(len(calcium)), calcium)
    fired = np.repeat(np.arange(len(spikes)), spikes.astype(int))
    place = np.floor((fired + 0.5) / speed).astype(int)
    return calcium, np.bincount(place[place < length], minlength=length).astype(np.float64)

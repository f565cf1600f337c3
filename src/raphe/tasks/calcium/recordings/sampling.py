"""Traces and spikes as every network takes them: at 100 Hz, binned, smoothed and z-scored.

N samples at 100 Hz, n bins.
"""

from typing import Any, Protocol, TypeVar

import numpy as np


class _Sampled(Protocol):
    """An array, or a tensor of torch."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __getitem__(self, key: Any) -> Any: ...


Train = TypeVar("Train", bound=_Sampled)

RATE_HZ = 100.0
SAMPLES_PER_BIN = 4  # 40 ms, the resolution of the challenge's score (Berens et al. 2018)
KERNEL_WIDTH, KERNEL_REACH = 2.0, 15  # samples of 10 ms, Rupprecht & Gerhard 2017
EPSILON = 1e-7  # of a standard deviation


def binned(*trains: Train) -> tuple[Train, ...]:
    """Sums of trains (…, N) over bins of 40 ms: (…, n) each; an incomplete last bin is dropped."""
    n_bins = trains[0].shape[-1] // SAMPLES_PER_BIN
    whole = slice(n_bins * SAMPLES_PER_BIN)
    return tuple(
        train[..., whole].reshape(*train.shape[:-1], n_bins, SAMPLES_PER_BIN).sum(-1)
        for train in trains
    )


def even_in_bins(rates: np.ndarray) -> np.ndarray:
    """Rates (M, N), each bin's mean in all of its samples; an incomplete last bin is held as it is.

    What is trained by the counts of bins says nothing of where in a bin its spikes lie.
    """
    n_samples = rates.shape[1]
    whole = np.pad(rates, [(0, 0), (0, -n_samples % SAMPLES_PER_BIN)], mode="edge")
    bins = whole.reshape(len(whole), -1, SAMPLES_PER_BIN).mean(axis=2)
    return bins.repeat(SAMPLES_PER_BIN, axis=1)[:, :n_samples]


def z_scored(samples: np.ndarray) -> np.ndarray:
    """Samples (…, N) less each trace's mean, over its standard deviation: float64 (…, N)."""
    samples = np.asarray(samples, dtype=np.float64)
    deviation = samples.std(axis=-1, keepdims=True) + EPSILON
    return (samples - samples.mean(axis=-1, keepdims=True)) / deviation


def smoothing_kernel(width: float = KERNEL_WIDTH) -> np.ndarray:
    """exp(−t² / width²) for |t| ≤ 15 samples, of sum 1: float64 (31,)."""
    offset = np.arange(-KERNEL_REACH, KERNEL_REACH + 1)
    kernel = np.exp(-((offset / width) ** 2))  # no factor 2 in the exponent
    return kernel / kernel.sum()


def smoothed(spikes: np.ndarray, width: float = KERNEL_WIDTH) -> np.ndarray:
    """Spikes (N,) through the kernel of a width in samples: float64 (N,), spikes in a sample."""
    return np.convolve(spikes, smoothing_kernel(width), mode="same")

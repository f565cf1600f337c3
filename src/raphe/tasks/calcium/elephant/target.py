"""What Elephant is trained to say: the spikes, smoothed, as a z-score of the recording."""

import numpy as np

ELEPHANT_WIDTH, REACH = 2.0, 15  # samples of 10 ms, Rupprecht & Gerhard 2017
EPSILON = 1e-7  # of a standard deviation


def smoothing_kernel(width: float) -> np.ndarray:
    """exp(−t² / width²) for |t| ≤ 15 samples, of sum 1: float64 (31,)."""
    kernel = np.exp(-((np.arange(-REACH, REACH + 1) / width) ** 2))  # no factor 2 in the exponent
    return kernel / kernel.sum()


KERNEL = smoothing_kernel(ELEPHANT_WIDTH)


def smoothed(spikes: np.ndarray, kernel: np.ndarray = KERNEL) -> np.ndarray:
    """Spikes (N,) through a kernel: float64 (N,), spikes in a sample."""
    return np.convolve(spikes, kernel, mode="same")


def z_scored(samples: np.ndarray) -> np.ndarray:
    """Samples (N,) less their mean, over their standard deviation: float64 (N,)."""
    samples = np.asarray(samples, dtype=np.float64)
    return (samples - samples.mean()) / (samples.std() + EPSILON)

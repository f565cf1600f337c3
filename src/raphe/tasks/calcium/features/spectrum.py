"""What a trace's spectrum tells of its recording: how fast it was imaged, and how noisy it is.

T samples at 100 Hz.
"""

import numpy as np
from scipy.signal import welch

from raphe.tasks.calcium.recordings.sampling import RATE_HZ

SEGMENT = 1024  # samples of Welch's spectrum
EMPTY = 1e-6  # of the largest power: resampling from a frame rate leaves less above its half
NOISE_HZ = (2.0, 3.5)  # above most of the calcium, below half of the slowest frame rate in use


def bandwidth_hz(trace: np.ndarray) -> float:
    """The highest frequency of which a trace (T,) holds anything, half its frame rate or more."""
    frequency, power = _spectrum(trace)
    return float(frequency[np.flatnonzero(power > EMPTY * power.max())[-1]])


def noise_level(trace: np.ndarray) -> float:
    """Noise of a trace (T,) relative to its deviation, in 1/√Hz: alike for every frame rate.

    The root of the power between 2 and 3.5 Hz, where a fast neuron's calcium counts, too.
    """
    frequency, power = _spectrum(trace)
    band = (frequency >= NOISE_HZ[0]) & (frequency <= NOISE_HZ[1])
    return float(np.sqrt(np.median(power[band]) / np.var(trace)))


def _spectrum(trace: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return welch(trace, RATE_HZ, "hann", min(SEGMENT, len(trace)))

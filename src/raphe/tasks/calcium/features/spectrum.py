"""What a trace's spectrum tells of its recording: how fast it was imaged, and how noisy it is.

T samples at 100 Hz, F frequencies.
"""

import numpy as np
from scipy.signal import welch

from raphe.tasks.calcium.recordings.sampling import RATE_HZ

Spectrum = tuple[np.ndarray, np.ndarray]  # frequencies in Hz and power, (F,) each
SEGMENT = 1024  # samples of Welch's spectrum
EMPTY = 1e-6  # of the largest power: resampling from a frame rate leaves less above its half
NOISE_HZ = (2.0, 3.5)  # above most of the calcium, below half of the slowest frame rate in use


def bandwidth_hz(trace: np.ndarray, spectrum: Spectrum | None = None) -> float:
    """The highest frequency of which a trace (T,) holds anything, half its frame rate or more.

    `spectrum` is its power_spectrum, where that is known.
    """
    frequency_hz, power = spectrum or power_spectrum(trace)
    return float(frequency_hz[np.flatnonzero(power >= EMPTY * power.max())[-1]])


def noise_level(trace: np.ndarray, spectrum: Spectrum | None = None) -> float:
    """Noise of a trace (T,) relative to its deviation, in 1/√Hz: alike for every frame rate.

    The root of the power between 2 and 3.5 Hz, where a fast neuron's calcium counts, too.
    """
    frequency_hz, power = spectrum or power_spectrum(trace)
    band = (frequency_hz >= NOISE_HZ[0]) & (frequency_hz <= NOISE_HZ[1])
    return float(np.sqrt(np.median(power[band]) / np.var(trace)))


def power_spectrum(
    trace: np.ndarray, window: str = "hann", scaling: str = "density"
) -> tuple[np.ndarray, np.ndarray]:
    """Welch's spectrum of a trace (T,): frequencies in Hz and power, float64 (F,) each.

    Segments of 10.24 s, half overlapping. The power is in the trace's unit squared, by Hz
    (`density`) or of each line (`spectrum`).
    """
    return welch(trace, RATE_HZ, window, min(SEGMENT, len(trace)), scaling=scaling)

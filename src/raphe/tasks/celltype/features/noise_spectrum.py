"""The noise around a cell's spikes, from windows alone: its level by frequency, and how slow it is.

What is left of a window when the cell's mean spike is taken out is noise. How it falls towards the
Nyquist frequency shows filters, and a rate that the file states wrongly.

N windows, T samples a window, F frequencies.
"""

from itertools import pairwise

import numpy as np

# So fine that bands depend on one another, as filters and seals have few parameters: a spectrum
# that a wrong rate stretches breaks what they have in common.
EDGES_HZ = (
    250, 750, 1250, 1750, 2500, 3500, 4500, 5500, 6500, 7500, 8500, 9500, 10_500, 12_000, 14_000,
    16_500, 19_000,
)  # fmt: skip
BANDS_HZ = tuple(pairwise(EDGES_HZ))
BELOW_NYQUIST = 0.8  # of a slower recording's own Nyquist frequency, where its filter begins
FEWEST_WINDOWS = 3  # a mean of fewer takes too much of the noise with it
MAD_TO_SD = 1.4826  # of a normal distribution
MEDIAN_TO_MEAN = 1 / np.log(2)  # of a periodogram's line, which is exponentially distributed


def band_densities(
    windows: np.ndarray, rate_hz: float, recorded_hz: float | None = None
) -> np.ndarray:
    """Amplitude spectral density of the noise in each of BANDS_HZ: float64 (bands,), in unit/√Hz.

    Of windows (N, T) at `rate_hz`, cut from a recording at `recorded_hz` (default: the same). NaN
    for bands that such a recording does not reach, and for fewer than FEWEST_WINDOWS.
    """
    densities = np.full(len(BANDS_HZ), np.nan)
    if len(windows) < FEWEST_WINDOWS:
        return densities
    highest_hz = rate_hz / 2
    if recorded_hz is not None and recorded_hz < rate_hz:
        highest_hz = BELOW_NYQUIST * recorded_hz / 2
    taper = np.hanning(windows.shape[1])
    spectra = np.abs(np.fft.rfft(_residuals(windows) * taper, axis=1)) ** 2  # (N, F)
    power = MEDIAN_TO_MEAN * np.median(spectra, axis=0) * 2 / (rate_hz * (taper**2).sum())
    frequency_hz = np.fft.rfftfreq(windows.shape[1], 1 / rate_hz)
    for band, (low_hz, high_hz) in enumerate(BANDS_HZ):
        within = (frequency_hz >= low_hz) & (frequency_hz < high_hz)
        if high_hz <= highest_hz and within.any():
            densities[band] = np.sqrt(power[within].mean())
    return densities


def slow_noise(windows: np.ndarray) -> float:
    """SD over windows (N, T) of their level, spike taken out: noise slower than a window lasts.

    Drift and hum are in it, and a high-pass filter takes it away. NaN for too few windows.
    """
    if len(windows) <= FEWEST_WINDOWS:
        return float("nan")
    mean = windows.mean(axis=0)
    parts = np.stack([np.ones_like(mean), mean - mean.mean()], axis=1)
    level = np.linalg.lstsq(parts, windows.T, rcond=None)[0][0]  # (N,)
    return float(MAD_TO_SD * np.median(np.abs(level - np.median(level))))


def _residuals(windows: np.ndarray) -> np.ndarray:
    """Windows (N, T) less the mean spike, at each spike's own size and time between samples."""
    mean = windows.mean(axis=0)
    slope = np.gradient(mean)
    basis, _ = np.linalg.qr(np.stack([np.ones_like(mean), mean, slope, np.gradient(slope)], axis=1))
    n = len(windows)
    return (windows - windows @ basis @ basis.T) * np.sqrt(n / (n - 1))

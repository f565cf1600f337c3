"""Baseline noise of a simulated recording day: coloured, with mains hum and a slow drift.

The spectrum is a resonant low-pass (seal and electrode) behind the amplifier's filter, plus a broad
band at 1 to 2 kHz. Fitted to the autocorrelation of the two noise masks read off the published
figures, it gives corners near 8 and 10 kHz, resonances near 1.3 and 0.9, and bands near 2.2 and
1.5 kHz that hold 0.2 and 0.7 of the variance; the ranges of the training days span these.
"""

from dataclasses import dataclass

import numpy as np
from scipy import fft

HUM_HZ = 50.0
HUM_HARMONICS = (1, 3, 5)  # a rectifier's odd harmonics
HUM_BLOCK = 1024  # samples whose angles within the block are worked out once
FILTER_HZ = 8_500.0  # four-pole Butterworth; chosen by how fast the masks' spectra fall
SHARE_GRID_HZ = 5.0  # step of the frequency grid on which the spectrum is normalised


@dataclass(frozen=True)
class NoiseRange:
    """From where a day's noise is drawn: (low, high), uniformly."""

    sd_pa: tuple[float, float] = (3.0, 5.0)
    corner_hz: tuple[float, float] = (7_000.0, 10_500.0)
    resonance: tuple[float, float] = (0.7, 1.4)
    band_share: tuple[float, float] = (0.1, 0.75)
    band_hz: tuple[float, float] = (1_200.0, 2_200.0)
    band_sharpness: tuple[float, float] = (0.7, 2.0)
    hum_pa: tuple[float, float] = (0.1, 0.5)
    drift_pa: tuple[float, float] = (0.3, 1.0)
    drift_corner_hz: tuple[float, float] = (0.1, 0.5)


TRAINING_NOISE = NoiseRange()
# Slower, more resonant and with more hum: no training day comes near it.
UNSEEN_NOISE = NoiseRange(
    corner_hz=(2_500.0, 4_000.0),
    resonance=(0.7, 2.0),
    band_share=(0.25, 0.5),
    band_hz=(200.0, 600.0),
    hum_pa=(0.6, 1.2),
    drift_pa=(1.0, 2.0),
)


@dataclass(frozen=True)
class DayNoise:
    """The noise of one recording day."""

    sd_pa: float  # of coloured noise and hum together; the drift comes on top
    corner_hz: float
    resonance: float
    band_share: float  # of the coloured noise's variance
    band_hz: float
    band_sharpness: float
    hum_pa: float  # amplitude at 50 Hz; the harmonics fall as 1/order
    drift_pa: float  # SD over a time much longer than 1 / drift_corner_hz
    drift_corner_hz: float

    @classmethod
    def draw(cls, limits: NoiseRange, rng: np.random.Generator) -> "DayNoise":
        """A day's noise, each value uniform within its limits."""
        return cls(**{name: float(rng.uniform(*pair)) for name, pair in vars(limits).items()})

    def density(self, frequency_hz: np.ndarray, rate_hz: float) -> np.ndarray:
        """One-sided power spectral density at these frequencies (n,), without the hum's lines.

        Returns float64 (n,) in pA²/Hz.
        """
        grid_hz = np.arange(SHARE_GRID_HZ, rate_hz / 2, SHARE_GRID_HZ)
        hum_variance = 0.5 * sum((self.hum_pa / order) ** 2 for order in HUM_HARMONICS)
        variance = self.sd_pa**2 - hum_variance
        fast = self._fast(frequency_hz) / (self._fast(grid_hz).sum() * SHARE_GRID_HZ)
        band = self._band(frequency_hz) / (self._band(grid_hz).sum() * SHARE_GRID_HZ)
        coloured = variance * ((1 - self.band_share) * fast + self.band_share * band)
        drift = 1.0 / (1.0 + (frequency_hz / self.drift_corner_hz) ** 2)
        drift /= np.pi / 2 * self.drift_corner_hz  # its integral from 0 to infinity
        return coloured + self.drift_pa**2 * drift

    def synthesise(self, n_samples: int, rate_hz: float, rng: np.random.Generator) -> np.ndarray:
        """A stretch of this noise with mean 0: float32 (n_samples,), in pA."""
        size = fft.next_fast_len(n_samples, real=True)
        frequency_hz = fft.rfftfreq(size, 1 / rate_hz)
        bin_sd = np.sqrt(self.density(frequency_hz, rate_hz) * rate_hz / size)
        bin_sd[0] = 0.0
        spectrum = rng.standard_normal((len(bin_sd), 2), np.float32).view(np.complex64)[:, 0]
        spectrum *= (bin_sd * size / 2).astype(np.float32)  # a bin's line has SD bin_sd
        noise = fft.irfft(spectrum, size)[:n_samples]
        return noise + self._hum(n_samples, rate_hz, rng)

    def _fast(self, frequency_hz: np.ndarray) -> np.ndarray:
        """A second-order low-pass behind the amplifier's filter, not normalised."""
        ratio = frequency_hz / self.corner_hz
        electrode = 1.0 / ((1.0 - ratio**2) ** 2 + (ratio / self.resonance) ** 2)
        return electrode / (1.0 + (frequency_hz / FILTER_HZ) ** 8)

    def _band(self, frequency_hz: np.ndarray) -> np.ndarray:
        """A resonance that lets neither low nor high frequencies pass, not normalised."""
        width = frequency_hz * self.band_hz / self.band_sharpness
        return width**2 / ((frequency_hz**2 - self.band_hz**2) ** 2 + width**2)

    def _hum(self, n_samples: int, rate_hz: float, rng: np.random.Generator) -> np.ndarray:
        """The mains, met at a random phase. Returns float32 (n_samples,)."""
        order = np.array(HUM_HARMONICS)
        turn = 2j * np.pi * HUM_HZ * order  # radians a second
        start_s = rng.random() / HUM_HZ + np.arange(0, n_samples, HUM_BLOCK) / rate_hz
        start = self.hum_pa / order * np.exp(turn * start_s[:, None])  # (blocks, harmonics)
        within = np.exp(turn * np.arange(HUM_BLOCK)[:, None] / rate_hz)  # (HUM_BLOCK, harmonics)
        # sin(a + b) = sin(a) cos(b) + cos(a) sin(b): a product instead of a sine for each sample.
        left = np.concatenate([start.imag, start.real], axis=1).astype(np.float32)
        right = np.concatenate([within.real, within.imag], axis=1).astype(np.float32)
        return (left @ right.T).reshape(-1)[:n_samples]

"""The noise around spikes, from windows: against noise whose spectrum is known."""

import numpy as np
import pytest
from scipy import signal

from raphe.tasks.celltype.features.noise_spectrum import BANDS_HZ, band_densities, slow_noise

RATE_HZ = 40_000.0
SPIKE = -100 * np.exp(-(((np.arange(160) / 40 - 1.2) / 0.1) ** 2))


def windows(n: int = 400, sd: float = 4.0, jitter: float = 0.5) -> np.ndarray:
    """Spikes of varied size, between samples, in white noise: (n, 160)."""
    rng = np.random.default_rng(3)
    moved = np.arange(160) - jitter * rng.uniform(-1, 1, (n, 1))
    spikes = np.interp(moved, np.arange(160), SPIKE) * rng.normal(1, 0.03, (n, 1))
    return spikes + rng.normal(0, sd, (n, 160))


def test_white_noise_has_its_density_in_every_band_whatever_the_spikes() -> None:
    expected = 4.0 / np.sqrt(RATE_HZ / 2)
    assert band_densities(windows(), RATE_HZ) == pytest.approx(expected, rel=0.15)


def test_a_recording_made_at_a_lower_rate_has_no_bands_near_its_nyquist() -> None:
    known = np.isfinite(band_densities(windows(), RATE_HZ, recorded_hz=20_000.0))
    assert known.tolist() == [high_hz <= 8000 for _, high_hz in BANDS_HZ]


def test_a_rate_that_the_file_states_too_high_lifts_the_highest_bands() -> None:
    rng = np.random.default_rng(4)
    sos = signal.butter(4, 8_500, fs=RATE_HZ, output="sos")
    trace = signal.sosfilt(sos, rng.normal(0, 4, 64_000))
    right = band_densities(trace.reshape(-1, 160), RATE_HZ)
    wrong = band_densities(signal.resample_poly(trace, 1, 2).reshape(-1, 160), RATE_HZ)
    assert right[-1] < 0.1 * right[0] and wrong[-1] > 0.3 * wrong[0]


def test_slow_noise_is_what_lifts_whole_windows() -> None:
    rng = np.random.default_rng(5)
    level = rng.normal(0, 1.5, (400, 1))
    assert slow_noise(SPIKE + level + rng.normal(0, 0.1, (400, 160))) == pytest.approx(1.5, rel=0.1)
    assert slow_noise(SPIKE + rng.normal(0, 0.1, (400, 160))) < 0.05


@pytest.mark.parametrize("n", [1, 2])
def test_too_few_windows_tell_no_noise(n: int) -> None:
    assert np.isnan(band_densities(windows(n), RATE_HZ)).all() and np.isnan(slow_noise(windows(n)))

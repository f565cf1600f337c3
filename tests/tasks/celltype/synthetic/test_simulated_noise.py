"""Simulated noise against its own specification and against the two published noise masks."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import welch

from raphe.tasks.celltype.synthetic.simulated_noise import TRAINING_NOISE, UNSEEN_NOISE, DayNoise
from raphe.tasks.celltype.synthetic.simulated_recordings import Simulation, simulate_day
from raphe.tasks.celltype.synthetic.simulation_figure import autocorrelation

RATE_HZ = 40_000.0
MASK_SAMPLES = 200


def days(nonhomogeneous: bool, count: int) -> list[DayNoise]:
    simulation = Simulation(days=count, nonhomogeneous=nonhomogeneous)
    return [simulate_day(simulation, index).noise for index in range(count)]


def pieces(noise: DayNoise, seconds: int = 2) -> np.ndarray:
    """Noise in the length of the published masks: float32 (n, 200)."""
    samples = noise.synthesise(int(seconds * RATE_HZ), RATE_HZ, np.random.default_rng(0))
    return samples.reshape(-1, MASK_SAMPLES)


@pytest.mark.parametrize("noise", [*days(False, 3), *days(True, 3)])
def test_synthesis_has_the_specified_size_and_spectrum(noise):
    samples = noise.synthesise(1_000_003, RATE_HZ, np.random.default_rng(0))
    assert samples.dtype == np.float32 and samples.shape == (1_000_003,)
    steady = replace(noise, drift_pa=0.0).synthesise(2**20, RATE_HZ, np.random.default_rng(0))
    assert steady.std() == pytest.approx(noise.sd_pa, rel=0.02)
    frequency_hz, measured = welch(steady, RATE_HZ, nperseg=2**13)
    coloured = (frequency_hz > 300) & (frequency_hz < 15_000)  # above the hum's lines
    stated = noise.density(frequency_hz, RATE_HZ)
    assert np.median(measured[coloured] / stated[coloured]) == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("order", [1, 3, 5])
def test_hum_stands_at_the_mains_and_its_odd_harmonics(order):
    noise = replace(days(False, 1)[0], hum_pa=1.0)
    samples = noise.synthesise(int(20 * RATE_HZ), RATE_HZ, np.random.default_rng(0))
    time_s = np.arange(len(samples)) / RATE_HZ
    line = 2 * np.mean(samples * np.exp(-2j * np.pi * 50 * order * time_s))
    assert abs(line) == pytest.approx(1 / order, abs=0.07)


def test_drift_wanders_by_what_is_stated_and_slowly():
    noise = replace(days(False, 1)[0], drift_pa=2.0, drift_corner_hz=0.3)
    samples = noise.synthesise(int(200 * RATE_HZ), RATE_HZ, np.random.default_rng(0))
    baseline = samples.reshape(-1, 4000).mean(1)  # pieces of 0.1 s
    assert baseline.std() == pytest.approx(2.0, rel=0.2)
    assert np.corrcoef(baseline[1:], baseline[:-1])[0, 1] > 0.8


@pytest.mark.parametrize("mask", [1, 2])
def test_published_masks_could_be_pieces_of_simulated_noise(real_data, mask):
    path = real_data("figures", "noise_masks.csv")
    real = np.genfromtxt(path, delimiter=",", skip_header=1)[:, mask]
    simulated = np.concatenate([pieces(noise) for noise in days(False, 20)])

    def facts(samples: np.ndarray) -> np.ndarray:
        size = samples.std(axis=-1, keepdims=True)
        frequency_hz, power = welch(samples, RATE_HZ, nperseg=MASK_SAMPLES // 4)
        fast, slow = frequency_hz > 12_000, (frequency_hz > 1_000) & (frequency_hz < 6_000)
        fall = power[..., fast].mean(-1, keepdims=True) / power[..., slow].mean(-1, keepdims=True)
        return np.concatenate([size, fall, autocorrelation(samples, 8)[..., 1:]], axis=-1)

    rank = (facts(simulated) < facts(real)).mean(0)  # of SD, spectral fall and lags 1 to 8
    assert rank.min() > 0.005 and rank.max() < 0.995


def test_days_of_one_set_lie_on_both_sides_of_the_masks():
    lag_one = [autocorrelation(pieces(noise), 1)[:, 1].mean() for noise in days(False, 10)]
    assert min(lag_one) < 0.68 and max(lag_one) > 0.80  # the masks': 0.68 and 0.82
    sizes = [pieces(noise).std(axis=1).mean() for noise in days(False, 10)]
    assert min(sizes) < 3.3 and max(sizes) > 4.01  # the masks': 2.94 and 4.01 pA


def test_unseen_days_have_noise_that_no_training_day_has():
    def fast_share(noise: DayNoise) -> float:
        frequency_hz = np.arange(1.0, RATE_HZ / 2)
        density = noise.density(frequency_hz, RATE_HZ)
        return density[frequency_hz > 5_000].sum() / density.sum()

    training = [fast_share(noise) for noise in days(False, 100)]
    unseen = [fast_share(noise) for noise in days(True, 100)]
    assert max(unseen) < min(training)
    assert UNSEEN_NOISE.hum_pa[0] > TRAINING_NOISE.hum_pa[1]


def test_noise_of_every_day_is_3_to_5_pa():
    assert all(3 <= noise.sd_pa <= 5 for noise in days(False, 50) + days(True, 50))

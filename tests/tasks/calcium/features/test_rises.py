"""What stands out of noise, and what rises no faster than it falls."""

import numpy as np
import pytest
from scipy.signal import resample_poly

from raphe.tasks.calcium.features.network_input import network_input
from raphe.tasks.calcium.features.rises import Rises, rises

SECONDS, HZ = 600, 30
TIME_S = np.arange(SECONDS * HZ) / HZ


def of(frames: np.ndarray) -> Rises:
    return rises(network_input(resample_poly(frames, 10, 3, padtype="edge"), HZ))


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(0).normal(size=SECONDS * HZ)


@pytest.fixture
def calcium() -> np.ndarray:
    spikes = np.random.default_rng(1).poisson(0.3 / HZ, SECONDS * HZ)
    return 6 * np.convolve(spikes, np.exp(-np.arange(90) / 20))[: len(spikes)]


def test_a_step_of_noise_has_a_deviation_of_1(noise) -> None:
    assert 3.2 < of(noise).steepest < 5.0  # the largest of some ten thousand


def test_noise_and_slow_drift_do_not_stand_out(noise) -> None:
    for trace in (
        noise,
        noise + 5 * np.sin(2 * np.pi * TIME_S / 120),
        noise + 20 * np.exp(-TIME_S / 200),
    ):
        assert not of(trace).stands_out and not of(trace).remark


def test_transients_stand_out_and_rise_faster_than_they_fall(noise, calcium) -> None:
    found = of(noise + calcium)
    assert found.stands_out and found.skewness > 0.3 and not found.remark


def test_a_trace_upside_down_is_told(noise, calcium) -> None:
    assert "upside down" in of(noise - calcium).remark


def test_hum_is_told(noise) -> None:
    assert "rises no faster than it falls" in of(noise + np.sin(2 * np.pi * 0.7 * TIME_S)).remark


def test_a_short_trace_tells_nothing() -> None:
    found = of(np.random.default_rng(0).normal(size=HZ))
    assert np.isnan(found.skewness) and not found.remark

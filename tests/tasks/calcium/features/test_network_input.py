"""A trace in units of its noise: alike for any level and gain, and beside any silence."""

import numpy as np
import pytest
from scipy.signal import resample, resample_poly

from raphe.tasks.calcium.features.network_input import (
    COMMON_HZ,
    frame_rate_hz,
    network_input,
    noise_density,
)


def imaged(noise: float, frame_hz: int, seed: int = 0) -> np.ndarray:
    """White noise of a density, at a frame rate, brought to 100 Hz: ten minutes."""
    deviation = noise * np.sqrt(frame_hz / 2)
    frames = np.random.default_rng(seed).normal(0, deviation, 600 * frame_hz)
    return resample_poly(frames, 100, frame_hz, padtype="edge")


@pytest.mark.parametrize("frame_hz", [5, 10, 20, 50, 100])
def test_the_density_of_noise_is_that_of_the_frames(frame_hz: int) -> None:
    assert noise_density(imaged(0.3, frame_hz), frame_hz) == pytest.approx(0.3, rel=0.06)


def test_rare_transients_add_nothing_to_the_noise() -> None:
    trace = imaged(0.3, 20)
    trace[5000::10000] += 500 * 0.3
    assert noise_density(trace, 20) == pytest.approx(0.3, rel=0.06)


def test_level_and_gain_change_nothing() -> None:
    trace = imaged(0.3, 20)
    first, other = (network_input(each, 20).samples for each in (trace, 7 * trace - 1e3))
    np.testing.assert_allclose(other, first, atol=1e-3)


def test_an_hour_of_silence_changes_nothing_of_what_came_before() -> None:
    active, silence = imaged(0.3, 20), np.concatenate([imaged(0.3, 20, seed) for seed in range(6)])
    active[::700] += 10
    alone = network_input(active, 20).samples
    among = network_input(np.concatenate([active, silence]), 20).samples[: len(active)]
    assert np.abs(among - alone).max() < 0.05 * alone.max()


def test_a_trace_without_noise_is_finite() -> None:
    decaying = np.exp(-np.arange(5000) / 50)
    for trace in (np.zeros(400), decaying, np.zeros(1)):
        assert np.isfinite(network_input(trace, 30).samples).all()
    assert network_input(decaying, 30).samples.max() < 1e4


def test_frame_rates_come_as_logarithms() -> None:
    trace = imaged(0.3, 20)
    assert network_input(trace, COMMON_HZ).log_frame_rate == 0
    assert network_input(trace, 4.0).log_frame_rate == pytest.approx(np.log(4 / COMMON_HZ))


def test_a_rate_of_100_frames_a_second_is_what_the_spectrum_holds(rate_data) -> None:
    """The challenge's files say nothing of the 8 to 60 frames a second that they had."""
    slow = resample(np.random.default_rng(0).normal(size=2000), 5000)  # 40 frames/s, at 100 Hz
    assert frame_rate_hz(slow, 100.0) == pytest.approx(40, abs=2)
    assert frame_rate_hz(slow, 20.0) == 20
    assert frame_rate_hz(slow, 158.0) == 100
    fast = np.random.default_rng(0).normal(size=5000)
    assert frame_rate_hz(fast, 100.0) == pytest.approx(100, abs=1)

"""What stands out of noise."""

import numpy as np
import pytest

from raphe.tasks.calcium.features.network_input import network_input
from raphe.tasks.calcium.features.rises import CLEAR, Bins, in_bins, rises_of, steps
from raphe.tasks.calcium.recordings.conditioning import Conditioning

SECONDS = 600


def bins_of(frames: np.ndarray, hz: float) -> Bins:
    conditioned = Conditioning(baseline_s=None)(frames, hz)
    return in_bins(network_input(conditioned.samples, hz))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize("hz", (7.5, 30, 122))
def test_bins_and_steps_of_white_noise_have_a_deviation_of_1(rng, hz) -> None:
    bins = bins_of(rng.normal(size=int(SECONDS * hz)), hz)
    assert len(bins.values) == pytest.approx(SECONDS * bins.per_s, abs=1)
    assert 0.85 < bins.values.std() < 1.2
    for window_s in (0.15, 1.0):
        assert 0.75 < steps(bins, [window_s])[window_s].std() < 1.25


def test_a_step_is_what_two_means_differ_by() -> None:
    bins = Bins(np.array([0.0, 0, 4, 4, 4, 0]), 25.0, 30.0)
    found = steps(bins, (0.08, 0, 0.2))
    np.testing.assert_allclose(found[0.08], [8 / 2, 4 / 2, -4 / 2])
    np.testing.assert_allclose(found[0], np.array([0, 4, 0, 0, -4]) / np.sqrt(2))
    assert not len(found[0.2])


def test_noise_and_slow_drift_do_not_stand_out(rng) -> None:
    time_s = np.arange(SECONDS * 30) / 30
    noise = rng.normal(size=SECONDS * 30)
    for trace in (
        noise,
        noise + 5 * np.sin(2 * np.pi * time_s / 120),
        noise + 20 * np.exp(-time_s / 200),
    ):
        assert rises_of(bins_of(trace, 30)).steepest < CLEAR


def test_one_transient_in_ten_minutes_stands_out(rng) -> None:
    noise = rng.normal(size=SECONDS * 30)
    noise[9000:9090] += 4 * np.exp(-np.arange(90) / 20)
    assert rises_of(bins_of(noise, 30)).steepest >= CLEAR

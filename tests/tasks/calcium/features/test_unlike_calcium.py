"""Planted nonsense is told from calcium; the field's recordings: benchmarks/nonsense.py."""

import numpy as np
import pytest

from raphe.tasks.calcium.features.network_input import network_input
from raphe.tasks.calcium.features.rises import CLEAR, Bins, in_bins, rises_of
from raphe.tasks.calcium.features.unlike_calcium import KINDS, measures, unlike_calcium
from raphe.tasks.calcium.recordings.conditioning import Conditioning

SECONDS = 240
RATES_HZ = (7.5, 30, 122)


def remark(frames: np.ndarray, hz: float) -> str:
    """What is said of a trace as the product has it; "silent" of one that does not stand out."""
    bins = in_bins(network_input(Conditioning()(frames, hz).samples, hz))
    return unlike_calcium(bins) if rises_of(bins).steepest >= CLEAR else "silent"


@pytest.fixture(params=RATES_HZ)
def hz(request) -> float:
    return request.param


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(4)


@pytest.fixture
def noise(hz, rng) -> np.ndarray:
    return rng.normal(size=int(SECONDS * hz)) * np.sqrt(hz / 30)


@pytest.fixture
def calcium(hz, rng, noise) -> np.ndarray:
    """A transient of GCaMP6f in five seconds, some of several spikes."""
    n = int(8 * hz)
    time_s = np.arange(n) / hz
    spikes = rng.poisson(0.2 / hz, len(noise)) * rng.integers(1, 4, len(noise))
    shape = np.exp(-time_s / 0.6) * (1 - np.exp(-time_s / 0.05))
    return noise + 9 * np.convolve(spikes, shape)[: len(noise)]


def test_calcium_is_like_calcium(calcium, hz) -> None:
    assert remark(calcium, hz) == ""


def test_calcium_upside_down_or_backwards_is_told(calcium, hz) -> None:
    assert remark(-calcium, hz) and remark(calcium[::-1], hz)
    assert remark(-calcium, hz) == KINDS["inverted"]


def test_random_walks_and_pink_noise_are_told(hz, rng) -> None:
    """Nine in ten are, as benchmarks/results/nonsense.md has it."""
    n = int(150 * hz)
    falling = 1 / np.sqrt(np.maximum(np.arange(n // 2 + 1), 1))
    walks = [np.cumsum(rng.normal(size=n)) for _ in range(6)]
    pinks = [np.fft.irfft(falling * np.fft.rfft(rng.normal(size=n)), n) for _ in range(6)]
    for traces in (walks, pinks):
        assert sum(remark(trace, hz) == KINDS["wandering"] for trace in traces) >= 4


def test_drift_and_hum_are_silent_or_told(hz, noise) -> None:
    time_s = np.arange(len(noise)) / hz
    for trace in (
        noise + 10 * np.sin(2 * np.pi * time_s / 20),
        noise + 2 * np.sin(2 * np.pi * 0.7 * time_s),
        noise + 60 * np.exp(-time_s / 60),
    ):
        assert remark(trace, hz)


def test_frames_in_any_order_are_told(calcium, hz, rng) -> None:
    assert remark(rng.permutation(calcium), hz) in ("silent", KINDS["scattered"])


def test_steps_are_told(hz, rng, noise) -> None:
    levels = 10 * rng.normal(size=40)
    assert remark(noise + np.repeat(levels, len(noise) // 40 + 1)[: len(noise)], hz)


def test_a_short_trace_and_a_flat_one_are_not_judged(rng) -> None:
    assert measures(Bins(rng.normal(size=499), 25.0, 30.0)) is None
    assert measures(Bins(np.zeros(2000), 25.0, 30.0)) is None
    assert unlike_calcium(Bins(np.zeros(2000), 25.0, 30.0)) == ""
    assert np.isfinite(measures(Bins(rng.normal(size=500), 25.0, 30.0))).all()


def test_neither_level_nor_unit_counts(calcium, hz) -> None:
    first = measures(in_bins(network_input(Conditioning()(calcium, hz).samples, hz)))
    second = measures(in_bins(network_input(Conditioning()(0.01 * calcium + 3, hz).samples, hz)))
    np.testing.assert_allclose(first, second, rtol=1e-3, atol=1e-3)

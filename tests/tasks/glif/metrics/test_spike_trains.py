"""Likeness of spike trains against closed forms."""

import numpy as np
import pytest

from raphe.tasks.glif.metrics.spike_trains import coincidence, explained_variance, smoothed

DURATION_S = 10.0


def _poisson(rate_hz: float, seed: int, duration_s: float = DURATION_S) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.sort(rng.uniform(0, duration_s, rng.poisson(rate_hz * duration_s)))


def test_equal_trains_are_explained_whole() -> None:
    times = _poisson(8, 0)
    assert explained_variance(times, times, DURATION_S) == pytest.approx(1)
    assert coincidence(times, times, DURATION_S) == pytest.approx(1)


def test_a_single_spike_shifted_is_explained_by_the_overlap_of_gaussians() -> None:
    """Two unit spikes d apart: covariance over variance is exp(-d²/4σ²), the means left out."""
    for shift_s in (0.0, 0.005, 0.01, 0.03):
        value = explained_variance([5.0 + shift_s], [5.0], 100.0)
        assert value == pytest.approx(np.exp(-(shift_s**2) / (4 * 0.01**2)), abs=2e-3)


def test_unrelated_trains_explain_nothing() -> None:
    pairs = [(_poisson(5, 2 * i, 200), _poisson(5, 2 * i + 1, 200)) for i in range(10)]
    assert np.mean([explained_variance(a, b, 200) for a, b in pairs]) == pytest.approx(0, abs=0.02)
    assert np.mean([coincidence(a, b, 200) for a, b in pairs]) == pytest.approx(0, abs=0.02)


def test_half_of_the_spikes_coincide() -> None:
    """Γ by hand: 50 of 100 met, 2 × 10 Hz × 4 ms × 100 = 8 by chance."""
    truth = np.arange(100) * 0.1 + 0.05
    model = truth + np.where(np.arange(100) % 2, 0.0, 0.02)
    expected = (50 - 8) / 100 / (1 - 0.08)
    assert coincidence(model, truth, DURATION_S) == pytest.approx(expected)


def test_one_spike_meets_one() -> None:
    burst = [1.0, 1.001, 1.002]
    value = coincidence([1.001], burst, DURATION_S)
    assert value == pytest.approx((1 - 2 * 0.1 * 0.004 * 3) / 2 / (1 - 2 * 0.1 * 0.004))


def test_silence_has_no_likeness() -> None:
    assert np.isnan(explained_variance([], [], DURATION_S))
    assert np.isnan(coincidence([], [], DURATION_S))
    assert explained_variance([], [1.0], DURATION_S) == 0


def test_a_smoothed_train_keeps_its_spikes() -> None:
    assert smoothed([3.0, 4.0], DURATION_S, 0.01).sum() == pytest.approx(2)

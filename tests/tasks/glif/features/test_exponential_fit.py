"""Parameters put in come out, of noiseless and of noisy traces."""

import numpy as np
import pytest

from raphe.core.errors import SettingError
from raphe.tasks.glif.features.exponential_fit import fit_trace
from raphe.tasks.glif.neurons.models import Neurons
from raphe.tasks.glif.neurons.simulation import simulate

RATE_HZ = 20_000.0
CURRENT = np.repeat([0.0, 5e-11, 0.0, 1.4e-10, 1.8e-10], [200, 200, 1600, 4000, 4000])


def trace(threshold_v: float) -> np.ndarray:
    neuron = Neurons(1, 9e-11, 2.2e8, threshold_v, dead_time_s=0.003)
    return simulate(neuron, CURRENT, 1 / RATE_HZ).voltage_v[0] - 0.073


@pytest.mark.parametrize("threshold_v", [0.03, 0.5])
def test_a_leaky_neuron_is_found_again(threshold_v: float) -> None:
    fit = fit_trace(trace(threshold_v), CURRENT, RATE_HZ)
    assert fit.capacitance_f == pytest.approx(9e-11, rel=1e-4)
    assert fit.resistance_ohm == pytest.approx(2.2e8, rel=1e-4)
    assert fit.rest_v == pytest.approx(-0.073, abs=1e-7)
    assert fit.rms_v < 1e-7


def test_the_first_spike_bounds_the_threshold() -> None:
    """The last sample before it is less than a step below; a silent trace only says above."""
    fit = fit_trace(trace(0.03), CURRENT, RATE_HZ)
    assert 0.0299 < fit.threshold_v <= 0.03
    assert fit.dead_time_s == pytest.approx(0.003)
    silent = fit_trace(trace(0.5), CURRENT, RATE_HZ)
    assert silent.threshold_v < 0.5 and silent.dead_time_s is None
    assert silent.threshold_v == pytest.approx(1.8e-10 * 2.2e8, rel=0.01)


def test_noise_moves_it_little() -> None:
    noisy = trace(0.03) + np.random.default_rng(0).normal(0, 2e-4, len(CURRENT))
    fit = fit_trace(noisy, CURRENT, RATE_HZ)
    assert fit.capacitance_f == pytest.approx(9e-11, rel=0.02)
    assert fit.resistance_ohm == pytest.approx(2.2e8, rel=0.02)
    assert fit.rms_v == pytest.approx(2e-4, rel=0.1)


def test_a_trace_that_says_nothing_is_refused() -> None:
    with pytest.raises(SettingError, match="expected 20 samples and a change of current"):
        fit_trace(np.full(100, -0.07), np.zeros(100), RATE_HZ)
    with pytest.raises(SettingError, match="got 3 samples"):
        fit_trace(np.r_[np.full(3, -0.07), np.full(97, np.nan)], np.arange(100) * 1e-12, RATE_HZ)

"""Fits of simulated cells: what was put in comes out, and what cannot be known is said."""

import numpy as np
import pytest
from scipy.signal import lfilter

from raphe.tasks.glif.features.level_fit import LevelFit, fit_levels, scatter_mv
from raphe.tasks.glif.features.pooled_sweeps import PooledSweeps, pool_sweeps
from raphe.tasks.glif.neurons.models import Neurons
from raphe.tasks.glif.neurons.simulation import simulate
from raphe.tasks.glif.neurons.stimuli import pink_second
from raphe.tasks.glif.synthetic.quantities import quantities, scaled, values_of
from raphe.tasks.glif.synthetic.typical_cells import typical_prior

REST_V = -0.072
FIELDS = {
    "capacitance_f": 1.1e-10, "resistance_ohm": 2.2e8, "threshold_v": 0.025, "dead_time_s": 2.5e-3,
    "reset_slope": 0.5, "reset_offset_v": 1e-3, "spike_jump_v": 2.7e-3, "spike_decay_per_s": 60.0,
    "voltage_gain_per_s": 8.0, "voltage_decay_per_s": 50.0,
    "asc_amp_a": [[-3e-11, -1.2e-10]], "asc_tau_s": [[0.1, 0.01]],
}  # fmt: skip
LEVEL_FIELDS = {1: 4, 2: 8, 3: 4, 4: 8, 5: 10}


def neuron_of(level: int) -> Neurons:
    names = [*list(FIELDS)[: LEVEL_FIELDS[level]], *(list(FIELDS)[10:] if level > 2 else ())]
    return Neurons(level, **{name: FIELDS[name] for name in names})


def recorded(level: int, drive: float = 1.6, noise_mv: float = 0.0, hum_mv: float = 0.0):
    """Two sweeps of 3 s of pink noise, with Ornstein-Uhlenbeck noise of 10 ms."""
    neuron, rng = neuron_of(level), np.random.default_rng(level)
    voltages, currents = [], []
    for seed in (1, 2):
        noise = np.resize(pink_second(seed, 20_000.0), 50_000)
        shape = np.concatenate([np.zeros(4000), 1 + 0.25 * noise, np.zeros(6000)])
        current = drive * 0.025 / 2.2e8 * shape
        response = simulate(neuron, current, 5e-5)
        voltage = 1e3 * (response.voltage_v[0] + REST_V)
        keep = np.exp(-5e-5 / 1e-2)
        driven = noise_mv * np.sqrt(1 - keep**2) * rng.standard_normal(len(voltage))
        voltage += lfilter([1], [1, -keep], driven) + 0.2 * noise_mv * rng.standard_normal(60_000)
        voltage += hum_mv * np.sin(2 * np.pi * 50 * np.arange(60_000) / 20_000)
        voltages.append(voltage)
        currents.append(1e12 * current)
    truth = scaled(level, values_of(neuron, np.array([REST_V])))[0]
    return pool_sweeps(voltages, currents, 20_000.0), truth


def fitted(sweeps: PooledSweeps, level: int) -> LevelFit:
    (fit,) = fit_levels(sweeps, {level: typical_prior(level)}, seed=0)
    return fit


def off(fit: LevelFit, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far medians are off, in deviations of the prior, and in those of the draws."""
    draws = scaled(fit.level, fit.samples)
    error = np.median(draws, axis=0) - truth
    spread = typical_prior(fit.level).quantiles.std(axis=1)
    return np.abs(error) / spread, np.abs(error) / draws.std(axis=0)


@pytest.mark.ci
@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_without_noise_every_quantity_of_a_level_comes_out(level: int) -> None:
    sweeps, truth = recorded(level)
    fit = fitted(sweeps, level)
    of_prior, _ = off(fit, truth)
    assert fit.not_told == ()
    assert of_prior.max() < 0.15
    assert of_prior[:3].max() < 1e-3
    assert fit.threshold.varies_mv.mean() < 0.05


@pytest.mark.ci
def test_under_coloured_noise_the_intervals_hold_and_the_noise_is_found() -> None:
    sweeps, truth = recorded(3, noise_mv=0.2)
    fit = fitted(sweeps, 3)
    of_prior, of_draws = off(fit, truth)
    assert of_draws.max() < 4
    assert of_prior.max() < 0.1
    assert fit.below.noise.fast_mv == pytest.approx(0.2, rel=0.15)
    assert fit.below.noise.fast_s == pytest.approx(1e-2, rel=0.3)
    assert fit.below.noise.white_mv == pytest.approx(0.04, rel=0.1)


@pytest.mark.ci
def test_hum_of_the_mains_is_found_and_taken_out() -> None:
    sweeps, truth = recorded(1, noise_mv=0.1, hum_mv=0.3)
    fit = fitted(sweeps, 1)
    assert fit.below.hum_hz == (50.0,)
    assert off(fit, truth)[1].max() < 4


@pytest.mark.ci
def test_a_silent_cell_tells_nothing_of_what_only_spikes_show() -> None:
    sweeps, truth = recorded(3, drive=0.6, noise_mv=0.1)
    assert sweeps.n_spikes == 0
    fit = fitted(sweeps, 3)
    nouns = [quantity.noun for quantity in quantities(3)]
    assert set(nouns[3:]) <= set(fit.not_told)
    assert off(fit, truth)[0][:3].max() < 0.05
    highest_mv = 1e-3 * fit.below.course_mv.max()
    assert (fit.samples[:, 3] > highest_mv).mean() > 0.97  # a threshold is above what did not fire


def test_the_scatter_of_resets_is_not_hidden_by_one_that_is_badly_known() -> None:
    off = np.array([3.0, -3.0, 2.5, -2.5, 0.0])
    known = np.array([0.01, 0.01, 0.01, 0.01, 30.0])
    assert scatter_mv(off, known) == pytest.approx(2.76, rel=0.1)
    assert scatter_mv(0 * off, known) == pytest.approx(1e-3)

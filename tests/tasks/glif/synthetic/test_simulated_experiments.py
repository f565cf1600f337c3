"""Experiments drawn without end: what repeats, what differs, what is measured."""

from dataclasses import replace

import numpy as np
import pytest

from raphe.core.errors import SettingError
from raphe.tasks.glif.neurons.models import Neurons
from raphe.tasks.glif.neurons.simulation import SIMULATED_HZ, simulate
from raphe.tasks.glif.synthetic.fitted_cells import FittedCells
from raphe.tasks.glif.synthetic.prior import Prior, fit_prior
from raphe.tasks.glif.synthetic.quantities import neurons_of
from raphe.tasks.glif.synthetic.simulated_experiments import (
    FAMILIES,
    Experiment,
    measure,
    rheobase_a,
    unit_current,
)

CLEAN = Experiment(
    families=("noise",), length_s=(0.4, 0.4), keep_every=(1,), noise_mv=0, series_mohm=0
)


@pytest.fixture(scope="module")
def prior() -> Prior:
    """Of sixty made-up cells."""
    rng = np.random.default_rng(0)
    neurons = Neurons(
        1,
        capacitance_f=1e-10 * np.exp(0.4 * rng.normal(size=60)),
        resistance_ohm=2e8 * np.exp(0.4 * rng.normal(size=60)),
        threshold_v=0.03 * np.exp(0.2 * rng.normal(size=60)),
        dead_time_s=0.004 * np.exp(0.2 * rng.normal(size=60)),
    )
    names = np.arange(60).astype(str)
    return fit_prior(FittedCells(neurons, -0.07 + 0.004 * rng.normal(size=60), names, names))


def test_a_batch_is_that_of_seed_and_number(prior) -> None:
    batch, again = (measure(prior, Experiment(), 3, seed=1, number=5) for _ in range(2))
    np.testing.assert_array_equal(batch.traces, again.traces)
    np.testing.assert_array_equal(batch.values, again.values)
    other = measure(prior, Experiment(), 3, seed=1, number=6)
    assert not np.isin(other.values, batch.values).any()


def test_what_is_measured_is_the_simulation(prior) -> None:
    """Without noise: absolute voltage, the current that was injected, at the full rate."""
    batch = measure(prior, CLEAN, 4, seed=0, number=0)
    neurons, rest_v = neurons_of(1, batch.values)
    current = batch.traces[:, 1].astype(np.float64) * 1e-12
    again = simulate(neurons, current, 1 / SIMULATED_HZ)
    np.testing.assert_allclose(
        batch.traces[:, 0], 1e3 * (again.voltage_v + rest_v[:, None]), atol=0.05
    )
    assert batch.rate_hz == SIMULATED_HZ
    pulse = slice(200, 400)  # 10 ms of 50 pA after 10 ms
    np.testing.assert_allclose(batch.traces[:, 1, pulse], 50, rtol=1e-6)


def test_each_neuron_is_driven_by_its_own_rheobase(prior) -> None:
    batch = measure(prior, replace(CLEAN, families=("long_square",)), 6, seed=0, number=0)
    neurons, _ = neurons_of(1, batch.values)
    drive = batch.traces[:, 1].max(axis=1) * 1e-12 / rheobase_a(neurons)
    held = np.maximum(drive, 50e-12 / rheobase_a(neurons))  # or the test pulse is higher
    assert ((held > 0.3) & (drive < 2.1)).all()
    np.testing.assert_array_equal(batch.spike_count > 0, (drive > 1.0) & (batch.spike_count > 0))
    assert not batch.spike_count[drive < 0.99].any()


def test_other_rates_keep_every_fourth_sample_from_anywhere(prior) -> None:
    """What is stored of the current is every fourth sample of the simulated one."""
    begins = []
    for number in range(12):
        four = measure(prior, replace(CLEAN, keep_every=(4,)), 2, seed=3, number=number)
        assert four.rate_hz == SIMULATED_HZ / 4
        fits = [
            np.array_equal((1e12 * four.current_a[:, i::4]).astype(np.float32), four.traces[:, 1])
            for i in range(4)
        ]
        begins.append(fits.index(True))
    assert set(begins) == {0, 1, 2, 3}


def test_noise_and_series_resistance_are_added(prior) -> None:
    clean = measure(prior, CLEAN, 8, seed=0, number=0)
    noisy = measure(prior, replace(CLEAN, noise_mv=1.0), 8, seed=0, number=0)
    apart = noisy.traces[:, 0] - clean.traces[:, 0]
    assert (np.nanstd(apart, axis=1) < 1.1).all() and np.nanstd(apart) > 0.2
    series = measure(prior, replace(CLEAN, series_mohm=10.0), 8, seed=0, number=0)
    drop_mv = series.traces[:, 0] - clean.traces[:, 0]
    most_mv = 1e-3 * 10.0 * np.abs(clean.traces[:, 1])  # 100 pA through 10 MOhm are 1 mV
    assert (np.nan_to_num(drop_mv) <= most_mv + 1e-3).all() and np.nanmax(drop_mv) > 0.1


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_begins_with_silence_and_a_pulse(family: str) -> None:
    shape = unit_current(family, 0.5, 1, np.random.default_rng(0))
    assert len(shape) == round(0.5 * SIMULATED_HZ)
    assert np.flatnonzero(np.isnan(shape)).tolist() == list(range(200, 400))
    assert not shape[:200].any() and np.nanmax(shape) > 0.5


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(SettingError, match=r"families: expected of noise, .*, got \('step',\)"):
        Experiment(families=("step",))
    with pytest.raises(SettingError, match=r"length_s=.*: expected .* from 0\.2 to 60 s, got"):
        Experiment(length_s=(0, 1))
    with pytest.raises(SettingError, match="noise_mv=-1: expected a number from 0 up, got -1"):
        Experiment(noise_mv=-1)

"""Misfits of neurons: none of the one that made a trace, and the right size of others."""

import numpy as np
import pytest
from scipy.signal import lfilter

from raphe.tasks.glif.features.reproduction import (
    LEAST_LIMIT_MV,
    limits,
    limits_at,
    misfits,
    not_reproduced,
)
from raphe.tasks.glif.neurons.simulation import SIMULATED_HZ, simulate
from raphe.tasks.glif.synthetic.quantities import (
    REST,
    THRESHOLD,
    neurons_of,
    values_of,
)
from raphe.tasks.glif.synthetic.simulated_experiments import rheobase_a
from raphe.tasks.glif.synthetic.typical_cells import typical_prior

N = 30_000
VALUES = np.array([[90e-12, 200e6, -72e-3, 28e-3, 4e-3]])


def trace_of(level: int, noise_mv: np.ndarray | float = 0.0, keep: int = 1) -> np.ndarray:
    """float32 (1, 2, T) of a neuron with VALUES, typical in what its level adds."""
    middle = typical_prior(level).values(np.zeros((1, len(typical_prior(level).quantiles))))
    middle[:, : VALUES.shape[1]] = VALUES
    neuron, rest_v = neurons_of(level, middle)
    assert np.allclose(values_of(neuron, rest_v), middle)
    rng = np.random.default_rng(0)
    walk = lfilter([1], [1, -0.999], rng.normal(size=N))
    current = rheobase_a(neuron) * (1.3 + 0.5 * walk / walk.std())
    current[:2000] = 0
    response = simulate(neuron, current, 1 / SIMULATED_HZ)
    assert response.spike_count[0] > 10
    voltage = 1e3 * (response.voltage_v[0] + rest_v[0]) + noise_mv
    return np.stack([voltage, 1e12 * current])[None, :, ::keep].astype(np.float32)


def white(sd_mv: float) -> np.ndarray:
    return sd_mv * np.random.default_rng(1).normal(size=N)


def test_the_neuron_itself_has_none_whatever_the_noise() -> None:
    voltage, threshold = misfits(trace_of(1), SIMULATED_HZ, VALUES)[0]
    assert voltage < 1e-3 and threshold < 1e-9
    voltage, threshold = misfits(trace_of(1, white(0.5)), SIMULATED_HZ, VALUES)[0]
    assert voltage < 0.02 and threshold < 1e-9
    voltage, threshold = misfits(trace_of(1, keep=4), SIMULATED_HZ / 4, VALUES)[0]
    assert voltage < 0.15 and threshold < 0.1  # between its samples a current is not known


def test_what_lasts_in_the_residual_is_its_size() -> None:
    slow = 0.3 * np.sqrt(1 - 0.995**2) * lfilter([1], [1, -0.995], white(1.0))
    voltage, threshold = misfits(trace_of(1, slow + white(0.2)), SIMULATED_HZ, VALUES)[0]
    assert voltage == pytest.approx(0.3, rel=0.2) and threshold < 1e-9
    off = VALUES.copy()
    off[0, REST] += 1.5e-3
    # A series resistance, as far as one is left, would look like that under such a current.
    assert 0.7 < misfits(trace_of(1), SIMULATED_HZ, off)[0, 0] < 1.5


@pytest.mark.parametrize("off_mv", [2.0, -2.0])
def test_a_threshold_that_is_off_is_off_by_that(off_mv: float) -> None:
    off = VALUES.copy()
    off[0, THRESHOLD] += 1e-3 * off_mv
    voltage, threshold = misfits(trace_of(1), SIMULATED_HZ, off)[0]
    assert voltage < 1e-3 and threshold == pytest.approx(2.0, rel=0.2)


def test_a_series_resistance_and_a_start_away_from_rest_are_no_misfit() -> None:
    trace = trace_of(1)
    trace[:, 0] += 4e-3 * trace[:, 1]  # 4 MOhm
    trace[0, 0, :2000] += 5 * np.exp(-np.arange(2000) / SIMULATED_HZ / 18e-3)
    assert misfits(trace, SIMULATED_HZ, VALUES)[0, 0] < 0.05


@pytest.mark.parametrize("level", [2, 3, 4, 5])
def test_a_neuron_of_another_level_is_off_by_millivolts(level: int) -> None:
    assert misfits(trace_of(level), SIMULATED_HZ, VALUES)[0].max() > 1.0


def test_traces_do_not_depend_on_those_beside_them() -> None:
    together = np.concatenate([trace_of(1, white(0.1)), trace_of(3)])
    values = np.concatenate([VALUES, VALUES])
    both = misfits(together, SIMULATED_HZ, values)
    for row in range(2):
        alone = misfits(together[[row]], SIMULATED_HZ, VALUES)
        np.testing.assert_allclose(alone[0], both[row], rtol=1e-12)


def test_limits_are_those_of_nearly_all_and_sentences_tell_both() -> None:
    found = np.stack([np.linspace(0, 1, 1001), np.zeros(1001)], axis=1)
    rates_hz = np.full(1001, 20_000.0)
    by_rate = limits(np.concatenate([found, 3 * found]), np.concatenate([rates_hz, rates_hz / 4]))
    highest = limits_at(by_rate, 20_000.0)
    assert highest == {"voltage": pytest.approx(0.995), "threshold": LEAST_LIMIT_MV}
    assert limits_at(by_rate, 25_000.0) == highest
    assert limits_at(by_rate, 8000.0)["voltage"] == pytest.approx(1.99)  # half way in intervals
    assert not not_reproduced({"voltage": 0.9, "threshold": 0.0}, highest)
    (sentence,) = not_reproduced({"voltage": 0.9, "threshold": 2.5}, highest)
    assert "2.50 mV off it, 0.0100 mV at most" in sentence
    assert len(not_reproduced({"voltage": 3.0, "threshold": 2.5}, highest)) == 2
    assert not not_reproduced({"voltage": 3.0}, {})  # a bundle without limits says nothing

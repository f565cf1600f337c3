"""Signals cut off at their ends, and signals that stay at their ends for other reasons."""

from collections.abc import Callable

import numpy as np
import pytest

from raphe.tasks.glif.neurons.models import Neurons
from raphe.tasks.glif.neurons.simulation import SIMULATED_HZ, simulate
from raphe.tasks.glif.recordings.clipping import LEAST_STRETCHES, clipped, clipping_sentences
from raphe.tasks.glif.synthetic.simulated_experiments import FAMILIES, unit_current

NEURON = Neurons(1, capacitance_f=90e-12, resistance_ohm=200e6, threshold_v=28e-3, dead_time_s=4e-3)
N = 20_000


def pink(seed: int = 0) -> np.ndarray:
    """In A, around 0."""
    walk = np.cumsum(np.random.default_rng(seed).normal(size=N))
    return 50e-12 * (walk - walk.mean()) / walk.std()


def membrane(noise_v: float = 0.0, quantum_v: float = 0.0) -> np.ndarray:
    """A voltage under noise, silent, as an amplifier's converter has it."""
    voltage = simulate(NEURON, pink(), 1 / SIMULATED_HZ).voltage_v[0] - 0.072
    voltage = voltage + noise_v * np.random.default_rng(1).normal(size=N)
    return np.round(voltage / quantum_v) * quantum_v if quantum_v else voltage


@pytest.mark.parametrize(("noise_v", "quantum_v"), [(0.0, 0.0), (1e-4, 0.0), (1e-4, 3e-5)])
def test_a_voltage_that_is_cut_off_is_found_at_either_end(noise_v: float, quantum_v: float) -> None:
    voltage = membrane(noise_v, quantum_v)
    assert not clipped(voltage)
    low, high = np.quantile(voltage, [0.02, 0.98])
    (above,) = clipped(np.minimum(voltage, high))
    assert above.is_largest and above.at == high and above.n_samples > 0.01 * N
    (below,) = clipped(np.maximum(voltage, low))
    assert not below.is_largest and below.at == low
    assert [end.is_largest for end in clipped(np.clip(voltage, low, high))] == [True, False]


def test_a_voltage_that_is_cut_off_below_its_threshold_is_found_among_spikes() -> None:
    current = 0.9 * 28e-3 / 200e6 + pink()
    voltage = simulate(NEURON, current, 1 / SIMULATED_HZ).voltage_v[0]
    assert np.isnan(voltage).any() and not clipped(voltage - 0.072)
    (end,) = clipped(np.minimum(voltage, 0.02) - 0.072)
    assert end.is_largest and end.at == pytest.approx(-0.052)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_no_simulated_experiment_is_said_to_be_cut_off(family: str, dtype: type) -> None:
    """Rest, settled steps, test pulses and plateaus are the cell's or the protocol's own."""
    for seed in range(4):
        shape = unit_current(family, 1.0, seed, np.random.default_rng(seed))
        current = np.nan_to_num(shape, nan=0) * (1.5 * 28e-3 / 200e6)
        current[np.isnan(shape)] = 50e-12
        voltage = (simulate(NEURON, current, 1 / SIMULATED_HZ).voltage_v[0] - 0.072).astype(dtype)
        assert not clipping_sentences(voltage.astype(np.float64), current)
        coarse = np.round(voltage / 3e-5) * 3e-5
        assert not clipping_sentences(coarse.astype(np.float64), current)


@pytest.mark.parametrize("made", [pink, lambda: 1e-10 * np.sin(np.arange(N) / 500)])
def test_a_current_is_cut_off_where_it_is_so_more_than_once(made: Callable) -> None:
    current = made()
    least = LEAST_STRETCHES["current"]
    assert not clipped(current, least)
    limit = np.quantile(current, 0.9)
    (end,) = clipped(np.minimum(current, limit), least)
    assert end.at == limit and end.n_stretches >= 2
    rectified = np.maximum(current, 0.0)
    assert not clipped(rectified, least)  # a current of 0 is none


def test_the_sentence_names_signal_value_and_how_long() -> None:
    voltage = membrane(1e-4)
    current = np.zeros(N)
    current[100:] = 5e-11
    cut = np.minimum(voltage, -0.07)
    (sentence,) = clipping_sentences(cut, current)
    n = int((cut == -0.07).sum())
    assert sentence.startswith("the voltage stays at exactly −70.0 mV, its largest value, for ")
    assert "what lay above is lost" in sentence and n > 1000
    (sentence,) = clipping_sentences(voltage, np.maximum(pink(), -20e-12))
    assert sentence.startswith("the current stays at exactly −20.0 pA, its smallest value, for ")

"""A voltage that goes against its current."""

import numpy as np
import pytest

from raphe.tasks.glif.neurons.models import Neurons
from raphe.tasks.glif.neurons.simulation import simulate
from raphe.tasks.glif.recordings.current_sign import sign_sentences

HZ = 20_000.0


@pytest.fixture(scope="module")
def signals() -> tuple[np.ndarray, np.ndarray]:
    """A neuron that fires, and its current."""
    neuron = Neurons(1, 1e-10, 2e8, 0.03, 0.004)
    current_a = np.zeros(20_000)
    current_a[2000:4000], current_a[6000:16_000] = -5e-11, 2e-10
    response = simulate(neuron, current_a, 1 / HZ)
    assert response.spike_count[0] > 5
    return response.voltage_v[0] - 0.07, current_a


def test_a_reversed_current_is_told(signals: tuple[np.ndarray, np.ndarray]) -> None:
    voltage_v, current_a = signals
    (said,) = sign_sentences(voltage_v, -current_a, HZ)
    assert said.startswith("the voltage falls where the current rises")
    assert "(correlation −0." in said and "sign of one of them is reversed" in said


def test_nothing_is_told_of_a_cell_nor_of_what_does_not_change(
    signals: tuple[np.ndarray, np.ndarray],
) -> None:
    voltage_v, current_a = signals
    assert not sign_sentences(voltage_v, current_a, HZ)
    assert not sign_sentences(voltage_v, np.zeros_like(current_a), HZ)
    assert not sign_sentences(np.full_like(voltage_v, -0.07), -current_a, HZ)
    assert not sign_sentences(np.full_like(voltage_v, np.nan), -current_a, HZ)

"""What no neuron can be is refused, with value and unit."""

import numpy as np
import pytest

from raphe.core.errors import SettingError
from raphe.tasks.glif.neurons.models import Neurons

GOOD = {
    "capacitance_f": 1e-10,
    "resistance_ohm": 2e8,
    "threshold_v": 0.03,
    "dead_time_s": 0.002,
}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            {"capacitance_f": -1e-10},
            "neuron 0, capacitance_f: expected a positive value, got -100 pF",
        ),
        ({"resistance_ohm": 0.0}, "resistance_ohm: expected a positive value, got 0 MOhm"),
        ({"resistance_ohm": [2e8, -5e6]}, "neuron 1, resistance_ohm: .* got -5 MOhm"),
        ({"threshold_v": -0.001}, "threshold_v: expected one above the reset, 0 mV, got -1 mV"),
        ({"leak_v": np.nan}, "leak_v: expected a finite value, got nan mV"),
        ({"dead_time_s": -0.001}, "dead_time_s: expected 0 or more, got -1 ms"),
        ({"asc_tau_s": [[0.1, 0.0]]}, "asc_tau_s: expected a positive value, got 100 ms and 0 ms"),
        ({"spike_decay_per_s": -2.0}, "spike_decay_per_s: expected 0 or more, got -2 /s"),
    ],
)
def test_impossible_parameters_are_refused(wrong: dict, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        Neurons(1, **{**GOOD, **wrong})


def test_there_are_five_levels() -> None:
    with pytest.raises(SettingError, match="expected a GLIF level from 1 to 5, got 6"):
        Neurons(6, **GOOD)


def test_a_step_longer_than_the_membrane_is_refused() -> None:
    neurons = Neurons(1, **{**GOOD, "capacitance_f": [1e-10, 1e-13]})
    neurons.check_step(1.9e-5)
    with pytest.raises(SettingError, match=r"neuron 1: .* constant of 0\.02 ms, got dt = 0\.05 ms"):
        neurons.check_step(5e-5)


def test_dead_time_is_held_when_the_step_changes() -> None:
    neurons = Neurons(1, **{**GOOD, "dead_time_s": 55 * 5e-5})
    assert neurons.cut_samples(5e-5) == 55
    assert neurons.cut_samples(5e-6) == 550


def test_scalars_become_rows_and_rows_can_be_taken() -> None:
    neurons = Neurons(3, **{**GOOD, "leak_v": [0.0, 1e-3, 2e-3]}, asc_amp_a=[1e-12, -2e-12])
    assert len(neurons) == 3 and neurons.asc_amp_a.shape == (3, 2)
    assert neurons[1].leak_v == [1e-3] and neurons[1].asc_amp_a.tolist() == [[1e-12, -2e-12]]
    assert neurons[[2, 0]].leak_v.tolist() == [2e-3, 0.0]

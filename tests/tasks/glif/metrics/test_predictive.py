"""Inferred neurons beside true ones."""

import numpy as np
import pytest

from raphe.core.errors import SettingError
from raphe.tasks.glif.metrics.predictive import agreement, possible, respond
from raphe.tasks.glif.neurons.simulation import SIMULATED_HZ

TRUE = np.array([[100e-12, 200e6, -0.07, 0.025, 0.004]])  # C, R, rest, threshold, dead time
CURRENT = np.zeros((1, 10_000))
CURRENT[:, 1000:] = 1.5 * 0.025 / 200e6


def test_the_same_neuron_agrees_in_everything() -> None:
    same = agreement(1, TRUE, TRUE, CURRENT)
    assert (same.rms_mv[0], same.count_error[0]) == (0, 0)
    assert same.explained[0] == pytest.approx(1) and same.coincidence[0] == pytest.approx(1)


def test_a_rest_that_is_off_shows_in_the_voltage_alone() -> None:
    moved = TRUE + np.array([[0, 0, 2e-3, 0, 0]])
    agreed = agreement(1, TRUE, moved, CURRENT)
    assert agreed.rms_mv[0] == pytest.approx(2.0, rel=1e-6)
    assert agreed.count_error[0] == 0 and agreed.explained[0] == pytest.approx(1)


def test_a_higher_threshold_fires_less() -> None:
    higher = TRUE * np.array([[1, 1, 1, 1.2, 1]])
    agreed = agreement(1, TRUE, higher, CURRENT)
    times = [len(respond(1, each, CURRENT)[0].spikes[0].index) for each in (TRUE, higher)]
    assert agreed.count_error[0] == times[1] - times[0] < 0
    assert agreed.explained[0] < 0.9


def test_a_membrane_too_fast_to_simulate_is_slowed() -> None:
    fast = TRUE * np.array([[1e-4, 1, 1, 1, 1]])
    tau_s = np.prod(possible(1, fast)[0, :2])
    assert tau_s * SIMULATED_HZ == pytest.approx(2)
    with pytest.raises(SettingError, match="expected finite values"):
        possible(1, TRUE * np.nan)

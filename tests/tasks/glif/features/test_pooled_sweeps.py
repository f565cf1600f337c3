import numpy as np
import pytest

from raphe.core.errors import SettingError
from raphe.tasks.glif.features.pooled_sweeps import pool_sweeps

NAN = np.nan


def test_stretches_lie_between_spikes_and_none_goes_on_into_the_next_sweep() -> None:
    voltages = [np.array([1, 1, NAN, NAN, 1, 1.0]), np.array([2, NAN, 2, 2, NAN])]
    sweeps = pool_sweeps(voltages, [np.zeros(6), np.zeros(5)], 20_000.0)
    assert sweeps.starts.tolist() == [0, 4, 6, 8]
    assert sweeps.stops.tolist() == [2, 6, 7, 10]
    assert sweeps.sweep.tolist() == [0, 0, 6, 6]
    assert sweeps.after_spike.tolist() == [False, True, False, True]
    assert sweeps.fires.tolist() == [True, False, True, True]
    assert sweeps.n_spikes == 3
    assert sweeps.dead_samples().tolist() == [2, 1]


def test_at_the_models_rate_a_sample_is_moved_by_its_own_current_below_it_by_a_line() -> None:
    current_pa = np.array([0.0, 100.0, 100.0])
    of_rate = [pool_sweeps([np.ones(3)], [current_pa], hz).fed_na for hz in (20_000.0, 5_000.0)]
    assert of_rate[0].tolist() == [0, 0.1, 0.1]
    np.testing.assert_allclose(of_rate[1], [0, 0.0625, 0.1])  # (1 + 1/4) / 2 of the newest


def test_sweeps_without_a_voltage_are_refused() -> None:
    with pytest.raises(SettingError, match="expected a voltage"):
        pool_sweeps([np.full(5, NAN)], [np.zeros(5)], 20_000.0)

"""Configurations in and out, against the real ones."""

import json

import numpy as np
import pytest

from raphe.core.errors import SettingError
from raphe.tasks.glif.neurons.neuron_config import NATIVE_DT_S, from_config, read_config, to_config
from raphe.tasks.glif.neurons.simulation import simulate


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_a_fitted_cell_survives_reading_and_writing(level: int, real_data) -> None:
    neuron, dt_s = read_config(real_data("glif", "configs", f"cell483101699_GLIF{level}.json"))
    assert (neuron.level, dt_s) == (level, NATIVE_DT_S)
    again, again_dt_s = from_config(json.loads(json.dumps(to_config(neuron, dt_s, -0.078))))
    assert (again.level, again_dt_s) == (level, dt_s)
    current = np.repeat([0.0, 4e-10, 0.0], [200, 3000, 800])
    one, two = (simulate(each, current, dt_s, record_all=True) for each in (neuron, again))
    assert len(one.spikes[0].index) > 3
    np.testing.assert_array_equal(one.voltage_v, two.voltage_v)
    np.testing.assert_array_equal(one.threshold_v, two.threshold_v)


def test_a_configuration_may_stand_under_its_id(real_data) -> None:
    neuron, dt_s = read_config(real_data("glif", "neuron_config_485513169.json"))
    assert neuron.capacitance_f == [1.0949424420741503e-10]
    np.testing.assert_allclose(neuron.threshold_v, 1.1958624156695845 * 0.03418635859613008)
    np.testing.assert_allclose(neuron.dead_time_s, 55 * dt_s)


def test_what_is_no_configuration_is_told(tmp_path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"type": "GLIF", "dt": 5e-5}')
    with pytest.raises(SettingError, match=r"config\.json: expected a GLIF .*, it has no 'A"):
        read_config(path)
    path.write_text("[")
    with pytest.raises(SettingError, match="expected a neuron's configuration"):
        read_config(path)

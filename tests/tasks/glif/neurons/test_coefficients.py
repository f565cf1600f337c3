"""The exact step of the threshold's voltage component, against fine integration."""

import numpy as np
import pytest

from raphe.tasks.glif.neurons.coefficients import ROWS, coefficients
from raphe.tasks.glif.neurons.models import Neurons

DT_S = 5e-5


@pytest.mark.parametrize("decay_per_s", [0.0, 50.0, 1e3])
@pytest.mark.parametrize("tau_s", [0.02, 1e-3])
def test_the_voltage_component_follows_its_equation(decay_per_s: float, tau_s: float) -> None:
    """RK4 in a hundred steps; at 1e3 /s and 1 ms both rates are the same, a removable 0 / 0."""
    gain, x, y, v = 30.0, 0.012, 0.031, 0.004
    neuron = Neurons(5, 1e-10, tau_s / 1e-10, 0.03, 0.002, voltage_gain_per_s=gain,
                     voltage_decay_per_s=decay_per_s)  # fmt: skip
    row = dict(zip(ROWS, coefficients(neuron, DT_S)[:, 0], strict=True))
    stepped = (
        v * row["voltage_keep"] + y * row["voltage_steady"] + (x - y) * row["voltage_transient"]
    )

    def slope(t: float, value: float) -> float:
        return gain * (y + (x - y) * np.exp(-t / tau_s)) - decay_per_s * value

    h = DT_S / 100
    for i in range(100):
        t = i * h
        k1 = slope(t, v)
        k2 = slope(t + h / 2, v + h / 2 * k1)
        k3 = slope(t + h / 2, v + h / 2 * k2)
        k4 = slope(t + h, v + h * k3)
        v += h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    np.testing.assert_allclose(stepped, v, rtol=1e-12)

"""What one time step of a neuron needs: exponentials and quotients, computed once.

The rows of the array that the compiled kernel reads, in this order. K rows, B neurons.
"""

import numpy as np

from raphe.tasks.glif.neurons.models import Neurons

ROWS = (
    "gain",  # dt / C
    "conductance",  # 1 / R
    "leak",  # El
    "threshold",
    "asc_keep_1",  # of an afterspike current over a step
    "asc_keep_2",
    "spike_keep",  # of the threshold's spike component over a step
    "voltage_keep",  # of its voltage component
    "voltage_steady",  # what it gains by the voltage that the membrane relaxes to
    "voltage_transient",  # and by the distance from there
    "resistance",
    # after a spike
    "reset_slope",
    "reset_offset",
    "spike_jump",
    "spike_keep_cut",  # over the dead time
    "asc_amp_1",
    "asc_amp_2",
    "asc_keep_cut_1",  # times the share that outlives a spike
    "asc_keep_cut_2",
    "cut",  # samples
    # at the start
    "init_voltage",
    "init_threshold",
    "init_asc_1",
    "init_asc_2",
)


def coefficients(neurons: Neurons, dt_s: float) -> np.ndarray:
    """Every coefficient at a time step: float64 (K, B)."""
    cut = neurons.cut_samples(dt_s).astype(np.float64)
    decay = np.exp(-dt_s / neurons.asc_tau_s)  # (B, 2)
    decay_cut = neurons.asc_kept * np.exp(-dt_s * cut[:, None] / neurons.asc_tau_s)
    keep, steady, transient = _voltage_component(neurons, dt_s)
    rows = {
        "gain": dt_s / neurons.capacitance_f,
        "conductance": 1 / neurons.resistance_ohm,
        "leak": neurons.leak_v,
        "threshold": neurons.threshold_v,
        "spike_keep": np.exp(-neurons.spike_decay_per_s * dt_s),
        "voltage_keep": keep,
        "voltage_steady": steady,
        "voltage_transient": transient,
        "resistance": neurons.resistance_ohm,
        "reset_slope": neurons.reset_slope,
        "reset_offset": neurons.reset_offset_v,
        "spike_jump": neurons.spike_jump_v,
        "spike_keep_cut": np.exp(-neurons.spike_decay_per_s * dt_s * cut),
        "cut": cut,
        "init_voltage": neurons.init_voltage_v,
        "init_threshold": neurons.init_threshold_v,
    }
    for i in range(2):
        rows |= {
            f"asc_keep_{i + 1}": decay[:, i],
            f"asc_amp_{i + 1}": neurons.asc_amp_a[:, i],
            f"asc_keep_cut_{i + 1}": decay_cut[:, i],
            f"init_asc_{i + 1}": neurons.init_asc_a[:, i],
        }
    return np.stack([rows[name] for name in ROWS])


def _voltage_component(neurons: Neurons, dt_s: float) -> tuple[np.ndarray, ...]:
    """Factors (B,) of v, of the steady voltage and of the distance from it, in v a step later.

    The exact solution of dv/dt = a (V - El) - b v where V - El relaxes from x to y at the rate
    g = 1 / RC: v(dt) = v e^(-b dt) + y a (1 - e^(-b dt)) / b
    + (x - y) a (e^(-g dt) - e^(-b dt)) / (b - g).
    """
    a, b = neurons.voltage_gain_per_s, neurons.voltage_decay_per_s
    g = 1 / neurons.membrane_tau_s
    # -expm1(-x) / x is 1 at x = 0: neither b = 0 nor b = g divides by 0.
    steady = a * dt_s * _relative_decay(b * dt_s)
    transient = a * dt_s * np.exp(-g * dt_s) * _relative_decay((b - g) * dt_s)
    return np.exp(-b * dt_s), steady, transient


def _relative_decay(x: np.ndarray) -> np.ndarray:
    """(1 - e^-x) / x, which is 1 at x = 0."""
    near = np.abs(x) < 1e-12
    return np.where(near, 1.0, -np.expm1(-x) / np.where(near, 1.0, x))

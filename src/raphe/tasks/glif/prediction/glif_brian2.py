"""The neurons of a neuron_config.json in Brian 2, stepped as AllenSDK's GlifNeuron steps them.

    python glif_brian2.py CURRENT.npy                 of neuron_config.json beside this file
    python glif_brian2.py CURRENT.npy --config FILE   of another, as the Allen Institute has them

CURRENT.npy holds the injected current in A, (samples,), at the time step dt of the configuration.
Printed is a line a spike: the neuron's name and the time of its sample in s. For a model of your
own import `neuron_group`. This file needs brian2 and NumPy alone.

Voltages are relative to the neuron's rest, `El_reference`. The rules are those of Teeter et al.
2018, Nature Communications 9:709; what a level does not have is 0.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import brian2 as b2
import numpy as np

Config = Mapping[str, Any]  # by AllenSDK's names
MODEL = """
V : volt
threshold : volt
threshold_of_spikes : volt
threshold_of_voltage : volt
asc_1 : amp
asc_2 : amp
wait : integer
fires : integer
C : farad (constant)
R : ohm (constant)
E_L : volt (constant)
resting_threshold : volt (constant)
asc_amp_1 : amp (constant)
asc_amp_2 : amp (constant)
asc_keep_1 : 1 (constant)
asc_keep_2 : 1 (constant)
asc_keep_cut_1 : 1 (constant)
asc_keep_cut_2 : 1 (constant)
spike_jump : volt (constant)
spike_keep : 1 (constant)
spike_keep_cut : 1 (constant)
voltage_keep : 1 (constant)
voltage_steady : 1 (constant)
voltage_transient : 1 (constant)
reset_slope : 1 (constant)
reset_offset : volt (constant)
cut : integer (constant)
"""
STEP = """
free = int(wait <= 0)
drive = injected(t) + asc_1 + asc_2
V_next = V + dt / C * (drive - (V - E_L) / R)
steady = drive * R
followed = threshold_of_voltage * voltage_keep + voltage_steady * steady
followed += voltage_transient * (V - E_L - steady)
threshold_of_spikes = threshold_of_spikes * (free * spike_keep + 1 - free)
threshold_of_voltage = free * followed + (1 - free) * threshold_of_voltage
asc_1 = asc_1 * (free * asc_keep_1 + 1 - free)
asc_2 = asc_2 * (free * asc_keep_2 + 1 - free)
moved = resting_threshold + threshold_of_spikes + threshold_of_voltage
threshold = free * moved + (1 - free) * threshold
V = free * V_next + (1 - free) * V
fires = free * int(V > threshold)
wait = wait - 1 + free
"""
RESET = """
V = reset_slope * V + reset_offset
threshold_of_spikes = threshold_of_spikes * spike_keep_cut + spike_jump
threshold = resting_threshold + threshold_of_spikes + threshold_of_voltage
asc_1 = asc_amp_1 + asc_1 * asc_keep_cut_1
asc_2 = asc_amp_2 + asc_2 * asc_keep_cut_2
wait = cut + int(V > threshold) * 2000000000
"""
UNITS = {  # of what `parameters` returns
    "C": b2.farad, "R": b2.ohm, "E_L": b2.volt, "V": b2.volt, "threshold": b2.volt,
    "resting_threshold": b2.volt, "spike_jump": b2.volt, "reset_offset": b2.volt,
    "asc_1": b2.amp, "asc_2": b2.amp, "asc_amp_1": b2.amp, "asc_amp_2": b2.amp,
}  # fmt: skip


def neuron_group(configs: list[Config], injected: b2.TimedArray) -> b2.NeuronGroup:
    """The neurons of configurations under a current, (samples,) or (samples, neurons)."""
    group = b2.NeuronGroup(
        len(configs), MODEL, threshold="fires > 0", reset=RESET, dt=injected.dt * b2.second,
        namespace={"injected": injected},
    )  # fmt: skip
    group.run_regularly(STEP, when="groups")
    values = [parameters(config, float(injected.dt)) for config in configs]
    for name in values[0]:
        setattr(group, name, np.array([each[name] for each in values]) * UNITS.get(name, 1))
    return group


def parameters(config: Config, dt: float) -> dict[str, Any]:
    """What a neuron is and how it begins, in SI units, with all that one step of dt s needs."""
    scale = config["coeffs"]
    cut = config["spike_cut_length"]
    rule = config["threshold_dynamics_method"]["params"] or {}
    reset = config["voltage_reset_method"]["params"] or {}
    has_currents = config["AScurrent_dynamics_method"]["name"] == "exp"
    kept = config["AScurrent_reset_method"]["params"]["r"] if has_currents else [0, 0]
    capacitance, resistance = scale["C"] * config["C"], config["R_input"] / scale["G"]
    decay = rule.get("b_spike", 0)
    gain = scale.get("a", 1) * rule.get("a_voltage", 0)
    loss = scale.get("b", 1) * rule.get("b_voltage", 0)
    leak = 1 / (capacitance * resistance)
    found = {
        "C": capacitance,
        "R": resistance,
        "E_L": config["El"],
        "V": config["init_voltage"],
        "threshold": config["init_threshold"],
        "resting_threshold": scale["th_inf"] * config["th_inf"],
        "reset_slope": reset.get("a", 0),
        "reset_offset": reset.get("b", 0),
        "spike_jump": rule.get("a_spike", 0),
        "spike_keep": np.exp(-decay * dt),
        "spike_keep_cut": np.exp(-decay * dt * cut),
        "voltage_keep": np.exp(-loss * dt),
        "voltage_steady": gain * dt * relative_decay(loss * dt),
        "voltage_transient": gain * dt * np.exp(-leak * dt) * relative_decay((loss - leak) * dt),
        "cut": cut,
    }
    for i in (0, 1):
        step = np.exp(-dt / config["asc_tau_array"][i])
        found |= {
            f"asc_{i + 1}": config["init_AScurrents"][i],
            f"asc_amp_{i + 1}": scale["asc_amp_array"][i]
            * config["asc_amp_array"][i]
            * has_currents,
            f"asc_keep_{i + 1}": has_currents * step,
            f"asc_keep_cut_{i + 1}": kept[i] * step**cut,
        }
    return found


def relative_decay(x: float) -> float:
    """(1 - e^-x) / x, which is 1 at x = 0."""
    return 1.0 if abs(x) < 1e-12 else -np.expm1(-x) / x


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("current", help="in A, (samples,), .npy")
    parser.add_argument("--config", default=Path(__file__).with_name("neuron_config.json"))
    options = parser.parse_args()
    configs = json.loads(Path(options.config).read_text())
    if "coeffs" in configs:  # one neuron without a name
        configs = {"neuron": configs}
    names, neurons = list(configs), list(configs.values())
    current_a, step = np.load(options.current), neurons[0]["dt"] * b2.second
    b2.prefs.codegen.target = "numpy"  # no compiler is needed
    group = neuron_group(neurons, b2.TimedArray(current_a * b2.amp, dt=step))
    spikes = b2.SpikeMonitor(group)
    b2.Network(group, spikes).run(len(current_a) * step)
    for neuron, time in zip(spikes.i, spikes.t / b2.second, strict=True):
        print(names[neuron], f"{time:.6f}")


if __name__ == "__main__":
    main()

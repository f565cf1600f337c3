"""The neurons of a neuron_config.json in NEST, as glif_psc.

    python glif_nest.py CURRENT.npy                 of neuron_config.json beside this file
    python glif_nest.py CURRENT.npy --config FILE   of another, as the Allen Institute has them

CURRENT.npy holds the injected current in A, (samples,), at the time step dt of the configuration.
Printed is a line a spike: the neuron's name and the time of its sample in s. For a network of your
own import `parameters`. This file needs nest-simulator and NumPy alone.

NEST solves the membrane's equation exactly where AllenSDK's GlifNeuron takes Euler's forward steps:
a spike may fall some samples earlier or later.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nest
import numpy as np

LATER = 3  # samples, by which NEST writes the spike of a current's sample
UNTOLD_REST_MV = -70.0  # where a configuration does not say its resting potential, `El_reference`


def parameters(config: Mapping[str, Any]) -> dict[str, Any]:
    """What glif_psc is created with: mV, ms, pF, nS, pA and 1/ms."""
    scale = config["coeffs"]
    rest_mv = UNTOLD_REST_MV if config["El_reference"] is None else 1e3 * config["El_reference"]
    rule = config["threshold_dynamics_method"]["params"] or {}
    reset = config["voltage_reset_method"]["params"] or {}
    moves = config["threshold_dynamics_method"]["name"]
    has_rule, follows = moves != "inf", moves == "three_components_exact"
    has_currents = config["AScurrent_dynamics_method"]["name"] == "exp"
    leak_mv = rest_mv + 1e3 * config["El"]
    found = {
        "C_m": 1e12 * scale["C"] * config["C"],
        "g": 1e9 * scale["G"] / config["R_input"],
        "E_L": leak_mv,
        "V_m": rest_mv + 1e3 * config["init_voltage"],
        "V_th": rest_mv + 1e3 * scale["th_inf"] * config["th_inf"],
        "V_reset": rest_mv,
        "t_ref": 1e3 * config["dt"] * config["spike_cut_length"],
        "spike_dependent_threshold": has_rule,
        "after_spike_currents": has_currents,
        "adapting_threshold": follows,
    }
    if has_rule:
        # NEST's rule counts voltages from E_L, that of the configuration from rest.
        from_leak = reset["b"] - (1 - reset["a"]) * config["El"]
        found |= {
            "voltage_reset_fraction": reset["a"],
            "voltage_reset_add": 1e3 * from_leak,
            "th_spike_add": 1e3 * rule["a_spike"],
            "th_spike_decay": 1e-3 * rule["b_spike"],
        }
    if follows:
        found |= {
            "th_voltage_index": 1e-3 * scale.get("a", 1) * rule["a_voltage"],
            "th_voltage_decay": 1e-3 * scale.get("b", 1) * rule["b_voltage"],
        }
    if has_currents:
        amplitudes = zip(scale["asc_amp_array"], config["asc_amp_array"], strict=True)
        found |= {
            "asc_init": [1e12 * amplitude for amplitude in config["init_AScurrents"]],
            "asc_amps": [1e12 * factor * amplitude for factor, amplitude in amplitudes],
            "asc_decay": [1e-3 / tau for tau in config["asc_tau_array"]],
            "asc_r": config["AScurrent_reset_method"]["params"]["r"],
        }
    return found


def refusal(config: Mapping[str, Any]) -> str:
    """Why glif_psc can be no such neuron; "" where it can."""
    slope = (config["voltage_reset_method"]["params"] or {}).get("a", 0)
    if not 0 <= slope <= 1:
        return f"its reset keeps {slope:.3g} of the voltage before a spike; glif_psc takes 0 to 1"
    if config["spike_cut_length"] < 1:
        return "it has no dead time; glif_psc takes one of a time step or more"
    return ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("current", help="in A, (samples,), .npy")
    parser.add_argument("--config", default=Path(__file__).with_name("neuron_config.json"))
    options = parser.parse_args()
    configs = json.loads(Path(options.config).read_text())
    if "coeffs" in configs:  # one neuron without a name
        configs = {"neuron": configs}
    for name, config in configs.items():
        if why := refusal(config):
            parser.exit(1, f"{name}: {why}; run it in Brian 2 or AllenSDK\n")
    current_a = np.load(options.current)
    dt_ms = 1e3 * next(iter(configs.values()))["dt"]
    nest.ResetKernel()
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.resolution = dt_ms
    injected = nest.Create("step_current_generator")
    times_ms = dt_ms * np.arange(1, len(current_a) + 1)
    injected.set(amplitude_times=times_ms, amplitude_values=1e12 * current_a)
    recorders = {}
    for name, config in configs.items():
        neuron = nest.Create("glif_psc", params=parameters(config))
        nest.Connect(injected, neuron, syn_spec={"delay": dt_ms})
        recorders[name] = nest.Create("spike_recorder")
        nest.Connect(neuron, recorders[name])
    nest.Simulate(dt_ms * (len(current_a) + LATER))
    for name, recorder in recorders.items():
        for time_ms in recorder.events["times"]:
            print(name, f"{1e-3 * (time_ms - LATER * dt_ms):.6f}")


if __name__ == "__main__":
    main()

"""Configurations of single neurons as AllenSDK's GlifNeuron reads and writes them (JSON, SI)."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from raphe.core.errors import SettingError
from raphe.core.files.path import file_status
from raphe.tasks.glif.neurons.models import (
    WITH_CURRENTS,
    WITH_RESET_RULE,
    WITH_VOLTAGE_THRESHOLD,
    Neurons,
)
from raphe.tasks.glif.neurons.simulation import SIMULATED_HZ

NATIVE_DT_S = 1 / SIMULATED_HZ
METHODS = {  # (reset rule, voltage threshold) → how the threshold moves
    (False, False): "inf",
    (True, False): "spike_component",
    (True, True): "three_components_exact",
}


def read_config(path: Path | str) -> tuple[Neurons, float]:
    """Read one neuron from a file, see `from_config`. Raises SettingError."""
    file_status(Path(path), SettingError)
    try:
        return from_config(json.loads(Path(path).read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise SettingError(f"{path}: expected a neuron's configuration (JSON): {error}") from error
    except SettingError as error:
        raise SettingError(f"{path}: {error}") from error


def from_config(config: Mapping[str, Any]) -> tuple[Neurons, float]:
    """The neuron (B = 1) of a configuration and the time step in s that it was made for.

    A configuration may stand under a model's id. Raises SettingError naming what is missing.
    """
    if len(config) == 1 and isinstance(next(iter(config.values())), Mapping):
        (config,) = config.values()
    try:
        return _neuron(config), float(config["dt"])
    except KeyError as error:
        raise SettingError(f"expected a GLIF neuron's configuration, it has no {error}") from None


def _neuron(config: Mapping[str, Any]) -> Neurons:
    level, coeffs = level_of(config), config["coeffs"]
    extra: dict[str, Any] = {}
    if level in WITH_RESET_RULE:
        reset = config["voltage_reset_method"]["params"]
        moves = config["threshold_dynamics_method"]["params"]
        extra |= {
            "reset_slope": reset["a"],
            "reset_offset_v": reset["b"],
            "spike_jump_v": moves["a_spike"],
            "spike_decay_per_s": moves["b_spike"],
        }
    if level in WITH_VOLTAGE_THRESHOLD:
        extra |= {
            "voltage_gain_per_s": coeffs.get("a", 1) * moves["a_voltage"],
            "voltage_decay_per_s": coeffs.get("b", 1) * moves["b_voltage"],
        }
    if level in WITH_CURRENTS:
        scale = coeffs["asc_amp_array"]
        extra |= {
            "asc_amp_a": [[k * a for k, a in zip(scale, config["asc_amp_array"], strict=True)]],
            "asc_tau_s": [config["asc_tau_array"]],
            "asc_kept": [config["AScurrent_reset_method"]["params"]["r"]],
        }
    return Neurons(
        level,
        capacitance_f=coeffs["C"] * config["C"],
        resistance_ohm=config["R_input"] / coeffs["G"],
        threshold_v=coeffs["th_inf"] * config["th_inf"],
        dead_time_s=config["spike_cut_length"] * config["dt"],
        leak_v=config["El"],
        init_voltage_v=config["init_voltage"],
        init_threshold_v=config["init_threshold"],
        init_asc_a=[config["init_AScurrents"]],
        **extra,
    )


def level_of(config: Mapping[str, Any]) -> int:
    """The GLIF level that a configuration's methods make. Raises SettingError."""
    currents = config["AScurrent_dynamics_method"]["name"] == "exp"
    moves = config["threshold_dynamics_method"]["name"]
    by_methods = {
        (False, "inf"): 1,
        (False, "spike_component"): 2,
        (True, "inf"): 3,
        (True, "spike_component"): 4,
        (True, "three_components_exact"): 5,
    }
    if (currents, moves) not in by_methods:
        raise SettingError(
            f"threshold_dynamics_method: expected {', '.join(METHODS.values())}, got {moves}"
            f"{' with' if currents else ' without'} afterspike currents"
        )
    return by_methods[currents, moves]


def to_config(neuron: Neurons, dt_s: float, rest_v: float | None = None) -> dict[str, Any]:
    """The configuration of one neuron (B = 1), that GlifNeuron.from_dict reads.

    `rest_v` is the absolute resting potential, its El_reference; coefficients are 1.
    """
    neuron = neuron[0]
    value = {name: getattr(neuron, name)[0] for name in vars(neuron) if name != "level"}
    with_rule, with_voltage = neuron.has_reset_rule, neuron.has_voltage_threshold
    spike = {"a_spike": float(value["spike_jump_v"]), "b_spike": float(value["spike_decay_per_s"])}
    voltage = {
        "a_voltage": float(value["voltage_gain_per_s"]),
        "b_voltage": float(value["voltage_decay_per_s"]),
    }
    reset = {"a": float(value["reset_slope"]), "b": float(value["reset_offset_v"])}
    return {
        "type": "GLIF",
        "El": float(value["leak_v"]),
        "El_reference": rest_v,
        "C": float(value["capacitance_f"]),
        "R_input": float(value["resistance_ohm"]),
        "th_inf": float(value["threshold_v"]),
        "th_adapt": None,
        "dt": dt_s,
        "dt_multiplier": 10,
        "spike_cut_length": int(neuron.cut_samples(dt_s)[0]),
        "asc_amp_array": value["asc_amp_a"].tolist(),
        "asc_tau_array": value["asc_tau_s"].tolist(),
        "init_voltage": float(value["init_voltage_v"]),
        "init_threshold": float(value["init_threshold_v"]),
        "init_AScurrents": value["init_asc_a"].tolist(),
        "coeffs": {"C": 1, "G": 1, "a": 1, "b": 1, "th_inf": 1, "asc_amp_array": [1.0, 1.0]},
        "extrapolation_method_name": "endpoints",
        "AScurrent_dynamics_method": _method("exp" if neuron.has_currents else "none"),
        "AScurrent_reset_method": _method("sum", r=value["asc_kept"].tolist())
        if neuron.has_currents
        else _method("none"),
        "threshold_dynamics_method": _method(
            METHODS[with_rule, with_voltage], **(spike | voltage if with_rule else {})
        ),
        "threshold_reset_method": _method("three_components", **spike)
        if with_rule
        else _method("inf"),
        "voltage_dynamics_method": _method("linear_forward_euler"),
        "voltage_reset_method": _method("v_before", **reset) if with_rule else _method("zero"),
    }


def _method(name: str, **params: Any) -> dict[str, Any]:
    return {"name": name, "params": params}

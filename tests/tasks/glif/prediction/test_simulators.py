"""A neuron's configuration run by other simulators: the very programs that a prediction writes."""

import json
import runpy
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from raphe.tasks.glif.neurons.models import Neurons
from raphe.tasks.glif.neurons.neuron_config import to_config
from raphe.tasks.glif.neurons.simulation import simulate
from raphe.tasks.glif.prediction.infer_parameters import CONFIG
from raphe.tasks.glif.prediction.simulators import program_for

DT_S = 5e-5
NEEDED = {  # each in an environment of its own
    "brian2": ("brian2==2.9.0", "numpy<2.4"),
    "nest": ("nest-simulator==3.10.0", "numpy"),
}
APART_S = {"brian2": 0.0, "nest": 1e-3}  # NEST takes no Euler steps: where the voltage only
FEWEST_SAME = {"brian2": 1.0, "nest": 0.95}  # grazes the threshold, a spike may be another
MEMBRANE = {
    "capacitance_f": 60e-12, "resistance_ohm": 150e6, "threshold_v": 0.02, "dead_time_s": 0.003,
}  # fmt: skip
RULE = {
    "reset_slope": 0.3, "reset_offset_v": 0.002, "spike_jump_v": 0.002, "spike_decay_per_s": 30.0,
}  # fmt: skip
CURRENTS = {"asc_amp_a": [[-1e-11, -5e-11]], "asc_tau_s": [[0.1, 0.01]], "asc_kept": [[1.0, 1.0]]}
FOLLOWS = {"voltage_gain_per_s": 5.0, "voltage_decay_per_s": 20.0}
NEURONS = {
    "level 1": Neurons(1, **MEMBRANE),
    "level 2": Neurons(2, **MEMBRANE, **RULE),
    "level 3": Neurons(3, **MEMBRANE, **CURRENTS),
    "level 4": Neurons(4, **MEMBRANE, **RULE, **CURRENTS),
    "level 5": Neurons(5, **MEMBRANE, **RULE, **CURRENTS, **FOLLOWS),
    "level 5 with a bias": Neurons(5, **MEMBRANE, **RULE, **CURRENTS, **FOLLOWS, leak_v=0.008),
}


def python_with(simulator: str, folder: Path) -> Path:
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    words = [python, "-m", "pip", "install", "--quiet", *NEEDED[simulator]]
    if (installed := subprocess.run(words, capture_output=True, text=True)).returncode:
        pytest.skip(f"{simulator} cannot be installed: {installed.stderr.strip()[-200:]}")
    return python


@pytest.fixture
def of_nest(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What its program defines, where NEST is not installed."""
    monkeypatch.setitem(sys.modules, "nest", ModuleType("nest"))
    return runpy.run_path(str(program_for("nest")))


def test_nest_resets_a_biased_neuron_to_the_same_voltage(of_nest: dict[str, Any]) -> None:
    biased = Neurons(2, **MEMBRANE, **RULE, leak_v=0.008)
    given = of_nest["parameters"](to_config(biased, DT_S, -0.07))
    before_mv = -50.0
    # glif_psc: U = fraction × U + add, U counted from E_L
    above_leak = given["voltage_reset_fraction"] * (before_mv - given["E_L"])
    after_mv = given["E_L"] + above_leak + given["voltage_reset_add"]
    assert given["E_L"] == pytest.approx(-62)
    assert after_mv == pytest.approx(-70 + 0.3 * 20 + 2)


def test_a_neuron_that_nest_refuses_is_told(of_nest: dict[str, Any]) -> None:
    refusal = of_nest["refusal"]
    assert [refusal(to_config(neuron, DT_S)) for neuron in NEURONS.values()] == [""] * len(NEURONS)
    steep = Neurons(2, **MEMBRANE, **(RULE | {"reset_slope": -0.1}))
    assert refusal(to_config(steep, DT_S)).startswith("its reset keeps -0.1 of the voltage")
    at_once = Neurons(1, **(MEMBRANE | {"dead_time_s": 0.0}))
    assert refusal(to_config(at_once, DT_S)).startswith("it has no dead time")


@pytest.mark.ci
@pytest.mark.parametrize("simulator", ["brian2", "nest"])
def test_another_simulator_fires_the_same_spikes(simulator: str, tmp_path: Path) -> None:
    python = python_with(simulator, tmp_path / "environment")
    noise = np.repeat(np.random.default_rng(0).standard_normal(500), 40)  # of 2 ms, for 1 s
    current_a = np.where(np.arange(len(noise)) < 2000, 0.0, 1.6e-10 + 4e-11 * noise)
    np.save(tmp_path / "current.npy", current_a)
    configs = {name: to_config(neuron, DT_S, -0.07) for name, neuron in NEURONS.items()}
    (tmp_path / CONFIG).write_text(json.dumps(configs))
    program = tmp_path / program_for(simulator).name
    program.write_text(program_for(simulator).read_text())
    words = [python, program, tmp_path / "current.npy"]
    printed = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    fired: dict[str, list[int]] = {name: [] for name in NEURONS}
    for line in printed.splitlines():
        name, _, time_s = line.rpartition(" ")
        if name in fired:  # NEST greets
            fired[name].append(round(float(time_s) / DT_S))
    apart_s: list[float] = []
    for name, neuron in NEURONS.items():
        ours = simulate(neuron, current_a, DT_S).spikes[0].index
        assert len(ours) > 5
        assert len(fired[name]) == len(ours), name
        apart_s += (DT_S * np.abs(np.array(fired[name]) - ours)).tolist()
    same = np.array(apart_s) <= APART_S[simulator]
    assert same.mean() >= FEWEST_SAME[simulator]

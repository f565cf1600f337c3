"""The study's comparison: the fitted cell, what the network answers for it, and a random one.

Each is simulated under four stimuli, as the study does: their zeros cut out, the first quarter of
a second kept. And under the whole sweeps, in which a cell has time to fire.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from raphe.core.errors import SettingError
from raphe.tasks.glif.lstm_study.grid import FITTED, grid, in_si, neurons
from raphe.tasks.glif.neurons.simulation import SIMULATED_HZ, Response, simulate
from raphe.tasks.glif.neurons.stimuli import Stimulus

STIMULI = {
    "Noise 1": "noise_1",
    "Noise 2": "noise_2",
    "Ramp": "ramp",
    "Long Square": "long_square",
}
CELLS = ("fitted", "inferred", "random")
SHOWN_S = 0.25

Network = Callable[[torch.Tensor], torch.Tensor]  # voltages (B, T) in mV → targets (B, 5)


@dataclass(frozen=True)
class StudyCells:
    """Parameters in SI units (5,) of each of CELLS, and what they did under each stimulus.

    A response is None where the parameters are those of no neuron; `refused` tells why.
    """

    parameters: dict[str, np.ndarray]
    cut: dict[tuple[str, str], Response | None]  # (cell, stimulus): as the study feeds it
    whole_counts: dict[tuple[str, str], int | None]  # spikes in the whole sweep
    refused: dict[str, str]


def study_cells(network: Network, rate_hz: float, fed: int, seed: int) -> StudyCells:
    """Let a network infer the fitted cell from its response to Noise 2, and compare.

    Args:
        network: as trained at `rate_hz` on traces of at most `fed` samples.
        seed: draws the random cell from the grid.
    """
    parameters = {"fitted": np.array(FITTED)}
    parameters["inferred"] = infer(network, parameters["fitted"], rate_hz, fed)
    parameters["random"] = np.random.default_rng(seed).choice(grid())
    cut: dict[tuple[str, str], Response | None] = {}
    counts: dict[tuple[str, str], int | None] = {}
    refused: dict[str, str] = {}
    for cell, values in parameters.items():
        for shown, name in STIMULI.items():
            try:
                cut[cell, shown] = simulate(
                    neurons(values[None]), fed_part(name, rate_hz), 1 / rate_hz
                )
                whole = Stimulus(name).current(SIMULATED_HZ)
                response = simulate(neurons(values[None]), whole, 1 / SIMULATED_HZ)
                counts[cell, shown] = int(response.spike_count[0])
            except SettingError as error:
                cut[cell, shown] = counts[cell, shown] = None
                refused[cell] = str(error)
    return StudyCells(parameters, cut, counts, refused)


def infer(network: Network, parameters: np.ndarray, rate_hz: float, fed: int) -> np.ndarray:
    """What the network answers in SI units (5,) for a cell's response to Noise 2."""
    current = fed_part("noise_2", rate_hz, fed / rate_hz)
    voltage = simulate(neurons(parameters[None]), current, 1 / rate_hz).voltage_v[0]
    seen = (1e3 * voltage[~np.isnan(voltage)]).astype(np.float32)
    with torch.no_grad():
        return in_si(network(torch.from_numpy(seen)[None])[0].cpu().numpy())


def fed_part(name: str, rate_hz: float, length_s: float = SHOWN_S) -> np.ndarray:
    """What the study takes of a stimulus: its first samples that are not 0, (N,) in A."""
    whole = Stimulus(name).current(rate_hz)
    return whole[whole != 0][: round(length_s * rate_hz)]

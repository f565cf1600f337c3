"""The published study's set of traces: the grid under frozen noise, drawn into three parts.

Each of the 3125 configurations was simulated under three sweeps of one noise that is the same in
every sweep, and with a dt that the simulation overrides: 9375 files of 625 different traces.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, TypedDict

import numpy as np

from raphe.core.errors import SettingError
from raphe.core.ranges import Count, Positive, Range, Seed, check_ranges
from raphe.tasks.glif.lstm_study.grid import grid, neurons
from raphe.tasks.glif.metrics.names import TARGETS
from raphe.tasks.glif.neurons.simulation import simulate
from raphe.tasks.glif.neurons.stimuli import Stimulus

DT = TARGETS.index("dt")
CHUNK = 128  # neurons simulated at once
TRAINED_ON, TESTED_ON = "noise_1", "noise_2"
CAVEAT = (
    "These traces are of model neurons on the published grid: scores on them say how well the "
    "published set-up works, nothing about real cells."
)


class StudyFile(TypedDict):
    """One of the files that are drawn."""

    part: str
    stimulus: str
    sweep: int
    configuration: int  # its row in the grid


@dataclass(frozen=True)
class Study:
    """What to simulate and how many traces to draw. Raises SettingError for what cannot be."""

    n_train: Count = 5000
    n_val: Count = 1500
    n_test: Count = 1500
    sweeps: Count = 3  # of each noise
    rate_hz: Annotated[float, Range(10_000, 1e6, unit="Hz")] = 200_000.0
    simulated: Count = 52_000  # samples of each trace; its zeros are dropped before
    fed: Count = 50_000  # of them, without those of dead time, the network sees so many at most
    rheobase_a: Positive = 150e-12
    seed: Seed = 42

    def __post_init__(self) -> None:
        check_ranges(Study, vars(self))
        n_files = self.sweeps * len(grid())
        if max(self.n_train + self.n_val, self.n_test) > n_files:
            raise SettingError(
                f"n_train + n_val: expected at most {n_files} files of each noise, got "
                f"{self.n_train} + {self.n_val} and n_test = {self.n_test}"
            )
        if self.fed > self.simulated:
            raise SettingError(f"fed: expected at most simulated, {self.simulated}, got {self.fed}")

    def current(self, name: str) -> np.ndarray:
        """What of a stimulus the study feeds, float64 (N,) in A: the zeros are cut out."""
        whole = Stimulus(name, rheobase_a=self.rheobase_a).current(self.rate_hz)
        kept = whole[whole != 0]
        if len(kept) < self.simulated:
            raise SettingError(
                f"simulated: {name} has {len(kept)} samples that are not 0 at "
                f"{self.rate_hz:g} Hz, got {self.simulated}"
            )
        return kept[: self.simulated]

    def files(self) -> list[StudyFile]:
        """The drawn files."""
        rng = np.random.default_rng(self.seed)
        n_grid = len(grid())
        trained = rng.permutation(self.sweeps * n_grid)[: self.n_train + self.n_val]
        tested = rng.permutation(self.sweeps * n_grid)[: self.n_test]
        parts = [("train", TRAINED_ON, trained[: self.n_train])]
        parts += [("val", TRAINED_ON, trained[self.n_train :]), ("test", TESTED_ON, tested)]
        return [
            {
                "part": part,
                "stimulus": noise,
                "sweep": file // n_grid,
                "configuration": file % n_grid,
            }
            for part, noise, drawn in parts
            for file in drawn.tolist()
        ]


def different(configurations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The configurations (n, 5) that differ in what the simulation uses, and which of these each
    is: float64 (m, 5), int64 (n,)."""
    seen = np.delete(configurations, DT, axis=1)
    _, first, which = np.unique(seen, axis=0, return_index=True, return_inverse=True)
    return configurations[first], which.reshape(-1)


def responses(study: Study, stimulus: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Voltages float64 (n, N) in V of the different configurations and spike counts int64 (n,),
    chunk by chunk."""
    current, dt_s = study.current(stimulus), 1 / study.rate_hz
    cells = neurons(different(grid())[0])
    for start in range(0, len(cells), CHUNK):
        response = simulate(cells[start : start + CHUNK], current, dt_s)
        yield response.voltage_v, response.spike_count

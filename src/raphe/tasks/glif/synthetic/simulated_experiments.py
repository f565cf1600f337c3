"""Simulated experiments without end: neurons off any grid, under stimuli and noise drawn anew.

A batch depends on (seed, part, number) alone, and no two parts share a frozen noise. The neurons
are drawn from a prior, or are real cells drawn again and again; each is driven in proportion to
its own rheobase as in the Allen protocol, and what is measured has noise, an imperfectly
compensated series resistance that drifts, and one of several sampling rates.

B neurons, N samples as simulated, T as measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Protocol, get_args

import numpy as np

from raphe.core.errors import SettingError
from raphe.core.ranges import NotNegative, Numbers, Range, check_ranges
from raphe.tasks.glif.neurons.models import Neurons
from raphe.tasks.glif.neurons.simulation import SIMULATED_HZ, Response, simulate
from raphe.tasks.glif.neurons.stimuli import NOISE_CV, TEST_PULSE_A, TEST_PULSE_S, pink_second
from raphe.tasks.glif.synthetic.fitted_cells import FittedCells
from raphe.tasks.glif.synthetic.quantities import DEAD_TIME, neurons_of, values_of

Family = Literal["noise", "long_square", "short_square", "stairs", "sine", "ramp", "chirp"]
FAMILIES = get_args(Family)
PARTS = ("train", "val", "test")
STAIRS, SINE_HZ = 8, (0.2, 10.0)
CHIRP_HZ = (0.5, 40.0)  # at its begin and its end
LENGTH_STEP_S = 0.25
TRIES = 20  # draws of a batch's neurons that may stop or be impossible

Lengths = Annotated[
    tuple[float, float], Numbers("[shortest, longest]", Range(0.2, 60, unit="s"), n=2, rising=True)
]
Drives = Annotated[
    tuple[float, float], Numbers("[least, most] rheobases", Range(0), n=2, rising=True)
]


class Population(Protocol):
    """What neurons are drawn from: a Prior, or RealCells."""

    @property
    def level(self) -> int: ...

    def draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Quantities of n neurons, float64 (n, P) in SI units."""


@dataclass(frozen=True, eq=False)
class RealCells:
    """The models fitted to real cells themselves, drawn with replacement.

    They were fitted in steps of 50 µs: a dead time may be half a step longer or shorter, which is
    drawn.
    """

    cells: FittedCells

    @property
    def level(self) -> int:
        return self.cells.neurons.level

    def draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        values = values_of(self.cells.neurons, self.cells.rest_v)
        drawn = values[rng.integers(len(values), size=n)]
        drawn[:, DEAD_TIME] += rng.uniform(-0.5, 0.5, n) / SIMULATED_HZ
        return drawn


@dataclass(frozen=True)
class Experiment:
    """What is drawn for each batch. Raises SettingError for what cannot be.

    Args:
        families: of stimuli; one a batch.
        length_s: shortest and longest trace; one length a batch.
        keep_every: rates to measure at, as shares of SIMULATED_HZ: 1 keeps every sample.
        noise_mv: largest standard deviation of the measured voltage's noise.
        series_mohm: largest series resistance that compensation left.
        relative: the drive's range, in rheobases.
    """

    families: Sequence[str] = ("noise", "long_square", "short_square", "stairs", "sine", "ramp")
    length_s: Lengths = (0.5, 2.5)
    keep_every: Annotated[Sequence[int], Numbers("whole numbers", Range(1))] = (1, 2, 4)
    noise_mv: NotNegative = 0.2
    series_mohm: NotNegative = 5.0
    relative: Drives = (0.3, 2.0)

    def __post_init__(self) -> None:
        for name in ("families", "length_s", "keep_every", "relative"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if not self.families or not set(self.families) <= set(FAMILIES):
            raise SettingError(f"families: expected of {', '.join(FAMILIES)}, got {self.families}")
        check_ranges(Experiment, vars(self))

    def draw_length_s(self, rng: np.random.Generator) -> float:
        """In steps of a quarter second: a network keeps memory for every length it has seen."""
        rounded = np.round(rng.uniform(*self.length_s) / LENGTH_STEP_S) * LENGTH_STEP_S
        return float(np.clip(rounded, *self.length_s))


@dataclass(frozen=True, eq=False)
class Measured:
    """A batch as it is measured."""

    traces: np.ndarray  # float32 (B, 2, T): absolute voltage in mV, NaN in dead time; current in pA
    values: np.ndarray  # float64 (B, P) of the neurons, SI units
    rate_hz: float
    spike_count: np.ndarray  # int64 (B,)
    current_a: np.ndarray  # float64 (B, N), as simulated at SIMULATED_HZ


def measure(
    population: Population,
    experiment: Experiment,
    n: int,
    seed: int,
    number: int,
    part: str = "train",
) -> Measured:
    """Draw n neurons and one experiment, and simulate it.

    The seed of frozen noise, divided by the number of PARTS, leaves the part's place among them:
    it is never that of another part.
    """
    place = PARTS.index(part)
    rng = np.random.default_rng([seed, place, number])
    family = experiment.families[int(rng.integers(len(experiment.families)))]
    keep = experiment.keep_every[int(rng.integers(len(experiment.keep_every)))]
    noise_seed = int(rng.integers(2**29)) * len(PARTS) + place
    shape = unit_current(family, experiment.draw_length_s(rng), noise_seed, rng)
    drive = rng.uniform(*experiment.relative, n)
    values, rest_v, response, current = _drawn(population, shape, drive, n, rng)
    sampled = slice(int(rng.integers(keep)), None, keep)  # no clock knows when a stimulus begins
    voltage_mv = 1e3 * (response.voltage_v + rest_v[:, None])[:, sampled]
    current_pa = 1e12 * current[:, sampled]
    voltage_mv += _series_mv(current_pa, experiment.series_mohm, rng)
    voltage_mv += rng.uniform(0, experiment.noise_mv, (n, 1)) * rng.standard_normal(
        voltage_mv.shape
    )
    traces = np.stack([voltage_mv, current_pa], axis=1).astype(np.float32)
    return Measured(traces, values, SIMULATED_HZ / keep, response.spike_count, current)


def unit_current(
    family: str, length_s: float, noise_seed: int, rng: np.random.Generator
) -> np.ndarray:
    """A stimulus of height 1 after a test pulse's place, float64 (N,); the pulse itself is NaN."""
    n, pulse = round(length_s * SIMULATED_HZ), round(TEST_PULSE_S * SIMULATED_HZ)
    begin = 4 * pulse
    shape = np.zeros(n)
    shape[pulse : 2 * pulse] = np.nan
    rest = n - begin
    if family == "noise":
        z = pink_second(noise_seed, SIMULATED_HZ)
        shape[begin:] = 1 + NOISE_CV * np.resize(z, rest)
    elif family == "long_square":
        shape[begin : begin + round(0.8 * rest)] = 1
    elif family == "short_square":
        for start in rng.integers(begin, n, 5):
            shape[start : start + round(0.003 * SIMULATED_HZ)] = 5  # short ones need more
    elif family == "stairs":
        shape[begin:] = np.repeat(rng.uniform(-0.5, 1, STAIRS), -(-rest // STAIRS))[:rest]
    elif family == "sine":
        phase, swings = rng.uniform(0, 2 * np.pi), rng.uniform(*SINE_HZ) * rest / SIMULATED_HZ
        shape[begin:] = 0.5 + 0.5 * np.sin(phase + 2 * np.pi * swings * np.linspace(0, 1, rest))
    elif family == "ramp":
        shape[begin:] = np.linspace(0, 1, rest)
    else:
        shape[begin:] = 0.5 + 0.5 * _chirp(rest, rng)
    return shape


def _chirp(n: int, rng: np.random.Generator) -> np.ndarray:
    """A sine whose frequency rises in a line, float64 (n,) of −1 to 1."""
    share = np.linspace(0, 1, n)
    (begin_hz, end_hz), lasts_s = CHIRP_HZ, n / SIMULATED_HZ
    swings = lasts_s * (begin_hz * share + (end_hz - begin_hz) * share**2 / 2)
    return np.sin(rng.uniform(0, 2 * np.pi) + 2 * np.pi * swings)


def rheobase_a(neurons: Neurons) -> np.ndarray:
    """The smallest constant current that fires a leaky neuron, (B,) in A."""
    return neurons.threshold_v / neurons.resistance_ohm


def _drawn(
    population: Population, shape: np.ndarray, drive: np.ndarray, n: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, Response, np.ndarray]:
    """Quantities (n, P) of neurons that neither stop nor are impossible, their rests (n,), what
    they did and under which current (n, N)."""
    values = population.draw(n, rng)
    for _ in range(TRIES):
        neurons, rest_v = neurons_of(population.level, values)
        too_fast = neurons.membrane_tau_s < 2 / SIMULATED_HZ
        if not too_fast.any():
            current = np.nan_to_num(shape, nan=0) * (drive * rheobase_a(neurons))[:, None]
            current[:, np.isnan(shape)] = TEST_PULSE_A
            response = simulate(neurons, current, 1 / SIMULATED_HZ, may_stop=True)
            too_fast = response.stopped_at >= 0
            if not too_fast.any():
                return values, rest_v, response, current
        values[too_fast] = population.draw(int(too_fast.sum()), rng)
    raise SettingError(
        f"prior: {TRIES} draws left neurons whose reset lies above their threshold; fit it anew"
    )


def _series_mv(current_pa: np.ndarray, most_mohm: float, rng: np.random.Generator) -> np.ndarray:
    """What a series resistance that drifts in a line adds to each voltage, (B, T)."""
    ends = rng.uniform(0, most_mohm, (2, len(current_pa), 1))
    share = np.linspace(0, 1, current_pa.shape[1])
    return 1e-3 * current_pa * (ends[0] + (ends[1] - ends[0]) * share)  # pA × MOhm = µV

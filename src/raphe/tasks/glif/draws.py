"""Simulated experiments without end: neurons off any grid, under stimuli and noise drawn anew.

A batch depends on (seed, number) alone. The neurons are drawn from a prior, each is driven in
proportion to its own rheobase as in the Allen protocol, and what is measured has noise, an
imperfectly compensated series resistance that drifts, and one of several sampling rates.

B neurons, N samples as simulated, T as measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from raphe.core.errors import SettingError
from raphe.tasks.glif.neurons import Neurons
from raphe.tasks.glif.prior import Prior
from raphe.tasks.glif.quantities import neurons_of
from raphe.tasks.glif.simulate import Response, simulate
from raphe.tasks.glif.stimuli import NOISE_CV, TEST_PULSE_A, TEST_PULSE_S, pink_second

FAMILIES = ("noise", "long_square", "short_square", "ramp")
SIMULATED_HZ = 20_000.0  # the rate at which the models were fitted
TRIES = 20  # draws of a batch's neurons that may stop or be impossible


@dataclass(frozen=True)
class Experiment:
    """What is drawn for each batch. Raises SettingError for what cannot be.

    Args:
        families: of stimuli; one a batch.
        length_s: of a trace.
        keep_every: rates to measure at, as shares of SIMULATED_HZ: 1 keeps every sample.
        noise_mv: largest standard deviation of the measured voltage's noise.
        series_mohm: largest series resistance that compensation left.
        relative: the drive's range, in rheobases.
    """

    families: Sequence[str] = ("noise", "long_square", "short_square")
    length_s: float = 1.0
    keep_every: Sequence[int] = (1, 2, 4)
    noise_mv: float = 0.2
    series_mohm: float = 5.0
    relative: tuple[float, float] = (0.3, 2.0)

    def __post_init__(self) -> None:
        if not self.families or not set(self.families) <= set(FAMILIES):
            raise SettingError(f"families: expected of {', '.join(FAMILIES)}, got {self.families}")
        if not 0.1 <= self.length_s <= 60:
            raise SettingError(f"length_s: expected 0.1 to 60 s, got {self.length_s:g}")
        if not self.keep_every or min(self.keep_every) < 1:
            raise SettingError(f"keep_every: expected 1 or more, got {self.keep_every}")
        for name in ("noise_mv", "series_mohm"):
            if getattr(self, name) < 0:
                raise SettingError(f"{name}: expected 0 or more, got {getattr(self, name)}")


@dataclass(frozen=True, eq=False)
class Measured:
    """A batch as it is measured."""

    traces: np.ndarray  # float32 (B, 2, T): absolute voltage in mV, NaN in dead time; current in pA
    values: np.ndarray  # float64 (B, P) of the neurons, SI units
    rate_hz: float
    spike_count: np.ndarray  # int64 (B,)


def measure(prior: Prior, experiment: Experiment, n: int, seed: int, number: int) -> Measured:
    """Draw n neurons and one experiment, and simulate it."""
    rng = np.random.default_rng([seed, number])
    family = experiment.families[rng.integers(len(experiment.families))]
    keep = int(experiment.keep_every[rng.integers(len(experiment.keep_every))])
    shape = unit_current(family, experiment.length_s, rng)
    drive = rng.uniform(*experiment.relative, n)
    values, rest_v, response, current = _drawn(prior, shape, drive, n, rng)
    voltage_mv = 1e3 * (response.voltage_v + rest_v[:, None])[:, ::keep]
    current_pa = 1e12 * current[:, ::keep]
    voltage_mv += _series_mv(current_pa, experiment.series_mohm, rng)
    voltage_mv += rng.uniform(0, experiment.noise_mv, (n, 1)) * rng.standard_normal(
        voltage_mv.shape
    )
    traces = np.stack([voltage_mv, current_pa], axis=1).astype(np.float32)
    return Measured(traces, values, SIMULATED_HZ / keep, response.spike_count)


def unit_current(family: str, length_s: float, rng: np.random.Generator) -> np.ndarray:
    """A stimulus of height 1 after a test pulse's place, float64 (N,); the pulse itself is NaN."""
    n, pulse = round(length_s * SIMULATED_HZ), round(TEST_PULSE_S * SIMULATED_HZ)
    begin = 4 * pulse
    shape = np.zeros(n)
    shape[pulse : 2 * pulse] = np.nan
    rest = n - begin
    if family == "noise":
        z = pink_second(int(rng.integers(2**31)), SIMULATED_HZ)
        shape[begin:] = 1 + NOISE_CV * np.resize(z, rest)
    elif family == "long_square":
        shape[begin : begin + round(0.8 * rest)] = 1
    elif family == "short_square":
        for start in rng.integers(begin, n, 5):
            shape[start : start + round(0.003 * SIMULATED_HZ)] = 5  # short ones need more
    else:
        shape[begin:] = np.linspace(0, 1, rest)
    return shape


def rheobase_a(neurons: Neurons) -> np.ndarray:
    """The smallest constant current that fires a leaky neuron, (B,) in A."""
    return neurons.threshold_v / neurons.resistance_ohm


def _drawn(
    prior: Prior, shape: np.ndarray, drive: np.ndarray, n: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, Response, np.ndarray]:
    """Quantities (n, P) of neurons that neither stop nor are impossible, their rests (n,), what
    they did and under which current (n, N)."""
    values = prior.draw(n, rng)
    for _ in range(TRIES):
        neurons, rest_v = neurons_of(prior.level, values)
        too_fast = neurons.membrane_tau_s < 2 / SIMULATED_HZ
        if not too_fast.any():
            current = np.nan_to_num(shape, nan=0) * (drive * rheobase_a(neurons))[:, None]
            current[:, np.isnan(shape)] = TEST_PULSE_A
            response = simulate(neurons, current, 1 / SIMULATED_HZ, may_stop=True)
            too_fast = response.stopped_at >= 0
            if not too_fast.any():
                return values, rest_v, response, current
        values[too_fast] = prior.draw(int(too_fast.sum()), rng)
    raise SettingError(
        f"prior: {TRIES} draws left neurons whose reset lies above their threshold; fit it anew"
    )


def _series_mv(current_pa: np.ndarray, most_mohm: float, rng: np.random.Generator) -> np.ndarray:
    """What a series resistance that drifts in a line adds to each voltage, (B, T)."""
    ends = rng.uniform(0, most_mohm, (2, len(current_pa), 1))
    share = np.linspace(0, 1, current_pa.shape[1])
    return 1e-3 * current_pa * (ends[0] + (ends[1] - ends[0]) * share)  # pA × MOhm = µV

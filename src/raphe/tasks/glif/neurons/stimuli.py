"""The Allen Cell Types protocol's stimuli, synthesised: currents in A at any rate.

Sources: the published generator of Noise 1, Noise 2 and Ramp to Rheobase (AllenInstitute/
ephys_pink_noise), sweep tables and recorded sweeps of the Allen Cell Types Database. The exact
traces of a recording differ from these by the seed of their noise.

Every sweep begins with silence, a test pulse, silence, and then what it is named after; a sweep
ends with its stimulus. N samples.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from raphe.core.errors import SettingError

RATE_HZ = 200_000.0  # of the recordings
TEST_PULSE_A, TEST_PULSE_S = 50e-12, 0.010
TEST_PULSE_AT_S = 0.02  # not in the sweep table
START_S = {"long_square": 1.02, "short_square": 1.02, "ramp": 1.0225, "noise": 2.02}
NOISE_HZ = np.arange(1, 101)  # all whole: the noise repeats every second
NOISE_CV = 0.2
NOISE_MULTIPLIERS = (0.5, 1.0, 1.5)  # of rheobase, in the three epochs, as recorded
EPOCH_S, PAUSE_S = 3.0, 5.0
RAMP_A_PER_S, RAMP_S = 25e-12, 32.0
LONG_SQUARE_S, SHORT_SQUARE_S = 1.0, 0.003
NOISE_SEEDS = {"noise_1": 1, "noise_2": 2}  # the same for every cell and repeat
NAMES = ("noise_1", "noise_2", "long_square", "short_square", "ramp")


@dataclass(frozen=True)
class Stimulus:
    """One sweep's stimulus. Raises SettingError for what cannot be.

    Args:
        name: one of NAMES; `noise_1` and `noise_2` are frozen draws of the phases.
        rheobase_a: the cell's own; scales both noises.
        amplitude_a: of the squares.
        seed: draws the phases of the noise anew; None: those of the name.
        multipliers: of rheobase, one an epoch of noise.
        length_s: where a sweep is cut; None: whole.
    """

    name: str
    rheobase_a: float = 150e-12
    amplitude_a: float = 150e-12
    seed: int | None = None
    multipliers: tuple[float, ...] = NOISE_MULTIPLIERS
    length_s: float | None = None

    def __post_init__(self) -> None:
        if self.name not in NAMES:
            raise SettingError(f"stimulus: expected one of {', '.join(NAMES)}, got {self.name}")
        if not 0 < self.rheobase_a < 1e-7:
            raise SettingError(
                f"rheobase_a: expected a current in A up to 100 nA, got {self.rheobase_a:g}; "
                "150 pA is 150e-12"
            )
        if not abs(self.amplitude_a) < 1e-7:
            raise SettingError(
                f"amplitude_a: expected a current in A up to 100 nA, got {self.amplitude_a:g}; "
                "150 pA is 150e-12"
            )
        if self.length_s is not None and not self.length_s > 0:
            raise SettingError(f"length_s: expected a time above 0 s, got {self.length_s:g}")

    def current(self, rate_hz: float = RATE_HZ) -> np.ndarray:
        """Returns float64 (N,), in A."""
        if not (np.isfinite(rate_hz) and rate_hz > 0):
            raise SettingError(f"rate_hz: expected a sampling rate in Hz, got {rate_hz:g}")
        whole = _SHAPES[self.name](self, rate_hz)
        start = round(TEST_PULSE_AT_S * rate_hz)
        whole[start : start + round(TEST_PULSE_S * rate_hz)] = TEST_PULSE_A
        return whole if self.length_s is None else whole[: round(self.length_s * rate_hz)]

    def noise_seed(self) -> int:
        return NOISE_SEEDS[self.name] if self.seed is None else self.seed


def pink_second(seed: int, rate_hz: float) -> np.ndarray:
    """One second of noise with mean 0 and deviation 1: sines of 1 to 100 Hz in random phases,
    their amplitudes f^-1/2. Returns float64 (N,); it repeats seamlessly.

    The phases come from the seed alone, so that another rate samples the same noise. The
    deviation is that of the continuous sum.
    """
    phase = np.random.default_rng(seed).uniform(0, 2 * np.pi, len(NOISE_HZ))
    n = round(rate_hz)
    time_s = np.arange(n) / rate_hz
    total = np.zeros(n)
    for f, phi in zip(NOISE_HZ.tolist(), phase.tolist(), strict=True):
        total += np.sin(2 * np.pi * f * time_s + phi) / np.sqrt(f)
    return total / np.sqrt((1 / (2 * NOISE_HZ)).sum())  # a sine's variance is half its square


def _noise(stimulus: Stimulus, rate_hz: float) -> np.ndarray:
    second = pink_second(stimulus.noise_seed(), rate_hz)
    n_epoch, n_pause = round(EPOCH_S * rate_hz), round(PAUSE_S * rate_hz)
    z = np.resize(second, n_epoch)
    parts = [np.zeros(round(START_S["noise"] * rate_hz))]
    for i, multiplier in enumerate(stimulus.multipliers):
        parts += [np.zeros(n_pause)] if i else []
        parts.append(multiplier * stimulus.rheobase_a * (1 + NOISE_CV * z))
    return np.concatenate(parts)


def _square(start_s: float, length_s: float) -> Callable[[Stimulus, float], np.ndarray]:
    def current(stimulus: Stimulus, rate_hz: float) -> np.ndarray:
        step = np.full(round(length_s * rate_hz), stimulus.amplitude_a)
        return np.concatenate([np.zeros(round(start_s * rate_hz)), step])

    return current


def _ramp(_: Stimulus, rate_hz: float) -> np.ndarray:
    rise = RAMP_A_PER_S * np.arange(round(RAMP_S * rate_hz)) / rate_hz
    return np.concatenate([np.zeros(round(START_S["ramp"] * rate_hz)), rise])


_SHAPES = {
    "noise_1": _noise,
    "noise_2": _noise,
    "long_square": _square(START_S["long_square"], LONG_SQUARE_S),
    "short_square": _square(START_S["short_square"], SHORT_SQUARE_S),
    "ramp": _ramp,
}

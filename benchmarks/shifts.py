"""New simulated cells, and what can be wrong with a recording of one: each shift by its name.

A cell is simulated once, its noise and its spikes apart, and each shift alters it in its own way.
Rigs alter what reaches the converter, files what is read of it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
from scipy import signal

from raphe.core.recordings.recording import Recording
from raphe.tasks.celltype.recordings.file_names import CLASSES
from raphe.tasks.celltype.synthetic.simulated_cell import (
    PEAK_LIMITS_PA,
    RATE_HZ,
    CellTraits,
    draw_peaks_pa,
    draw_spike_times,
    draw_traits,
    spikes_alone,
)
from raphe.tasks.celltype.synthetic.simulated_noise import DayNoise
from raphe.tasks.celltype.synthetic.simulated_recordings import (
    PA_PER_BIT,
    Simulation,
    simulate_day,
)
from raphe.tasks.celltype.synthetic.simulated_spike import SpikeShape

SAME, RIG, FILE, BIOLOGY, OTHER = KINDS = ("same rig", "rig", "file", "biology", "other")
TIMES_OF_SHAPE = ("udi_ms", "rise_ms", "fall_ms", "shoulder_ms", "decay_ms")
ARTEFACT_JITTER_S = 5e-6
HUM_HZ = 50.0


@dataclass(frozen=True)
class NewCell:
    """A cell on a day that training did not have; the same for the same seed and index."""

    label: str
    traits: CellTraits
    day_noise: DayNoise
    duration_s: float
    seed: tuple[int, ...]

    @classmethod
    def draw(cls, index: int, simulation: Simulation) -> "NewCell":
        """Cell `index` of a simulation: classes take turns, and after them days."""
        label = CLASSES[index % len(CLASSES)]
        day = simulate_day(simulation, index // len(CLASSES) % simulation.days)
        seed = (simulation.seed, int(simulation.nonhomogeneous), index)
        traits = draw_traits(label, np.random.default_rng((*seed, 0)))
        return cls(label, traits, day.noise, simulation.duration_s, seed)

    def rng(self, stream: int) -> np.random.Generator:
        return np.random.default_rng((*self.seed, stream))

    @property
    def n_samples(self) -> int:
        return round(self.duration_s * RATE_HZ)

    @cached_property
    def noise(self) -> np.ndarray:
        """float32 (n,), in pA."""
        return self.day_noise.synthesise(self.n_samples, RATE_HZ, self.rng(1))

    @cached_property
    def times_s(self) -> np.ndarray:
        return draw_spike_times(self.traits, self.duration_s, self.rng(2))

    @cached_property
    def spikes(self) -> np.ndarray:
        """Without noise: float32 (n,), in pA."""
        return self.spikes_of(self.traits.shape)

    def spikes_of(self, shape: SpikeShape) -> np.ndarray:
        """The cell's spikes with another shape."""
        peaks_pa = draw_peaks_pa(self.traits, self.times_s, self.rng(3))
        return spikes_alone(shape, self.times_s, peaks_pa, self.n_samples)

    @cached_property
    def trace(self) -> np.ndarray:
        """As recorded on the rig of the training: float32 (n,), in pA."""
        return converted(self.noise + self.spikes)


@dataclass(frozen=True)
class Shift:
    """What is done to a cell's recording."""

    name: str
    kind: str
    record: Callable[[NewCell], Recording]
    unseen_noise: bool = False  # of days as `raphe simulate --nonhomogeneous` has
    cell: bool = True  # is there one? else any class is a wrong one


def converted(trace: np.ndarray, step_pa: float = PA_PER_BIT) -> np.ndarray:
    """As a converter of these steps gives it: float32 (n,)."""
    return (np.rint(trace / step_pa) * step_pa).astype(np.float32)


def recording(samples: np.ndarray, rate_hz: float = RATE_HZ) -> Recording:
    return Recording.from_array(np.ascontiguousarray(samples, np.float32), rate_hz, "pA", "new")


def scaled(cell: NewCell, noise: float = 1.0, everything: float = 1.0) -> Recording:
    return recording(converted(everything * (noise * cell.noise + cell.spikes)))


def filtered(cell: NewCell, sos: np.ndarray) -> Recording:
    """Through a causal filter before the converter."""
    return recording(converted(signal.sosfilt(sos, cell.noise + cell.spikes)))


def low_pass(cut_off_hz: float) -> Callable[[NewCell], Recording]:
    """Bessel, four poles, as patch-clamp amplifiers have it."""
    sos = signal.bessel(4, cut_off_hz, "low", output="sos", norm="mag", fs=RATE_HZ)
    return partial(filtered, sos=sos)


def high_pass(cut_off_hz: float) -> Callable[[NewCell], Recording]:
    """Butterworth, two poles."""
    return partial(filtered, sos=signal.butter(2, cut_off_hz, "high", output="sos", fs=RATE_HZ))


def sampled(cell: NewCell, up: int, down: int, said_hz: float | None = None) -> Recording:
    """At RATE_HZ × up / down, behind a filter against aliases; the file may say another rate."""
    samples = signal.resample_poly(cell.noise + cell.spikes, up, down)
    return recording(converted(samples), said_hz or RATE_HZ * up / down)


def aliased(cell: NewCell, down: int) -> Recording:
    return recording(cell.trace[::down], RATE_HZ / down)


def artefacts(cell: NewCell, rate_hz: float, chance: float = 1.0) -> np.ndarray:
    """Transients locked to the mains, as large and as wide as a cell's spikes: (n,), in pA.

    `chance` is how many of the cycles have one.
    """
    rng = cell.rng(4)
    other = draw_traits(CLASSES[int(rng.integers(len(CLASSES)))], rng)
    times_s = (rng.random() + np.arange(int(cell.duration_s * rate_hz) - 1)) / rate_hz
    times_s = times_s[rng.random(len(times_s)) < chance]
    times_s = times_s + ARTEFACT_JITTER_S * rng.standard_normal(len(times_s))
    peaks_pa = other.amplitude_pa * (1 + 0.02 * rng.standard_normal(len(times_s)))
    return spikes_alone(other.shape, times_s, peaks_pa.clip(*PEAK_LIMITS_PA), cell.n_samples)


def with_artefacts(
    cell: NewCell, rate_hz: float, chance: float = 1.0, beside: bool = False
) -> Recording:
    spikes = cell.spikes if beside else 0.0
    return recording(converted(cell.noise + spikes + artefacts(cell, rate_hz, chance)))


def with_hum(cell: NewCell, hum_pa: float) -> Recording:
    time_s = np.arange(cell.n_samples) / RATE_HZ
    hum = hum_pa * np.sin(2 * np.pi * (HUM_HZ * time_s + cell.rng(5).random()))
    return recording(converted(cell.noise + cell.spikes + hum))


def altered(
    cell: NewCell, alter: Callable[[np.ndarray], np.ndarray], analogue: bool = False
) -> Recording:
    """The samples of the file altered, or with `analogue` the current before the converter."""
    if analogue:
        return recording(converted(alter(cell.noise + cell.spikes)))
    return recording(alter(cell.trace))


def ramp(trace: np.ndarray, start: float, stop: float) -> np.ndarray:
    return np.linspace(start, stop, len(trace), dtype=np.float32)


def slowed(cell: NewCell, factor: float) -> Recording:
    """Spikes that take longer, in the same noise and at the same times."""
    shape = cell.traits.shape
    times = {name: factor * getattr(shape, name) for name in TIMES_OF_SHAPE}
    return recording(converted(cell.noise + cell.spikes_of(replace(shape, **times))))


def noise_alone(cell: NewCell, sd_pa: float) -> Recording:
    return recording(converted(cell.noise * (sd_pa / cell.noise.std())))


def fast_cell(cell: NewCell) -> Recording:
    """A cell that no class is like: a narrow spike, fired fast and irregularly."""
    rng = cell.rng(6)
    udi_ms = rng.uniform(0.15, 0.22)
    shape = replace(
        cell.traits.shape, udi_ms=udi_ms, rise_ms=rng.uniform(0.04, 0.05), fall_ms=0.3 * udi_ms,
        shoulder=0.0, hump=0.0, outward=rng.uniform(0.5, 0.8), decay_ms=rng.uniform(0.08, 0.15),
    )  # fmt: skip
    traits = replace(
        cell.traits, label="NSER", shape=shape, firing_hz=rng.uniform(15, 35), interval_cv=0.7
    )
    fast = replace(cell, label="NSER", traits=traits)
    return recording(fast.trace)


SHIFTS = (
    Shift("none", SAME, lambda cell: recording(cell.trace)),
    Shift("days with a noise that training never had", RIG, lambda cell: recording(cell.trace),
          unseen_noise=True),
    *(Shift(f"noise × {by:g}", RIG, partial(scaled, noise=by)) for by in (0.5, 1.4, 2.0)),
    *(Shift(f"gain × {by:g}", RIG, partial(scaled, everything=by)) for by in (0.5, 0.7, 1.5, 2.0)),
    *(Shift(f"low-pass {hz / 1000:g} kHz", RIG, low_pass(hz)) for hz in (5e3, 3e3, 2e3, 1e3)),
    *(Shift(f"high-pass {hz:g} Hz", RIG, high_pass(hz)) for hz in (100, 200, 300, 500)),
    Shift("20 kHz", RIG, partial(sampled, up=1, down=2)),
    Shift("50 kHz", RIG, partial(sampled, up=5, down=4)),
    Shift("20 kHz, aliased", RIG, partial(aliased, down=2)),
    *(Shift(f"{40 * up / down:g} kHz said to be 40", FILE,
            partial(sampled, up=up, down=down, said_hz=RATE_HZ))
      for up, down in ((1, 4), (1, 2), (5, 8), (5, 4))),
    *(Shift(f"40 kHz said to be {hz / 1000:g}", FILE,
            partial(sampled, up=1, down=1, said_hz=hz)) for hz in (20e3, 50e3)),
    *(Shift(f"mains artefacts, {hz:g} a second, no cell", RIG,
            partial(with_artefacts, rate_hz=hz), cell=False) for hz in (50, 60, 100)),
    Shift("mains artefacts, 2 a second at random cycles, no cell", RIG,
          partial(with_artefacts, rate_hz=50, chance=0.04), cell=False),
    *(Shift(f"mains artefacts, {hz:g} a second, beside a cell", RIG,
            partial(with_artefacts, rate_hz=hz, beside=True)) for hz in (50, 60, 100)),
    *(Shift(f"hum of {pa:g} pA", RIG, partial(with_hum, hum_pa=pa)) for pa in (10, 20, 60)),
    Shift("flipped", FILE, partial(altered, alter=lambda trace: -trace)),
    Shift("flipped, gain × 2", FILE, partial(altered, alter=lambda trace: -2 * trace)),
    *(Shift(f"wrong unit, × {by:g}", FILE, partial(altered, alter=lambda trace, by=by: by * trace))
      for by in (1000, 20, 0.001)),
    *(Shift(f"offset of {pa:+g} pA", RIG,
            partial(altered, alter=lambda trace, pa=pa: trace + pa, analogue=True))
      for pa in (20, -20, -45)),
    Shift("baseline drifts by 40 pA", RIG,
          partial(altered, alter=lambda trace: trace + ramp(trace, 20, -20), analogue=True)),
    Shift("gain falls to half", RIG,
          partial(altered, alter=lambda trace: trace * ramp(trace, 1, 0.5), analogue=True)),
    Shift("time reversed", FILE, partial(altered, alter=lambda trace: trace[::-1])),
    Shift("clipped at ±60 pA", RIG,
          partial(altered, alter=lambda trace: trace.clip(-60, 60), analogue=True)),
    Shift("converter with steps of 4 pA", RIG,
          partial(altered, alter=lambda trace: converted(trace, 4.0), analogue=True)),
    *(Shift(f"noise alone, SD {pa:g} pA", RIG, partial(noise_alone, sd_pa=pa), cell=False)
      for pa in (14, 18)),
    Shift("fast cells of no class", OTHER, fast_cell),
    *(Shift(f"spikes × {by:g} as long", BIOLOGY, partial(slowed, factor=by))
      for by in (1.05, 1.1, 1.2, 1.3, 1.5)),
)  # fmt: skip

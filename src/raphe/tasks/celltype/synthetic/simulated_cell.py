"""One simulated cell: what it is like, when it fires, and the trace recorded from it.

The classes share the limits of every trait and differ in its centre, so that no trait alone
separates them. Only the UDI's distribution is a published one. The other centres are chosen by
hand: whatever a network gains from them says nothing about real neurons.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from raphe.tasks.celltype.recordings.file_names import CLASSES
from raphe.tasks.celltype.synthetic.simulated_noise import DayNoise
from raphe.tasks.celltype.synthetic.simulated_spike import BEFORE_MS, SpikeShape, draw_udi_ms

RATE_HZ = 40_000.0  # Corradetti et al. 2024
PEAK_LIMITS_PA = (60.0, 140.0)
REFRACTORY_MS = 10.0
FALL_PER_UDI = 0.30  # so the inward peak has faded to 0.05 % at the outward peak


class Trait(NamedTuple):
    """A normal distribution (mean, SD) for each class, cut at limits that both classes share."""

    ser: tuple[float, float]
    nser: tuple[float, float]
    limits: tuple[float, float]

    def draw(self, label: str, rng: np.random.Generator) -> float:
        """A value within the limits."""
        low, high = self.limits
        while True:
            value = rng.normal(*(self.ser if label == CLASSES[0] else self.nser))
            if low <= value <= high:
                return float(value)


AMPLITUDE_PA = Trait((92.0, 20.0), (98.0, 22.0), (66.0, 134.0))
AMPLITUDE_CV = Trait((0.03, 0.01), (0.035, 0.012), (0.01, 0.06))
# The published cell grew from −75 to −95 pA in 103 s.
GROWTH_PER_100_S = Trait((0.12, 0.12), (0.10, 0.12), (-0.15, 0.40))
FIRING_HZ = Trait((2.4, 0.9), (4.8, 2.0), (1.0, 14.0))
SER_FIRING_LIMIT_HZ = 4.0
INTERVAL_CV = Trait((0.20, 0.08), (0.38, 0.15), (0.05, 1.0))

RISE_MS = Trait((0.062, 0.008), (0.058, 0.008), (0.052, 0.078))
FALL_MS = Trait((0.078, 0.010), (0.073, 0.010), (0.054, 0.096))
SHOULDER_CHANCE = {"SER": 0.65, "NSER": 0.40}
SHOULDER = Trait((0.31, 0.06), (0.28, 0.06), (0.12, 0.40))
SHOULDER_MS = Trait((0.135, 0.015), (0.125, 0.015), (0.10, 0.18))
OUTWARD = Trait((0.19, 0.06), (0.24, 0.07), (0.08, 0.50))
BEND = Trait((1.6, 0.4), (1.4, 0.4), (0.8, 2.4))
DECAY_MS = Trait((0.42, 0.13), (0.35, 0.12), (0.12, 0.90))
HUMP_CHANCE = {"SER": 0.50, "NSER": 0.30}
HUMP = Trait((0.55, 0.20), (0.50, 0.20), (0.20, 0.90))
HUMP_AT = Trait((0.38, 0.07), (0.38, 0.07), (0.25, 0.60))


@dataclass(frozen=True)
class CellTraits:
    """What stays the same through a recording of one cell."""

    label: str
    shape: SpikeShape
    amplitude_pa: float  # of the inward peak at the start of the recording, without its sign
    amplitude_cv: float  # from spike to spike
    growth_per_100_s: float  # of the inward peak, as a fraction
    firing_hz: float
    interval_cv: float


def draw_traits(label: str, rng: np.random.Generator) -> CellTraits:
    """A cell of class `label`."""
    return CellTraits(
        label,
        _draw_shape(label, rng),
        AMPLITUDE_PA.draw(label, rng),
        AMPLITUDE_CV.draw(label, rng),
        GROWTH_PER_100_S.draw(label, rng),
        _draw_firing_hz(label, rng),
        INTERVAL_CV.draw(label, rng),
    )


def draw_spike_times(traits: CellTraits, duration_s: float, rng: np.random.Generator) -> np.ndarray:
    """Times of the inward peaks, float64 (n,), in s: gamma intervals after a refractory time."""
    refractory_s = REFRACTORY_MS / 1000
    mean_s = 1 / traits.firing_hz - refractory_s
    shape = (mean_s * traits.firing_hz / traits.interval_cv) ** 2
    times: list[float] = []
    time_s = -rng.random() / traits.firing_hz
    while True:
        time_s += refractory_s + rng.gamma(shape, mean_s / shape)
        if time_s >= duration_s:
            return np.array(times)
        if time_s >= 0:
            times.append(time_s)


def draw_peaks_pa(traits: CellTraits, times_s: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Inward peak of each spike, without its sign: float64 (n,), in pA."""
    trend = 1 + traits.growth_per_100_s * times_s / 100
    scatter = 1 + traits.amplitude_cv * rng.standard_normal(len(times_s))
    return np.clip(traits.amplitude_pa * trend * scatter, *PEAK_LIMITS_PA)


def spikes_alone(
    shape: SpikeShape, times_s: np.ndarray, peaks_pa: np.ndarray, n_samples: int
) -> np.ndarray:
    """The noise-free trace: float32 (n_samples,), in pA. Peaks fall between samples, too."""
    before, after = (round(ms * RATE_HZ / 1000) for ms in (BEFORE_MS, shape.end_ms))
    offsets = np.arange(-before, after)
    centres = np.rint(times_s * RATE_HZ).astype(np.int64)
    positions = centres[:, None] + offsets  # (n spikes, samples around one)
    time_ms = (positions / RATE_HZ - times_s[:, None]) * 1000
    current_pa = (peaks_pa[:, None] * shape.current(time_ms)).astype(np.float32)
    inside = (positions >= 0) & (positions < n_samples)
    trace = np.zeros(n_samples, np.float32)
    np.add.at(trace, positions[inside], current_pa[inside])
    return trace


def record(
    traits: CellTraits, noise: DayNoise, duration_s: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Record the cell. Returns the trace, float32 (n,) in pA, and the spike times in s."""
    n_samples = round(duration_s * RATE_HZ)
    times_s = draw_spike_times(traits, duration_s, rng)
    peaks_pa = draw_peaks_pa(traits, times_s, rng)
    trace = noise.synthesise(n_samples, RATE_HZ, rng)
    trace += spikes_alone(traits.shape, times_s, peaks_pa, n_samples)
    return trace, times_s


def _draw_shape(label: str, rng: np.random.Generator) -> SpikeShape:
    udi_ms = draw_udi_ms(label, rng)
    return SpikeShape(
        udi_ms=udi_ms,
        rise_ms=RISE_MS.draw(label, rng),
        fall_ms=min(FALL_MS.draw(label, rng), FALL_PER_UDI * udi_ms),
        shoulder=SHOULDER.draw(label, rng) * (rng.random() < SHOULDER_CHANCE[label]),
        shoulder_ms=SHOULDER_MS.draw(label, rng),
        outward=OUTWARD.draw(label, rng),
        bend=BEND.draw(label, rng),
        decay_ms=DECAY_MS.draw(label, rng),
        hump=HUMP.draw(label, rng) * (rng.random() < HUMP_CHANCE[label]),
        hump_at=HUMP_AT.draw(label, rng),
    )


def _draw_firing_hz(label: str, rng: np.random.Generator) -> float:
    """Serotonergic cells keep below 4 Hz."""
    while True:
        firing_hz = FIRING_HZ.draw(label, rng)
        if label != CLASSES[0] or firing_hz <= SER_FIRING_LIMIT_HZ:
            return firing_hz

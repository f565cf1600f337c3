"""Calcium traces by a simulator of another kind than that of training.

Training draws a double exponential, bends it by a Hill curve and filters noise on the spectrum, all
at 100 Hz. Here spikes come at 2 ms, calcium binds an indicator by its kinetics, a frame is the mean
while the laser meets the cell, and noise is that of photons, larger where the cell is brighter.

N neurons, S steps of 2 ms, T frames.
"""

from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

STEP_S = 0.002
REST_NM = 50.0  # of free calcium
FIRING = ("even", "in bursts", "in states")
IN_A_BURST, BURST_STEPS = 2.5, (3, 6)  # spikes on average; steps from one to the next
UP_S, DOWN_S = 5.0, 10.0  # of states, between which a neuron is silent
DWELL = 0.4  # of a frame, in which the laser meets the neuron
WANDER, WANDER_S, BLEACHED = 0.3, (60.0, 300.0), 0.1  # of a spike's peak; period; of the baseline
SINGLE_S = 12.0  # of a trace with a single spike in its middle


@dataclass(frozen=True)
class Binding:
    """An indicator by its kinetics: calcium binds with a Hill exponent and unbinds."""

    name: str
    hill: float
    half_nm: float  # free calcium that fills half of it
    unbinds_per_s: float
    calcium_s: float  # decay of free calcium, longer the more the indicator buffers
    jump_nm: float  # of a spike
    peak: float  # ΔF/F of a single spike


INDICATORS = (  # after Chen et al. 2013 and Zhang et al. 2023: how fast each rises and decays
    Binding("like GCaMP6f", 1.8, 500, 7.0, 0.05, 150, 0.20),
    Binding("like GCaMP6s", 1.6, 300, 1.8, 0.12, 80, 0.25),
    Binding("like jGCaMP8m", 1.5, 250, 7.0, 0.02, 120, 0.35),
    Binding("like OGB-1", 1.0, 240, 60.0, 0.60, 25, 0.10),
)


@dataclass(frozen=True)
class Neurons:
    """Some neurons with what their indicator shows."""

    spikes: np.ndarray  # bool (N, S)
    bound: np.ndarray  # float32 (N, S), ΔF/F
    single: np.ndarray  # float32 (N, s), the same of a spike alone, in its middle
    single_peak: np.ndarray  # (N,), ΔF/F

    @property
    def rate_per_s(self) -> np.ndarray:
        """(N,), as they fired."""
        return self.spikes.mean(axis=1) / STEP_S


def neurons(n: int, rate_per_s: float, duration_s: float, rng: np.random.Generator) -> Neurons:
    """So many, each indicator and each way of firing as often as the others."""
    spikes = np.stack(
        [fire(FIRING[i % len(FIRING)], rate_per_s, duration_s, rng) for i in range(n)]
    )
    kinds = [INDICATORS[i % len(INDICATORS)] for i in range(n)]
    alone = np.zeros((n, round(SINGLE_S / STEP_S)), bool)
    alone[:, alone.shape[1] // 2] = True
    shown = bound(np.concatenate([alone, spikes], axis=1), kinds)
    single, of_spikes = np.split(shown, [alone.shape[1]], axis=1)
    peak = single.max(axis=1)
    scale = (np.array([kind.peak for kind in kinds]) / peak)[:, None].astype(np.float32)
    return Neurons(spikes, of_spikes * scale, single * scale, peak * scale[:, 0])


def fire(how: str, rate_per_s: float, duration_s: float, rng: np.random.Generator) -> np.ndarray:
    """Whether there is a spike in each step (S,): at most one, with a mean rate over long times."""
    n_steps = round(duration_s / STEP_S)
    if how == "even":
        return rng.random(n_steps) < rate_per_s * STEP_S
    if how == "in states":
        ends = np.cumsum(rng.exponential(np.tile([UP_S, DOWN_S], n_steps // 1000 + 10)))
        is_up = np.searchsorted(ends, np.arange(n_steps) * STEP_S) % 2 == 0
        chance = rate_per_s * STEP_S * (UP_S + DOWN_S) / UP_S
        return is_up & (rng.random(n_steps) < chance)
    begin = np.flatnonzero(rng.random(n_steps) < rate_per_s * STEP_S / IN_A_BURST)
    size = rng.geometric(1 / IN_A_BURST, len(begin))
    steps = rng.integers(*BURST_STEPS, (len(begin), size.max(initial=1)), endpoint=True)
    steps[:, 0] = 0
    at = begin[:, None] + np.cumsum(steps, axis=1)
    at = at[np.arange(at.shape[1]) < size[:, None]]
    spikes = np.zeros(n_steps, bool)
    spikes[at[at < n_steps]] = True
    return spikes


def bound(spikes: np.ndarray, kinds: list[Binding]) -> np.ndarray:
    """How much of the indicator calcium holds, above rest: float32 (N, S)."""

    def of(name: str) -> np.ndarray:
        return np.array([getattr(kind, name) for kind in kinds])[:, None]

    calcium = np.stack(
        [
            lfilter([kind.jump_nm], [1, -np.exp(-STEP_S / kind.calcium_s)], row)
            for kind, row in zip(kinds, spikes.astype(float), strict=True)
        ]
    )
    binds = of("unbinds_per_s") * ((calcium + REST_NM) / of("half_nm")) ** of("hill")
    turnover = binds + of("unbinds_per_s")
    kept = np.exp(-STEP_S * turnover)
    added = binds / turnover * (1 - kept)
    rest = of("unbinds_per_s") * (REST_NM / of("half_nm")) ** of("hill")
    held = at_rest = (rest / (rest + of("unbinds_per_s")))[:, 0]
    shown = np.empty(spikes.shape, np.float32)
    for step, (keep, add) in enumerate(zip(kept.T, added.T, strict=True)):
        held = keep * held + add
        shown[:, step] = held - at_rest
    return shown


def frames(shown: np.ndarray, frame_hz: float) -> np.ndarray:
    """Of each frame the mean while the laser meets the neuron, in its middle: (N, T)."""
    reached = np.pad(np.cumsum(shown, axis=1, dtype=np.float64), [(0, 0), (1, 0)])
    n_frames = int(shown.shape[1] * STEP_S * frame_hz)
    begin = (np.arange(n_frames) + (1 - DWELL) / 2) / frame_hz
    steps = np.arange(reached.shape[1]) * STEP_S
    length = max(DWELL / frame_hz, STEP_S)
    ends = (np.stack([np.interp(at, steps, row) for row in reached])
            for at in (begin, begin + length))  # fmt: skip
    first, last = ends
    return (last - first) * STEP_S / length


def imaged(
    some: Neurons, frame_hz: float, noise: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """ΔF/F of each neuron (N, T), and the d′ of a single spike by a matched filter (N,).

    `noise` is that of a frame at 30 frames/s, relative to the peak of a single spike.
    """
    seen, single = frames(some.bound, frame_hz), frames(some.single, frame_hz)
    deviation = (noise * np.sqrt(frame_hz / 30) * some.single_peak)[:, None]
    d_prime = np.sqrt((single**2).sum(axis=1)) / deviation[:, 0]
    time_s = np.arange(seen.shape[1]) / frame_hz
    period_s = rng.uniform(*WANDER_S, (len(seen), 1))
    wander = WANDER * some.single_peak[:, None] * np.sin(2 * np.pi * time_s / period_s)
    bleached = 1 - BLEACHED * time_s / time_s[-1]
    photons = np.sqrt(np.maximum(1 + seen, 0.1))  # more of them where it is brighter
    dff = (1 + seen) * bleached - 1 + wander + deviation * photons * rng.normal(size=seen.shape)
    return dff, d_prime

"""Traces that were never calcium, or are not what they are said to be, made from recordings.

T frames of a trace, N neurons of a population.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from calcium_sets import Segment, read_neurons
from scipy.ndimage import gaussian_filter1d, median_filter, uniform_filter1d

from raphe.tasks.calcium.recordings.sampling import RATE_HZ
from raphe.tasks.calcium.synthetic.synthesizer import Synthesis

LONGEST_S, SHORTEST_S = 120.0, 20.0  # of a trace that is judged
MAD_OF_STEPS = 0.9539  # the median |step| of white noise of deviation 1
UNTOUCHED, SYNTHETIC, TRANSPOSED = "as recorded", "synthetic, 4–120 Hz", "transposed matrix"
SAID_ONLY = ("z-scored", "smoothed, SD 0.2 s", "mean of 5 frames", "median of 5 frames")
TOLD_RATE = {  # by the kind, how many times too fast the frame rate that is told
    "rate told ×4": 4.0,
    "rate told ÷4": 0.25,
    "rate told ×2": 2.0,
    "rate told ÷2": 0.5,
}


@dataclass(frozen=True)
class Trace:
    """One trace with the frame rate that is told of it."""

    kind: str
    frames: np.ndarray  # (T,)
    rate_hz: float


def traces_of(file: Path, seed: int) -> list[Segment]:
    """Recordings of a set, those of different neurons first: at most two minutes of each.

    Trials of some seconds are joined, as a user has them: neuron by neuron.
    """
    rng = np.random.default_rng(seed)
    by_turn: list[tuple[int, float, Segment]] = []
    for neuron in read_neurons(file):
        segments = list(neuron.segments)
        if np.median([len(s.dff) / s.rate_hz for s in segments]) < SHORTEST_S:
            segments = [_joined(segments)]
        for turn, place in enumerate(rng.permutation(len(segments))):
            if len(segments[place].dff) >= SHORTEST_S * segments[place].rate_hz:
                by_turn.append((turn, rng.random(), _first(segments[place])))
    return [segment for *_, segment in sorted(by_turn, key=lambda item: item[:2])]


def _joined(segments: list[Segment]) -> Segment:
    alike = [s for s in segments if np.isclose(s.rate_hz, segments[0].rate_hz, rtol=0.01)]
    begins_s = np.cumsum([0.0, *(len(s.dff) / s.rate_hz for s in alike)])
    spikes = [s.spike_s + begin for s, begin in zip(alike, begins_s, strict=False)]
    return Segment(np.concatenate([s.dff for s in alike]), alike[0].rate_hz, np.concatenate(spikes))


def _first(segment: Segment) -> Segment:
    n = int(LONGEST_S * segment.rate_hz)
    early = segment.spike_s[segment.spike_s < n / segment.rate_hz]
    return Segment(segment.dff[:n], segment.rate_hz, early)


def nonsense(recording: Segment, rng: np.random.Generator) -> Iterator[Trace]:
    """One trace of each kind, of the noise, length and rate of a recording."""
    x, hz = recording.dff, recording.rate_hz
    n = len(x)
    time_s = np.arange(n) / hz
    step = np.diff(x)
    sd = np.median(np.abs(step - np.median(step))) / MAD_OF_STEPS or x.std()
    white = sd * rng.normal(size=n)

    def log(low: float, high: float) -> float:
        return float(np.exp(rng.uniform(np.log(low), np.log(high))))

    def swinging(period_s: float) -> np.ndarray:
        return np.sin(2 * np.pi * (time_s / period_s + rng.random()))

    levels = _levels(n, log(5, 40) * hz, rng)
    photons = log(2, 200)
    made = {
        "white noise": white,
        "shot noise": rng.poisson(photons, n) / photons - 1,
        "random walk": np.cumsum(rng.normal(size=n)),
        "random walk in noise": white + sd * log(0.1, 30) * np.cumsum(rng.normal(size=n)) / hz,
        "pink noise": coloured(n, 1.0, rng),
        "noise of power 1/f^1.5": coloured(n, 1.5, rng),
        "drift": white + sd * log(3, 30) * swinging(log(15, 120)),
        "bleaching": white + sd * log(10, 100) * np.exp(-time_s / log(20, 300)),
        "line artefact": white + sd * log(0.5, 5) * swinging(1 / rng.uniform(0.3, hz / 2)),
        "inverted": -x,
        "backwards": x[::-1],
        "steps": levels,
        "steps in noise": white + sd * log(3, 30) * levels,
        "shuffled frames": rng.permutation(x),
    }
    counts = np.histogram(recording.spike_s, np.arange(n + 1) / hz)[0].astype(float)
    if counts.any():
        made["spikes"] = counts
        stray = (rng.random(n) < 0.05) * rng.gamma(1, 0.2, n)
        made["deconvolved"] = counts * rng.gamma(4, 0.25, n) + stray
    said = (
        (x - x.mean()) / x.std(),
        gaussian_filter1d(x, 0.2 * hz),
        uniform_filter1d(x, 5),
        median_filter(x, 5),
    )
    for kind, frames in [*made.items(), *zip(SAID_ONLY, said, strict=True)]:
        yield Trace(kind, frames, hz)
    for kind, factor in TOLD_RATE.items():
        if n >= SHORTEST_S * hz * factor:
            yield Trace(kind, x, hz * factor)


def coloured(n: int, power: float, rng: np.random.Generator) -> np.ndarray:
    """Noise (n,) of power 1 / frequency ** power, and of deviation 1."""
    spectrum = np.fft.rfft(rng.normal(size=n))
    noise = np.fft.irfft(spectrum / np.maximum(np.arange(len(spectrum)), 1) ** (power / 2), n)
    return noise / noise.std()


def _levels(n: int, n_frames: float, rng: np.random.Generator) -> np.ndarray:
    """A level (n,) that is another, by chance, after so many frames on average."""
    changes = np.sort(rng.integers(0, n, max(2, rng.poisson(n / n_frames))))
    return rng.normal(size=len(changes) + 1)[np.searchsorted(changes, np.arange(n), "right")]


def transposed(recordings: list[Segment], most: int, rng: np.random.Generator) -> list[Trace]:
    """Frames of a population as if they were its traces: each has a value from each neuron.

    The population are stretches of all recordings of the set that has the most of one rate, as
    many as each has frames, in any order.
    """
    rates_hz = np.array([r.rate_hz for r in recordings])
    alike = np.abs(rates_hz[:, None] / rates_hz - 1) < 0.05
    chosen = [recordings[i] for i in np.flatnonzero(alike[alike.sum(1).argmax()])]
    n_total = sum(len(r.dff) for r in chosen)
    n = min(int(np.sqrt(n_total)), int(n_total / (1.1 * SHORTEST_S * chosen[0].rate_hz)))
    stretches = [
        r.dff[at : at + n] for r in chosen for at in range(0, len(r.dff) - n + 1, n)
    ]  # N of n frames
    if len(stretches) < SHORTEST_S * chosen[0].rate_hz:
        return []
    population = np.array(stretches)[rng.permutation(len(stretches))]
    frames = rng.choice(n, min(most, n), replace=False)
    return [Trace(TRANSPOSED, population[:, t], chosen[0].rate_hz) for t in frames]


def synthetic(n: int, rng: np.random.Generator) -> Iterator[Trace]:
    """Synthetic calcium as networks are trained on, of 30 s to 10 min, at its own frame rates."""
    for length_s in np.geomspace(30, 600, 10):
        batch = Synthesis().batch(max(1, n // 10), round(length_s * RATE_HZ), rng)
        for trace, hz in zip(batch.calcium, batch.frame_hz.tolist(), strict=True):
            at = np.arange(0, len(trace) - 1, RATE_HZ / hz)
            yield Trace(SYNTHETIC, np.interp(at, np.arange(len(trace)), trace), hz)

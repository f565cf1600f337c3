"""LabelledRecording calcium traces made from nothing, so that everything runs with no download.

Spikes of a bursty Poisson process raise a calcium that rises and decays exponentially and saturates
its indicator; the microscope averages it over a frame and adds noise and a slow drift. Datasets
differ in indicator, frame rate and noise. A network that does well here has learned this
simulation: its score says nothing about real neurons.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from raphe.core.errors import SettingError
from raphe.tasks.calcium.recordings.conditioning import Conditioning
from raphe.tasks.calcium.recordings.sampling import RATE_HZ
from raphe.tasks.calcium.stores.trace_store import LabelledRecording

CAVEAT = (
    "These traces are simulated: scores on them say nothing about biology, only that the software "
    "works."
)
FINE_HZ = 1000.0  # steps of the simulation
FRAME_RATES_HZ = (7.5, 11.5, 15.0, 30.0, 60.0)
SHORTEST_S = 20.0
_DATASET, _RECORDING = 0, 1  # the random streams


@dataclass(frozen=True)
class Simulation:
    """What to simulate. Raises SettingError for what cannot be."""

    datasets: int = 4
    recordings: int = 6  # of each dataset
    duration_s: float = 60.0  # of each recording
    seed: int = 42

    def __post_init__(self) -> None:
        for name, low in (("datasets", 1), ("recordings", 1), ("seed", 0)):
            if getattr(self, name) < low:
                raise SettingError(f"{name}: expected {low} or more, got {getattr(self, name)}")
        if not SHORTEST_S <= self.duration_s <= 3600:
            raise SettingError(
                f"duration_s: expected {SHORTEST_S:g} to 3600 s, got {self.duration_s:g}"
            )

    def rng(self, *key: int) -> np.random.Generator:
        """The generator of one dataset or recording, the same however many there are."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))


@dataclass(frozen=True)
class Imaging:
    """What the recordings of one dataset share."""

    rise_s: float
    decay_s: float
    dff_per_spike: float
    saturation_dff: float
    frame_hz: float
    noise: float  # of ΔF/F in %, for a second of imaging

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Imaging":
        """An indicator between a fast dye and a slow protein, under a good or a poor microscope."""
        return cls(
            rise_s=rng.uniform(0.01, 0.1),
            decay_s=rng.uniform(0.3, 1.2),
            dff_per_spike=rng.uniform(0.08, 0.3),
            saturation_dff=rng.uniform(1.5, 6.0),
            frame_hz=float(rng.choice(FRAME_RATES_HZ)),
            noise=rng.uniform(0.8, 3.0),
        )


def simulate(simulation: Simulation) -> Iterator[LabelledRecording]:
    """Each recording of each dataset, conditioned; named sim1/0 … as those of a folder would be."""
    condition = Conditioning()
    for d in range(simulation.datasets):
        imaging = Imaging.draw(simulation.rng(_DATASET, d))
        for r in range(simulation.recordings):
            rng = simulation.rng(_RECORDING, d, r)
            spikes = fire(simulation.duration_s, rng)
            trace = image(spikes, imaging, rng)
            samples = condition(trace, imaging.frame_hz).samples
            n = min(len(samples), int(simulation.duration_s * RATE_HZ))
            counts = spikes.reshape(-1, int(FINE_HZ / RATE_HZ)).sum(axis=1)
            yield LabelledRecording(
                f"sim{d + 1}/{r}", f"sim{d + 1}", samples[:n], counts[:n], imaging.frame_hz
            )


def fire(duration_s: float, rng: np.random.Generator) -> np.ndarray:
    """Spikes in each millisecond, int64 (n,): Poisson, of a log-rate that wanders."""
    n = int(duration_s * RATE_HZ) * int(FINE_HZ / RATE_HZ)
    mean_hz, spread = rng.uniform(0.5, 4.0), rng.uniform(0.5, 1.5)
    log_rate = _wander(n, rng.uniform(0.1, 1.0), rng) * spread
    return rng.poisson(mean_hz * np.exp(log_rate - spread**2 / 2) / FINE_HZ)


def image(spikes: np.ndarray, imaging: Imaging, rng: np.random.Generator) -> np.ndarray:
    """The fluorescence of spikes (n,) at 1 kHz: float64 (frames,), in units of its rest."""
    decay, rise = (np.exp(-1 / (tau * FINE_HZ)) for tau in (imaging.decay_s, imaging.rise_s))
    kernel_peak = _peak(imaging.rise_s, imaging.decay_s)
    calcium = lfilter([1], [1, -decay], spikes) - lfilter([1], [1, -rise], spikes)
    dff = calcium * imaging.dff_per_spike / kernel_peak
    dff = dff / (1 + dff / imaging.saturation_dff)
    edges = np.arange(0, len(dff), FINE_HZ / imaging.frame_hz).astype(int)
    frames = np.add.reduceat(dff, edges) / np.diff([*edges, len(dff)])
    noise = rng.normal(size=len(frames)) * imaging.noise / 100 * np.sqrt(imaging.frame_hz)
    drift = 0.1 * np.interp(
        np.linspace(0, 1, len(frames)), np.linspace(0, 1, 7), rng.normal(size=7)
    )
    return 1 + frames + drift + noise


def _wander(n: int, tau_s: float, rng: np.random.Generator) -> np.ndarray:
    """An Ornstein-Uhlenbeck process of variance 1 at 1 kHz: float64 (n,)."""
    keep = np.exp(-1 / (tau_s * FINE_HZ))
    steps = rng.normal(size=n) * np.sqrt(1 - keep**2)
    steps[0] /= np.sqrt(1 - keep**2)
    return lfilter([1], [1, -keep], steps)


def _peak(rise_s: float, decay_s: float) -> float:
    """The largest value of exp(−t/decay) − exp(−t/rise)."""
    t = np.log(decay_s / rise_s) * rise_s * decay_s / (decay_s - rise_s)
    return float(np.exp(-t / decay_s) - np.exp(-t / rise_s))

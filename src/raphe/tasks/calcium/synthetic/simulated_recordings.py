"""Labelled calcium traces made from nothing, so that everything runs with no download.

Datasets differ as those of laboratories do: each has one indicator and one microscope, drawn from
the ranges of `Synthesis`; its recordings differ in firing, noise and drift. A network that does
well here has learned this simulation: its score says nothing about real neurons.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np

from raphe.core.notes import simulated
from raphe.core.ranges import Count, Range, Seed, check_ranges
from raphe.tasks.calcium.recordings.conditioning import Conditioning
from raphe.tasks.calcium.recordings.sampling import RATE_HZ
from raphe.tasks.calcium.stores.trace_store import LabelledRecording
from raphe.tasks.calcium.synthetic.indicators import DYE, FAST, SLOW, SWIFT, Span
from raphe.tasks.calcium.synthetic.synthesizer import Synthesis

CAVEAT = simulated("traces")
FRAME_RATES_HZ = (7.5, 11.5, 15.0, 30.0, 60.0)
NOISE: Span = (0.2, 1.0)  # of a frame, relative to one spike's peak
SHORTEST_S = 20.0
_DATASET, _RECORDING = 0, 1  # the random streams


@dataclass(frozen=True)
class Simulation:
    """What to simulate. Raises SettingError for what cannot be."""

    datasets: Count = 4
    recordings: Count = 6  # of each dataset
    duration_s: Annotated[float, Range(SHORTEST_S, 3600, unit="s")] = 60.0  # of each recording
    seed: Seed = 42

    def __post_init__(self) -> None:
        check_ranges(Simulation, vars(self))

    def rng(self, *key: int) -> np.random.Generator:
        """The generator of one dataset or recording, the same however many there are."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))


def simulate(simulation: Simulation) -> Iterator[LabelledRecording]:
    """Each recording of each dataset, conditioned; named sim1/0 … as those of a folder would be."""
    condition = Conditioning()
    n_samples = int(simulation.duration_s * RATE_HZ)
    for dataset in range(simulation.datasets):
        synthesis = one_laboratory(simulation.rng(_DATASET, dataset))
        name, (frame_hz, _) = f"sim{dataset + 1}", synthesis.frame_hz
        for recording in range(simulation.recordings):
            rng = simulation.rng(_RECORDING, dataset, recording)
            calcium, spikes, _ = (batch[0] for batch in synthesis.batch(1, n_samples, rng))
            samples = condition(calcium, RATE_HZ).samples
            cell = f"{name}/{recording}"
            yield LabelledRecording(cell, name, cell, samples, spikes, frame_hz)


def one_laboratory(rng: np.random.Generator) -> Synthesis:
    """Ranges that hold one indicator, one frame rate and one level of noise."""

    def point(between: Span) -> Span:
        return (rng.uniform(*between),) * 2

    kind = (DYE, SWIFT, FAST, SLOW)[rng.integers(4)]
    indicator = replace(
        kind,
        rise_s=point(kind.rise_s),
        decay_s=point(kind.decay_s),
        delay_s=point(kind.delay_s),
        cooperativity=point(kind.cooperativity),
        share=1.0,
    )
    frame_hz = float(rng.choice(FRAME_RATES_HZ))
    absent = replace(indicator, share=0.0)
    return Synthesis(
        dye=indicator,
        swift=absent,
        fast=absent,
        slow=absent,
        quiet=0.0,
        silent=0.0,
        pauses=0.0,
        frame_hz=(frame_hz, frame_hz),
        noise=point(NOISE),
        noisy=0.0,
    )

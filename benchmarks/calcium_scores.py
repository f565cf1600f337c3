"""Scores of a bundle on the neurons of a data set: as recorded, slower, and with noise added."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from calcium_sets import Neuron, Segment, noisier, read_neurons, slower

from raphe.core.files.csv_text import csv_text
from raphe.tasks.calcium.ensemble.bundle import RateBundle
from raphe.tasks.calcium.metrics.known_neurons import (
    AS_RECORDED,
    LOUDER,
    said_over_true,
    seconds_beside,
)
from raphe.tasks.calcium.metrics.rate_factors import SCALE
from raphe.tasks.calcium.metrics.rate_scale import UNSCALED, RateScale, fitted_scale
from raphe.tasks.calcium.metrics.scores import rate_error, score
from raphe.tasks.calcium.metrics.second_counts import Tally, read_seconds, seconds_csv, tally
from raphe.tasks.calcium.recordings.conditioning import fault
from raphe.tasks.calcium.recordings.sampling import RATE_HZ
from raphe.tasks.calcium.recordings.screening import screened
from raphe.tasks.calcium.stores.labelled import times_at_100_hz

FRAME_RATES_HZ = (7.5, 15.0, 30.0, 60.0)
NOISE_LEVELS = tuple(range(1, 10))  # % · s^½
SEED = 3  # of the noise that is added
FACTS = ("condition", "dataset", "neuron", "noise_level", "frames_per_s", "true_rate_per_s")
Row = dict[str, str | float]


class Conditions(NamedTuple):
    """What neurons are brought to beside what they were recorded as."""

    frame_rates_hz: tuple[float, ...]
    noise_levels: tuple[int, ...]  # % · s^½


EVERY = Conditions(FRAME_RATES_HZ, NOISE_LEVELS)
SLOWER_ALONE = Conditions(FRAME_RATES_HZ, ())
NONE = Conditions((), ())


def slower_of(rate_hz: float) -> str:
    return f"about {rate_hz:g} frames/s"


def noise_of(level: float) -> str:
    return f"{LOUDER} {level:g} % s^1/2"


@dataclass(frozen=True)
class Scored:
    """Scores of neurons, and of each set the seconds with so many spikes said and true."""

    rows: list[Row]
    seconds: dict[str, Tally]  # as recorded

    def __add__(self, other: "Scored") -> "Scored":
        return Scored(self.rows + other.rows, self.seconds | other.seconds)

    def write(self, out: Path) -> None:
        header = list(self.rows[0])
        table = [[row[name] for name in header] for row in self.rows]
        seconds_beside(out).write_text(seconds_csv(self.seconds))
        out.write_text(csv_text(header, table))


NONE_SCORED = Scored([], {})


def scale_by_others(scored: Scored, dataset: str) -> RateScale:
    """By what the other sets ask for that their mean rates be right in the median."""
    return fitted_scale(said_over_true(row for row in scored.rows if row["dataset"] != dataset))


def score_sets(
    bundle: Path,
    files: Sequence[Path],
    out: Path,
    conditions: Conditions = EVERY,
    threads: int = 1,
    scale: RateScale = UNSCALED,
) -> Scored:
    """Of each neuron of the sets a row a condition, written to `out`; read from there if it is.

    `scale` multiplies the rates that the bundle says.
    """
    if not (out.exists() and seconds_beside(out).exists()):
        opened = RateBundle.open(bundle, threads)
        rows: list[Row] = []
        seconds: dict[str, Tally] = {}
        for file in files:
            for neuron in read_neurons(file):
                rows += score_neuron(opened, neuron, seconds, conditions, scale)
        Scored(rows, seconds).write(out)
    with out.open(newline="") as file:
        rows = [
            {name: value if name in FACTS[:3] else float(value) for name, value in row.items()}
            for row in csv.DictReader(file)
        ]
    return Scored(rows, read_seconds(seconds_beside(out), "remove it, and it is made again"))


def score_neuron(
    bundle: RateBundle,
    neuron: Neuron,
    seconds: dict[str, Tally],
    conditions: Conditions = EVERY,
    scale: RateScale = UNSCALED,
) -> Iterator[Row]:
    """As recorded, and under each of the conditions that the neuron can be brought to.

    The seconds as recorded are added to those of its set.
    """
    for condition, segments in _conditions(neuron, conditions):
        frames_per_s = float(np.median([segment.rate_hz for segment in segments]))
        pairs = [pair for segment in segments if (pair := inferred(bundle, segment)) is not None]
        if not pairs:
            continue
        said, spikes = zip(*pairs, strict=True)
        factor = scale.at(frames_per_s)
        rates = [factor * rate for rate in said]
        if condition == AS_RECORDED:
            seconds.setdefault(neuron.dataset, Tally()).update(tally(rates, spikes))
        shown = Neuron(neuron.dataset, neuron.name, segments)
        duration_s = sum(map(len, spikes)) / RATE_HZ
        facts = (
            *(condition, neuron.dataset, neuron.name, shown.noise_level),
            frames_per_s,
            sum(int(train.sum()) for train in spikes) / duration_s,
        )
        scores = score(rates, spikes) | rate_error(rates, spikes) | {SCALE: factor}
        yield dict(zip(FACTS, facts, strict=True)) | scores


def _conditions(neuron: Neuron, chosen: Conditions) -> Iterator[tuple[str, tuple[Segment, ...]]]:
    """A condition that one of a neuron's segments cannot be brought to is left out."""
    yield AS_RECORDED, neuron.segments
    for rate_hz in chosen.frame_rates_hz:
        segments = [slower(segment, rate_hz) for segment in neuron.segments]
        if None not in segments:
            yield slower_of(rate_hz), tuple(segments)
    for level in chosen.noise_levels:
        rng = np.random.default_rng([SEED, level])
        segments = [noisier(segment, level, rng) for segment in neuron.segments]
        if None not in segments:
            yield noise_of(level), tuple(segments)


def inferred(bundle: RateBundle, segment: Segment) -> tuple[np.ndarray, np.ndarray] | None:
    """Rate and spikes at 100 Hz (N,); None of a segment of which no rate can be inferred."""
    trace = screened(segment.dff, segment.rate_hz).samples
    if fault(trace):
        return None
    samples = bundle.conditioning(trace, segment.rate_hz).samples
    rate_per_s = bundle.infer(samples, segment.rate_hz).mean
    return rate_per_s, times_at_100_hz(segment.spike_s, len(samples)).astype(np.float64)

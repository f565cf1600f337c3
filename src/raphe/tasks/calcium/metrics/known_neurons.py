"""Neurons whose spikes are known, scored one by one and joined into groups that are alike.

They are scored by networks that were not trained on them: as they were recorded, by
experiment=calcium_folds; by benchmarks/calcium.py also with noise added or frames averaged.
"""

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.errors import SettingError
from raphe.core.files.csv_text import csv_rows, csv_text, damage_told
from raphe.tasks.calcium.metrics.expectation import Group
from raphe.tasks.calcium.metrics.left_out import RATIO, LeftOut, errors_of
from raphe.tasks.calcium.metrics.rate_factors import SCALE
from raphe.tasks.calcium.metrics.rate_scale import (
    UNSCALED,
    RateScale,
    SaidOverTrue,
    fitted_scale,
)
from raphe.tasks.calcium.metrics.scored_cells import FEWEST_CELLS, figure_over_cells
from raphe.tasks.calcium.metrics.second_counts import SECONDS, Tally

NOISE_EDGES = (0.0, 0.5, 1.5, 2.5, 3.5, 5.5, 9.5)  # %/√Hz: the whole levels lie within
FRAME_EDGES = (5.0, 10.6, 21.2, 42.4, 84.9, 170.0)  # frames/s: 7.5, 15, 30, 60, 120 lie within
NEURON, NOISE, FRAMES = ("dataset", "neuron"), "noise_level", "frames_per_s"
CONDITION, AS_RECORDED = "condition", "as recorded"
LOUDER = "noise"  # begins conditions with noise added
AS_RECORDED_ALONE = "as_recorded_alone"  # whether there are no other conditions
CORRELATION = "correlation"
MEASURES = (CORRELATION, "correlation_smoothed", "error_both_smoothed", RATIO)
OF_NEURONS = "name pooled/neurons.csv of experiment=calcium_folds"
MOST_NEURONS = (10, 90)  # percentiles, between which four in five lie

Score = Mapping[str, str]


def read_scores(path: Path) -> list[Score]:
    """A row for each neuron under each condition. Raises SettingError."""
    with damage_told(path, SettingError, OF_NEURONS):
        rows: list[Score] = list(csv_rows(path))
        needed = {CONDITION, *NEURON, NOISE, FRAMES, SCALE, *MEASURES}
        if not rows or (missing := needed - rows[0].keys()):
            what = f"no column {min(missing)}" if rows else "no row"
            raise SettingError(f"{path}: it has {what}; {OF_NEURONS}")
        for row in rows:
            for name in (NOISE, FRAMES, SCALE, *MEASURES):
                float(row[name])
    return rows


def neurons_csv(cells: Iterable[Score]) -> str:
    """The same table of cells as they were recorded, rows of cells.csv: those of a known noise."""
    columns = (CONDITION, *NEURON, NOISE, FRAMES, SCALE, *MEASURES)
    rows = [
        (
            *(AS_RECORDED, row["dataset"], row["cell"], row[NOISE], row[FRAMES], 1),
            *(row.get(name, "nan") for name in MEASURES),
        )
        for row in cells
        if row.get(NOISE)
    ]
    return csv_text(columns, rows)


def groups_of(rows: Iterable[Score]) -> list[Group]:
    """Those that hold a neuron; one that comes in several conditions alike counts once."""
    scores: dict[tuple[int, int], dict[tuple[str, str], list[float]]] = {}
    for row in rows:
        value = float(row[CORRELATION])
        place = _place(float(row[NOISE]), float(row[FRAMES]))
        if place is not None and not math.isnan(value):
            of_group = scores.setdefault(place, defaultdict(list))
            of_group[row[NEURON[0]], row[NEURON[1]]].append(value)
    noises, frames = list(pairwise(NOISE_EDGES)), list(pairwise(FRAME_EDGES))
    return [_group(noises[i], frames[j], scores[i, j]) for i, j in sorted(scores)]


def by_dataset(rows: Iterable[Score]) -> list[dict[str, Any]]:
    """As recorded, of each set and measure the figure over its neurons, as JSON values."""
    recorded = [row for row in rows if row[CONDITION] == AS_RECORDED]
    figures = []
    for dataset in sorted({row["dataset"] for row in recorded}):
        for measure in MEASURES:
            scores = np.array([float(r[measure]) for r in recorded if r["dataset"] == dataset])
            estimate = figure_over_cells(measure, scores)
            ends = {name: getattr(estimate, name) for name in ("value", "low", "high")}
            figures.append(
                {
                    "dataset": dataset,
                    "measure": measure,
                    "n": int(np.count_nonzero(~np.isnan(scores))),
                    **{name: None if np.isnan(end) else float(end) for name, end in ends.items()},
                }
            )
    return figures


def scale_of(rows: Sequence[Score]) -> RateScale:
    """By what rates must be multiplied to be right in the median, every data set alike; UNSCALED
    where these scores are of rates as the networks say them.

    Scores of scaled rates are each set's by the others alone: this is that of all.
    """
    if all(float(row[SCALE]) == 1 for row in rows):
        return UNSCALED
    return fitted_scale(said_over_true(rows))


def said_over_true(rows: Iterable[Mapping[str, Any]]) -> list[SaidOverTrue]:
    """What the networks say of the neurons by themselves, noise as it was recorded."""
    return [
        SaidOverTrue(
            row["dataset"],
            row["neuron"],
            float(row[FRAMES]),
            row[CONDITION] == AS_RECORDED,
            float(row[RATIO]) / float(row[SCALE]),
        )
        for row in rows
        if not row[CONDITION].startswith(LOUDER)
    ]


def ratios_as_recorded(rows: Iterable[Mapping[str, Any]]) -> list[np.ndarray]:
    """Said over true mean rate of the neurons of each data set, (G,) each."""
    ratios = defaultdict(list)
    for row in rows:
        if row[CONDITION] == AS_RECORDED:
            ratios[row["dataset"]].append(float(row[RATIO]))
    return [np.array(of_set) for of_set in ratios.values()]


def errors_as_recorded(rows: Iterable[Score], seconds: Mapping[str, Tally]) -> list[LeftOut]:
    """How far what is said of these neurons is off, see `errors_of`; `seconds` of each set."""
    return errors_of(ratios_as_recorded(rows), seconds.values())


def seconds_beside(scores: Path) -> Path:
    """Where the seconds of the neurons in a table of scores are tallied, see second_counts."""
    return scores.with_name(f"{scores.stem}.{SECONDS}")


def _place(noise: float, rate_hz: float) -> tuple[int, int] | None:
    i, j = (
        bisect_right(edges, at) - 1 for edges, at in ((NOISE_EDGES, noise), (FRAME_EDGES, rate_hz))
    )
    is_within = 0 <= i < len(NOISE_EDGES) - 1 and 0 <= j < len(FRAME_EDGES) - 1
    return (i, j) if is_within else None


def _group(
    noise: tuple[float, float],
    frame_hz: tuple[float, float],
    scores: Mapping[tuple[str, str], Sequence[float]],
) -> Group:
    of_neurons = [float(np.mean(values)) for values in scores.values()]
    low, high = np.percentile(of_neurons, MOST_NEURONS).tolist()
    enough = len(of_neurons) >= FEWEST_CELLS
    return Group(
        noise,
        frame_hz,
        len(of_neurons),
        len({dataset for dataset, _ in scores}),
        float(np.mean(of_neurons)),
        low if enough else None,
        high if enough else None,
    )

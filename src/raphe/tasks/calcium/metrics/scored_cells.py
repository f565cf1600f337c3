"""Cells with the rates inferred from their recordings, each cell scored as a whole."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import quantile_test

from raphe.core.metric_names import Estimate
from raphe.core.statistics.intervals import (
    CONFIDENCE,
    Difference,
    mean_difference,
    mean_of,
)
from raphe.tasks.calcium.metrics.scores import rate_error, score
from raphe.tasks.calcium.stores.trace_store import CalciumStore

FEWEST_CELLS = 8  # for an interval: of fewer none holds what it says
MEDIANS = ("error_both_smoothed", "error_spikes_smoothed", "bias", "rate_ratio")
# of cells: a quiet one with a few spikes too many has an error of ten and more


@dataclass(frozen=True)
class InferredRecording:
    """What a network says of one recording."""

    index: int  # of the recording in its store
    rate: np.ndarray  # float32 (N,), a z-score
    rate_per_s: np.ndarray | None  # float32 (N,), where its scale is known

    @property
    def best_known(self) -> np.ndarray:
        """The rate on one scale with those of other recordings, where that is known."""
        return self.rate if self.rate_per_s is None else self.rate_per_s


@dataclass(frozen=True)
class InferredCell:
    """What a network says of one cell, and how well."""

    name: str
    dataset: str
    recordings: tuple[InferredRecording, ...]
    scores: dict[str, float]


def scored_cells(inferred: Sequence[InferredRecording], store: CalciumStore) -> list[InferredCell]:
    """The cells whose recordings these are, in the order of their first ones."""
    by_cell: dict[tuple[str, str], list[InferredRecording]] = {}
    for answer in inferred:
        recording = store.recordings[answer.index]
        by_cell.setdefault((recording.dataset, recording.cell), []).append(answer)
    cells = []
    for (dataset, name), answers in by_cell.items():
        spikes = [store.spikes[store.recordings[answer.index].rows] for answer in answers]
        scores = score([answer.best_known for answer in answers], spikes)
        rates = [answer.rate_per_s for answer in answers if answer.rate_per_s is not None]
        if len(rates) == len(answers):
            scores |= rate_error(rates, spikes)
        cells.append(InferredCell(name, dataset, tuple(answers), scores))
    return cells


def over_cells(cells: Sequence[InferredCell]) -> dict[str, float]:
    """Each measure's mean over cells, of MEDIANS the median; cells without a value are left out."""
    names = cells[0].scores
    columns = {name: np.array([cell.scores[name] for cell in cells]) for name in names}
    return {
        name: float((np.nanmedian if name in MEDIANS else np.nanmean)(values))
        if not np.isnan(values).all()
        else np.nan
        for name, values in columns.items()
    }


def figure_over_cells(name: str, scores: np.ndarray) -> Estimate:
    """A measure of cells (G,) as `over_cells` sums it up, the median with its exact interval."""
    if name not in MEDIANS:
        return mean_over_cells(scores)
    known = scores[~np.isnan(scores)]
    if not len(known):
        return Estimate(np.nan, np.nan, np.nan)
    low = high = np.nan
    if _enough(known):
        low, high = quantile_test(known, p=0.5).confidence_interval(CONFIDENCE)
    return Estimate(float(np.median(known)), float(low), float(high))


def mean_over_cells(scores: np.ndarray, dataset: np.ndarray | None = None) -> Estimate:
    """As `mean_of` of the cells (G,), of the datasets' means where these are given (G,); without an
    interval where cells are fewer than FEWEST_CELLS."""
    mean = mean_of(scores, dataset)
    return mean if _enough(scores) else Estimate(mean.value, np.nan, np.nan)


def difference_over_cells(
    first: np.ndarray, second: np.ndarray, dataset: np.ndarray | None = None
) -> Difference:
    """As `mean_difference` of the cells (G,), without an interval as `mean_over_cells`."""
    difference = mean_difference(first, second, dataset)
    if _enough(np.asarray(first) - second):
        return difference
    return Difference(difference.value, np.nan, np.nan, np.nan)


def _enough(scores: np.ndarray) -> bool:
    return int(np.count_nonzero(~np.isnan(scores))) >= FEWEST_CELLS

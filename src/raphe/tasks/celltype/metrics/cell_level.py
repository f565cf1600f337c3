"""The headline figures of a test: by cell first, by spike beside, each with its interval.

n cells or spikes, G groups.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from raphe.core.files.csv_text import csv_text
from raphe.core.statistics.intervals import draw_groups, percentile_interval, wilson
from raphe.tasks.celltype.metrics.group_figures import GroupCounts, precision_names, recall_names
from raphe.tasks.celltype.metrics.predictions import Predictions
from raphe.tasks.celltype.stores.spike_set import Cell

FEWEST_GROUPS = 8  # fewer can be drawn in under 6 435 ways, and their intervals are far too narrow
COLUMNS = ("level", "figure", "value", "low", "high", "numerator", "denominator", "interval")


@dataclass(frozen=True)
class Groups:
    """What is resampled as a whole: days, animals or cells."""

    noun: str
    of_cell: np.ndarray  # (n_cells,) int64, -1 for a cell that is not in the set

    @property
    def n(self) -> int:
        return int(self.of_cell.max()) + 1


@dataclass(frozen=True)
class Headline:
    """One figure of a set."""

    level: str  # cells or spikes
    name: str
    value: float
    low: float
    high: float
    interval: str  # how low and high were found
    counts: tuple[int, int] | None = None  # numerator and denominator of a proportion


def group_cells(
    predictions: Predictions, cells: Sequence[Cell], by: Sequence[str] = ("day", "animal")
) -> Groups:
    """Group a set's cells by day, else by animal, where each is known and they are at least eight;
    else each cell is a group of its own.

    Args:
        predictions: of the set's spikes or cells.
        cells: the cells by the index that `predictions.cell` has.
        by: what to group by, the first choice first.
    """
    present = np.unique(predictions.cell)
    for noun in by:
        names = [getattr(cells[index], noun) for index in present] if cells else []
        if names and all(names) and len(set(names)) >= FEWEST_GROUPS:
            return Groups(f"{noun}s", _numbered(present, np.unique(names, return_inverse=True)[1]))
    return Groups("cells", _numbered(present, np.arange(len(present))))


def _numbered(present: np.ndarray, group: np.ndarray) -> np.ndarray:
    of_cell = np.full(present.max() + 1, -1)
    of_cell[present] = group
    return of_cell


def headlines(
    level: str,
    predictions: Predictions,
    groups: Groups,
    classes: Sequence[str],
    rng: np.random.Generator,
) -> list[Headline]:
    """Every figure of a set's cells or spikes.

    The interval of a proportion of cells is Wilson's, which takes cells as independent. All else
    has the bootstrap over groups: spikes of one cell are not independent. Groups of one class each
    are drawn class by class.

    Args:
        level: "cells" or "spikes", what a row of `predictions` is.
    """
    counted = GroupCounts.count(predictions, groups.of_cell[predictions.cell], classes)
    values = counted.figures(np.ones((1, groups.n)))
    resampled = counted.figures(draw_groups(strata(counted), rng))
    proportions = _proportions(predictions, classes)
    figures = []
    for name, value in values.items():
        share = proportions.get(name)
        if share is not None and level == "cells":
            low, high = wilson(*share)
            interval = "Wilson"
        else:
            low, high = percentile_interval(resampled[name])
            interval = f"bootstrap over {groups.n} {groups.noun}"
        figures.append(
            Headline(level, name, float(value[0]), float(low), float(high), interval, share)
        )
    return figures


def strata(counted: GroupCounts) -> np.ndarray:
    """For `draw_groups`: the class of each group where each holds one, else 0, (G,)."""
    per_class = counted.confusion.sum(axis=2)  # (G, C)
    pure = ((per_class > 0).sum(axis=1) == 1).all()
    return per_class.argmax(axis=1) if pure else np.zeros(len(per_class), dtype=np.int64)


def _proportions(predictions: Predictions, classes: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Numerator and denominator of each figure that is a share of counts."""
    confusion = predictions.confusion()
    right, true, called = np.diagonal(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    shares = dict(zip(recall_names(classes), zip(right, true, strict=True), strict=True))
    shares |= zip(precision_names(classes), zip(right, called, strict=True), strict=True)
    shares["accuracy"] = (right.sum(), true.sum())
    return {name: (int(part), int(whole)) for name, (part, whole) in shares.items()}


def headlines_csv(figures: Sequence[Headline]) -> str:
    """One row a figure."""
    rows = []
    for headline in figures:
        numbers = [f"{number:.6g}" for number in (headline.value, headline.low, headline.high)]
        rows.append(
            [
                headline.level,
                headline.name,
                *numbers,
                *(headline.counts or ("", "")),
                headline.interval,
            ]
        )
    return csv_text(COLUMNS, rows)

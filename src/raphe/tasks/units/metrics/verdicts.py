"""What a classifier says of units that it was not trained on, and what that comes to.

N units, C classes, K folds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from raphe.core.metric_names import Estimate
from raphe.core.statistics.clusters import Clusters
from raphe.core.statistics.figure_interval import (
    CELL,
    Levels,
    difference_of,
    interval_of,
    over_what,
)
from raphe.core.statistics.intervals import Difference
from raphe.core.statistics.linear_figures import LinearFigure, linear_figures

BALANCED = "balanced_accuracy"


@dataclass(frozen=True)
class Verdicts:
    """Probabilities of N units, float64 (N, C), and their true classes, int64 (N,)."""

    probability: np.ndarray
    label: np.ndarray
    fold: np.ndarray  # int64 (N,), of which each was tested

    @cached_property
    def predicted(self) -> np.ndarray:
        return self.probability.argmax(axis=1)

    @property
    def n_classes(self) -> int:
        return self.probability.shape[1]

    def confusion(self) -> np.ndarray:
        """Counts (C, C), a row for each true class."""
        counts = np.zeros((self.n_classes, self.n_classes), np.int64)
        np.add.at(counts, (self.label, self.predicted), 1)
        return counts

    @property
    def fold_balanced_accuracy(self) -> float:
        """The mean over folds of the balanced accuracy of each, of the classes that it has."""
        right = self.predicted == self.label
        scores = [
            np.mean([right[here & (self.label == c)].mean() for c in np.unique(self.label[here])])
            for here in (self.fold == number for number in np.unique(self.fold))
        ]
        return float(np.mean(scores))


@dataclass(frozen=True)
class Scored:
    """A figure with its interval, and over what that is: "224 cells", "9 animals"."""

    name: str
    estimate: Estimate
    over: str


@dataclass(frozen=True)
class Groups:
    """What holds units together; none where that is not known."""

    noun: str  # cell, animal or session
    of_unit: np.ndarray | None = None  # int (N,)

    @classmethod
    def known(cls, names: dict[str, Sequence[str]]) -> "Groups":
        """By the first noun that is known of every unit, from the coarsest on."""
        for noun, of_units in names.items():
            if all(of_units):
                return cls(noun, np.unique(list(of_units), return_inverse=True)[1])
        return cls(CELL)

    def levels(self, label: np.ndarray) -> Levels:
        return {} if self.of_unit is None else {self.noun: Clusters.of(self.of_unit, label)}


def scores(verdicts: Verdicts, classes: Sequence[str], groups: Groups) -> list[Scored]:
    """Every figure of the verdicts with its interval, that over groups where there are enough."""
    levels = groups.levels(verdicts.label)
    return [_scored(figure, levels) for figure in linear_figures(verdicts, classes, verdicts.fold)]


def balanced_difference(
    first: Verdicts, second: Verdicts, classes: Sequence[str], groups: Groups
) -> Difference:
    """How much larger the first's balanced accuracy is than the second's, on the same units."""
    label = first.label
    levels = {CELL: Clusters.of(np.arange(len(label)), label), **groups.levels(label)}
    of_first, of_second = (
        next(f for f in linear_figures(verdicts, classes) if f.name == BALANCED)
        for verdicts in (first, second)
    )
    return difference_of(of_first, of_second, levels)


def _scored(figure: LinearFigure, levels: Levels) -> Scored:
    interval = interval_of(figure, levels)
    estimate = Estimate(figure.value, interval.low, interval.high)
    return Scored(figure.name, estimate, over_what(figure, interval, CELL, levels))

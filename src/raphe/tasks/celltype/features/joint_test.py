"""How far one cell lies from those of training, in all of its statistics together.

Each statistic is scaled by the spread of training's cells on its side of their median. A group of
statistics, and all of them, then have a squared Mahalanobis distance d² with a shrunken covariance;
single statistics are looked at too, as one that is far out alone is lost among many.

n cells, k statistics with the shapes' components, q components, T samples a window.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from raphe.core.sentences import number
from raphe.core.statistics.outlyingness import deviate, in_spreads, mean_and_covariance, sides
from raphe.tasks.celltype.features.cell_statistics import GROUPS, SPIKE, Statistic, by_column
from raphe.tasks.celltype.features.spike_shapes import SpikeShapes

ALL, SINGLE = "all", "single"
PARTS = (*GROUPS, ALL, SINGLE)
DIGITS = 6  # significant ones in the facts
FINITE_SHARE = 0.8  # of the cells that must have a statistic for it to be compared
SMALLEST = 1e-6  # below which a logarithm takes nothing
ARRAYS = ("centre", "below", "above", "low", "high", "mean", "covariance")
LEFT_OUT = "udi"  # of spikes that go inward first it is the trough-to-peak interval again
COMPONENT = Statistic("component", "SD", "shape of the mean spike, along component", SPIKE)
RESIDUAL = Statistic("residual", "", "rest of the mean spike beyond training's shapes", SPIKE, True)


@dataclass(frozen=True)
class JointTest:
    """Training's cells as one normal distribution of scaled statistics."""

    unit: str
    columns: tuple[str, ...]  # of the statistics that are compared, as in `cell_statistics`
    shapes: SpikeShapes
    centre: np.ndarray  # float64 (k,)
    below: np.ndarray  # (k,): spread on the lower side
    above: np.ndarray  # (k,)
    low: np.ndarray  # (k,): the least value of training's cells, and the largest
    high: np.ndarray  # (k,)
    mean: np.ndarray  # (k,) of the scaled statistics
    covariance: np.ndarray  # (k, k)

    @classmethod
    def fit(
        cls, cells: Sequence[Mapping[str, float]], spikes: np.ndarray, unit: str
    ) -> "JointTest":
        """From the statistics of n cells and their mean spikes (n, T)."""
        columns = tuple(
            column for column, statistic in by_column(unit).items()
            if statistic.name != LEFT_OUT and column in cells[0]
            and np.mean([np.isfinite(cell[column]) for cell in cells]) >= FINITE_SHARE
        )  # fmt: skip
        shapes = SpikeShapes.fit(spikes)
        raw = cls(unit, columns, shapes, *[np.empty(0)] * len(ARRAYS))
        values = np.array(
            [raw.values(cell, spike) for cell, spike in zip(cells, spikes, strict=True)]
        )
        of_sides = sides(values)
        mean, covariance = mean_and_covariance(in_spreads(values, *of_sides))
        low, high = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
        return cls(unit, columns, shapes, *of_sides, low, high, mean, covariance)

    @cached_property
    def statistics(self) -> tuple[Statistic, ...]:
        """What each of the k values is."""
        named = by_column(self.unit)
        components = (
            replace(COMPONENT, words=f"{COMPONENT.words} {place} of {self.shapes.n_components}")
            for place in range(1, self.shapes.n_components + 1)
        )
        return (*(named[column] for column in self.columns), *components, RESIDUAL)

    def values(self, cell: Mapping[str, float], spike: np.ndarray) -> np.ndarray:
        """The values to compare, of a cell's statistics and its mean spike (T,): (k,)."""
        statistics = [cell.get(column, np.nan) for column in self.columns]
        values = np.concatenate([statistics, self.shapes.describe(spike)])
        logs = np.array([statistic.log for statistic in self.statistics])
        return np.where(logs, np.log(np.maximum(np.abs(values), SMALLEST)), values)

    def scaled(self, values: np.ndarray) -> np.ndarray:
        """Values (k,) in spreads from training's median: (k,), NaN for what the cell lacks."""
        return in_spreads(values, self.centre, self.below, self.above)

    def scores(self, scaled: np.ndarray) -> np.ndarray:
        """How far out scaled values (k,) are by each of PARTS: float64 (5,).

        d² as a normal deviate, see `deviate`; of SINGLE the largest spread.
        """
        of_groups = [self._deviate(scaled, self.rows(group)) for group in (*GROUPS, ALL)]
        return np.array([*of_groups, np.nanmax(np.abs(scaled), initial=0.0)])

    def compared(self, row: int, values: np.ndarray) -> str:
        """One of `values` (k,) beside training's range: "45 pA (in training 66 to 134 pA)"."""
        statistic = self.statistics[row]
        shown = np.array([values[row], self.low[row], self.high[row]])
        if statistic.name == COMPONENT.name:
            shown = (shown - self.centre[row]) / self.above[row]
        elif statistic.log:
            shown = np.where(shown > np.log(2 * SMALLEST), np.exp(shown), 0.0)
        value, low, high = shown
        if statistic.log and not value:
            value = SMALLEST  # all that is known of it: no more than that
        unit = statistic.unit.format(unit=self.unit)
        between = f"in training {number(low)} to {number(high)} {unit}".rstrip()
        return f"{number(value, least=2 * SMALLEST)} {unit}".rstrip() + f" ({between})"

    def rows(self, group: str) -> np.ndarray:
        """Which of the k values belong to a group: int64."""
        return np.flatnonzero([group in (ALL, statistic.group) for statistic in self.statistics])

    def contributions(self, scaled: np.ndarray, group: str) -> np.ndarray:
        """How far each value of a group is from what the group's others let expect: (k,), in SDs.

        0 for values of other groups, and for missing ones.
        """
        away = np.zeros(len(scaled))
        rows = self._present(scaled, group)
        if len(rows):
            precision = np.linalg.inv(self.covariance[np.ix_(rows, rows)])
            away[rows] = precision @ (scaled[rows] - self.mean[rows]) / np.sqrt(np.diag(precision))
        return np.abs(away)

    def _present(self, scaled: np.ndarray, group: str) -> np.ndarray:
        rows = self.rows(group)
        return rows[np.isfinite(scaled[rows])]

    def _deviate(self, scaled: np.ndarray, rows: np.ndarray) -> float:
        rows = rows[np.isfinite(scaled[rows])]
        return deviate(scaled[rows] - self.mean[rows], self.covariance[np.ix_(rows, rows)])

    def facts(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "unit": self.unit,
            "columns": list(self.columns),
            "shapes": self.shapes.facts(),
            **{name: _rounded(getattr(self, name)) for name in ARRAYS},
        }

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> "JointTest":
        arrays = (np.array(facts[name], np.float64) for name in ARRAYS)
        shapes = SpikeShapes.from_facts(facts["shapes"])
        return cls(facts["unit"], tuple(facts["columns"]), shapes, *arrays)


def _rounded(values: np.ndarray) -> list[Any]:
    with np.errstate(divide="ignore"):
        digits = np.floor(np.log10(np.abs(values)))
    power = 10.0 ** (DIGITS - 1 - np.where(np.isfinite(digits), digits, 0))
    return (np.rint(values * power) / power).tolist()

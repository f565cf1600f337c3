"""The one rule by which every figure of a set, and every difference of two, has its interval.

A figure is as sure as a proportion of so many items (linear_figures) over the design effect: how
much larger its variance over groups is than over single items. What so few groups cannot tell, the
quantile of t adds. `benchmarks/results/coverage.md` shows how often the intervals hold the truth.

n items (cells or spikes).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile

import numpy as np

from raphe.core.metric_names import Estimate
from raphe.core.sentences import counted
from raphe.core.statistics.clusters import Clusters
from raphe.core.statistics.intervals import (
    CONFIDENCE,
    Difference,
    interval_of_share,
    t_p,
    t_quantile,
)
from raphe.core.statistics.linear_figures import NO_VARIANCE, LinearFigure

CELL = "cell"
# Of each class. From two, t has one degree of freedom and its interval says nothing.
FEWEST_GROUPS = 3
# Intraclass correlation where all items are right, so that none can be seen: that of a day effect
# of about 0.8 on the logit. Spikes of one cell are taken as one.
UNSEEN_LIKENESS = 0.1

Levels = Mapping[str, Clusters]  # by what items come together, each coarser than the one before


@dataclass(frozen=True)
class FigureInterval:
    """Ends of an interval of 95 %, and of how many levels it takes account."""

    low: float
    high: float
    n_levels: int  # all that were given, or those before the first with too few groups


@dataclass(frozen=True)
class Headline(Estimate):
    """One figure of a set."""

    level: str  # cells or spikes
    name: str
    interval: str  # over what, "10 days"
    counts: tuple[int, int] | None = None  # numerator and denominator of a proportion


def interval_of(figure: LinearFigure, levels: Levels) -> FigureInterval:
    """The interval of a figure of items that come in groups; NaN where the figure is."""
    if np.isnan(figure.value):
        return FigureInterval(figure.value, figure.value, 0)
    used = _with_enough_groups(levels, figure)
    design_effect, freedom = _design_effect(figure, used)
    n_effective = figure.n_items / design_effect
    if CELL in used and not figure.is_perfect:
        n_effective = 1 / (1 / n_effective + 1 / _most_of_cells(figure, used[CELL]))
    low, high = interval_of_share(figure.share, n_effective, freedom)
    scale = 1 - figure.lowest
    return FigureInterval(figure.lowest + scale * low, figure.lowest + scale * high, len(used))


def over_what(figure: LinearFigure, interval: FigureInterval, item: str, levels: Levels) -> str:
    """ "10 days", "80 cells", "40 cells, these 2 days only"; `item` is a cell or a spike."""
    if np.isnan(figure.value):
        return ""
    has_part = figure.weight > 0
    names = [item, *levels]
    n_items = figure.counts[1] if figure.counts else int(has_part.sum())
    sizes = [n_items, *(clusters.n_with(has_part) for clusters in levels.values())]
    over = counted(names[interval.n_levels], sizes[interval.n_levels])
    if interval.n_levels == len(levels):
        return over
    noun, n = names[interval.n_levels + 1], sizes[interval.n_levels + 1]
    return f"{over}, this {noun} only" if n == 1 else f"{over}, these {counted(noun, n)} only"


def difference_of(first: LinearFigure, second: LinearFigure, levels: Levels) -> Difference:
    """How much larger a figure of cells is for one classifier than for another of the same cells.

    What makes a cell or a day hard for both cancels. Interval and p are those of t over the groups.
    Where all cells tell the same of the two classifiers, they are those of Clopper & Pearson: how
    large a share of cells could tell otherwise, with none of so many that did.

    Args:
        levels: cells first, each by itself, then what they come together by.
    """
    value = first.value - second.value
    if np.isnan(value):
        return Difference(value, value, value, value)
    influence = first.influence - second.influence
    weight = (first.weight + second.weight) / 2
    used = _with_enough_groups(levels, first) or dict(list(levels.items())[:1])
    variances = [clusters.variance(influence, weight) for clusters in used.values()]
    widest = max(np.nan_to_num(of_level.value) for of_level in variances)
    most = 1 - first.lowest
    if widest < NO_VARIANCE:
        n = min(part.sum() for part in first.parts) / _assumed_effect(first, used)
        otherwise = 1 - ((1 - CONFIDENCE) / 2) ** (
            1 / n
        )  # share of cells, as far from value as can be
        low, high = value - otherwise * (most + value), value + otherwise * (most - value)
        p = min(1.0, 2 * (1 - min(abs(value) / most, 0.5)) ** n)
    else:
        freedom = max(variances[-1].degrees_of_freedom, 1.0)
        error = np.sqrt(widest)
        reach = error * t_quantile((1 + CONFIDENCE) / 2, freedom)
        p = t_p(value / error, freedom)
        low, high = max(value - reach, -most), min(value + reach, most)
    return Difference(value, float(low), float(high), float(p))


def _with_enough_groups(levels: Levels, figure: LinearFigure) -> dict[str, Clusters]:
    def enough(level: tuple[str, Clusters]) -> bool:
        return min(level[1].n_with(part) for part in figure.parts) >= FEWEST_GROUPS

    return dict(takewhile(enough, levels.items()))


def _design_effect(figure: LinearFigure, levels: Levels) -> tuple[float, float]:
    """How much larger the variance is than that of single items, and the degrees of freedom."""
    if not levels:
        return 1.0, np.inf
    variances = [clusters.variance(figure.influence, figure.weight) for clusters in levels.values()]
    freedom = max(variances[-1].degrees_of_freedom, 1.0)  # below where one group holds nearly all
    if figure.is_perfect:
        return _assumed_effect(figure, levels), freedom
    # Never below 1: groups that differ less than chance has them differ are chance, too.
    widest = max(of_level.value for of_level in variances)
    return max(widest / figure.item_variance, 1.0), freedom


def _assumed_effect(figure: LinearFigure, levels: Levels) -> float:
    effect, squares = 1.0, (figure.weight**2).sum()
    for noun, clusters in levels.items():
        of_groups = (np.bincount(clusters.group, figure.weight, clusters.n) ** 2).sum()
        likeness = 1.0 if noun == CELL else UNSEEN_LIKENESS
        effect *= 1 + (of_groups / squares - 1) * likeness
        squares = of_groups
    return float(effect)


def _most_of_cells(figure: LinearFigure, cells: Clusters) -> float:
    """The effective number of spikes that these cells allow were their spikes nearly all right: one
    more cell, half right, may come."""
    n = 1 / (np.bincount(cells.group, figure.weight, cells.n) ** 2).sum()  # of equal weight
    smoothed = (figure.share * n + 0.5) / (n + 1)
    distance = abs(figure.share - 0.5)
    if not distance:
        return np.inf
    return float(smoothed * (1 - smoothed) / 2 * ((n + 1) / distance) ** 2)

"""The cells of each fold of a cross-validation, as its networks see them.

F folds.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from raphe.core.figure_style import COLOURS, GREY, STYLE
from raphe.core.statistics.intervals import wilson
from raphe.tasks.celltype.evaluation.pooled_result import PooledResult

FOLD_IN = 0.30  # width of a fold …
LEAST_IN, MOST_IN = 4.4, 11.0  # … and of the figure
WIDE_IN = 6.0  # enough for the legend in one line
SPREAD = 0.3  # of dots, of the distance between two folds
NAME_IN, MOST_CHARACTERS = 0.06, 30  # of height for the names of the folds
MOST_LABELS = 30  # folds that are named; of more, some are numbered


def fold_figure(pooled: PooledResult, noun: str, groups: Sequence[Sequence[str]]) -> Figure:
    """A dot for each cell, above the share called right in each fold of several cells.

    Of two classes, the probability of the first; of more, that of the cell's own. `groups` are the
    cells, days or animals (`noun`) of each fold.
    """
    folds = pooled.folds
    several = any(len(fold.cells.cell) > 1 for fold in folds)
    place = np.arange(len(folds))
    with rc_context(STYLE):
        width = float(np.clip(1.6 + FOLD_IN * len(folds), LEAST_IN, MOST_IN))
        height = (4.6 if several else 3.4) + NAME_IN * _longest_name(groups)
        figure = Figure(figsize=(width, height), layout="constrained")
        panels = figure.subplots(
            1 + several, 1, sharex=True, squeeze=False, height_ratios=[2, 1][: 1 + several]
        )[:, 0]
        _dots(panels[0], pooled)
        if several:
            _shares(panels[1], pooled)
        _name_folds(panels[-1], noun, groups, [fold.number for fold in folds])
        panels[-1].set_xlim(place[0] - 0.6, place[-1] + 0.6)
        figure.legend(loc="outside upper center", ncols=2 if width < WIDE_IN else 4)
        n = len(pooled.cells.cell)
        panels[0].set_title(f"{n} cells, each tested in one of {len(folds)} folds")
    return figure


def _dots(axes: Axes, pooled: PooledResult) -> None:
    two = len(pooled.classes) == 2
    for index, name in enumerate(pooled.classes):
        x, y = [], []
        for place, fold in enumerate(pooled.folds):
            own = np.flatnonzero(fold.cells.label == index)
            shown = fold.cells.probability[own, 0 if two else index]
            x += (place + _spread(len(own))).tolist()
            y += shown.tolist()
        colour = COLOURS[index % len(COLOURS)]
        axes.plot(x, y, "o", ms=3.5, alpha=0.75, mew=0, color=colour, label=f"true {name}")
    if two:
        axes.axhline(0.5, color=GREY, linewidth=0.8, linestyle=":")
    what = f"P({pooled.classes[0]})" if two else "P(own class)"
    axes.set(ylabel=f"{what} of a cell", ylim=(-0.04, 1.04))


def _spread(n: int) -> np.ndarray:
    """So many places around 0, evenly."""
    return np.linspace(-SPREAD, SPREAD, n) if n > 1 else np.zeros(n)


def _shares(axes: Axes, pooled: PooledResult) -> None:
    right = np.array([(one.cells.predicted == one.cells.label).sum() for one in pooled.folds])
    n = np.array([len(one.cells.label) for one in pooled.folds])
    low, high = wilson(right, n)
    place = np.arange(len(n))
    axes.vlines(place, low, high, color="black", linewidth=0.8)
    axes.plot(place, right / n, "o", color="black", ms=4, label="called right (95 %, Wilson)")
    axes.axhline(right.sum() / n.sum(), color=GREY, linewidth=0.8, label="all folds")
    axes.set(ylabel="Share called right", ylim=(-0.04, 1.04))


def _longest_name(groups: Sequence[Sequence[str]]) -> int:
    """Characters of the longest name that `_name_folds` writes, or so many as there is room for."""
    named = _are_single(groups) and len(groups) <= MOST_LABELS
    return min(max(len(own[0]) for own in groups), MOST_CHARACTERS) if named else 0


def _are_single(groups: Sequence[Sequence[str]]) -> bool:
    return all(len(own) == 1 for own in groups)


def _name_folds(
    axes: Axes, noun: str, groups: Sequence[Sequence[str]], numbers: Sequence[int]
) -> None:
    """By the group that is left out where each fold has one, else by number."""
    single = _are_single(groups)
    if len(groups) > MOST_LABELS:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel(f"Fold: the {noun} left out" if single else "Fold")
        return
    labels = [own[0] for own in groups] if single else [str(number) for number in numbers]
    axes.set_xticks(range(len(labels)), labels)
    if single:
        axes.tick_params(axis="x", labelrotation=90, labelsize=7)
    axes.set_xlabel(f"{noun.capitalize()} left out" if single else "Fold")

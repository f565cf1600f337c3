"""Every cell's score when its fold was held out, by dataset and method."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from raphe.core.figure_style import (
    GREY,
    INK,
    METHODS,
    PALE,
    TWO_COLUMNS_IN,
    PaperFigure,
    house_style,
)
from raphe.core.sentences import counted
from raphe.tasks.calcium.evaluation.comparison import MEASURE
from raphe.tasks.calcium.metrics.scored_cells import FEWEST_CELLS

SHIFT = 0.8  # of a dataset's place, over which its methods stand side by side
ASIDE = 0.045  # of a dataset's place: from a mean to the cells it is of
METHOD_COLOURS = (INK, *METHODS)  # the network's first


@house_style()
def folds_figure(
    rows: Sequence[Mapping[str, str]], tables: Mapping[str, Sequence[Mapping[str, Any]]]
) -> PaperFigure:
    """Cells as points, means with their 95 % intervals, datasets side by side.

    Args:
        rows: of each cell its dataset and each method's score.
        tables: of each dataset, and last of their mean, a row a method as `comparison` gives it.
    """
    methods = [row["method"] for row in next(iter(tables.values()))]
    figure = PaperFigure(TWO_COLUMNS_IN, 3.0, _caption(rows, len(tables) - 1))
    axes = figure.add_subplot()
    for place, (name, table) in enumerate(tables.items()):
        of_dataset = [cell for cell in rows if cell["dataset"] == name]
        for number, row in enumerate(table):
            x = place + (number - (len(methods) - 1) / 2) * SHIFT / len(methods)
            scores = [float(cell[row["method"]]) for cell in of_dataset]
            _draw_method(axes, x, scores, row, METHOD_COLOURS[number])
    for line, method in zip(axes.containers, methods, strict=False):
        line.set_label(method)
    axes.axhline(0, color=GREY, linewidth=0.8, linestyle=":")
    axes.axvline(len(tables) - 1.5, color=PALE, linewidth=0.8)
    *datasets, mean = tables
    names = [f"{name}\nn = {tables[name][0]['cells']}" for name in datasets]
    axes.set_xticks(range(len(tables)), [*names, f"{mean}\nof {counted('dataset', len(datasets))}"])
    axes.tick_params(axis="x", length=0)
    axes.set(xlim=(-0.5, len(tables) - 0.5), xlabel="Dataset held out, n cells")
    axes.set_ylim(top=1)  # an interval of t may end above what a correlation can be
    axes.set_ylabel("Correlation with the spikes at 25 Hz")
    figure.legend(handles=axes.containers[: len(methods)], loc="outside upper center", ncols=4)
    return figure


def _draw_method(
    axes: Axes, x: float, scores: Sequence[float], row: Mapping[str, Any], colour: str
) -> None:
    axes.plot(np.full(len(scores), x - ASIDE), scores, "o", color=colour, ms=2.5, alpha=0.5, mew=0)
    ends = np.abs(np.array([[row["low"]], [row["high"]]]) - row[MEASURE])
    axes.errorbar(x + ASIDE, row[MEASURE], ends, fmt="_", markersize=6, color=colour, linewidth=1.2)


def _caption(rows: Sequence[Mapping[str, str]], n_datasets: int) -> str:
    sentences = [
        f"Correlation of the inferred rate with the spikes, both in bins of 40 ms, of "
        f"{counted('cell', len(rows))} of {counted('dataset', n_datasets)}, each inferred by "
        "a network that never saw its fold.",
        "Points: cells; bars: means, with 95 % intervals of t over cells where there are "
        f"{FEWEST_CELLS} or more. On the right the mean of the datasets, all of the same weight.",
    ]
    return " ".join(sentences)

"""Every recording's score when its fold was held out, by dataset and method."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from raphe.core.figure_style import COLOURS, GREY, STYLE
from raphe.tasks.calcium.evaluation.comparison import MEASURE

SHIFT = 0.8  # of a dataset's place, over which its methods stand side by side


def folds_figure(
    rows: Sequence[Mapping[str, str]], tables: Mapping[str, Sequence[Mapping[str, Any]]]
) -> Figure:
    """Recordings as points, means with their 95 % intervals, datasets side by side.

    Args:
        rows: of each recording its dataset and each method's score.
        tables: of each dataset, and of their mean, a row a method as `comparison` gives it.
    """
    methods = [row["method"] for row in next(iter(tables.values()))]
    step = SHIFT / len(methods)
    with rc_context(STYLE):
        figure = Figure(figsize=(1.4 + 1.5 * len(tables), 3.4), layout="constrained")
        axes = figure.add_subplot()
        for place, (name, table) in enumerate(tables.items()):
            for number, row in enumerate(table):
                x = place + (number - (len(methods) - 1) / 2) * step
                scores = [
                    float(recording[row["method"]])
                    for recording in rows
                    if recording["dataset"] == name
                ]
                axes.plot(
                    np.full(len(scores), x), scores, "o",
                    color=COLOURS[number], markersize=3, alpha=0.4,
                )  # fmt: skip
                ends = np.abs(np.array([[row["low"]], [row["high"]]]) - row[MEASURE])
                axes.errorbar(
                    x, row[MEASURE], ends, fmt="_", markersize=10, color=COLOURS[number],
                    capsize=2, linewidth=1.2, label=row["method"] if place == 0 else None,
                )  # fmt: skip
        axes.axhline(0, color=GREY, linewidth=0.8, linestyle=":")
        axes.set_xticks(range(len(tables)), list(tables))
        axes.set_xlabel("Dataset tested, which the network never saw; on the right the mean of all")
        axes.set_ylabel("Correlation with the spikes at 25 Hz")
        figure.legend(loc="outside upper center", ncols=len(methods))
    return figure

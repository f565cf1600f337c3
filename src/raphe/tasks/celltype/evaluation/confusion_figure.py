"""Confusion matrices of a test set: raw counts, and shares whose whole is named."""

import json
from collections.abc import Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from raphe.core.figure_style import STYLE
from raphe.tasks.celltype.metrics.set_result import SetResult


def confusion_figure(result: SetResult) -> Figure:
    """Counts of cells and of spikes, with their share of the true class."""
    n = len(result.classes)
    levels = {"cells": result.cells, "spikes": result.spikes}
    with rc_context(STYLE):
        figure = Figure(figsize=(2.2 + 1.8 * n, 1.2 + 0.9 * n), layout="constrained")
        panels = figure.subplots(1, 2, sharey=True)
        for axes, (level, predictions) in zip(panels, levels.items(), strict=True):
            image = _matrix(axes, predictions.confusion(), result.classes)
            axes.set(xlabel="Predicted class", title=f"{len(predictions.label)} {level}")
        panels[0].set_ylabel("True class")
        bar = figure.colorbar(image, ax=panels, ticks=[0, 0.5, 1], shrink=0.8, pad=0.02)
        bar.ax.set_yticklabels(["0 %", "50 %", "100 %"])
        bar.set_label("Share of the true class\n(each row sums to 100 %)")
        bar.outline.set_visible(False)
        figure.suptitle(f"Confusion matrix, {result.name} set", fontsize=STYLE["axes.titlesize"])
    return figure


def _matrix(axes: Axes, counts: np.ndarray, classes: Sequence[str]) -> AxesImage:
    total = counts.sum(axis=1, keepdims=True)
    share = np.divide(counts, total, out=np.zeros(counts.shape), where=total > 0)
    image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        percent = f"\n{100 * share[row, column]:.1f} %" if total[row] else ""
        colour = "white" if share[row, column] > 0.55 else "black"
        axes.text(column, row, f"{count}{percent}", ha="center", va="center", color=colour)
    axes.set_xticks(range(len(classes)), classes)
    axes.set_yticks(range(len(classes)), classes)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return image


def confusion_json(result: SetResult) -> str:
    """Raw counts of spikes and of cells, with what each axis stands for."""
    table = {
        "classes": list(result.classes),
        "rows": "true class",
        "columns": "predicted class",
        "normalised_over": None,
        "cells": result.cells.confusion().tolist(),
        "spikes": result.spikes.confusion().tolist(),
    }
    return json.dumps(table, indent=2) + "\n"

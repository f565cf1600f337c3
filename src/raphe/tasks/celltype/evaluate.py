"""Figures and tables of a test, for each set, as one would print them.

Spikes of one cell are alike, so every figure that counts spikes has the count of cells beside it: a
cell is called by the mean probability of its spikes.
"""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import binomtest

from raphe.tasks.celltype.data import CellTypeData
from raphe.tasks.celltype.metrics import Predictions, auroc, operating_points
from raphe.tasks.celltype.module import CellTypeModule

STYLE = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 8,
}
# Okabe & Ito's palette, told apart by colour-blind readers too.
COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000")
GREY = "#999999"
N_BINS = 10  # of the calibration curve
FEW_SPIKES = 10  # in a bin: too few to read anything from


def evaluate(model: CellTypeModule, data: CellTypeData) -> dict[str, Figure | str]:
    """Draw and tabulate each test set of a tested model; see `artifacts`."""
    return artifacts(model.predictions, data.facts["classes"])


def artifacts(
    predictions: Mapping[str, Predictions], classes: Sequence[str]
) -> dict[str, Figure | str]:
    """Draw and tabulate each test set.

    Args:
        predictions: the answers for each set, by its name.
        classes: names of the classes in the order of their labels.

    Returns:
        By file name: `<set>/roc.png` (left out where a set holds one class only),
        `<set>/confusion.png`, `<set>/calibration.png` as figures; `<set>/confusion.json` and
        `<set>/cells.csv` as text.
    """
    made: dict[str, Figure | str] = {}
    for name, answers in predictions.items():
        draw: dict[str, Callable[[str, Predictions, Sequence[str]], Figure]] = {
            "confusion": confusion_figure,
            "calibration": calibration_figure,
        }
        if len(np.unique(answers.label)) > 1:
            draw["roc"] = roc_figure
        for figure, function in draw.items():
            with rc_context(STYLE):
                made[f"{name}/{figure}.png"] = function(name, answers, classes)
        made[f"{name}/confusion.json"] = confusion_json(answers, classes)
        made[f"{name}/cells.csv"] = cells_csv(answers, classes)
    return made


def roc_figure(name: str, predictions: Predictions, classes: Sequence[str]) -> Figure:
    """Sensitivity against false alarms, of spikes and of cells; more classes each against the rest.

    Of two classes, a dot marks the class with the larger probability.
    """
    figure = Figure(figsize=(3.6, 3.7), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
    levels = {"spikes": predictions, "cells": predictions.per_cell()}
    if len(classes) == 2:
        _roc_curve(axes, levels["spikes"], 0, "Spikes", color=COLOURS[0])
        _roc_curve(axes, levels["cells"], 0, "Cells", color="black", linestyle="--")
        axes.plot([], [], "o", color=GREY, markersize=4, label=f"at P({classes[0]}) > 0.5")
        called, rest = classes
    else:
        for c, label in enumerate(classes):
            colour = COLOURS[c % len(COLOURS)]
            _roc_curve(axes, levels["spikes"], c, f"{label} spikes", color=colour)
            _roc_curve(axes, levels["cells"], c, "cells", color=colour, linestyle="--")
        called, rest = "class", "another class"
    axes.set_xlabel(f"1 − specificity ({rest} called {called})")
    axes.set_ylabel(f"Sensitivity ({called} called {called})")
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal", title=f"ROC, {name} set")
    axes.legend(loc="lower right")
    return figure


def _roc_curve(axes: Axes, predictions: Predictions, c: int, name: str, **style: str) -> None:
    """Draw class c against the rest, unless one of the two is absent."""
    score, positive = predictions.probability[:, c], predictions.label == c
    if positive.all() or not positive.any():
        return
    true_positives, false_positives = operating_points(score, positive)
    false_alarms = false_positives / (~positive).sum()
    label = f"{name}, n = {len(score)}, AUROC {auroc(score, positive):.3f}"
    axes.plot(false_alarms, true_positives / positive.sum(), linewidth=1.4, label=label, **style)
    if predictions.n_classes == 2:
        called = predictions.predicted == c
        point = called[~positive].mean(), called[positive].mean()
        axes.plot(*point, "o", color=style["color"], markersize=4)


def confusion_figure(name: str, predictions: Predictions, classes: Sequence[str]) -> Figure:
    """Counts of spikes and of cells, with their share of the true class."""
    n = len(classes)
    figure = Figure(figsize=(2.2 + 1.8 * n, 1.2 + 0.9 * n), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    levels = {"spikes": predictions, "cells": predictions.per_cell()}
    for axes, (level, answers) in zip(panels, levels.items(), strict=True):
        counts = answers.confusion()
        total = counts.sum(axis=1, keepdims=True)
        share = np.divide(counts, total, out=np.zeros(counts.shape), where=total > 0)
        image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
        for (row, column), count in np.ndenumerate(counts):
            percent = f"\n{100 * share[row, column]:.1f} %" if total[row] else ""
            colour = "white" if share[row, column] > 0.55 else "black"
            axes.text(column, row, f"{count}{percent}", ha="center", va="center", color=colour)
        axes.set_xticks(range(n), classes)
        axes.set_yticks(range(n), classes)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set(xlabel="Predicted class", title=f"{counts.sum()} {level}")
    panels[0].set_ylabel("True class")
    bar = figure.colorbar(image, ax=panels, ticks=[0, 0.5, 1], shrink=0.8, pad=0.02)
    bar.ax.set_yticklabels(["0 %", "50 %", "100 %"])
    bar.set_label("Share of the true class\n(each row sums to 100 %)")
    bar.outline.set_visible(False)
    figure.suptitle(f"Confusion matrix, {name} set", fontsize=STYLE["axes.titlesize"])
    return figure


def calibration_figure(name: str, predictions: Predictions, classes: Sequence[str]) -> Figure:
    """How often a stated probability is right, above how often each probability is stated.

    Bars are 95 % Wilson intervals that take spikes as independent, which those of one cell are
    not; circles stand for fewer than ten spikes.

    Of two classes, the probability of the first; of more, that of the class called.
    """
    if len(classes) == 2:
        stated, right = predictions.probability[:, 0], predictions.label == 0
        quantity, share = f"P({classes[0]}) given by the network", f"Share that is {classes[0]}"
    else:
        stated = predictions.probability.max(axis=1)
        right = predictions.predicted == predictions.label
        quantity, share = "Probability of the class called", "Share called right"
    n_cells = len(predictions.per_cell().label)
    edges = np.linspace(0, 1, N_BINS + 1)
    row = np.clip(np.digitize(stated, edges) - 1, 0, N_BINS - 1)
    counts = np.bincount(row, minlength=N_BINS)
    filled = counts > 0
    mean_stated = np.bincount(row, stated, N_BINS)[filled] / counts[filled]
    mean_right = np.bincount(row, right, N_BINS)[filled] / counts[filled]

    figure = Figure(figsize=(3.6, 4.6), layout="constrained")
    curve, histogram = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    curve.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
    n_right = np.bincount(row, right, N_BINS)[filled].astype(int)
    low, high = _wilson(n_right, counts[filled])
    curve.vlines(mean_stated, low, high, color="black", linewidth=0.8)
    curve.plot(mean_stated, mean_right, color="black", linewidth=0.8)
    few = counts[filled] < FEW_SPIKES
    for points, fill in ((~few, "black"), (few, "white")):
        curve.plot(mean_stated[points], mean_right[points], "o", color="black", mfc=fill, ms=4)
    curve.set(ylabel=share, xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
    curve.set_title(f"Calibration, {name} set\n{len(stated)} spikes of {n_cells} cells")
    curve.tick_params(labelbottom=True)
    bottom = np.zeros(N_BINS)
    for c, label in enumerate(classes):
        of_class = np.bincount(row[predictions.label == c], minlength=N_BINS)
        colour = COLOURS[c % len(COLOURS)]
        bars = {"align": "edge", "color": colour, "edgecolor": "white", "linewidth": 0.5}
        histogram.bar(edges[:-1], of_class, 1 / N_BINS, bottom, label=f"true {label}", **bars)
        bottom += of_class
    histogram.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=len(classes))
    histogram.set(xlabel=quantity, ylabel="Spikes")
    return figure


def _wilson(right: np.ndarray, total: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """95 % intervals of proportions, as arrays of lower and upper bounds."""
    intervals = [
        binomtest(int(k), int(n)).proportion_ci(method="wilson")
        for k, n in zip(right, total, strict=True)
    ]
    return np.array([i.low for i in intervals]), np.array([i.high for i in intervals])


def confusion_json(predictions: Predictions, classes: Sequence[str]) -> str:
    """Raw counts of spikes and of cells, with what each axis stands for."""
    table = {
        "classes": list(classes),
        "rows": "true class",
        "columns": "predicted class",
        "normalised_over": None,
        "spikes": predictions.confusion().tolist(),
        "cells": predictions.per_cell().confusion().tolist(),
    }
    return json.dumps(table, indent=2) + "\n"


def cells_csv(predictions: Predictions, classes: Sequence[str]) -> str:
    """One row a cell: its class, the mean probability of each class, the class called."""
    cells = predictions.per_cell()
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    means = [f"mean_probability_{name}" for name in classes]
    calls = [f"spikes_called_{name}" for name in classes]
    table.writerow(["cell", "true_class", "predicted_class", "n_spikes", *calls, *means])
    for cell, label, called, probability in zip(
        cells.cell, cells.label, cells.predicted, cells.probability, strict=True
    ):
        own = (predictions.cell == cell) & (predictions.label == label)
        votes = np.bincount(predictions.predicted[own], minlength=len(classes))
        name = predictions.cell_ids[cell] if predictions.cell_ids else cell
        row = [name, classes[label], classes[called], own.sum(), *votes]
        table.writerow(row + [f"{value:.6f}" for value in probability])
    return text.getvalue()

"""Four figures of a test set: confusion, ROC, reliability, and risk against coverage."""

import json
from collections.abc import Sequence

import numpy as np
import torch
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torchmetrics.functional.classification import binary_auroc, binary_roc

from raphe.core.confusion_matrix import draw_confusion
from raphe.core.figure_style import (
    COLOURS,
    GREY,
    ONE_COLUMN_IN,
    STYLE,
    TWO_COLUMNS_IN,
    PaperFigure,
    class_colour,
    colour,
    counts_note,
    house_style,
    letter,
)
from raphe.core.sentences import counted
from raphe.core.statistics.abstention import risk_coverage
from raphe.core.statistics.calibration import N_BINS, Reliability, reliability
from raphe.tasks.celltype.metrics.cell_level import share_of_cells
from raphe.tasks.celltype.metrics.predictions import Predictions
from raphe.tasks.celltype.metrics.set_result import SetResult

CELLS_PER_BIN = 10  # fewer, and a point says next to nothing
RAW, CALIBRATED = "#999999", "black"


@house_style()
def confusion_figure(result: SetResult) -> Figure:
    """Counts of cells and of spikes, with their share of the true class."""
    n = len(result.classes)
    levels = {"cell": result.cells, "spike": result.spikes}
    caption = (
        f"Confusion matrices of the {result.name} set, cells (a) and their spikes (b). Counts with "
        f"their share of the true class. {counts_note(cell=len(result.cells.label))}."
    )
    figure = PaperFigure(min(2.2 + 1.8 * n, TWO_COLUMNS_IN), 1.2 + 0.9 * n, caption)
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (level, predictions) in zip(panels, levels.items(), strict=True):
        counts = predictions.confusion()
        of_true = counts.sum(axis=1, keepdims=True)
        image = draw_confusion(axes, counts, of_true, result.classes)
        axes.set(xlabel="Predicted class", title=counted(level, len(predictions.label)))
    panels[0].set_ylabel("True class")
    letter(panels)
    bar = figure.colorbar(image, ax=panels, ticks=[0, 0.5, 1], shrink=0.8, pad=0.02)
    bar.ax.set_yticklabels(["0 %", "50 %", "100 %"])
    bar.set_label("Share of the true class\n(each row sums to 100 %)")
    bar.outline.set_visible(False)
    figure.suptitle(f"Confusion matrix, {result.name} set")
    return figure


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


def roc_figure(result: SetResult) -> Figure:
    """Sensitivity against false alarms; more classes each against the rest.

    Of two classes, a dot marks the class with the larger probability.
    """
    classes, spikes, cells = result.classes, result.spikes, result.cells
    with rc_context(STYLE):
        two = len(classes) == 2
        figure = Figure(figsize=(ONE_COLUMN_IN, 3.6) if two else (6.4, 4.0), layout="constrained")
        axes = figure.add_subplot()
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
        if two:
            _draw_roc(axes, spikes, 0, f"Spikes, n = {len(spikes.label)}, ", color=COLOURS[0])
            _draw_roc(
                axes, cells, 0, f"Cells, n = {len(cells.label)}, ", color=colour("cells"), ls="--"
            )
            axes.plot([], [], "o", color=GREY, markersize=4, label=f"at P({classes[0]}) > 0.5")
            axes.legend(loc="lower right")
            positive, rest = classes
        else:
            axes.plot([], [], color="black", label=counted("spike", len(spikes.label)))
            axes.plot([], [], color="black", ls="--", label=counted("cell", len(cells.label)))
            for c, label in enumerate(classes):
                _draw_roc(axes, spikes, c, f"{label}, ", color=class_colour(c))
                _draw_roc(axes, cells, c, f"{label}, ", color=class_colour(c), ls="--")
            figure.legend(loc="outside right center")
            positive, rest = "class", "another class"
        axes.set_xlabel(f"1 − specificity ({rest} called {positive})")
        axes.set_ylabel(f"Sensitivity ({positive} called {positive})")
        axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
        over = "over all folds, " if result.compared_within(cells) is not None else ""
        axes.set_title(f"ROC, {over}{result.name} set")
    return figure


def _draw_roc(axes: Axes, predictions: Predictions, c: int, name: str, **style: str) -> None:
    """Draw class c against the rest, unless one of the two is absent."""
    positive = predictions.label == c
    if positive.all() or not positive.any():
        return
    score, target = torch.from_numpy(predictions.probability[:, c]), torch.from_numpy(positive)
    false_alarms, sensitivity, _ = binary_roc(score, target.long(), validate_args=False)
    area = binary_auroc(score, target.long(), validate_args=False).item()
    label = f"{name}AUROC {area:.3f}"
    axes.plot(false_alarms.numpy(), sensitivity.numpy(), linewidth=1.4, label=label, **style)
    if predictions.n_classes == 2:
        called = predictions.predicted == c
        point = called[~positive].mean(), called[positive].mean()
        axes.plot(*point, "o", color=style["color"], markersize=4)


def reliability_figure(result: SetResult) -> Figure:
    """How often a stated probability is right, above how often each probability is stated.

    Of two classes, the probability of the first; of more, that of the class called.
    """
    cells, spikes, first = result.cells, result.spikes, result.classes[0]
    two, where = len(result.classes) == 2, f"{result.name} set"
    n_bins = int(np.clip(len(cells.label) // CELLS_PER_BIN, 1, N_BINS))
    with rc_context(STYLE):
        figure = Figure(figsize=(6.6, 4.7), layout="constrained")
        panels = figure.subplots(2, 2, sharex=True, height_ratios=[3, 1])
        _draw_diagonals(panels[0])
        raw = reliability(*_stated(cells.probability, cells), "equal mass", n_bins)
        errors = f"ECE {raw.expected_error:.3f}"
        _draw_reliability(panels[0, 0], raw, "as the network states it", RAW)
        _draw_intervals(panels[0, 0], raw, cells.probability, result, RAW)
        if result.calibrated:
            calibrated = reliability(*_stated(result.stated, cells), "equal mass", n_bins)
            errors += f", calibrated {calibrated.expected_error:.3f}"
            _draw_reliability(panels[0, 0], calibrated, "calibrated", CALIBRATED)
            _draw_intervals(panels[0, 0], calibrated, result.stated, result, CALIBRATED)
        n_cells, n_spikes = counted("cell", len(cells.label)), counted("spike", len(spikes.label))
        panels[0, 0].set_title(f"{n_cells}, {where}\n{_bins(raw)}\n{errors}")
        stated, right = _stated(spikes.probability, spikes)
        curve = reliability(stated, right, "equal width")
        _draw_reliability(panels[0, 1], curve, "", RAW)
        errors = f"ECE {curve.expected_error:.3f}"
        panels[0, 1].set_title(f"{n_spikes}, {where}\n{_bins(curve)}\n{errors}")
        _draw_histogram(panels[1, 0], _stated(result.stated, cells)[0], cells, result.classes)
        _draw_histogram(panels[1, 1], stated, spikes, result.classes)
        panels[0, 0].set_ylabel(f"Share that is {first}" if two else "Share called right")
        quantity = f"Stated P({first})" if two else "Stated probability of the class called"
        for panel, items in zip(panels[1], ("Cells", "Spikes"), strict=True):
            panel.set(xlabel=quantity, ylabel=items)
        handles = [*panels[0, 0].lines[1:], *panels[1, 0].containers]
        figure.legend(handles=handles, loc="outside upper center", ncols=4, handlelength=1.2)
    return figure


def _bins(curve: Reliability) -> str:
    return f"{counted('bin', len(curve.n))} of {curve.binning}"


def _stated(probability: np.ndarray, predictions: Predictions) -> tuple[np.ndarray, np.ndarray]:
    """What is stated, and whether it is so: (n,) each."""
    if probability.shape[1] == 2:
        return probability[:, 0], predictions.label == 0
    return probability.max(axis=1), probability.argmax(axis=1) == predictions.label


def _draw_diagonals(panels: Sequence[Axes]) -> None:
    for axes in panels:
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
        axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
        axes.tick_params(labelbottom=True)


def _draw_intervals(
    axes: Axes, curve: Reliability, stated: np.ndarray, result: SetResult, colour: str
) -> None:
    """Of cells (n,) alone: the intervals of spikes would be those of their cells."""
    told, right = _stated(stated, result.cells)
    bins = np.searchsorted(curve.edges[1:-1], told, side="left")
    for at, number in zip(curve.stated, np.unique(bins), strict=True):
        share = share_of_cells("", right, bins == number, result.cells, result.groups)
        axes.vlines(at, share.low, share.high, color=colour, linewidth=0.8)


def _draw_reliability(axes: Axes, curve: Reliability, name: str, colour: str) -> None:
    axes.plot(curve.stated, curve.share_right, "o-", color=colour, lw=0.8, ms=4, label=name)


def _draw_histogram(
    axes: Axes, stated: np.ndarray, predictions: Predictions, classes: Sequence[str]
) -> None:
    edges = np.linspace(0, 1, N_BINS + 1)
    bottom = np.zeros(N_BINS)
    for c, label in enumerate(classes):
        count = np.histogram(stated[predictions.label == c], edges)[0]
        colour = COLOURS[c % len(COLOURS)]
        bars = {"align": "edge", "color": colour, "edgecolor": "white", "linewidth": 0.5}
        axes.bar(edges[:-1], count, 1 / N_BINS, bottom, label=f"true {label}", **bars)
        bottom += count


def risk_coverage_figure(result: SetResult) -> Figure:
    """What abstaining buys: errors among the called, against the share called.

    The most confident are called first; a diamond marks the band that was chosen.
    """
    spikes = result.spikes
    with rc_context(STYLE):
        figure = Figure(figsize=(4.2, 3.7), layout="constrained")
        axes = figure.add_subplot()
        right = spikes.predicted == spikes.label
        _draw_risk(axes, spikes.probability, right, "spike", color=COLOURS[0])
        _draw_risk(axes, result.stated, result.right, "cell", color="black", linestyle="--")
        top = max(5.0, 1.1 * axes.dataLim.y1)
        if result.decision:
            _draw_band(axes, result)
        axes.set(xlabel="Share called (%)", ylabel="Wrong among the called (%)")
        axes.set(xlim=(0, 100), ylim=(0, top))
        axes.set_title(f"Risk and coverage, {result.name} set")
        figure.legend(loc="outside upper center", ncols=2)
    return figure


def _draw_risk(
    axes: Axes, probability: np.ndarray, right: np.ndarray, noun: str, **style: str
) -> None:
    curve = risk_coverage(probability.max(axis=1), right)
    label = f"{counted(noun, len(right))}, area {100 * curve.area:.2f} %"
    axes.step(100 * curve.coverage, 100 * curve.risk, where="pre", lw=1.4, label=label, **style)


def _draw_band(axes: Axes, result: SetResult) -> None:
    """Mark where the band puts these cells, and the most that it was to allow."""
    not_sure, decided = result.decision.not_sure, result.decided
    error = 100 * (~result.right[decided]).mean() if decided.any() else 0.0
    label = (
        f"P ≥ {not_sure.threshold:.2f}: {decided.sum()} of {counted('cell', len(decided))} called"
    )
    style = {"color": "black", "markersize": 5, "markerfacecolor": "white", "linestyle": ""}
    axes.plot(100 * decided.mean(), error, "D", clip_on=False, label=label, **style)
    coverage = np.linspace(0.005, 1, 400)
    # Wrong calls are wanted to be rare among all cells, so the fewer are called the more may err.
    label = f"{100 * not_sure.wanted_error:g} % of all called wrong"
    wanted = 100 * not_sure.wanted_error / coverage
    axes.plot(100 * coverage, wanted, color=GREY, lw=0.8, ls=":", label=label)

"""Reliability of the stated probabilities: of cells before and after calibration, and of spikes."""

from collections.abc import Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from raphe.core.figure_style import COLOURS, GREY, STYLE
from raphe.core.statistics.calibration import N_BINS, Reliability, reliability
from raphe.core.statistics.intervals import wilson
from raphe.tasks.celltype.metrics.predictions import Predictions
from raphe.tasks.celltype.metrics.set_result import SetResult

CELLS_PER_BIN = 10  # fewer, and a point says next to nothing
RAW, CALIBRATED = "#999999", "black"


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
        _diagonals(panels[0])
        as_it_is = reliability(*_stated(cells.probability, cells), "equal mass", n_bins)
        told = f"ECE {as_it_is.expected_error:.3f}"
        _curve(panels[0, 0], as_it_is, "as the network states it", RAW)
        _intervals(panels[0, 0], as_it_is, RAW)
        if result.decided is not None:
            calibrated = reliability(*_stated(result.stated, cells), "equal mass", n_bins)
            told += f", calibrated {calibrated.expected_error:.3f}"
            _curve(panels[0, 0], calibrated, "calibrated", CALIBRATED)
            _intervals(panels[0, 0], calibrated, CALIBRATED)
        panels[0, 0].set_title(f"{len(cells.label)} cells, {where}\n{_bins(as_it_is)}\n{told}")
        of_spikes = _stated(spikes.probability, spikes)
        curve = reliability(*of_spikes, "equal width")
        _curve(panels[0, 1], curve, "", RAW)
        told = f"ECE {curve.expected_error:.3f}"
        panels[0, 1].set_title(f"{len(spikes.label)} spikes, {where}\n{_bins(curve)}\n{told}")
        _histogram(panels[1, 0], _stated(result.stated, cells)[0], cells, result.classes)
        _histogram(panels[1, 1], of_spikes[0], spikes, result.classes)
        panels[0, 0].set_ylabel(f"Share that is {first}" if two else "Share called right")
        quantity = f"Stated P({first})" if two else "Stated probability of the class called"
        for panel, what in zip(panels[1], ("Cells", "Spikes"), strict=True):
            panel.set(xlabel=quantity, ylabel=what)
        handles = [*panels[0, 0].lines[1:], *panels[1, 0].containers]
        figure.legend(handles=handles, loc="outside upper center", ncols=4, handlelength=1.2)
    return figure


def _bins(curve: Reliability) -> str:
    n = len(curve.n)
    return f"{n} bin{'' if n == 1 else 's'} of {curve.binning}"


def _stated(probability: np.ndarray, predictions: Predictions) -> tuple[np.ndarray, np.ndarray]:
    """What is stated, and whether it is so: (n,) each."""
    if probability.shape[1] == 2:
        return probability[:, 0], predictions.label == 0
    return probability.max(axis=1), probability.argmax(axis=1) == predictions.label


def _diagonals(panels: Sequence[Axes]) -> None:
    for axes in panels:
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
        axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
        axes.tick_params(labelbottom=True)


def _intervals(axes: Axes, curve: Reliability, colour: str) -> None:
    """Wilson's. Of cells alone: spikes of one cell are not independent."""
    low, high = wilson(curve.n_right, curve.n)
    axes.vlines(curve.stated, low, high, color=colour, linewidth=0.8)


def _curve(axes: Axes, curve: Reliability, name: str, colour: str) -> None:
    axes.plot(curve.stated, curve.share_right, "o-", color=colour, lw=0.8, ms=4, label=name)


def _histogram(
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

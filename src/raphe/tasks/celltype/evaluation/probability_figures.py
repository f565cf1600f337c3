"""What a test set's probabilities are worth: how often they are right, and what abstaining buys."""

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from raphe.core.figure_style import (
    GREY,
    INK,
    ONE_COLUMN_IN,
    SMALL_PT,
    TWO_COLUMNS_IN,
    LineStyle,
    PaperFigure,
    class_colour,
    colour,
    house_style,
    letter,
)
from raphe.core.sentences import counted
from raphe.core.statistics.abstention import NotSure, risk_coverage
from raphe.core.statistics.calibration import N_BINS, Reliability, reliability
from raphe.tasks.celltype.evaluation.figures import interval_words
from raphe.tasks.celltype.metrics.cell_level import share_of, share_of_cells
from raphe.tasks.celltype.metrics.predictions import Predictions
from raphe.tasks.celltype.metrics.set_result import SetResult

CELLS_PER_BIN = 10  # fewer, and a point says next to nothing
FEWEST_CELLS = 2 * CELLS_PER_BIN  # in a figure of bins
RAW: LineStyle = {"marker": "o", "mfc": "white", "ls": "--", "linewidth": 0.8, "color": GREY}
CALIBRATED: LineStyle = {"marker": "o", "ls": "-", "linewidth": 0.8, "color": INK}
BAND_POINTS = 30  # at most, at which the interval of a curve is reckoned
BAND_FROM = 0.25  # coverage; of fewer cells an interval is so wide that the curve lies flat
LEAST_TOP = 10.0  # % of wrong ones that the axis shows


@house_style()
def reliability_figure(result: SetResult) -> Figure:
    """How often a stated probability is right, above how often each probability is stated.

    Of two classes, the probability of the first; of more, that of the class called. Fewer than 20
    cells are not binned.
    """
    levels, two = result.levels, len(result.classes) == 2
    width = TWO_COLUMNS_IN if len(levels) > 1 else ONE_COLUMN_IN
    figure = PaperFigure(width, 4.6, _reliability_caption(result))
    panels = figure.subplots(2, len(levels), sharex=True, height_ratios=[3, 1], squeeze=False)
    for (level, predictions), (above, below) in zip(levels.items(), panels.T, strict=True):
        _draw_diagonal(above)
        stated = result.stated if level == "cells" else predictions.probability
        _draw_histogram(below, _stated(stated, predictions)[0], predictions, result.classes)
        below.set_ylabel(level.capitalize())
    errors = _draw_cells(panels[0, 0], result)
    panels[0, 0].set_title(f"{result.size_of('cells')}{errors}")
    if len(levels) > 1:
        errors = _draw_spikes(panels[0, 1], result)
        panels[0, 1].set_title(f"{result.size_of('spikes')}{errors}")
        letter(panels[0])
    quantity = f"Stated probability of {result.classes[0]}" if two else "Stated probability"
    panels[0, 0].set_ylabel(f"Share that is {result.classes[0]}" if two else "Share called right")
    for axes in panels[1]:
        axes.set_xlabel(quantity)
    entries: dict[str, Artist] = {}
    for axes in panels.ravel():
        handles, labels = axes.get_legend_handles_labels()
        entries |= dict(zip(labels, handles, strict=True))
    columns = 3 if len(levels) > 1 else 2
    figure.legend(entries.values(), entries, loc="outside lower center", ncols=columns)
    figure.suptitle(f"Reliability of stated probabilities\n{result.name} set")
    return figure


def _reliability_caption(result: SetResult) -> str:
    of = f"{result.classes[0]}" if len(result.classes) == 2 else "the class called"
    text = (
        f"Reliability of the {result.name} set: how often a cell or spike is {of} of those whose "
        f"probability of {of} was stated as so large, in bins of about as many cells each, and of "
        "one width for spikes; on the dotted line statements are true. ECE, the expected "
        "calibration error, is the mean distance to that line, weighted by the counts. Below, how "
        f"often each probability is stated. {interval_words(result)}."
    )
    if result.decision is not None and not result.calibrated:
        text += " Probabilities are not calibrated: too few cells were held out to calibrate on."
    return text


def _draw_cells(axes: Axes, result: SetResult) -> str:
    """Cells before and after calibration; what to say above them."""
    cells = result.cells
    if len(cells.label) < FEWEST_CELLS:
        axes.text(
            0.5, 0.5, f"{counted('cell', len(cells.label))}: too few for bins,\n"
            f"{FEWEST_CELLS} are needed", ha="center", va="center", color=GREY,
            bbox={"color": "white"},
        )  # fmt: skip
        return ""
    n_bins = int(np.clip(len(cells.label) // CELLS_PER_BIN, 1, N_BINS))
    ways = [("as the network states it", cells.probability, RAW)]
    if result.calibrated:
        ways.append(("calibrated", result.stated, CALIBRATED))
    errors = []
    for name, probability, style in ways:
        curve = reliability(*_stated(probability, cells), "equal mass", n_bins)
        _draw_curve(axes, curve, "cells", cells, probability, result, name, style)
        errors.append(_error(curve))
    return f" in {counted('bin', len(curve.n))}\nECE {', calibrated '.join(errors)}"


def _draw_spikes(axes: Axes, result: SetResult) -> str:
    spikes = result.spikes
    curve = reliability(*_stated(spikes.probability, spikes), "equal width")
    name = "as the network states it"
    _draw_curve(axes, curve, "spikes", spikes, spikes.probability, result, name, RAW)
    return f" in {counted('bin', len(curve.n))}\nECE {_error(curve)}"


def _error(curve: Reliability) -> str:
    return f"{curve.expected_error:.3f}"


def _stated(probability: np.ndarray, predictions: Predictions) -> tuple[np.ndarray, np.ndarray]:
    """What is stated, and whether it is so: (n,) each."""
    if probability.shape[1] == 2:
        return probability[:, 0], predictions.label == 0
    return probability.max(axis=1), probability.argmax(axis=1) == predictions.label


def _draw_diagonal(axes: Axes) -> None:
    label = "stated as often as true"
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":", label=label)
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
    axes.tick_params(labelbottom=True)


def _draw_curve(
    axes: Axes,
    curve: Reliability,
    level: str,
    predictions: Predictions,
    probability: np.ndarray,
    result: SetResult,
    name: str,
    style: LineStyle,
) -> None:
    """A point a bin with its interval over the set's groups."""
    stated, right = _stated(probability, predictions)
    bins = np.searchsorted(curve.edges[1:-1], stated, side="left")
    for at, number in zip(curve.stated, np.unique(bins), strict=True):
        share = share_of(level, "", right, bins == number, predictions, result.groups)
        axes.vlines(at, share.low, share.high, color=style["color"], linewidth=0.8)
    axes.plot(curve.stated, curve.share_right, label=name, **style)


def _draw_histogram(
    axes: Axes, stated: np.ndarray, predictions: Predictions, classes: Sequence[str]
) -> None:
    edges = np.linspace(0, 1, N_BINS + 1)
    bottom = np.zeros(N_BINS)
    for c, label in enumerate(classes):
        count = np.histogram(stated[predictions.label == c], edges)[0]
        axes.bar(
            edges[:-1], count, 1 / N_BINS, bottom, label=f"true {label}", align="edge",
            color=class_colour(c), edgecolor="white", linewidth=0.5,
        )  # fmt: skip
        bottom += count
    axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))


@house_style()
def risk_coverage_figure(result: SetResult) -> Figure:
    """What abstaining buys: wrong ones among the cells called, against how many are called.

    The most confident are called first; a diamond marks the band that was chosen.
    """
    curve = risk_coverage(result.stated.max(axis=1), result.right)
    caption = (
        f"What it buys to leave unsure cells of the {result.name} set uncalled: the share of wrong "
        "ones among the cells called, where those of the largest stated probability are called "
        f"first (risk and coverage). On average over all coverages {100 * curve.area:.1f} % are "
        f"wrong (AURC). {interval_words(result)}, at each coverage by itself, from "
        f"{100 * BAND_FROM:g} % of the cells on."
    )
    if result.decision:
        caption += (
            " The diamond is the band that was chosen on the validation cells; below the dotted "
            f"line at most {100 * result.decision.not_sure.wanted_error:g} % of all cells are "
            "called wrong."
        )
    figure = PaperFigure(ONE_COLUMN_IN, 3.7, caption)
    axes = figure.add_subplot()
    high = _draw_risk(axes, result)
    top = max(LEAST_TOP, 1.15 * max(100 * curve.risk.max(), high))
    if result.decision is not None and result.decided is not None:
        _draw_band(axes, result, result.decision.not_sure, result.decided)
    axes.set(xlabel="Cells called, the surest first (%)", ylabel="Wrong among the cells called (%)")
    axes.set(xlim=(0, 101), ylim=(-0.015 * top, min(top, 101)))
    axes.set_title(f"Leaving unsure cells uncalled\n{result.name} set")
    figure.legend(loc="outside lower center", fontsize=SMALL_PT)
    return figure


def _draw_risk(axes: Axes, result: SetResult) -> float:
    """The curve with its interval; returns the largest upper end that is drawn, in %."""
    confidence, right = result.stated.max(axis=1), result.right
    curve = risk_coverage(confidence, right)
    label = f"{result.size_of('cells')}, with 95 % interval"
    coverage, risk = 100 * curve.coverage, 100 * curve.risk
    axes.step(coverage, risk, where="pre", color=colour("cells"), label=label)
    chosen = np.unique(np.linspace(0, len(curve.coverage) - 1, BAND_POINTS).astype(int))
    shares = [
        share_of_cells("", ~right, confidence >= threshold, result.cells, result.groups)
        for threshold in curve.threshold[chosen]
    ]
    low, high = (
        100 * np.array([getattr(share, end) for share in shares]) for end in ("low", "high")
    )
    at, shown = 100 * curve.coverage[chosen], curve.coverage[chosen] >= BAND_FROM
    axes.fill_between(
        at[shown], low[shown], high[shown], step="pre", color=colour("cells"), alpha=0.13,
        linewidth=0,
    )  # fmt: skip
    return float(np.nanmax(high[shown]))


def _draw_band(axes: Axes, result: SetResult, not_sure: NotSure, decided: np.ndarray) -> None:
    """Mark where the band puts these cells, and the most that it was to allow."""
    error = 100 * (~result.right[decided]).mean() if decided.any() else 0.0
    at_least = f"at P ≥ {not_sure.threshold:.2f}"
    if not_sure.threshold <= 1 / len(result.classes):
        at_least = "at any probability"
    label = f"called {at_least}: {decided.sum()} of {counted('cell', len(decided))}"
    axes.plot(
        100 * decided.mean(), error, "D", clip_on=False, label=label, color="black", markersize=6,
        markerfacecolor="white", linestyle="",
    )  # fmt: skip
    coverage = np.linspace(0.005, 1, 400)
    # Wrong calls are wanted to be rare among all cells, so the fewer are called the more may err.
    label = f"{100 * not_sure.wanted_error:g} % of all cells called wrong"
    wanted = 100 * not_sure.wanted_error / coverage
    axes.plot(100 * coverage, wanted, color=GREY, lw=0.8, ls=":", label=label)

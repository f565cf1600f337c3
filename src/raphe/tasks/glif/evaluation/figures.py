"""Figures of a tested posterior.

M cells, P quantities, S samples, N samples of a trace.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter
from scipy.stats import binom

from raphe.core.figure_style import (
    GREY,
    INK,
    METHODS,
    PALE,
    SMALL_PT,
    TWO_COLUMNS_IN,
    PaperFigure,
    house_style,
    letter,
)
from raphe.core.sentences import counted, p_value
from raphe.tasks.glif.metrics.posterior_scores import PosteriorTest, r_squared, scored_cells
from raphe.tasks.glif.metrics.predictive import respond
from raphe.tasks.glif.neurons.simulation import SIMULATED_HZ
from raphe.tasks.glif.synthetic.quantities import (
    LOG,
    PLAIN_A,
    REST,
    SIGNED,
    THRESHOLD,
    Quantity,
    quantities,
)
from raphe.tasks.glif.synthetic.simulated_experiments import Measured
from raphe.tasks.glif.training.module import PosteriorModule

SPIKED, SILENT = ("cells that fired", "o", METHODS[3]), ("silent cells", "s", METHODS[1])
POSTERIOR = METHODS[2]
MOST_BINS, FEWEST_BINS, CELLS_A_BIN = 20, 5, 10
N_DRAWN = 20  # neurons of a posterior that are simulated in an example
PER_ROW = 5
WIDE = 20.0  # an axis over which 1, 2, 5 of each decade would be too many numbers


@house_style()
def recovery_figure(title: str, test: PosteriorTest, model: PosteriorModule) -> PaperFigure:
    """Posterior median and 95 % interval of each quantity over the truth."""
    shown = quantities(model.scaler.level)
    n_rows = -(-len(shown) // PER_ROW)
    figure = PaperFigure(TWO_COLUMNS_IN, 0.4 + 1.75 * n_rows, _recovery_caption(title, test))
    low, high = np.percentile(test.samples, [2.5, 97.5], axis=0)
    truth, median, low, high = (
        model.scaler.values(standardised.astype(np.float64))
        for standardised in (test.truth, np.median(test.samples, axis=0), low, high)
    )
    grid = figure.subplots(n_rows, PER_ROW, squeeze=False)
    for i, (axes, quantity) in enumerate(zip(grid.flat, shown, strict=False)):
        for rows, (_, marker, colour) in ((~test.spiked, SILENT), (test.spiked, SPIKED)):
            x, y = truth[rows, i] * quantity.in_lab, median[rows, i] * quantity.in_lab
            axes.vlines(
                x, low[rows, i] * quantity.in_lab, high[rows, i] * quantity.in_lab,
                color=colour, linewidth=0.6, alpha=0.35,
            )  # fmt: skip
            axes.plot(x, y, marker, ms=1.8, mew=0, color=colour)
        ends = np.percentile(truth[:, i] * quantity.in_lab, [0, 100])
        axes.plot(ends, ends, color=GREY, linewidth=0.8, linestyle=":")
        _scale(axes, quantity, ends)
        scored = scored_cells(test, quantity.name)
        score = r_squared(np.median(test.samples[:, scored, i], axis=0), test.truth[scored, i])
        name, _, unit = quantity.label.partition(" (")
        axes.set_xlabel(f"True ({unit}" if unit else "True")
        axes.set_title(f"{name}\nR² = {score:.2f}, n = {len(scored)}", fontsize=SMALL_PT)
    for axes in grid.flat[len(shown) :]:
        axes.set_axis_off()
    for axes in grid[:, 0]:
        axes.set_ylabel("Inferred")
    figure.legend(
        handles=[
            *(
                Line2D([], [], ls="", marker=marker, color=colour, label=name)
                for name, marker, colour in (SPIKED, SILENT)
            ),
            Line2D([], [], color=GREY, lw=0.8, ls=":", label="inferred = true"),
        ],
        loc="outside lower center", ncols=3,
    )  # fmt: skip
    letter(grid.flat[: len(shown)])
    return figure


def _recovery_caption(title: str, test: PosteriorTest) -> str:
    n_cells, n_fired = len(test.truth), int(test.spiked.sum())
    return (
        f"{title}: each quantity of {counted('simulated cell', n_cells)}, of which {n_fired} "
        "fired, as inferred: posterior median and central 95 % interval over the truth. R²: share "
        "of the truth's variance, on the scale of the axes, that the medians explain, over n "
        "cells; a quantity that only spikes show is scored on the cells that fired."
    )


def _scale(axes: Axes, quantity: Quantity, ends: np.ndarray) -> None:
    """The scale on which a quantity is learnt, its numbers few enough to be read."""
    plain = StrMethodFormatter("{x:g}")
    if quantity.scale is LOG:
        axes.set(xscale="log", yscale="log")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(LogLocator(subs=(1,) if ends[1] > WIDE * ends[0] else (1, 2, 5)))
            axis.set_major_formatter(plain)
            axis.set_minor_formatter(NullFormatter())
    elif quantity.scale is SIGNED:
        furthest = 10 ** np.floor(np.log10(max(np.abs(ends).max(), PLAIN_A * quantity.in_lab)))
        ticks = [tick for tick in (-furthest, 0, furthest) if ends[0] <= tick <= ends[1]]
        for axis, set_scale in ((axes.xaxis, axes.set_xscale), (axes.yaxis, axes.set_yscale)):
            set_scale("symlog", linthresh=PLAIN_A * quantity.in_lab)
            axis.set_ticks(ticks)
            axis.set_major_formatter(plain)


@house_style()
def calibration_figure(
    title: str, test: PosteriorTest, level: int, p_values: np.ndarray
) -> PaperFigure:
    """How often intervals hold the truth, and the truth's rank among the samples."""
    ranks = (test.samples < test.truth).mean(axis=0)  # (M, P)
    n_cells, n_quantities = ranks.shape
    n_columns = 3 if n_quantities < 6 else 4
    n_rows = -(-(1 + n_quantities) // n_columns)
    n_bins = int(np.clip(n_cells // CELLS_A_BIN, FEWEST_BINS, MOST_BINS))
    figure = PaperFigure(
        TWO_COLUMNS_IN, 0.2 + 1.7 * n_rows, _calibration_caption(title, test, n_bins)
    )
    panels = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
    _coverage(panels[0], ranks, test.outside)
    expected = binom.ppf([0.025, 0.975], n_cells, 1 / n_bins)
    histograms = panels[1 : 1 + n_quantities]
    for i, (axes, quantity) in enumerate(zip(histograms, quantities(level), strict=True)):
        axes.sharey(histograms[0])
        axes.axhspan(*expected, color=PALE, linewidth=0)
        axes.hist(ranks[:, i], np.linspace(0, 1, n_bins + 1), color=POSTERIOR, histtype="step")
        p = p_value(p_values[i])
        stated = f"p < {p[1:]}" if p.startswith("<") else f"p = {p}"
        name = quantity.label.partition(" (")[0]
        axes.set_title(f"{name}\n{stated}", fontsize=SMALL_PT)
        axes.set(xlabel="Rank of the truth", ylabel="Cells")
    highest = max(axes.get_ylim()[1] for axes in histograms)
    histograms[0].set_ylim(0, max(highest, 2 * n_cells / n_bins))
    for axes in panels[1 + n_quantities :]:
        axes.set_axis_off()
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    letter(panels[: 1 + n_quantities])
    return figure


def _coverage(axes: Axes, ranks: np.ndarray, outside: np.ndarray) -> None:
    levels, n_cells = np.linspace(0.02, 0.98, 49), len(ranks)
    low, high = binom.ppf([[0.025], [0.975]], n_cells, levels) / n_cells
    axes.fill_between(levels, low, high, color=PALE, linewidth=0, label="expected, 95 %")
    for i in range(ranks.shape[1]):
        inside = [(np.abs(ranks[:, i] - 0.5) <= level / 2).mean() for level in levels]
        label = None if i else "each quantity"
        axes.plot(levels, inside, linewidth=0.8, color=POSTERIOR, label=label)
    joint = [(1 - outside <= level).mean() for level in levels]
    axes.plot(levels, joint, "--", linewidth=1.2, color=INK, label="all together")
    axes.set(xlabel="Level of the interval", ylabel="Share of cells inside")


def _calibration_caption(title: str, test: PosteriorTest, n_bins: int) -> str:
    return (
        f"{title}: {counted('simulated cell', len(test.truth))}, "
        f"{counted('sample', len(test.samples))} of each posterior. a: how often a central "
        "interval holds the truth, for each quantity and for all together (highest density). "
        f"Others: rank of the truth among the samples, in {n_bins} bins; p: that ranks are so far "
        "from uniform by chance (Kolmogorov–Smirnov). Grey: where 95 % lie if the posterior is "
        "calibrated."
    )


@house_style()
def examples_figure(
    title: str, test: PosteriorTest, model: PosteriorModule, measured: Measured
) -> PaperFigure:
    """Data against neurons of the posterior, and what it says of the threshold: a cell that fires
    much, one that fires a little, a silent one."""
    counts = measured.spike_count
    order = np.argsort(counts, kind="stable")
    fired = order[counts[order] > 0]
    chosen = [*fired[[-1, 0]]] if len(fired) > 1 else [*fired]
    silent = order[counts[order] == 0]
    chosen += [*silent[:1]]
    caption = (
        f"{title}: {counted('cell', len(chosen))} of the test set, from many spikes to none. Left: "
        f"the voltage that was measured and that of {N_DRAWN} neurons of the posterior under the "
        f"same current. Right: {counted('sample', len(test.samples))} of the posterior of the "
        "threshold, the truth, and, of a silent cell, the voltages that it reached without a "
        "spike."
    )
    figure = PaperFigure(TWO_COLUMNS_IN, 0.4 + 1.5 * max(len(chosen), 1), caption)
    if not chosen:
        return figure
    grid = figure.subplots(len(chosen), 2, squeeze=False, width_ratios=(3, 1))
    for row, cell in zip(grid, chosen, strict=True):
        _trace(row[0], test, model, measured, int(cell))
        _threshold(row[1], test, model, measured, int(cell))
    grid[-1, 0].set_xlabel("Time (s)")
    grid[-1, 1].set_xlabel("Threshold above rest (mV)")
    figure.legend(
        handles=[
            Line2D([], [], color=INK, lw=0.8, label="data"),
            Line2D([], [], color=POSTERIOR, lw=0.8, label="neurons of the posterior"),
            Line2D([], [], color=INK, lw=1, ls=":", label="true threshold"),
            Patch(color=PALE, label="reached without a spike"),
        ],
        loc="outside lower center", ncols=4,
    )  # fmt: skip
    letter(grid.ravel())
    return figure


def _trace(
    axes: Axes, test: PosteriorTest, model: PosteriorModule, measured: Measured, cell: int
) -> None:
    values = model.scaler.values(test.samples[:N_DRAWN, cell].astype(np.float64))
    current = np.tile(measured.current_a[cell], (len(values), 1))
    response, rest_v = respond(model.scaler.level, values, current)
    time_s = np.arange(current.shape[1]) / SIMULATED_HZ
    for voltage, rest in zip(response.voltage_v, rest_v, strict=True):
        axes.plot(time_s, 1e3 * (voltage + rest), color=POSTERIOR, linewidth=0.5, alpha=0.4)
    data = measured.traces[cell, 0]
    axes.plot(np.arange(len(data)) / measured.rate_hz, data, color=INK, linewidth=0.6)
    axes.set_ylabel("Voltage (mV)")
    axes.set_title(counted("spike", int(measured.spike_count[cell])), loc="left", fontsize=SMALL_PT)


def _threshold(
    axes: Axes, test: PosteriorTest, model: PosteriorModule, measured: Measured, cell: int
) -> None:
    scaler = model.scaler
    samples = 1e3 * scaler.values(test.samples[:, cell].astype(np.float64))[:, THRESHOLD]
    true = 1e3 * scaler.values(test.truth[cell].astype(np.float64))
    axes.hist(samples, 40, color=POSTERIOR, histtype="step", density=True)
    axes.axvline(true[THRESHOLD], color=INK, linewidth=1, linestyle=":")
    if not measured.spike_count[cell]:
        seen = float(np.nanmax(measured.traces[cell, 0])) - true[REST]
        axes.axvspan(min(seen, samples.min()), seen, color=PALE, linewidth=0, zorder=0)
    axes.set_yticks([])
    axes.set_ylabel("Density")

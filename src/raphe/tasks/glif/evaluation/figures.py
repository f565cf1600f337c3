"""Figures of a tested posterior.

M cells, P quantities, S samples, N samples of a trace.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter
from scipy.stats import binom

from raphe.core.figure_style import COLOURS, GREY
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

SPIKED, SILENT, DATA = COLOURS[1], COLOURS[4], "black"
N_BINS = 20
N_DRAWN = 20  # neurons of a posterior that are simulated in an example
PER_ROW = 5


def label(quantity: Quantity) -> str:
    """ "Capacitance (pF)"."""
    name = quantity.name.replace("_", " ").capitalize()
    return f"{name} ({quantity.lab_unit})" if quantity.lab_unit else name


def recovery_figure(title: str, test: PosteriorTest, model: PosteriorModule) -> Figure:
    """Posterior median and 95 % interval of each quantity over the truth."""
    shown = quantities(model.scaler.level)
    n_rows = -(-len(shown) // PER_ROW)
    figure = Figure(figsize=(11, 0.5 + 2.5 * n_rows), layout="constrained")
    low, high = np.percentile(test.samples, [2.5, 97.5], axis=0)
    truth, median, low, high = (
        model.scaler.values(standardised.astype(np.float64))
        for standardised in (test.truth, np.median(test.samples, axis=0), low, high)
    )
    grid = figure.subplots(n_rows, PER_ROW, squeeze=False).ravel()
    for i, (axes, quantity) in enumerate(zip(grid, shown, strict=False)):
        for rows, colour in ((~test.spiked, SILENT), (test.spiked, SPIKED)):
            x, y = truth[rows, i] * quantity.in_lab, median[rows, i] * quantity.in_lab
            axes.vlines(
                x, low[rows, i] * quantity.in_lab, high[rows, i] * quantity.in_lab,
                color=colour, linewidth=0.6, alpha=0.35,
            )  # fmt: skip
            axes.plot(x, y, ".", ms=2.5, color=colour)
        ends = np.percentile(truth[:, i] * quantity.in_lab, [0, 100])
        axes.plot(ends, ends, color=GREY, linewidth=0.8, linestyle=":")
        if quantity.scale is LOG:
            axes.set(xscale="log", yscale="log")
            for axis in (axes.xaxis, axes.yaxis):
                axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
                axis.set_major_formatter(StrMethodFormatter("{x:g}"))
                axis.set_minor_formatter(NullFormatter())
        elif quantity.scale is SIGNED:
            for set_scale in (axes.set_xscale, axes.set_yscale):
                set_scale("symlog", linthresh=PLAIN_A * quantity.in_lab)
        scored = scored_cells(test, quantity.name)
        score = r_squared(np.median(test.samples[:, scored, i], axis=0), test.truth[scored, i])
        axes.set(xlabel="True", title=f"{label(quantity)}\nR² = {score:.4f}")
    for axes in grid[len(shown) :]:
        axes.set_axis_off()
    grid[0].set_ylabel("Inferred, 95 % interval")
    figure.suptitle(
        f"{title}: {len(truth)} cells (blue: fired, yellow: silent). R² on the axis' scale; "
        f"of what shows in spikes where a cell spiked",
        size=8,
    )
    return figure


def calibration_figure(
    title: str, test: PosteriorTest, names: Sequence[str], p_values: np.ndarray
) -> Figure:
    """How often intervals hold the truth, and the truth's rank among the samples."""
    figure = Figure(figsize=(11, 2.9), layout="constrained")
    left, *others = figure.subplots(1, 1 + min(len(names), PER_ROW))
    levels = np.linspace(0.02, 0.98, 49)
    ranks = (test.samples < test.truth).mean(axis=0)  # (M, P)
    for i, name in enumerate(names):
        inside = [(np.abs(ranks[:, i] - 0.5) <= level / 2).mean() for level in levels]
        left.plot(levels, inside, linewidth=1, color=COLOURS[i % len(COLOURS)], label=_short(name))
    joint = [(1 - test.outside <= level).mean() for level in levels]
    left.plot(levels, joint, "--", linewidth=1, color="black", label="all together")
    left.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
    left.set(xlabel="Interval", ylabel="Share of cells inside", title="Expected coverage")
    left.legend(fontsize=6, loc="upper left")
    n = len(ranks)
    expected = binom.ppf([0.025, 0.975], n, 1 / N_BINS)
    for i, (axes, name) in enumerate(zip(others, names, strict=False)):
        axes.axhspan(*expected, color=GREY, alpha=0.3, linewidth=0)
        axes.hist(ranks[:, i], np.linspace(0, 1, N_BINS + 1), color=SPIKED, histtype="step")
        axes.set(xlabel="Rank of the truth", title=f"{_short(name)}\np = {p_values[i]:.2g}")
        axes.set_ylim(0, max(axes.get_ylim()[1], 2 * n / N_BINS))
    others[0].set_ylabel("Cells (grey: 95 % if uniform)")
    figure.suptitle(f"{title}: {n} cells, {len(test.samples)} samples each", size=8)
    return figure


def examples_figure(
    title: str, test: PosteriorTest, model: PosteriorModule, measured: Measured
) -> Figure:
    """Data against neurons of the posterior, and what it says of the threshold: a cell that fires
    much, one that fires a little, a silent one."""
    counts = measured.spike_count
    order = np.argsort(counts, kind="stable")
    fired = order[counts[order] > 0]
    chosen = [*fired[[-1, 0]]] if len(fired) > 1 else [*fired]
    silent = order[counts[order] == 0]
    chosen += [*silent[:1]]
    figure = Figure(figsize=(9, 1.9 * max(len(chosen), 1)), layout="constrained")
    if not chosen:
        return figure
    grid = figure.subplots(len(chosen), 2, squeeze=False, width_ratios=(3, 1))
    for row, cell in zip(grid, chosen, strict=True):
        _trace(row[0], test, model, measured, int(cell))
        _threshold(row[1], test, model, measured, int(cell))
    grid[-1, 0].set_xlabel("Time (s)")
    grid[-1, 1].set_xlabel("Threshold above rest (mV)")
    grid[0, 0].set_title(f"{title}: data (black), {N_DRAWN} neurons of the posterior (orange)")
    grid[0, 1].set_title("Posterior, truth (dotted)\ngrey: reached without a spike", size=8)
    return figure


def _trace(
    axes: Axes, test: PosteriorTest, model: PosteriorModule, measured: Measured, cell: int
) -> None:
    values = model.scaler.values(test.samples[:N_DRAWN, cell].astype(np.float64))
    current = np.tile(measured.current_a[cell], (len(values), 1))
    response, rest_v = respond(model.scaler.level, values, current)
    time_s = np.arange(current.shape[1]) / SIMULATED_HZ
    for voltage, rest in zip(response.voltage_v, rest_v, strict=True):
        axes.plot(time_s, 1e3 * (voltage + rest), color=COLOURS[0], linewidth=0.6, alpha=0.4)
    data = measured.traces[cell, 0]
    axes.plot(np.arange(len(data)) / measured.rate_hz, data, color=DATA, linewidth=0.6)
    axes.set_ylabel("Voltage (mV)")


def _threshold(
    axes: Axes, test: PosteriorTest, model: PosteriorModule, measured: Measured, cell: int
) -> None:
    scaler = model.scaler

    samples = 1e3 * scaler.values(test.samples[:, cell].astype(np.float64))[:, THRESHOLD]
    true = 1e3 * scaler.values(test.truth[cell].astype(np.float64))
    axes.hist(samples, 40, color=COLOURS[0], histtype="step", density=True)
    axes.axvline(true[THRESHOLD], color=DATA, linewidth=1, linestyle=":")
    if not measured.spike_count[cell]:
        seen = float(np.nanmax(measured.traces[cell, 0])) - true[REST]
        axes.axvspan(min(seen, samples.min()), seen, color=GREY, alpha=0.3, linewidth=0)
    axes.set_yticks([])


def _short(name: str) -> str:
    return name.replace("_", " ")

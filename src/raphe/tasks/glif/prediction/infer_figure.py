"""New cells' data against neurons drawn from their posteriors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from raphe.core.figure_style import COLOURS, GREY
from raphe.tasks.glif.metrics.predictive import respond
from raphe.tasks.glif.synthetic.experiments import SIMULATED_HZ
from raphe.tasks.glif.synthetic.quantities import ALL_LEVELS, quantities

N_SHOWN, N_DRAWN = 4, 20


@dataclass(frozen=True, eq=False)
class Shown:
    """A cell's posterior (an infer_glif.Posterior), and what was measured, (N,) each."""

    posterior: Any
    voltage_v: np.ndarray
    current_a: np.ndarray
    rate_hz: float


def predictive_figure(shown: Sequence[Shown], level: int) -> Figure:
    """A row a cell: current and voltage of the stretch that was read, neurons of the posterior,
    and the marginal posterior of each quantity that every level has."""
    n_columns = len(ALL_LEVELS)
    figure = Figure(figsize=(10, 3.4 * len(shown)), layout="constrained")
    for block, one in zip(figure.subfigures(len(shown), squeeze=False)[:, 0], shown, strict=True):
        grid = block.add_gridspec(3, n_columns, height_ratios=(0.5, 1.6, 1))
        current = block.add_subplot(grid[0, :])
        voltage = block.add_subplot(grid[1, :], sharex=current)
        _traces(current, voltage, one, level)
        for column in range(n_columns):
            _marginal(block.add_subplot(grid[2, column]), one, level, column)
    return figure


def _traces(above: Axes, below: Axes, one: Shown, level: int) -> None:
    begin = round(one.posterior.begin_s * one.rate_hz)
    stretch = slice(begin, begin + round(one.posterior.length_s * one.rate_hz))
    data, fed = one.voltage_v[stretch], one.current_a[stretch]
    time_s = np.arange(len(data)) / one.rate_hz
    fine_s = np.arange(round(len(data) / one.rate_hz * SIMULATED_HZ)) / SIMULATED_HZ
    drawn = one.posterior.samples[:N_DRAWN]
    current = np.tile(np.interp(fine_s, time_s, fed), (len(drawn), 1))
    response, rest_v = respond(level, drawn, current)
    for voltage, rest in zip(response.voltage_v, rest_v, strict=True):
        below.plot(
            one.posterior.begin_s + fine_s, 1e3 * (voltage + rest),
            color=COLOURS[0], linewidth=0.6, alpha=0.4,
        )  # fmt: skip
    below.plot(one.posterior.begin_s + time_s, 1e3 * data, color="black", linewidth=0.7)
    above.plot(one.posterior.begin_s + time_s, 1e12 * fed, color=GREY, linewidth=0.7)
    above.tick_params(labelbottom=False)
    above.set(ylabel="pA")
    above.set_title(
        f"{one.posterior.cell}: data (black), {len(drawn)} neurons of the posterior (orange)"
    )
    below.set(xlabel="Time (s)", ylabel="Voltage (mV)")


def _marginal(axes: Axes, one: Shown, level: int, column: int) -> None:
    quantity = quantities(level)[column]
    values = one.posterior.samples[:, column] * quantity.in_lab
    axes.hist(values, 40, color=COLOURS[0], histtype="step", density=True)
    low, high = np.percentile(values, [2.5, 97.5])
    axes.axvspan(low, high, color=COLOURS[0], alpha=0.12, linewidth=0)
    axes.set_yticks([])
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.ticklabel_format(axis="x", useOffset=False)
    axes.set_xlabel(f"{quantity.name.replace('_', ' ').capitalize()} ({quantity.lab_unit})")

"""New cells' data against neurons drawn from their posteriors."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from raphe.core.figure_style import COLOURS, GREY
from raphe.tasks.glif.metrics.predictive import respond
from raphe.tasks.glif.neurons.simulation import SIMULATED_HZ
from raphe.tasks.glif.prediction.posterior import Posterior
from raphe.tasks.glif.synthetic.quantities import ALL_LEVELS, quantities

N_SHOWN, N_DRAWN = 4, 20


@dataclass(frozen=True, eq=False)
class ShownCell:
    """A cell's posterior, and what was measured, float64 (N,) each."""

    posterior: Posterior
    voltage_v: np.ndarray
    current_a: np.ndarray
    rate_hz: float


def predictive_figure(shown: Sequence[ShownCell]) -> Figure:
    """A row a cell: current and voltage of the stretch that was read, neurons of the posterior,
    and the marginal posterior of each quantity that every level has."""
    n_columns = len(ALL_LEVELS)
    figure = Figure(figsize=(10, 3.4 * len(shown)), layout="constrained")
    for block, cell in zip(figure.subfigures(len(shown), squeeze=False)[:, 0], shown, strict=True):
        grid = block.add_gridspec(3, n_columns, height_ratios=(0.5, 1.6, 1))
        current = block.add_subplot(grid[0, :])
        voltage = block.add_subplot(grid[1, :], sharex=current)
        _traces(current, voltage, cell)
        for column in range(n_columns):
            _marginal(block.add_subplot(grid[2, column]), cell.posterior, column)
    return figure


def _traces(above: Axes, below: Axes, cell: ShownCell) -> None:
    posterior, rate_hz = cell.posterior, cell.rate_hz
    begin = round(posterior.begin_s * rate_hz)
    stretch = slice(begin, begin + round(posterior.length_s * rate_hz))
    data, fed = cell.voltage_v[stretch], cell.current_a[stretch]
    time_s = np.arange(len(data)) / rate_hz
    fine_s = np.arange(round(len(data) / rate_hz * SIMULATED_HZ)) / SIMULATED_HZ
    drawn = posterior.samples[:N_DRAWN]
    current = np.tile(np.interp(fine_s, time_s, fed), (len(drawn), 1))
    response, rest_v = respond(posterior.level, drawn, current)
    for voltage, rest in zip(response.voltage_v, rest_v, strict=True):
        below.plot(
            posterior.begin_s + fine_s, 1e3 * (voltage + rest),
            color=COLOURS[0], linewidth=0.6, alpha=0.4,
        )  # fmt: skip
    below.plot(posterior.begin_s + time_s, 1e3 * data, color="black", linewidth=0.7)
    above.plot(posterior.begin_s + time_s, 1e12 * fed, color=GREY, linewidth=0.7)
    above.tick_params(labelbottom=False)
    above.set(ylabel="pA")
    above.set_title(
        f"{posterior.cell}: data (black), {len(drawn)} neurons of the posterior (orange)"
    )
    below.set(xlabel="Time (s)", ylabel="Voltage (mV)")


def _marginal(axes: Axes, posterior: Posterior, column: int) -> None:
    quantity = quantities(posterior.level)[column]
    values = posterior.samples[:, column] * quantity.in_lab
    axes.hist(values, 40, color=COLOURS[0], histtype="step", density=True)
    low, high = np.percentile(values, [2.5, 97.5])
    axes.axvspan(low, high, color=COLOURS[0], alpha=0.12, linewidth=0)
    axes.set_yticks([])
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.ticklabel_format(axis="x", useOffset=False)
    axes.set_xlabel(f"{quantity.name.replace('_', ' ').capitalize()} ({quantity.lab_unit})")

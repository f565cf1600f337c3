"""New cells' data against neurons drawn from their posteriors."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from raphe.core.figure_style import (
    GREY,
    INK,
    METHODS,
    SMALL_PT,
    TWO_COLUMNS_IN,
    PaperFigure,
    house_style,
    letter,
)
from raphe.core.sentences import counted
from raphe.tasks.glif.metrics.predictive import respond
from raphe.tasks.glif.neurons.simulation import SIMULATED_HZ
from raphe.tasks.glif.prediction.posterior import Posterior
from raphe.tasks.glif.recordings.cell_traces import CellTraces
from raphe.tasks.glif.synthetic.quantities import ALL_LEVELS, quantities

N_SHOWN, N_DRAWN = 4, 20
POSTERIOR = METHODS[2]


@dataclass(frozen=True, eq=False)
class ShownCell:
    """A cell's posterior, and what was measured, float64 (N,) each."""

    posterior: Posterior
    voltage_v: np.ndarray
    current_a: np.ndarray
    rate_hz: float


def shown_cell(posterior: Posterior, cells: CellTraces, row: int) -> ShownCell:
    """A cell as it is drawn: relative to rest where its voltage was given so."""
    voltage_v = cells.voltage_v[row] - cells.rest_added_v
    return ShownCell(posterior, voltage_v, cells.current_a[row], cells.rate_hz)


@house_style()
def predictive_figure(shown: Sequence[ShownCell]) -> PaperFigure:
    """A row a cell: current and voltage of the stretch that was read, neurons of the posterior,
    and the marginal posterior of each quantity that every level has."""
    n_columns = len(ALL_LEVELS)
    n_samples = len(shown[0].posterior.samples)
    caption = (
        f"{counted('cell', len(shown))}: the current and the voltage that were measured, the "
        f"voltage of {N_DRAWN} neurons of the posterior under that current, and below the "
        f"posterior of each quantity ({counted('sample', n_samples)}) with its central 95 % "
        "interval."
    )
    for posterior in (cell.posterior for cell in shown if cell.posterior.unlike):
        caption += (
            f" {posterior.cell.capitalize()} is unlike what was simulated, to be taken with "
            f"caution: {'; '.join(posterior.unlike)}."
        )
    figure = PaperFigure(TWO_COLUMNS_IN, 0.3 + 2.9 * len(shown), caption)
    blocks = figure.subfigures(len(shown), squeeze=False)[:, 0]
    currents = []
    for block, cell in zip(blocks, shown, strict=True):
        grid = block.add_gridspec(3, n_columns, height_ratios=(0.6, 1.6, 1))
        current = block.add_subplot(grid[0, :])
        voltage = block.add_subplot(grid[1, :], sharex=current)
        _traces(current, voltage, cell)
        marginals = [block.add_subplot(grid[2, column]) for column in range(n_columns)]
        for column, axes in enumerate(marginals):
            _marginal(axes, cell.posterior, column)
        marginals[0].set_ylabel("Density")
        currents.append(current)
    blocks[-1].legend(
        handles=[
            Line2D([], [], color=INK, lw=0.8, label="data"),
            Line2D([], [], color=POSTERIOR, lw=0.8, label="posterior"),
            Patch(color=POSTERIOR, alpha=0.15, lw=0, label="95 % interval"),
        ],
        loc="outside lower center", ncols=3,
    )  # fmt: skip
    letter(currents)
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
            color=POSTERIOR, linewidth=0.5, alpha=0.4,
        )  # fmt: skip
    below.plot(posterior.begin_s + time_s, 1e3 * data, color=INK, linewidth=0.7)
    above.plot(posterior.begin_s + time_s, 1e12 * fed, color=GREY, linewidth=0.7)
    above.tick_params(labelbottom=False)
    above.set_ylabel("Current\n(pA)")
    unlike = ": unlike what was simulated" if posterior.unlike else ""
    above.set_title(posterior.cell + unlike, loc="left")
    below.set(xlabel="Time (s)", ylabel="Voltage (mV)")


def _marginal(axes: Axes, posterior: Posterior, column: int) -> None:
    quantity = quantities(posterior.level)[column]
    values = posterior.samples[:, column] * quantity.in_lab
    axes.hist(values, 40, color=POSTERIOR, histtype="step", density=True)
    low, high = np.percentile(values, [2.5, 97.5])
    axes.axvspan(low, high, color=POSTERIOR, alpha=0.15, linewidth=0)
    axes.set_yticks([])
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.ticklabel_format(axis="x", useOffset=False)
    axes.set_xlabel(quantity.label, fontsize=SMALL_PT)

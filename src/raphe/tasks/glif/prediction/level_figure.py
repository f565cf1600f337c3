"""One cell's recorded sweeps beside what the chosen level does under the same currents."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from raphe.core.figure_style import (
    GREY,
    INK,
    METHODS,
    TWO_COLUMNS_IN,
    PaperFigure,
    house_style,
    letter,
)
from raphe.core.sentences import counted, listed
from raphe.tasks.glif.features.level_fit import LevelFit
from raphe.tasks.glif.metrics.predictive import median_response
from raphe.tasks.glif.recordings.cell_sweeps import CellSweeps

MOST_SHOWN = 4  # sweeps
MODEL = METHODS[2]
SPIKE_ROWS = 2


@house_style()
def level_figure(sweeps: CellSweeps, fit: LevelFit) -> PaperFigure:
    """A block a sweep: current, spikes and voltage, recorded and of the neuron with the fit's
    medians."""
    shown = range(min(len(sweeps), MOST_SHOWN))
    names = listed([sweeps.names[i] for i in shown])
    caption = (
        f"{names[:1].upper()}{names[1:]} ({counted('sweep', len(sweeps))} fitted): the current, "
        f"the spikes and the voltage that were recorded, and those of the GLIF neuron of level "
        f"{fit.level} with the posterior's medians under the same current, simulated from the "
        "voltage that the sweep begins with. Gaps are spikes that were cut out."
    )
    figure = PaperFigure(TWO_COLUMNS_IN, 0.35 + 2.3 * len(shown), caption)
    blocks = figure.subfigures(len(shown), squeeze=False)[:, 0]
    firsts = []
    for i, block in zip(shown, blocks, strict=True):
        grid = block.add_gridspec(3, 1, height_ratios=(0.6, 0.4, 1.7))
        current = block.add_subplot(grid[0])
        spikes = block.add_subplot(grid[1], sharex=current)
        voltage = block.add_subplot(grid[2], sharex=current)
        _sweep((current, spikes, voltage), sweeps, i, fit)
        firsts.append(current)
    blocks[-1].legend(
        handles=[
            Line2D([], [], color=INK, lw=0.8, label="recorded"),
            Line2D([], [], color=MODEL, lw=0.8, label=f"level {fit.level}"),
        ],
        loc="outside lower center", ncols=2,
    )  # fmt: skip
    letter(firsts)
    return figure


def _sweep(axes: Sequence[Axes], sweeps: CellSweeps, i: int, fit: LevelFit) -> None:
    current, spikes, voltage = axes
    measured, fed, rate_hz = sweeps.voltages_v[i], sweeps.currents_a[i], sweeps.rate_hz
    time_s = np.arange(len(measured)) / rate_hz
    response = median_response(
        fit.level, fit.samples, fed, rate_hz, pull_v=fit.pull_v, begin_v=sweeps.begins_v(i)
    )
    gaps = np.isnan(measured)
    begun_s = np.flatnonzero(gaps & ~np.concatenate([[False], gaps[:-1]])) / rate_hz
    current.plot(time_s, 1e12 * fed, color=GREY, linewidth=0.7)
    spikes.eventplot(
        [response.spike_times_s, begun_s], colors=[MODEL, INK], lineoffsets=range(SPIKE_ROWS),
        linelengths=0.8, linewidths=0.7,
    )  # fmt: skip
    voltage.plot(time_s, 1e3 * measured, color=INK, linewidth=0.7)
    voltage.plot(time_s, 1e3 * response.voltage_v, color=MODEL, linewidth=0.7, alpha=0.8)
    for above in (current, spikes):
        above.tick_params(labelbottom=False)
    spikes.set_yticks([])
    spikes.set_ylabel("Spikes", rotation=0, ha="right", va="center")
    current.set_ylabel("Current\n(pA)")
    current.set_title(sweeps.names[i].capitalize(), loc="left")
    voltage.set(xlabel="Time (s)", ylabel="Voltage (mV)")

"""The study's figures."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from raphe.core.figure_style import COLOURS, GREY
from raphe.tasks.glif.lstm_study.grid import SCALES, TARGETS, THRESHOLD_COEFFICIENT, VALUES
from raphe.tasks.glif.lstm_study.study_cells import CELLS, STIMULI, StudyCells

COLOUR = dict(zip(CELLS, (COLOURS[1], COLOURS[0], COLOURS[2]), strict=True))
LAB_UNITS = {"C": ("pF", 1e12), "El": ("mV", 1e3), "R_input": ("MOhm", 1e-6),
             "dt": ("µs", 1e6), "th_inf": ("mV", 1e3)}  # fmt: skip


def losses_figure(history: Mapping[str, Sequence[float]]) -> Figure:
    """Mean squared error of each epoch, in training and validation."""
    figure = Figure(figsize=(3.6, 2.8), layout="constrained")
    axes = figure.add_subplot()
    for colour, (name, label) in zip(
        COLOURS, {"train": "training", "val": "validation"}.items(), strict=False
    ):
        losses = history[name]
        axes.plot(range(1, len(losses) + 1), losses, "o-", ms=3, color=colour, label=label)
    axes.set(xlabel="Epoch", ylabel="Mean squared error of the scaled targets")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend()
    return figure


def answers_figure(answers: np.ndarray, truth: np.ndarray) -> Figure:
    """Each test trace's answer over the truth (n, 5), in scaled targets."""
    figure = Figure(figsize=(9.5, 2.4), layout="constrained")
    for axes, name, answer, true in zip(
        figure.subplots(1, len(TARGETS)), TARGETS, answers.T, truth.T, strict=True
    ):
        axes.plot(true, answer, ".", ms=2, color=COLOURS[1], alpha=0.4)
        ends = [min(true.min(), answer.min()), max(true.max(), answer.max())]
        axes.plot(ends, ends, color=GREY, linewidth=0.8, linestyle=":")
        axes.axhline(true.mean(), color=GREY, linewidth=0.8)
        axes.set(xlabel="True", title=_scaled(name))
    figure.axes[0].set_ylabel("Answered")
    figure.suptitle("Test traces (line: their mean, the constant answer)", size=8)
    return figure


def parameters_figure(cells: StudyCells) -> Figure:
    """The parameters of the three cells side by side."""
    figure = Figure(figsize=(9.5, 2.4), layout="constrained")
    for axes, (at, name) in zip(figure.subplots(1, 5), enumerate(TARGETS), strict=True):
        unit, factor = LAB_UNITS[name]
        values = [cells.parameters[cell][at] * factor for cell in CELLS]
        axes.bar(range(3), values, color=[COLOUR[cell] for cell in CELLS], width=0.7)
        axes.axhline(0, color="black", linewidth=0.6)
        axes.set_xticks(range(3), CELLS, rotation=30)
        axes.set_title(f"{name} ({unit})")
    return figure


def strip_figure(cells: StudyCells) -> Figure:
    """The grid's values of each parameter, and where the three cells lie among them."""
    figure = Figure(figsize=(5.2, 3.0), layout="constrained")
    axes = figure.add_subplot()
    for x, name in enumerate(TARGETS):
        values = np.array(VALUES[name])
        low, span = values.min(), np.ptp(values)
        axes.plot(np.full(5, x), (values - low) / span, "_", color=GREY, ms=18)
        for shift, cell in zip((-0.15, 0, 0.15), CELLS, strict=True):
            place = (cells.parameters[cell][x] - low) / span
            axes.plot(
                x + shift, place, "o", ms=5, color=COLOUR[cell], label=cell if not x else None
            )
    axes.set_xticks(range(len(TARGETS)), TARGETS)
    axes.set_ylabel("Share of the grid's range (grey: its values)")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def responses_figure(cells: StudyCells, rate_hz: float) -> Figure:
    """Voltage, threshold (dotted) and spikes of each cell, as the study feeds the stimuli."""
    figure = Figure(figsize=(9.0, 8.0), layout="constrained")
    panels = figure.subplots(len(STIMULI), len(CELLS), sharex=True)
    for row, name in zip(panels, STIMULI, strict=True):
        for axes, cell in zip(row, CELLS, strict=True):
            _response(axes, cells, cell, name, rate_hz)
        row[0].set_ylabel(f"{name}\nVoltage above rest (mV)")
    for axes, cell in zip(panels[0], CELLS, strict=True):
        axes.set_title(f"{cell} cell\n{axes.get_title()}", color=COLOUR[cell])
    for axes in panels[-1]:
        axes.set_xlabel("Time as fed (s)")
    return figure


def _response(axes: Axes, cells: StudyCells, cell: str, name: str, rate_hz: float) -> None:
    response = cells.cut[cell, name]
    if response is None:
        axes.text(
            0.5, 0.5, "no neuron has\nthese parameters", transform=axes.transAxes, ha="center"
        )
        return
    time_s = np.arange(response.voltage_v.shape[1]) / rate_hz
    thin = max(1, len(time_s) // 2500)
    voltage_mv = 1e3 * response.voltage_v[0]
    axes.plot(time_s[::thin], voltage_mv[::thin], color=COLOUR[cell], linewidth=0.7)
    threshold_mv = 1e3 * THRESHOLD_COEFFICIENT * cells.parameters[cell][TARGETS.index("th_inf")]
    axes.axhline(threshold_mv, color=GREY, linewidth=0.8, linestyle=":")
    spikes = response.spikes[0]
    if len(spikes.index):
        axes.plot(spikes.time_s, 1e3 * spikes.threshold_v, "|", color="black", ms=5, mew=0.5)
    axes.set_title(f"{len(spikes.index)} spikes", size=8)


def spike_counts_figure(cells: StudyCells) -> Figure:
    """Spikes of each cell, in what the study feeds and in the whole sweep."""
    figure = Figure(figsize=(7.2, 2.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for shift, cell in zip((-0.27, 0, 0.27), CELLS, strict=True):
        fed = [cells.cut[cell, name] for name in STIMULI]
        fed_counts = [0 if response is None else int(response.spike_count[0]) for response in fed]
        whole = [cells.whole_counts[cell, name] or 0 for name in STIMULI]
        for axes, counts in ((left, fed_counts), (right, whole)):
            x = np.arange(len(STIMULI)) + shift
            bars = axes.bar(x, counts, 0.25, color=COLOUR[cell], label=cell)
            axes.bar_label(bars, size=6)
    for axes, title in ((left, "First 250 ms as the study feeds it"), (right, "Whole sweep")):
        axes.set_xticks(range(len(STIMULI)), STIMULI, rotation=20)
        axes.set(title=title, ylabel="Spikes")
        axes.set_yscale("symlog")
        axes.set_ylim(0, 2 * max(1, axes.dataLim.y1))
    left.legend()
    return figure


def _scaled(name: str) -> str:
    scale = SCALES[TARGETS.index(name)]
    return name if scale == 1 else f"{name} × {scale:g}"

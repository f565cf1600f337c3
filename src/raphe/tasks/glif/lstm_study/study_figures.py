"""The study's figures."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import AutoLocator, StrMethodFormatter

from raphe.core.figure_style import (
    GREY,
    INK,
    MEANINGS,
    METHODS,
    ONE_COLUMN_IN,
    SMALL_PT,
    TWO_COLUMNS_IN,
    PaperFigure,
    house_style,
    letter,
)
from raphe.core.sentences import counted
from raphe.tasks.glif.lstm_study.grid import SCALES, THRESHOLD_COEFFICIENT, VALUES
from raphe.tasks.glif.lstm_study.study_cells import CELLS, STIMULI, StudyCells
from raphe.tasks.glif.metrics.names import TARGETS

COLOUR = dict(zip(CELLS, (INK, METHODS[2], METHODS[0]), strict=True))
# What the study's names stand for, the unit to show, and how many are in an SI unit.
QUANTITIES = {
    "C": ("Capacitance", "pF", 1e12),
    "El": ("Leak potential", "mV", 1e3),
    "R_input": ("Input resistance", "MΩ", 1e-6),
    "dt": ("Time step", "µs", 1e6),
    "th_inf": ("Threshold", "mV", 1e3),
}
THREE_CELLS = (
    "The fitted cell (model 485513169 of the Allen Cell Types Database), the cell that the network "
    "infers from its response, and a random one of the grid"
)


@house_style()
def losses_figure(history: Mapping[str, Sequence[float]]) -> PaperFigure:
    """Mean squared error of each epoch, in training and validation."""
    caption = (
        "Mean squared error over the five scaled targets, of each epoch. A network that always "
        "answers the mean has the variance of the targets as its error."
    )
    figure = PaperFigure(ONE_COLUMN_IN, 2.6, caption)
    axes = figure.add_subplot()
    for name, label, colour in (
        ("train", "training", GREY),
        ("val", "validation", MEANINGS["validation"]),
    ):
        losses = history[name]
        axes.plot(range(1, len(losses) + 1), losses, "o-", ms=3, color=colour, label=label)
    axes.set(xlabel="Epoch", ylabel="Mean squared error")
    axes.set_ylim(bottom=0)
    locator = AutoLocator()
    locator.set_params(integer=True)
    axes.xaxis.set_major_locator(locator)
    axes.legend()
    return figure


@house_style()
def answers_figure(answers: np.ndarray, truth: np.ndarray) -> PaperFigure:
    """Each test trace's answer over the truth (n, 5), in scaled targets."""
    caption = (
        f"Answers of the network on {counted('test trace', len(truth))} over the truth. Dotted: "
        "inferred = true; line: the mean of the truth, which a network answers that tells nothing "
        "apart."
    )
    figure = PaperFigure(TWO_COLUMNS_IN, 1.9, caption)
    panels = figure.subplots(1, len(TARGETS))
    for at, (axes, name) in enumerate(zip(panels, TARGETS, strict=True)):
        words, unit, factor = QUANTITIES[name]
        true, answer = (values[:, at] * factor / SCALES[at] for values in (truth, answers))
        axes.plot(true, answer, ".", ms=2, color=INK, alpha=0.4, mew=0)
        ends = [min(true.min(), answer.min()), max(true.max(), answer.max())]
        axes.plot(ends, ends, color=GREY, linewidth=0.8, linestyle=":")
        axes.axhline(true.mean(), color=GREY, linewidth=0.8)
        axes.set_xlabel(f"True ({unit})")
        axes.set_title(words, fontsize=SMALL_PT)
    panels[0].set_ylabel("Inferred")
    letter(panels)
    return figure


@house_style()
def parameters_figure(cells: StudyCells) -> PaperFigure:
    """The parameters of the three cells side by side."""
    figure = PaperFigure(TWO_COLUMNS_IN, 2.0, f"{THREE_CELLS}: their parameters.")
    panels = figure.subplots(1, len(TARGETS))
    for axes, (at, name) in zip(panels, enumerate(TARGETS), strict=True):
        words, unit, factor = QUANTITIES[name]
        values = [cells.parameters[cell][at] * factor for cell in CELLS]
        axes.bar(range(3), values, color=[COLOUR[cell] for cell in CELLS], width=0.7)
        axes.axhline(0, color=INK, linewidth=0.6)
        axes.set_xticks(range(3), CELLS, rotation=40, ha="right")
        axes.set_ylabel(f"{words} ({unit})")
    letter(panels)
    return figure


@house_style()
def strip_figure(cells: StudyCells) -> PaperFigure:
    """The grid's values of each parameter, and where the three cells lie among them."""
    caption = (
        f"{THREE_CELLS}: each parameter as a share of the range that the study's grid spans, 0 its "
        "least and 1 its largest value. Grey: the five values of the grid."
    )
    figure = PaperFigure(0.7 * TWO_COLUMNS_IN, 2.8, caption)
    axes = figure.add_subplot()
    for x, name in enumerate(TARGETS):
        values = np.array(VALUES[name])
        low, span = values.min(), np.ptp(values)
        axes.plot(np.full(len(values), x), (values - low) / span, "_", color=GREY, ms=18)
        for shift, cell in zip((-0.15, 0, 0.15), CELLS, strict=True):
            place = (cells.parameters[cell][x] - low) / span
            axes.plot(x + shift, place, "o", color=COLOUR[cell], label=None if x else cell)
    names = [QUANTITIES[name][0].replace(" ", "\n") for name in TARGETS]
    axes.set_xticks(range(len(TARGETS)), names)
    axes.tick_params(axis="x", length=0)
    axes.set_ylabel("Share of the grid's range")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), title="Cell")
    return figure


@house_style()
def responses_figure(cells: StudyCells, rate_hz: float) -> PaperFigure:
    """Voltage, threshold (dotted) and spikes of each cell, as the study feeds the stimuli."""
    caption = (
        f"{THREE_CELLS}: voltage under the four stimuli, as the study feeds them to the network. "
        "Dotted: threshold; ticks: spikes. Each cell has its own scale."
    )
    figure = PaperFigure(TWO_COLUMNS_IN, 6.4, caption)
    panels = figure.subplots(len(STIMULI), len(CELLS), sharex=True, sharey="col")
    for row, name in zip(panels, STIMULI, strict=True):
        for axes, cell in zip(row, CELLS, strict=True):
            _response(axes, cells, cell, name, rate_hz)
        row[0].set_ylabel(f"{name}\nVoltage above rest (mV)")
    for axes, cell in zip(panels[0], CELLS, strict=True):
        axes.set_title(f"{cell.capitalize()} cell", color=COLOUR[cell])
    for axes in panels[-1]:
        axes.set_xlabel("Time as fed (s)")
    letter(panels.ravel())
    return figure


def _response(axes: Axes, cells: StudyCells, cell: str, name: str, rate_hz: float) -> None:
    response = cells.cut[cell, name]
    if response is None:
        axes.text(
            0.5, 0.5, "no neuron has\nthese parameters", transform=axes.transAxes, ha="center"
        )
        axes.spines[:].set_visible(False)
        axes.tick_params(left=False, labelleft=False, bottom=False)
        return
    time_s = np.arange(response.voltage_v.shape[1]) / rate_hz
    thin = max(1, len(time_s) // 2500)
    voltage_mv = 1e3 * response.voltage_v[0]
    axes.plot(time_s[::thin], voltage_mv[::thin], color=COLOUR[cell], linewidth=0.7)
    threshold_mv = 1e3 * THRESHOLD_COEFFICIENT * cells.parameters[cell][TARGETS.index("th_inf")]
    axes.axhline(threshold_mv, color=GREY, linewidth=0.8, linestyle=":")
    spikes = response.spikes[0]
    if len(spikes.index):
        axes.plot(spikes.time_s, 1e3 * spikes.threshold_v, "|", color=GREY, ms=5, mew=0.5)
    axes.set_title(counted("spike", len(spikes.index)), loc="right", fontsize=SMALL_PT)


@house_style()
def spike_counts_figure(cells: StudyCells) -> PaperFigure:
    """Spikes of each cell, in what the study feeds and in the whole sweep."""
    caption = f"{THREE_CELLS}: spikes under each stimulus, none for parameters that no neuron has."
    figure = PaperFigure(TWO_COLUMNS_IN, 2.4, caption)
    panels = figure.subplots(1, 2, sharey=True)
    left, right = panels
    for shift, cell in zip((-0.27, 0, 0.27), CELLS, strict=True):
        fed = [cells.cut[cell, name] for name in STIMULI]
        fed_counts = [0 if response is None else int(response.spike_count[0]) for response in fed]
        whole = [cells.whole_counts[cell, name] or 0 for name in STIMULI]
        for axes, counts in ((left, fed_counts), (right, whole)):
            x = np.arange(len(STIMULI)) + shift
            bars = axes.bar(x, counts, 0.25, color=COLOUR[cell], label=f"{cell} cell")
            axes.bar_label(bars, size=SMALL_PT - 1)
    for axes, title in ((left, "First 250 ms, as the study feeds them"), (right, "Whole sweep")):
        axes.set_xticks(range(len(STIMULI)), STIMULI)
        axes.tick_params(axis="x", length=0)
        axes.set_title(title)
        axes.set_yscale("symlog")
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    left.set_ylabel("Spikes")
    left.set_ylim(0, 2 * max(1, *(axes.dataLim.y1 for axes in panels)))
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    letter(panels)
    return figure

"""A network and the baselines as a figure: their values, and what the network is ahead by."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from raphe.core.figure_style import COLOURS, GREY, STYLE
from raphe.core.statistics.intervals import Difference
from raphe.tasks.celltype.metrics.cell_level import Headline

ROW_IN, PANEL_IN, LABELS_IN = 0.22, 2.0, 1.3
CHANCE = 0.5  # of an AUROC; of the balanced accuracy it is one class in all
AXES = {"auroc": "AUROC", "macro_auroc": "Macro AUROC", "balanced_accuracy": "Balanced accuracy"}


class Row(Protocol):
    """One figure of one classifier; the network, which has no difference to itself, is first."""

    classifier: str
    headline: Headline
    difference: Difference | None


def baseline_figure(test_set: str, n_cells: int, n_classes: int, rows: Sequence[Row]) -> Figure:
    """For each figure a panel of values beside one of differences, with their 95 % intervals."""
    names = list(dict.fromkeys(one.headline.name for one in rows))
    labels = list(dict.fromkeys(one.classifier for one in rows))
    width = LABELS_IN + 2 * PANEL_IN * len(names)
    with rc_context(STYLE):
        figure = Figure(figsize=(width, 1.1 + ROW_IN * len(labels)), layout="constrained")
        panels = figure.subplots(1, 2 * len(names), sharey=True, squeeze=False)[0]
        for index, name in enumerate(names):
            own = [one for one in rows if one.headline.name == name]
            place = [labels.index(one.classifier) for one in own]
            chance = 1 / n_classes if name == "balanced_accuracy" else CHANCE
            _values(panels[2 * index], own, place, name, chance)
            _differences(panels[2 * index + 1], own, place, name)
        panels[0].set_yticks(range(len(labels)), [_readable(label) for label in labels])
        panels[0].set_ylim(len(labels) - 0.5, -0.5)
        title = f"Baselines on the same {n_cells} cells, {test_set} set"
        figure.suptitle(title, fontsize=STYLE["axes.titlesize"])
    return figure


def _readable(classifier: str) -> str:
    alone = classifier.replace("udi_", "UDI ").replace("_alone", " alone")
    return alone.replace("_", ", ")


def _values(
    axes: Axes, rows: Sequence[Row], place: Sequence[int], name: str, chance: float
) -> None:
    for one, y in zip(rows, place, strict=True):
        own = one.headline
        colour = COLOURS[1] if one.difference is None else "black"
        axes.plot([own.low, own.high], [y, y], color=colour, linewidth=1.4)
        axes.plot(own.value, y, "o", color=colour, markersize=4)
    axes.axvline(chance, color=GREY, linewidth=0.8, linestyle=":")
    least = min(np.nanmin([one.headline.low, one.headline.value]) for one in rows)
    axes.set(xlabel=AXES[name], xlim=(min(chance - 0.05, least - 0.02), 1.02))


def _differences(axes: Axes, rows: Sequence[Row], place: Sequence[int], name: str) -> None:
    for one, y in zip(rows, place, strict=True):
        if one.difference is not None:
            axes.plot([one.difference.low, one.difference.high], [y, y], color="black", lw=1.4)
            axes.plot(one.difference.value, y, "o", color="black", markersize=4)
    axes.axvline(0, color=GREY, linewidth=0.8, linestyle=":")
    axes.set_xlabel(f"{AXES[name]},\nnetwork − it")
    axes.tick_params(axis="y", left=False)

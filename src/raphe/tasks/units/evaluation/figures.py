"""Pictures of a test: the methods side by side, and what the network takes for what."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from raphe.core.confusion_matrix import draw_confusion
from raphe.core.figure_style import GREY, INK, ONE_COLUMN_IN, PALE, PaperFigure, house_style
from raphe.core.sentences import counted
from raphe.tasks.units.evaluation.control import Control
from raphe.tasks.units.evaluation.tables import NETWORK
from raphe.tasks.units.metrics.verdicts import BALANCED, Scored, Verdicts

ROW_IN = 0.28  # of a method


@house_style()
def comparison_figure(
    scored: Mapping[str, list[Scored]],
    n_classes: int,
    control: Control | None,
    note: str,
) -> Figure:
    """Balanced accuracy of each method with its interval; chance and the control behind."""
    of_methods = {
        name: next(figure for figure in figures if figure.name == BALANCED)
        for name, figures in scored.items()
    }
    over = next(iter(of_methods.values())).over
    caption = (
        "Balanced accuracy of units that a method did not see, with 95 % intervals over "
        f"{over}. Grey line: chance."
    )
    if control is not None:
        caption += " Grey band: the same with shuffled labels, 5 to 95 % of the shuffles."
    figure = PaperFigure(ONE_COLUMN_IN, 0.9 + ROW_IN * len(of_methods), f"{caption} {note}".strip())
    axes = figure.subplots()
    if control is not None:
        axes.axvspan(*np.quantile(control.scores, (0.05, 0.95)), color=PALE, lw=0)
    axes.axvline(1 / n_classes, color=GREY, lw=0.8)
    for row, (name, scored_figure) in enumerate(of_methods.items()):
        colour, estimate = (INK if name == NETWORK else GREY), scored_figure.estimate
        axes.plot([estimate.low, estimate.high], [row, row], color=colour, lw=1.2)
        axes.plot(estimate.value, row, "o", color=colour, ms=4)
    axes.set(xlim=(0, 1), ylim=(len(of_methods) - 0.4, -0.6), xticks=(0, 0.5, 1))
    axes.set_xlabel("balanced accuracy")
    axes.set_yticks(range(len(of_methods)), [name[:1].upper() + name[1:] for name in of_methods])
    return figure


@house_style()
def confusion_figure(verdicts: Verdicts, classes: Sequence[str], note: str) -> Figure:
    """What the network calls the units of each class."""
    counts = verdicts.confusion()
    caption = (
        f"What {counted('unit', len(verdicts.label))} were called by networks that did not see "
        f"them: counts, and shares of each true class. {note}"
    )
    width = max(2.6, 0.62 * len(classes) + 1.2)
    figure = PaperFigure(width, width, caption.strip())
    axes = figure.subplots()
    draw_confusion(axes, counts, counts.sum(axis=1, keepdims=True), classes)
    axes.set(xlabel="called", ylabel="true class")
    return figure

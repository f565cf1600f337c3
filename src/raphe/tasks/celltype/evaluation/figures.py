"""How a test set was called: the confusion matrix, and sensitivity against false alarms."""

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from torchmetrics.functional.classification import binary_roc

from raphe.core.confusion_matrix import draw_confusion
from raphe.core.figure_style import (
    GREY,
    ONE_COLUMN_IN,
    TWO_COLUMNS_IN,
    LineStyle,
    PaperFigure,
    class_colour,
    colour,
    house_style,
    letter,
)
from raphe.core.sentences import counted, listed
from raphe.core.statistics.figure_interval import CELL, FEWEST_GROUPS
from raphe.tasks.celltype.metrics.cell_level import auroc_of_class, share_of
from raphe.tasks.celltype.metrics.predictions import Predictions
from raphe.tasks.celltype.metrics.set_result import SetResult

SQUARE_IN = 0.85  # of a confusion matrix, where there is room for it
BESIDE_IN, ABOVE_IN = 2.1, 1.2  # what a confusion matrix has around it


def panel_names(result: SetResult) -> str:
    """ "cells (a) and their spikes (b)", "cells, one window each"."""
    return "cells, one window each" if result.one_window_each else "cells (a) and spikes (b)"


def interval_words(result: SetResult) -> str:
    """What the intervals of a figure of this set are over: "95 % intervals over 8 days"."""
    groups, cells = result.groups, result.cells
    if groups.noun == CELL:
        return "95 % intervals over cells"
    over = counted(groups.noun, groups.n)
    of_classes = [groups.of_cell[cells.cell[cells.label == c]] for c in np.unique(cells.label)]
    if min(len(np.unique(of_class)) for of_class in of_classes) < FEWEST_GROUPS:
        these = "this" if groups.n == 1 else "these"
        return f"95 % intervals over cells, which hold for {these} {over} only"
    return f"95 % intervals over {over}"


@house_style()
def confusion_figure(result: SetResult) -> Figure:
    """Counts of cells and of spikes, with their share of the true class and its interval."""
    n, levels = len(result.classes), result.levels
    square = min(SQUARE_IN, (TWO_COLUMNS_IN - BESIDE_IN) / (len(levels) * n))
    caption = (
        f"Confusion matrix of the {result.name} set: {panel_names(result)}. Each field has the "
        "count, its share of the true class, which is the colour, and in brackets that share's "
        f"interval in %. {interval_words(result)}."
    )
    width = BESIDE_IN + len(levels) * n * square
    figure = PaperFigure(width, ABOVE_IN + n * square, caption)
    panels = figure.subplots(1, len(levels), sharey=True, squeeze=False)[0]
    for axes, (level, predictions) in zip(panels, levels.items(), strict=True):
        counts = predictions.confusion()
        of_true = counts.sum(axis=1, keepdims=True)
        intervals = _intervals(level, predictions, result)
        image = draw_confusion(axes, counts, of_true, result.classes, intervals)
        axes.set(xlabel="Predicted class", title=result.size_of(level))
    panels[0].set_ylabel("True class")
    letter(panels)
    bar = figure.colorbar(image, ax=panels, ticks=[0, 0.5, 1], shrink=0.9, pad=0.02)
    bar.ax.set_yticklabels(["0 %", "50 %", "100 %"])
    bar.set_label("Share of the true class\n(each row sums to 100 %)")
    bar.outline.set_visible(False)
    figure.suptitle(f"Confusion matrix, {result.name} set")
    return figure


def _intervals(level: str, predictions: Predictions, result: SetResult) -> np.ndarray:
    """Of the share of each field: (C, C, 2)."""
    n = len(result.classes)
    ends = np.full((n, n, 2), np.nan)
    for true, called in np.ndindex(n, n):
        share = share_of(
            level, "", predictions.predicted == called, predictions.label == true, predictions,
            result.groups,
        )  # fmt: skip
        ends[true, called] = share.low, share.high
    return ends


@house_style()
def roc_figure(result: SetResult) -> Figure:
    """Sensitivity against false alarms; more than two classes each against the rest.

    Of two classes, a dot marks where the class with the larger probability is called.
    """
    return _roc_of_two(result) if len(result.classes) == 2 else _roc_of_more(result)


def _roc_of_two(result: SetResult) -> Figure:
    positive, rest = result.classes
    figure = PaperFigure(ONE_COLUMN_IN, 4.5, _roc_caption(result))
    axes = figure.add_subplot()
    curves, dots = [], []
    for level, predictions in result.levels.items():
        name = level.capitalize()
        style: LineStyle = {"color": colour(level), "zorder": 3 if level == "cells" else 2}
        curves.append(_draw_roc(axes, predictions, 0, name, level, result, style))
        called, true = predictions.predicted == 0, predictions.label == 0
        dots += axes.plot(called[~true].mean(), called[true].mean(), "o", ms=5, **style)
    chance = _draw_chance(axes)
    handles = [*curves, tuple(dots), chance]
    labels = [str(curve.get_label()) for curve in curves]
    labels += [f"called {positive} at P({positive}) > 0.5", "chance"]
    figure.legend(
        handles,  # type: ignore[arg-type]  # a tuple among them is one entry
        labels,
        loc="outside lower center",
        handler_map={tuple: HandlerTuple(None)},
    )
    axes.set_xlabel(f"1 − specificity ({rest} called {positive})")
    axes.set_ylabel(f"Sensitivity ({positive} called {positive})")
    axes.set_title(_roc_title(result))
    return figure


def _roc_of_more(result: SetResult) -> Figure:
    """A panel a level, each with its own legend below."""
    levels = result.levels
    width = TWO_COLUMNS_IN if len(levels) > 1 else ONE_COLUMN_IN
    below_in = 0.2 + 0.15 * len(result.classes)
    figure = PaperFigure(width, 4.2 + below_in, _roc_caption(result))
    panels, legends = figure.subplots(2, len(levels), squeeze=False, height_ratios=[3.2, below_in])
    for axes, legend, (level, predictions) in zip(panels, legends, levels.items(), strict=True):
        legend.set_axis_off()
        for index, name in enumerate(result.classes):
            style: LineStyle = {"color": class_colour(index)}
            _draw_roc(axes, predictions, index, name, level, result, style)
        _draw_chance(axes)
        axes.set_xlabel("1 − specificity\n(other classes called this one)")
        axes.set_title(result.size_of(level))
        legend.legend(handles=axes.lines, loc="upper center", borderaxespad=0)
    panels[0].set_ylabel("Sensitivity (own class called)")
    if len(panels) > 1:
        letter(panels)
        figure.suptitle(_roc_title(result))
    else:
        panels[0].set_title(f"{_roc_title(result)}\n{panels[0].get_title()}")
    return figure


def _roc_title(result: SetResult) -> str:
    over = "over all folds, " if result.compared_within(result.cells) is not None else ""
    return f"ROC, {over}{result.name} set"


def _roc_caption(result: SetResult) -> str:
    how = "each class against all others" if len(result.classes) > 2 else "by the probability of "
    how += "" if len(result.classes) > 2 else result.classes[0]
    sizes = listed(result.size_of(level) for level in result.levels)
    caption = (
        f"Receiver operating characteristic of the {result.name} set, {how} ({sizes}). AUROC is "
        "the area under a curve: how often a cell or spike of the class has a higher probability "
        f"of it than one of another class; in brackets {interval_words(result)}."
    )
    if result.compared_within(result.cells) is None:
        return caption
    return f"{caption} {_pooled_curves(result)}"


def _pooled_curves(result: SetResult) -> str:
    """That a stated AUROC is not the area under its curve, and what that area is."""
    areas = listed(
        f"{auroc_of_class(index, level, predictions, result.groups).value:.3f} ({level}"
        + (f", {result.classes[index]})" if len(result.classes) > 2 else ")")
        for level, predictions in result.levels.items()
        for index in range(len(result.classes) if len(result.classes) > 2 else 1)
    )
    return (
        "Each fold has a network of its own: a curve pools all folds, while the AUROC within folds "
        "compares only those that one network scored. The area under a curve, which compares the "
        f"scores of different networks too, is {areas}."
    )


def _draw_chance(axes: Axes) -> Line2D:
    """The diagonal, and the frame that every such panel has."""
    (line,) = axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":", label="chance")
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
    return line


def _draw_roc(
    axes: Axes,
    predictions: Predictions,
    index: int,
    name: str,
    level: str,
    result: SetResult,
    style: LineStyle,
) -> Line2D:
    """Of one class against the rest; a class that is absent, or alone, has a legend only."""
    positive = predictions.label == index
    if positive.all() or not positive.any():
        return axes.plot([], [], label=f"{name}: none", **style)[0]
    score, target = torch.from_numpy(predictions.probability[:, index]), torch.from_numpy(positive)
    false_alarms, sensitivity, _ = binary_roc(score, target.long(), validate_args=False)
    fold = result.compared_within(predictions)
    area = auroc_of_class(index, level, predictions, result.groups, fold)
    n = len(positive) if len(result.classes) == 2 else int(positive.sum())
    label = f"{name}, n = {n}: AUROC {area.value:.3f} ({area.low:.2f}–{area.high:.2f})"
    if fold is not None:
        label += " within folds"
    return axes.plot(false_alarms.numpy(), sensitivity.numpy(), label=label, **style)[0]

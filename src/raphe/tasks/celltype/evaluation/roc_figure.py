"""ROC of a test set, of its spikes and of its cells."""

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from raphe.core.figure_style import COLOURS, GREY, STYLE
from raphe.tasks.celltype.metrics.predictions import Predictions, auroc, operating_points
from raphe.tasks.celltype.metrics.set_result import SetResult


def roc_figure(result: SetResult) -> Figure:
    """Sensitivity against false alarms; more classes each against the rest.

    Of two classes, a dot marks the class with the larger probability.
    """
    classes, spikes, cells = result.classes, result.spikes, result.cells
    with rc_context(STYLE):
        two = len(classes) == 2
        figure = Figure(figsize=(3.6, 3.7) if two else (6.4, 4.0), layout="constrained")
        axes = figure.add_subplot()
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
        if two:
            _curve(axes, spikes, 0, f"Spikes, n = {len(spikes.label)}, ", color=COLOURS[0])
            _curve(axes, cells, 0, f"Cells, n = {len(cells.label)}, ", color="black", ls="--")
            axes.plot([], [], "o", color=GREY, markersize=4, label=f"at P({classes[0]}) > 0.5")
            axes.legend(loc="lower right")
            called, rest = classes
        else:
            axes.plot([], [], color="black", label=f"{len(spikes.label)} spikes")
            axes.plot([], [], color="black", ls="--", label=f"{len(cells.label)} cells")
            for c, label in enumerate(classes):
                colour = COLOURS[c % len(COLOURS)]
                _curve(axes, spikes, c, f"{label}, ", color=colour)
                _curve(axes, cells, c, f"{label}, ", color=colour, ls="--")
            figure.legend(loc="outside right center")
            called, rest = "class", "another class"
        axes.set_xlabel(f"1 − specificity ({rest} called {called})")
        axes.set_ylabel(f"Sensitivity ({called} called {called})")
        axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
        axes.set_title(f"ROC, {result.name} set")
    return figure


def _curve(axes: Axes, predictions: Predictions, c: int, name: str, **style: str) -> None:
    """Draw class c against the rest, unless one of the two is absent."""
    score, positive = predictions.probability[:, c], predictions.label == c
    if positive.all() or not positive.any():
        return
    true_positives, false_positives = operating_points(score, positive)
    false_alarms = false_positives / (~positive).sum()
    label = f"{name}AUROC {auroc(score, positive):.3f}"
    axes.plot(false_alarms, true_positives / positive.sum(), linewidth=1.4, label=label, **style)
    if predictions.n_classes == 2:
        called = predictions.predicted == c
        point = called[~positive].mean(), called[positive].mean()
        axes.plot(*point, "o", color=style["color"], markersize=4)

"""What an ensemble shows: the epochs of its networks, and the confusion matrix of its consensus."""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from raphe.core.confusion_matrix import draw_confusion
from raphe.core.figure_style import STYLE
from raphe.core.sentences import counted
from raphe.tasks.celltype.metrics.set_result import SetResult
from raphe.tasks.celltype.published.run_claims import verdicts_as_published
from raphe.tasks.celltype.published.run_folder import Epochs

PARTS = {"train": "training, with dropout", "val": "validation"}
FIGURES = ("accuracy", "loss")
SHADES = "viridis"
CHARACTERS_PER_IN = 20  # at 6 points


def epochs_figure(epochs: Mapping[int, Epochs], note: str = "") -> Figure:
    """Accuracy and loss of each epoch, training beside validation; the colour is the kernel.

    Args:
        epochs: of each kernel size.
        note: a sentence that must stand beside it.
    """
    scale = ScalarMappable(Normalize(min(epochs), max(epochs)), colormaps[SHADES])
    with rc_context(STYLE):
        figure = Figure(figsize=(6.8, 5.0), layout="constrained")
        panels = figure.subplots(len(FIGURES), len(PARTS), sharex=True, sharey="row")
        for row, name in zip(panels, FIGURES, strict=True):
            for axes, (part, title) in zip(row, PARTS.items(), strict=True):
                for kernel in sorted(epochs):
                    values = epochs[kernel].get(f"{part}/{name}")
                    if values is not None:
                        x = epochs[kernel]["epoch"] + 1
                        axes.plot(x, values, color=scale.to_rgba(kernel), lw=0.9, label=f"{kernel}")
                axes.xaxis.set_major_locator(MaxNLocator(integer=True))
                if name == FIGURES[0]:
                    axes.set_title(f"{title[:1].upper()}{title[1:]}")
                if name == FIGURES[-1]:
                    axes.set_xlabel("Epoch")
            row[0].set_ylabel(f"{name.capitalize()} of spikes")
        bar = figure.colorbar(scale, ax=panels, label="Kernel size k (samples)", pad=0.01)
        bar.outline.set_visible(False)
        bar.locator = MaxNLocator(integer=True)
        bar.update_ticks()
        _stand_below(figure, note)
    return figure


def consensus_figure(result: SetResult, kernels: Sequence[int], note: str = "") -> Figure:
    """The confusion matrix of cells twice: shares of the true class, and as published of those
    called so. `note` is a sentence that must stand beside it."""
    table = verdicts_as_published(result.cells)
    counts = np.array(
        [
            [table.first_right, table.n_first - table.first_right],
            [table.n_others - table.others_right, table.others_right],
        ]
    )
    of_true, of_called = (counts.sum(axis=axis, keepdims=True) for axis in (1, 0))
    normalised = {
        "Share of the true class\n(each row sums to 100 %)": of_true,
        "As published: of those called so\n(each column sums to 100 %)": of_called,
    }
    with rc_context(STYLE):
        figure = Figure(figsize=(6.0, 3.8), layout="constrained")
        panels = figure.subplots(1, 2, sharey=True)
        for axes, (title, totals) in zip(panels, normalised.items(), strict=True):
            draw_confusion(axes, counts, totals, result.classes)
            axes.set(xlabel="Called", title=title)
        panels[0].set_ylabel("True class")
        n_cells = counted("cell", int(counts.sum()))
        figure.suptitle(
            f"Consensus of k = {kernels[0]}…{kernels[-1]}, {result.name} set: {n_cells}",
            fontsize=STYLE["axes.titlesize"],
        )
        _stand_below(figure, note)
    return figure


def _stand_below(figure: Figure, note: str) -> None:
    """A sentence below the figure, in lines that it has room for."""
    if note:
        width = round(figure.get_figwidth() * CHARACTERS_PER_IN)
        figure.supxlabel(textwrap.fill(note, width), fontsize=6, color="0.4")

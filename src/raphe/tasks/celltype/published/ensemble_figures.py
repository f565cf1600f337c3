"""What an ensemble shows: the epochs of its networks, and the confusion matrix of its consensus."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.ticker import MaxNLocator

from raphe.core.claims import percent, proportion
from raphe.core.confusion_matrix import draw_confusion
from raphe.core.figure_style import TWO_COLUMNS_IN, PaperFigure, house_style, letter
from raphe.core.sentences import counted, listed
from raphe.tasks.celltype.metrics.set_result import SetResult
from raphe.tasks.celltype.published.run_claims import verdicts_as_published
from raphe.tasks.celltype.published.run_folder import Epochs

PARTS = {"train": "Training, with dropout", "val": "Validation"}
FIGURES = {"spikes/accuracy": "Accuracy of spikes", "loss": "Cross-entropy of spikes (nats)"}
DARKEST, LIGHTEST = 0.0, 0.85  # its yellow cannot be seen on white


@house_style()
def epochs_figure(epochs: Mapping[int, Epochs], note: str = "") -> PaperFigure:
    """Accuracy and loss of each epoch, training beside validation; the colour is the kernel.

    Args:
        epochs: of each kernel size.
        note: a sentence that must stand in the caption.
    """
    shades = colormaps["viridis"](np.linspace(DARKEST, LIGHTEST, 256))
    scale = ScalarMappable(Normalize(min(epochs), max(epochs)), ListedColormap(shades))
    kernels = np.array(sorted(epochs))
    rgba = map(tuple, scale.to_rgba(kernels).tolist())
    colours = dict(zip(kernels.tolist(), rgba, strict=True))
    figure = PaperFigure(TWO_COLUMNS_IN, 4.6, _epochs_caption(list(epochs), note))
    panels = figure.subplots(len(FIGURES), len(PARTS), sharex=True, sharey="row")
    for row, (name, label) in zip(panels, FIGURES.items(), strict=True):
        for axes, part in zip(row, PARTS, strict=True):
            for kernel, its_colour in colours.items():
                values = epochs[kernel].get(f"{part}/{name}")
                if values is not None:
                    x = epochs[kernel]["epoch"]
                    axes.plot(x, values, color=its_colour, lw=0.9, label=f"{kernel}")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        row[0].set_ylabel(label)
    for axes, title in zip(panels[0], PARTS.values(), strict=True):
        axes.set_title(title)
    for axes in panels[-1]:
        axes.set_xlabel("Epoch")
    bar = figure.colorbar(scale, ax=panels, label="Kernel size k (samples)", pad=0.01)
    bar.outline.set_visible(False)
    bar.locator = MaxNLocator(integer=True)
    bar.update_ticks()
    letter(panels.ravel())
    return figure


def _epochs_caption(kernels: Sequence[int], note: str) -> str:
    sentences = [
        f"Each epoch of {counted('network', len(kernels))}, of kernel size k = {min(kernels)} to "
        f"{max(kernels)}: accuracy above, loss below; training, with dropout, on the left, "
        "validation on the right, on one scale each. A line is one network; its last epoch is not "
        "always the one that was kept.",
        *([note] if note else []),
    ]
    return " ".join(sentences)


@house_style()
def consensus_figure(result: SetResult, kernels: Sequence[int], note: str = "") -> PaperFigure:
    """The confusion matrix of cells twice: shares of the true class, and as published of those
    called so. `note` is a sentence that must stand in the caption."""
    table = verdicts_as_published(result.cells)
    counts = np.array(
        [
            [table.first_right, table.n_first - table.first_right],
            [table.n_others - table.others_right, table.others_right],
        ]
    )
    of_true, of_called = (counts.sum(axis=axis, keepdims=True) for axis in (1, 0))
    normalised = {"Share of the true class": of_true, "As published: share of the call": of_called}
    figure = PaperFigure(
        0.85 * TWO_COLUMNS_IN, 3.3, _consensus_caption(result, kernels, counts, note)
    )
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (title, totals) in zip(panels, normalised.items(), strict=True):
        draw_confusion(axes, counts, totals, result.classes)
        axes.set(xlabel="Called", title=title)
    panels[0].set_ylabel("True class")
    letter(panels)
    return figure


def _consensus_caption(
    result: SetResult, kernels: Sequence[int], counts: np.ndarray, note: str
) -> str:
    (first, other) = result.classes
    shares = [
        f"of {name} {percent(proportion(int(right), int(n)))}"
        for name, right, n in zip((first, other), np.diag(counts), counts.sum(axis=1), strict=True)
    ]
    sentences = [
        f"Consensus of the networks with kernel size k = {kernels[0]} to {kernels[-1]} on the "
        f"{result.name} set, {counted('cell', int(counts.sum()))}: a, the share of each true class "
        "(rows sum to 100 %); b, as published, the share of those called so (columns sum to "
        "100 %).",
        f"Right with its 95 % interval, as if cells were independent: {listed(shares)}.",
        *([note] if note else []),
    ]
    return " ".join(sentences)

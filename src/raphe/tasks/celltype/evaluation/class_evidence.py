"""Which part of the spike spoke for each class: a trained network's evidence on a test set.

n spikes, T samples, C classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from raphe.core.figure_style import (
    INK,
    SMALL_PT,
    TWO_COLUMNS_IN,
    PaperFigure,
    house_style,
    letter,
)
from raphe.core.files.csv_text import csv_text
from raphe.core.sentences import counted, listed
from raphe.tasks.celltype.metrics.predictions import Predictions
from raphe.tasks.celltype.network.evidence import Explainer
from raphe.tasks.celltype.spikes.time_axis import TimeAxis
from raphe.tasks.celltype.stores.spike_set import SpikeSet
from raphe.tasks.celltype.stores.subsampling import evenly_spaced
from raphe.tasks.celltype.training.module import CellTypeModule

SPIKES_EXPLAINED = 16  # of each class, spread evenly over its spikes; the gradients take long
ROW_IN = 1.35
SHADES_OF_ONE_SIGN, SHADES_OF_TWO_SIGNS = "Greens", "PRGn"  # green speaks for a class in both
QUANTITY = {"A": "current", "V": "voltage"}  # by the last letter of its unit
GRAD_CAM, GRADIENTS = "Grad-CAM", "integrated gradients"
KINDS = (GRAD_CAM, GRAD_CAM, GRADIENTS, GRADIENTS)  # of a row's panels
MEANING = {
    GRAD_CAM: "Grad-CAM: how much this time spoke\nfor the class, from none (0) to the most (1)",
    GRADIENTS: "Integrated gradients: what a sample adds\nto the logit of the class",
}


@dataclass(frozen=True)
class ClassEvidence:
    """For one class, on spikes of that class: each array (T,) but `spike`, which is one row's."""

    name: str
    n_spikes: int
    n_cells: int  # that these are of
    mean: np.ndarray  # of the windows, in their unit
    grad_cam: np.ndarray  # mean, 0 to 1
    gradients: np.ndarray  # mean, what each sample adds to the class's logit
    spike: "SpikeEvidence"


@dataclass(frozen=True)
class SpikeEvidence:
    """Of the spike that is most surely called its own class: each array (T,)."""

    window: np.ndarray
    grad_cam: np.ndarray
    gradients: np.ndarray


def class_evidence(
    model: CellTypeModule, spikes: SpikeSet, rows: np.ndarray, predictions: Predictions
) -> list[ClassEvidence]:
    """Grad-CAM and integrated gradients of each class that has spikes, averaged over some of them.

    Args:
        spikes: the store that was tested on.
        rows: its rows (n,), in the order of the predictions.
        predictions: what the network said of them.
    """
    state = {name: value.cpu().numpy() for name, value in model.net.state_dict().items()}
    explainer = Explainer.from_state(state, model.hparams.columns, model.hparams.rate_hz)
    evidence = []
    for label, name in enumerate(spikes.classes):
        of_class = np.flatnonzero(predictions.label == label)
        if not len(of_class):
            continue
        some = of_class[evenly_spaced(len(of_class), SPIKES_EXPLAINED)]
        windows = spikes.read(rows[some])
        cam, gradients = (
            way(windows, label) for way in (explainer.grad_cam, explainer.integrated_gradients)
        )
        surest = predictions.probability[some, label].argmax()
        spike = SpikeEvidence(windows[surest], cam[surest], gradients[surest])
        mean, mean_cam, mean_gradients = (part.mean(axis=0) for part in (windows, cam, gradients))
        n_cells = len(np.unique(predictions.cell[some]))
        evidence.append(
            ClassEvidence(name, len(some), n_cells, mean, mean_cam, mean_gradients, spike)
        )
    return evidence


def evidence_csv(evidence: Sequence[ClassEvidence], axis: TimeAxis, unit: str) -> str:
    """A row for each class and sample; the spikes are in `unit`."""
    header = ["class", axis.column, f"mean_{unit}", "grad_cam", "integrated_gradients"]
    rows = []
    for of_class in evidence:
        columns = (of_class.mean, of_class.grad_cam, of_class.gradients)
        time_ms = axis.time_ms(len(of_class.mean))
        for at_ms, *values in zip(time_ms, *columns, strict=True):
            rows.append([of_class.name, f"{at_ms:.4f}", *(f"{value:.6g}" for value in values)])
    return csv_text(header, rows)


@house_style()
def evidence_figure(evidence: Sequence[ClassEvidence], axis: TimeAxis, unit: str) -> Figure:
    """A row for each class: its mean spike and one spike, upon the evidence of two kinds.

    Each kind has one scale for all classes and spikes.
    """
    figure = PaperFigure(TWO_COLUMNS_IN, 1.5 + ROW_IN * len(evidence), _caption(evidence))
    panels = figure.subplots(len(evidence), 4, squeeze=False, sharex=True, sharey="row")
    every = [part for of_class in evidence for part in (of_class, of_class.spike)]
    most = max(float(np.abs(part.gradients).max()) for part in every) or 1.0
    scales = {
        GRAD_CAM: (SHADES_OF_ONE_SIGN, 0.0, 1.0),
        GRADIENTS: (SHADES_OF_TWO_SIGNS, -most, most),
    }
    for row, of_class in zip(panels, evidence, strict=True):
        cams = (of_class.grad_cam, of_class.spike.grad_cam)
        values = (*cams, of_class.gradients, of_class.spike.gradients)
        time_ms = axis.time_ms(len(of_class.mean))
        for axes, window in zip(row, (of_class.mean, of_class.spike.window) * 2, strict=True):
            axes.plot(time_ms, window, color=INK, linewidth=1.0)
            axes.margins(x=0, y=0.08)
        row[0].get_ylim()  # settles the scale, which is the lines' alone
        for axes, evidence_of_panel, kind in zip(row, values, KINDS, strict=True):
            _draw_shades(axes, time_ms, evidence_of_panel, *scales[kind])
        for axes, cam in zip(row, cams, strict=False):
            if not cam.any():
                _note(axes, f"0 throughout:\nno time spoke\nfor {of_class.name}")
        of_cells = counted("cell", of_class.n_cells)
        _note(row[2], f"n = {counted('spike', of_class.n_spikes)}\nof {of_cells}")
        row[0].set_ylabel(f"{of_class.name}:\n{QUANTITY.get(unit[-1:], 'signal')} ({unit})")
    for axes, kind, of in zip(panels[0], KINDS, ("Mean spike", "One spike") * 2, strict=True):
        axes.set_title(f"{of},\n{kind}")
    for axes in panels[-1]:
        axes.set_xlabel(axis.label.capitalize())
    letter(panels[0])
    for columns, kind in ((slice(0, 2), GRAD_CAM), (slice(2, 4), GRADIENTS)):
        shades, of_pair = panels[0, columns][0].images[0], panels[:, columns].ravel().tolist()
        bar = figure.colorbar(shades, ax=of_pair, location="bottom", aspect=30, shrink=0.9)
        bar.set_label(MEANING[kind])
        bar.outline.set_visible(False)
    figure.suptitle("What in the spike spoke for each class, test set")
    return figure


def _caption(evidence: Sequence[ClassEvidence]) -> str:
    sizes = listed(
        f"{counted('spike', row.n_spikes)} of {counted('cell', row.n_cells)} {row.name}"
        for row in evidence
    )
    return (
        f"What in the spike spoke for its own class, a row a class: the mean of {sizes}, spread "
        "evenly over the test set, and the one of them that is most surely called its own class. "
        "Shades, green for the class: Grad-CAM (a, b), how much the network's last feature maps at "
        "this time spoke for it, from 0 to the most of the spike, which is 1; and integrated "
        "gradients (c, d; against a flat trace), what each sample adds to the logit of the class, "
        "where purple speaks against it. Each has one scale for all panels."
    )


def _draw_shades(
    axes: Axes, time_ms: np.ndarray, values: np.ndarray, shades: str, low: float, high: float
) -> None:
    """Evidence over the whole height of a panel, as wide as each sample."""
    half_ms = (time_ms[1] - time_ms[0]) / 2
    axes.set_autoscale_on(False)
    axes.imshow(
        values[None], cmap=shades, vmin=low, vmax=high, aspect="auto", interpolation="nearest",
        extent=(time_ms[0] - half_ms, time_ms[-1] + half_ms, 0, 1), zorder=0, alpha=0.75,
        transform=axes.get_xaxis_transform(),
    )  # fmt: skip


def _note(axes: Axes, text: str) -> None:
    """At the lower right, where a spike has gone by."""
    axes.text(
        0.97, 0.05, text, fontsize=SMALL_PT, transform=axes.transAxes, ha="right", va="bottom"
    )

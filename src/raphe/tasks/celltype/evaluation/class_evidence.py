"""Which part of the spike spoke for each class: a trained network's evidence on a test set.

n spikes, T samples, C classes.
"""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from raphe.core.figure_style import GREY
from raphe.core.files.csv_text import csv_text
from raphe.core.sentences import counted
from raphe.tasks.celltype.metrics.predictions import Predictions
from raphe.tasks.celltype.network.evidence import Explainer
from raphe.tasks.celltype.stores.spike_set import SpikeSet
from raphe.tasks.celltype.stores.subsampling import evenly_spaced
from raphe.tasks.celltype.training.module import CellTypeModule

SPIKES_EXPLAINED = 16  # of each class, spread evenly over its spikes; the gradients take long
SHADES = {"Grad-CAM": "viridis", "integrated gradients": "RdBu_r"}
MEANING = {"Grad-CAM": "evidence", "integrated gradients": "added to the logit"}


@dataclass(frozen=True)
class ClassEvidence:
    """For one class, on spikes of that class: each array (T,) but `spike`, which is one row's."""

    name: str
    n_spikes: int
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
        means = (part.mean(axis=0) for part in (windows, cam, gradients))
        evidence.append(ClassEvidence(name, len(some), *means, spike))
    return evidence


def evidence_csv(evidence: list[ClassEvidence], rate_hz: float) -> str:
    """A row for each class and sample."""
    header = ["class", "time_ms", "mean", "grad_cam", "integrated_gradients"]
    rows = []
    for of_class in evidence:
        columns = (of_class.mean, of_class.grad_cam, of_class.gradients)
        for sample, values in enumerate(zip(*columns, strict=True)):
            time_ms = f"{1000 * sample / rate_hz:.4f}"
            rows.append([of_class.name, time_ms, *(f"{value:.6g}" for value in values)])
    return csv_text(header, rows)


def evidence_figure(evidence: list[ClassEvidence], rate_hz: float, unit: str) -> Figure:
    """A row for each class: its mean spike and one spike, coloured by both kinds of evidence."""
    figure = Figure(figsize=(11, 2.4 * len(evidence) + 0.4), layout="constrained")
    panels = figure.subplots(len(evidence), 4, squeeze=False, sharex=True, sharey="row")
    for row, of_class in zip(panels, evidence, strict=True):
        for column, (name_of_part, part) in enumerate(
            (("mean", of_class), ("one spike", of_class.spike))
        ):
            is_mean = name_of_part == "mean"
            window = part.mean if is_mean else part.window
            values = {"Grad-CAM": part.grad_cam, "integrated gradients": part.gradients}
            for place, (name, colours) in enumerate(values.items()):
                axes = row[2 * column + place]
                _draw(axes, window, colours, rate_hz, name)
                number = counted("spike", of_class.n_spikes)
                count = f"mean of {number}" if is_mean else name_of_part
                axes.set_title(f"{of_class.name}, {count}: {name}", loc="left", fontsize=8)
        row[0].set_ylabel(f"{of_class.name} ({unit})")
    for axes in panels[-1]:
        axes.set_xlabel("time in the window (ms)")
    return figure


def _draw(axes: Axes, window: np.ndarray, colours: np.ndarray, rate_hz: float, name: str) -> None:
    time_ms = 1000 * np.arange(len(window)) / rate_hz
    points = np.column_stack([time_ms, window])
    line = LineCollection(np.stack([points[:-1], points[1:]], axis=1), cmap=SHADES[name])
    line.set_linewidth(2.2)
    line.set_array((colours[:-1] + colours[1:]) / 2)
    if name == "Grad-CAM":
        line.set_clim(0, 1)
    else:  # white is nothing: the line below it shows through
        most = float(np.abs(colours).max()) or 1.0
        line.set_clim(-most, most)
        axes.plot(time_ms, window, color=GREY, linewidth=3.0)
    axes.add_collection(line)
    axes.autoscale()
    axes.set_xlim(time_ms[0], time_ms[-1])
    axes.spines[["top", "right"]].set_visible(False)
    axes.figure.colorbar(line, ax=axes, pad=0.02, label=MEANING[name])

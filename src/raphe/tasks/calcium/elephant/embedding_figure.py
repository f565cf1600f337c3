"""The confusion matrix of single-recording networks, and the two spaces of datasets."""

from collections.abc import Mapping

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from raphe.core.figure_style import COLOURS, GREY, STYLE
from raphe.tasks.calcium.elephant.embedding import Embedding

NEW = COLOURS[0]


def confusion_figure(embedding: Embedding) -> Figure:
    """Each recording's spikes as each recording's network tells them, in blocks of datasets."""
    n = len(embedding.names)
    with rc_context(STYLE):
        figure = Figure(figsize=(5.4, 4.6), layout="constrained")
        axes = figure.add_subplot()
        image = axes.imshow(embedding.confusion, cmap="viridis", vmin=0)
        edges = np.flatnonzero(np.diff(embedding.number)) + 0.5
        for edge in edges:
            axes.axhline(edge, color="white", linewidth=0.6)
            axes.axvline(edge, color="white", linewidth=0.6)
        datasets = range(len(embedding.datasets))
        centres = [np.flatnonzero(embedding.number == dataset).mean() for dataset in datasets]
        axes.set_xticks(centres, embedding.datasets)
        axes.set_yticks(centres, embedding.datasets)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set_xlabel("Dataset of the recording the network was trained on")
        axes.set_ylabel("Dataset of the recording predicted")
        axes.set_title(f"Networks trained on one recording, {n} × {n}")
        bar = figure.colorbar(image, ax=axes, shrink=0.8)
        bar.set_label("Correlation with the spikes at 25 Hz")
        bar.outline.set_visible(False)
    return figure


def spaces_figure(embedding: Embedding, placed: Mapping[str, np.ndarray] | None = None) -> Figure:
    """Both spaces; `placed` are new datasets by name, their place (2,) in the statistics space.

    A new dataset is drawn where its traces put it, and where regression from there puts it in the
    predictive space.
    """
    placed = placed or {}
    with rc_context(STYLE):
        figure = Figure(figsize=(7.4, 3.7), layout="constrained")
        left, right = figure.subplots(1, 2)
        _draw(left, embedding, embedding.statistics_space, dict(placed))
        left.set_title("By what the traces look like")
        mapped = {name: embedding.predicted_place(point) for name, point in placed.items()}
        _draw(right, embedding, embedding.predictive_space, mapped)
        right.set_title("By how well networks predict each other's spikes")
        if placed:
            handles, labels = left.get_legend_handles_labels()
            figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure


def _draw(
    axes: Axes, embedding: Embedding, space: np.ndarray, placed: Mapping[str, np.ndarray]
) -> None:
    axes.axhline(0, color=GREY, linewidth=0.5, linestyle=":")
    axes.axvline(0, color=GREY, linewidth=0.5, linestyle=":")
    axes.plot(*space.T, "o", color=COLOURS[1], markersize=5, label="datasets trained on")
    for name, point, away in zip(embedding.datasets, space, _from_neighbour(space), strict=True):
        axes.annotate(
            name, point, 8 * away, textcoords="offset points", size=8, ha="center", va="center"
        )
    for name, point in placed.items():  # hollow: a dataset may lie beneath
        axes.plot(*point, "D", color=NEW, markersize=9, fillstyle="none", label=name)
    axes.set(xlabel="First component", ylabel="Second component")
    axes.margins(0.12)
    axes.set_aspect("equal", adjustable="datalim")  # distances are what counts


def _from_neighbour(space: np.ndarray) -> np.ndarray:
    """The direction from each point's nearest neighbour to itself, for its name: (D, 2)."""
    apart = space[:, None] - space
    distance = np.linalg.norm(apart, axis=2)
    np.fill_diagonal(distance, np.inf)
    nearest = distance.argmin(axis=1)
    place = np.arange(len(space))
    return apart[place, nearest] / np.maximum(distance[place, nearest], 1e-9)[:, None]

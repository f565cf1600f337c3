"""The confusion matrix of single-recording networks, and the two spaces of datasets."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from raphe.core.figure_style import (
    GREY,
    INK,
    METHODS,
    SMALL_PT,
    TWO_COLUMNS_IN,
    PaperFigure,
    house_style,
    letter,
)
from raphe.core.sentences import counted
from raphe.tasks.calcium.elephant.embedding import Embedding

NEW = METHODS[2]


@house_style()
def confusion_figure(embedding: Embedding) -> PaperFigure:
    """How well each recording's network infers each recording's spikes, in blocks of datasets."""
    n_datasets = counted("dataset", len(embedding.datasets))
    caption = (
        f"{counted('network', len(embedding.names))}, each trained on one recording (columns), "
        f"inferring the spikes of each recording (rows), of {n_datasets}: correlation of the rate "
        "with the spikes, both in bins of 40 ms. White lines part the datasets."
    )
    figure = PaperFigure(0.75 * TWO_COLUMNS_IN, 4.4, caption)
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
    axes.set_xlabel("Network trained on a recording of dataset")
    axes.set_ylabel("Recording inferred, of dataset")
    bar = figure.colorbar(image, ax=axes, shrink=0.8)
    bar.set_label("Correlation with the spikes at 25 Hz")
    bar.outline.set_visible(False)
    return figure


@house_style()
def spaces_figure(
    embedding: Embedding, placed: Mapping[str, np.ndarray] | None = None
) -> PaperFigure:
    """Both spaces; `placed` are new datasets by name, their place (2,) in the statistics space.

    A new dataset is drawn where its traces put it, and where regression from there puts it in the
    predictive space.
    """
    placed = placed or {}
    caption = (
        f"{counted('dataset', len(embedding.datasets))} of "
        f"{counted('recording', len(embedding.names))} in two planes of principal components: a, "
        "of statistics of the traces; b, of how well networks trained on each dataset infer the "
        "spikes of the others. Near datasets are alike; axes have no unit."
    )
    if placed:
        caption += " Diamonds: new datasets, in b by regression from their place in a."
    figure = PaperFigure(TWO_COLUMNS_IN, 3.6, caption)
    left, right = figure.subplots(1, 2)
    _draw(left, embedding, embedding.statistics_space, dict(placed))
    left.set_title("By statistics of the traces")
    mapped = {name: embedding.predicted_place(point) for name, point in placed.items()}
    _draw(right, embedding, embedding.predictive_space, mapped)
    right.set_title("By how networks infer one another's spikes")
    if placed:
        handles, labels = left.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    letter((left, right))
    return figure


def _draw(
    axes: Axes, embedding: Embedding, space: np.ndarray, placed: Mapping[str, np.ndarray]
) -> None:
    axes.axhline(0, color=GREY, linewidth=0.5, linestyle=":")
    axes.axvline(0, color=GREY, linewidth=0.5, linestyle=":")
    axes.plot(*space.T, "o", color=INK, markersize=4, label="datasets trained on")
    for name, point, away in zip(embedding.datasets, space, _from_neighbour(space), strict=True):
        axes.annotate(
            name,
            point,
            8 * away,
            textcoords="offset points",
            size=SMALL_PT,
            ha="center",
            va="center",
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

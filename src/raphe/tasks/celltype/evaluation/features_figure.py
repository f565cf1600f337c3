"""The features of each class's cells, side by side, and how far each tells two classes apart."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from raphe.core.figure_style import (
    GREY,
    INK,
    SMALL_PT,
    TWO_COLUMNS_IN,
    PaperFigure,
    class_colour,
    house_style,
    letter,
)
from raphe.core.sentences import counted, listed
from raphe.core.statistics.figure_interval import Headline
from raphe.tasks.celltype.features.cell_features import CellFeatures
from raphe.tasks.celltype.features.feature_table import FEATURES
from raphe.tasks.celltype.metrics.cell_level import group_cells, headlines
from raphe.tasks.celltype.metrics.predictions import Predictions

MOST_PANELS_A_ROW = 5
ROW_IN = 1.9
JITTER = 0.22  # of the distance between two classes
FEWEST_IN_BOX = 5
ASYMMETRY = next(feature for feature in FEATURES if feature.name == "asymmetry")
FEW_CLASSES = 3  # whose names stand side by side
WORDS = {
    "udi": "UDI",
    "trough_to_peak": "Trough-to-peak time",
    "half_width": "Half-width",
    "peak_to_trough_ratio": "Peak-to-trough ratio",
    "isi_cv": "CV of interspike\nintervals",
}  # where the name without its underscores does not do


@house_style()
def features_figure(features: CellFeatures, note: str = "") -> PaperFigure:
    """A panel for each feature that is known, a dot for each cell, a box for each class.

    Above a panel, of two classes, the feature's AUROC with its interval. A feature that is the
    same as another in every cell has no panel of its own. `note` is part of the caption.
    """
    shown = _distinct(features.values)
    n_rows = -(-len(shown) // MOST_PANELS_A_ROW)
    n_columns = -(-len(shown) // n_rows)
    width = TWO_COLUMNS_IN if len(features.classes) <= FEW_CLASSES else 1.5 * TWO_COLUMNS_IN
    separations = [separation(features, column) for column in shown]
    figure = PaperFigure(width, ROW_IN * n_rows + 0.1, _caption(features, separations, note))
    grid = np.ravel(figure.subplots(n_rows, n_columns, squeeze=False))
    for axes, column, auroc in zip(grid, shown, separations, strict=False):
        _panel(axes, features, column)
        if auroc is not None:
            _title(axes, auroc)
    for axes in grid[len(shown) :]:
        axes.set_visible(False)
    letter(grid[: len(shown)])
    return figure


def separation(features: CellFeatures, column: int) -> Headline | None:
    """The AUROC of a feature of two classes: how often a cell of the first has more of it than one
    of the second, over cells that have the feature; None of other numbers of classes."""
    known = np.flatnonzero(np.isfinite(features.values[:, column]))
    cells = [features.cells[index] for index in known.tolist()]
    label = np.array([cell.label for cell in cells], dtype=np.int64)
    if len(features.classes) != 2 or len(np.unique(label)) < 2:
        return None
    values = features.values[known, column]
    rank = np.unique(values, return_inverse=True)[1] / len(values)  # as a probability, in [0, 1)
    both = np.stack([rank, 1 - rank], axis=1)
    predictions = Predictions(both, both, label, np.arange(len(cells)))
    of_cells = headlines("cells", predictions, group_cells(predictions, cells), features.classes)
    return next(headline for headline in of_cells if headline.name == "auroc")


def _distinct(values: np.ndarray) -> list[int]:
    shown: list[int] = []
    for column in range(values.shape[1]):
        repeats = any(np.array_equal(values[:, column], values[:, s], True) for s in shown)
        if np.isfinite(values[:, column]).any() and not repeats:
            shown.append(column)
    return shown


def _panel(axes: Axes, features: CellFeatures, column: int) -> None:
    feature, rng = FEATURES[column], np.random.default_rng(column)
    label = np.array([cell.label for cell in features.cells])
    names = []
    for place, name in enumerate(features.classes):
        values = features.values[label == place, column]
        finite = values[np.isfinite(values)]
        across = place + rng.uniform(-JITTER, JITTER, len(finite))
        axes.plot(across, finite, "o", color=class_colour(place), ms=2, alpha=0.5, mew=0)
        if len(finite):
            _summary(axes, finite, place)
        names.append(f"{name}\nn = {len(finite)}")
    axes.set_xticks(range(len(features.classes)), names)
    if len(features.classes) > FEW_CLASSES:
        axes.set_xticklabels([name.replace("\n", ", ") for name in names], rotation=35, ha="right")
    axes.set_xlim(-0.6, len(features.classes) - 0.4)
    axes.tick_params(axis="x", length=0, labelsize=SMALL_PT - 1)
    unit = feature.unit.format(unit=features.unit)
    name = WORDS.get(feature.name, feature.name.replace("_", " ").capitalize())
    axes.set_ylabel(f"{name} ({unit})" if unit else name)


def _title(axes: Axes, auroc: Headline) -> None:
    text = f"AUROC {auroc.value:.2f}"
    if np.isfinite(auroc.low):
        text += f"\n({auroc.low:.2f}–{auroc.high:.2f})"
    axes.set_title(text, fontsize=SMALL_PT)


def _summary(axes: Axes, values: np.ndarray, place: int) -> None:
    line = {"color": INK, "linewidth": 0.8}
    if len(values) < FEWEST_IN_BOX:
        axes.hlines(np.median(values), place - 0.3, place + 0.3, color=INK, linewidth=1.6)
        return
    axes.boxplot(
        values, positions=[place], widths=0.6, showfliers=False, showcaps=False,
        boxprops=line, whiskerprops={**line, "color": GREY}, medianprops={**line, "linewidth": 1.6},
    )  # fmt: skip


def _caption(features: CellFeatures, separations: Sequence[Headline | None], note: str) -> str:
    sentences = [
        f"Features of the mean spike and of the firing of {counted('cell', len(features.cells))}, "
        "a dot each; n counts the cells that have the feature.",
        "Boxes: quartiles and median; whiskers: the farthest cell within 1.5 times the box; of "
        f"fewer than {FEWEST_IN_BOX} cells the median alone.",
        "UDI: upstroke–downstroke interval; CV: coefficient of variation; asymmetry: "
        f"{ASYMMETRY.meaning}.",
    ]
    intervals = dict.fromkeys(auroc.interval for auroc in separations if auroc is not None)
    if intervals:
        first, second = features.classes
        sentences.append(
            f"AUROC: how often a cell of {first} has a larger value than one of {second}, with "
            f"its 95 % interval over {listed(intervals, 'or')}; 0.5: no difference, 0 or 1: no "
            "overlap."
        )
    return " ".join([*sentences, *([note] if note else [])])

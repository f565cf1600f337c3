"""The features of each class's cells, side by side."""

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from raphe.core.figure_style import COLOURS, GREY, STYLE
from raphe.core.sentences import counted
from raphe.tasks.celltype.features.cell_features import CellFeatures
from raphe.tasks.celltype.features.feature_table import FEATURES

MOST_PANELS_A_ROW = 5
JITTER = 0.22  # of the distance between two classes
FEWEST_IN_BOX = 5
FEW_CLASSES = 3  # whose names stand side by side


def features_figure(features: CellFeatures, note: str = "") -> Figure:
    """A panel for each feature that is known, a dot for each cell, a box for each class.

    Boxes span the quartiles, with a line at the median, and whiskers reach to 1.5 times the box;
    fewer than 5 cells have the median alone. Counts are of cells that have the feature. One that
    is the same as another in every cell has no panel of its own. `note` stands below.
    """
    shown = _distinct(features.values)
    n_rows = -(-len(shown) // MOST_PANELS_A_ROW)
    width = max(1.9, 0.7 + 0.45 * len(features.classes))
    with rc_context(STYLE):
        n_columns = -(-len(shown) // n_rows)
        figure = Figure(figsize=(width * n_columns, 2.6 * n_rows), layout="constrained")
        grid = np.ravel(figure.subplots(n_rows, n_columns, squeeze=False))
        for axes, column in zip(grid, shown, strict=False):
            _panel(axes, features, column)
        for axes in grid[len(shown) :]:
            axes.set_visible(False)
        title = f"Mean spike and firing of {counted('cell', len(features.cells))}"
        figure.suptitle(title, fontsize=STYLE["axes.titlesize"])
        if note:
            figure.supxlabel(note, fontsize=STYLE["legend.fontsize"], color=GREY)
    return figure


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
        colour = COLOURS[place % len(COLOURS)]
        across = place + rng.uniform(-JITTER, JITTER, len(finite))
        axes.plot(across, finite, "o", color=colour, ms=3, alpha=0.55, mew=0)
        if len(finite):
            _summary(axes, finite, place)
        is_whole = len(finite) == len(values)
        count = str(len(finite)) if is_whole else f"{len(finite)} of {len(values)}"
        names.append(f"{name}\n{count}")
    axes.set_xticks(range(len(features.classes)), names)
    if len(features.classes) > FEW_CLASSES:
        axes.set_xticklabels([name.replace("\n", ", ") for name in names], rotation=35, ha="right")
    axes.set_xlim(-0.6, len(features.classes) - 0.4)
    axes.tick_params(axis="x", length=0, labelsize=STYLE["legend.fontsize"])
    unit = feature.unit.format(unit=features.unit)
    name = feature.name.replace("_", " ").replace("udi", "UDI").replace("isi cv", "CV of ISI")
    axes.set_ylabel(f"{name}\n({unit})" if unit else name)


def _summary(axes: Axes, values: np.ndarray, place: int) -> None:
    line = {"color": "black", "linewidth": 0.9}
    if len(values) < FEWEST_IN_BOX:
        axes.hlines(np.median(values), place - 0.3, place + 0.3, **{**line, "linewidth": 1.8})
        return
    axes.boxplot(
        values, positions=[place], widths=0.6, showfliers=False, showcaps=False,
        boxprops=line, whiskerprops=line, medianprops={**line, "linewidth": 1.8},
    )  # fmt: skip

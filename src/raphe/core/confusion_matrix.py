"""A confusion matrix as every figure draws it.

C classes.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage

from raphe.core.figure_style import TEXT_PT

MANY_CLASSES, TINY_PT = 4, 6


def draw_confusion(
    axes: Axes,
    counts: np.ndarray,
    totals: np.ndarray,
    classes: Sequence[str],
    intervals: np.ndarray | None = None,
) -> AxesImage:
    """Counts (C, C), a row for each true class, with their share of the totals, the colour.

    Args:
        totals: what a count is a share of, (C, C) or to be broadcast to it: sums of rows, (C, 1),
            or of columns, (1, C).
    """
    totals = np.broadcast_to(totals, counts.shape)
    share = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        lines = [f"{count}"]
        if totals[row, column]:
            lines.append(f"{100 * share[row, column]:.1f} %")
        if intervals is not None and np.isfinite(intervals[row, column]).all():
            low, high = 100 * intervals[row, column]
            lines.append(f"({low:.0f}–{high:.0f})")
        colour = "white" if share[row, column] > 0.55 else "black"
        axes.text(column, row, "\n".join(lines), ha="center", va="center", color=colour,
                  fontsize=TEXT_PT if len(classes) < MANY_CLASSES else TINY_PT)  # fmt: skip
    turned: dict[str, Any] = {"rotation": 35, "ha": "right", "rotation_mode": "anchor"}
    axes.set_xticks(range(len(classes)), classes, **(turned if len(classes) > 2 else {}))
    axes.set_yticks(range(len(classes)), classes)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return image

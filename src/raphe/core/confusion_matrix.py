"""A confusion matrix as every figure draws it.

C classes.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage


def draw_confusion(
    axes: Axes, counts: np.ndarray, totals: np.ndarray, classes: Sequence[str]
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
        percent = f"\n{100 * share[row, column]:.1f} %" if totals[row, column] else ""
        colour = "white" if share[row, column] > 0.55 else "black"
        axes.text(column, row, f"{count}{percent}", ha="center", va="center", color=colour)
    axes.set_xticks(range(len(classes)), classes)
    axes.set_yticks(range(len(classes)), classes)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return image

"""What the numbers of branches are centred and scaled by. N cells, D numbers a cell."""

from collections.abc import Sequence

import numpy as np

SMALLEST_SCALE = 0.05  # of the median of a branch's: a sample without spread tells nothing


def centre_and_scale(x: np.ndarray, dims: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and spread of each number (D,), over those (N, D) that have it; 0 and 1 of none."""
    known = np.isfinite(x)
    n = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, x, 0).sum(axis=0) / n
    spread = np.sqrt((np.where(known, x - mean, 0) ** 2).sum(axis=0) / n)
    scale = np.ones(len(spread))
    begin = 0
    for width in dims:
        block = slice(begin, begin + width)
        scale[block] = np.maximum(spread[block], SMALLEST_SCALE * np.median(spread[block]))
        begin += width
    return mean, np.where(scale > 0, scale, 1.0)

"""Smooth spike windows: a centred moving mean, or Savitzky and Golay's polynomials.

n windows, T samples a window, w the width.
"""

from dataclasses import dataclass
from typing import Annotated, Literal, get_args

import numpy as np

from raphe.core.errors import SettingError
from raphe.core.ranges import Range, check_ranges

Smoothing = Literal["mean", "savgol"]
Width = Annotated[int, Range(1, step=2, noun="an odd number of samples, one in the centre,")]

POLYNOMIAL = 3  # degree of Savitzky–Golay; Savitzky and Golay 1964 tabulate quadratic = cubic


@dataclass(frozen=True)
class Smoother:
    """Weights over the w samples around each one, and over the w outermost at either end.

    Applied sample by sample in one order, so that a window's result does not depend on which
    others are smoothed with it, as it would in a matrix product.
    """

    inner: np.ndarray  # float32 (w,)
    left: np.ndarray  # float32 (w // 2, w): for sample j of the window, over samples 0 to w - 1
    right: np.ndarray  # float32 (w // 2, w): for sample T - w // 2 + j, over samples T - w to T - 1

    def __call__(self, windows: np.ndarray) -> np.ndarray:
        """Smoothed windows: float32 (n, T) of float32 (n, T)."""
        width, half = len(self.inner), len(self.left)
        if not half:
            return windows.copy()
        # All windows as one line: a pass each instead of n. What straddles two of them is mended.
        line, smooth = np.ravel(windows), np.empty(windows.shape, np.float32)
        n_inner = line.size - 2 * half
        inside, product = smooth.ravel()[half:-half], np.empty_like(line[:n_inner])
        np.multiply(line[:n_inner], self.inner[0], out=inside)
        for shift in range(1, width):
            np.multiply(line[shift : shift + n_inner], self.inner[shift], out=product)
            inside += product
        for j in range(half):
            smooth[:, j] = _weighted(windows[:, :width], self.left[j])
            smooth[:, j - half] = _weighted(windows[:, -width:], self.right[j])
        return smooth


def smoother(smoothing: Smoothing, width: int, n_samples: int) -> Smoother:
    """A smoother of windows of `n_samples`. Raises SettingError.

    "mean": where part of the width lies outside the window, the mean of the samples inside it is
    taken: of 2 instead of 3 at either end for width 3. No sample is made up and none is lost.
    "savgol": a cubic is fitted to each width; the first and last w // 2 samples are read off the
    cubic of the outermost width, as `scipy.signal.savgol_filter` does by default.
    """
    check_smoothing(smoothing, width)
    if width > n_samples:
        raise SettingError(f"width: expected at most the window's {n_samples} samples, got {width}")
    half = width // 2
    if smoothing == "savgol":
        from scipy.signal import savgol_filter  # a second, that makers of plain means can spare

        # Column j holds what sample j gives to each, so that row i holds the weights for sample i.
        weights = savgol_filter(np.eye(2 * width), width, POLYNOMIAL, axis=0)
    else:
        distance = np.abs(np.subtract.outer(np.arange(2 * width), np.arange(2 * width)))
        weights = (distance <= half).astype(np.float64)
        weights /= weights.sum(axis=1, keepdims=True)
    return Smoother(
        weights[half, :width].astype(np.float32),
        weights[:half, :width].astype(np.float32),
        weights[2 * width - half :, -width:].astype(np.float32),
    )


def check_smoothing(smoothing: str, width: Width) -> None:
    """Raise SettingError for a method or a width that cannot be."""
    if smoothing not in get_args(Smoothing):
        raise SettingError(f"smoothing: expected mean or savgol, got {smoothing!r}")
    check_ranges(check_smoothing, locals())
    if smoothing == "savgol" and width <= POLYNOMIAL + 1:
        raise SettingError(
            f"width: a cubic through {width} samples smooths nothing; give {POLYNOMIAL + 2} or more"
        )


def _weighted(columns: np.ndarray, weights: np.ndarray) -> np.ndarray:
    total = columns[:, 0] * weights[0]
    for k in range(1, len(weights)):
        total += columns[:, k] * weights[k]
    return total

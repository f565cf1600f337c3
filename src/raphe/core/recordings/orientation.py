"""Along which axis of a matrix time runs, as its numbers tell: neighbours in time are alike."""

import numpy as np

FEWEST = 8  # rows and columns, of fewer nothing is told
LOOKED_AT = 256, 1024  # rows and columns at most, from the middle
ALIKE, UNLIKE = 0.5, 0.2  # lag-1 correlations that leave no doubt


def orientation_fault(matrix: np.ndarray) -> str | None:
    """Why a matrix, said to be (rows, samples), seems to be (samples, rows); None if it does not.

    The lag-1 correlation is taken along both axes, of what is left when the mean of each row and of
    each column is taken off: rows of one kind are alike at every sample.
    """
    if matrix.ndim != 2 or min(matrix.shape) < FEWEST:
        return None
    part = matrix[tuple(map(_middle, matrix.shape, LOOKED_AT))]
    values = np.asarray(part, np.float64)
    values = values[np.isfinite(values).all(axis=1)]
    if len(values) < FEWEST:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        values = values - values.mean(axis=0)
        values -= values.mean(axis=1, keepdims=True)
        along_rows, along_samples = _lag_correlation(values.T), _lag_correlation(values)
    if not (along_rows > ALIKE and along_samples < UNLIKE):
        return None
    return (
        f"neighbours are alike along its first axis (lag-1 correlation {along_rows:.2f}) and not "
        f"along its second ({along_samples:.2f}), so that it seems to be (samples, rows)"
    )


def _middle(size: int, most: int) -> slice:
    start = max(size - most, 0) // 2
    return slice(start, start + most)


def _lag_correlation(values: np.ndarray) -> float:
    """Of neighbours along the second axis; NaN where nothing varies."""
    total = (values**2).sum()
    return float((values[:, 1:] * values[:, :-1]).sum() / total) if total else np.nan

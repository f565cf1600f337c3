"""Which axis of a matrix is time: samples that follow each other are alike, cells are not."""

from typing import Any

import numpy as np

JUDGED = 512  # rows and columns of a matrix at most: its beginning
FEWEST = 8  # of either axis, below which likeness cannot be told
ROUNDING = 1e-6  # of a row's deviation: nothing is left where all rows are alike
ALIKE = 0.15  # correlation of neighbours down the columns that contradicts time along the rows
# Of what is largest alone, as the peak of a waveform is: leave no doubt.
LARGEST_ALIKE, LARGEST_UNLIKE = 0.4, 0.2


def orientation_fault(matrix: Any, across: bool = False) -> str | None:
    """Why the rows of a matrix seem to be samples, where its columns should be; None elsewhere.

    `matrix` (rows, columns) is an array, or on disk, of which a block can be taken; if it is
    `across`, its rows should be samples. Numbers read across the cells look like any others, and so
    does what a network says of them.
    """
    if len(matrix.shape) != 2 or min(matrix.shape) < FEWEST:
        return None
    beginning = np.asarray(matrix[:JUDGED, :JUDGED], dtype=np.float64)
    if across:
        beginning = beginning.T
    with np.errstate(over="ignore", invalid="ignore"):  # of values that have no meaning
        along, between = likeness(beginning)
        is_contradicted = between > ALIKE and along < between / 2
        if not is_contradicted:
            along, between = _likeness_of_largest(beginning)
            is_contradicted = between > LARGEST_ALIKE and along < LARGEST_UNLIKE
    if not is_contradicted:
        return None
    cell, sample = ("column", "row") if across else ("row", "column")
    return (
        f"of shape {matrix.shape} the {cell}s follow each other as samples in time do (correlation "
        f"of neighbours {between:.2f}, of {sample}s {along:.2f})"
    )


def likeness(matrix: np.ndarray) -> tuple[float, float]:
    """Correlation at lag 1 of (rows, columns), along the rows and down the columns: the medians.

    Of rows of one scale, less what each row and each column is on average: cells may be sorted
    by their brightness, and may all rise at once. What is no finite number is taken as average.
    """
    known = np.isfinite(matrix)
    values = _centred(np.where(known, matrix, 0.0), known)
    scale = np.sqrt((values**2).mean(axis=1, keepdims=True))
    values = _centred((values / np.where(scale > 0, scale, 1.0)).T, known.T)
    if np.abs(values).max() < ROUNDING:
        return 0.0, 0.0
    return _neighbours_alike(values.T), _neighbours_alike(values)


def _likeness_of_largest(matrix: np.ndarray) -> tuple[float, float]:
    """As `likeness`, but each value by its square: where few samples hold what tells rows apart."""
    known = np.isfinite(matrix)
    values = _centred(np.where(known, matrix, 0.0), known)
    values = _centred(values.T, known.T).T
    power = (values**2).sum()
    if not power > 0:
        return 0.0, 0.0
    along = (values[:, 1:] * values[:, :-1]).sum() / power
    return float(along), float((values[1:] * values[:-1]).sum() / power)


def _centred(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Rows less the mean of what is known of them; 0 where nothing is."""
    n = np.maximum(known.sum(axis=1, keepdims=True), 1)
    return np.where(known, values - values.sum(axis=1, keepdims=True) / n, 0.0)


def _neighbours_alike(rows: np.ndarray) -> float:
    """The median over the rows that vary of their correlation at lag 1; 0 where none does."""
    rows = rows - rows.mean(axis=1, keepdims=True)
    power = (rows**2).sum(axis=1)
    if not (power > 0).any():
        return 0.0
    products = (rows[:, 1:] * rows[:, :-1]).sum(axis=1)
    return float(np.median(products[power > 0] / power[power > 0]))

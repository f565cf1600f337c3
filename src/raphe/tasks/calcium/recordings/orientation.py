"""Which axis of a matrix is time: samples that follow each other are alike, neurons are not."""

from pathlib import Path

import numpy as np

from raphe.core.errors import RecordingError
from raphe.tasks.calcium.recordings.hdf5_matrix import Hdf5Matrix
from raphe.tasks.calcium.recordings.npy_matrix import NpyMatrix

JUDGED = 512  # rows and columns of a matrix at most: its beginning
FEWEST = 8  # of either axis, below which likeness cannot be told
ROUNDING = 1e-6  # of a row's deviation: nothing is left where all rows are alike
ALIKE = 0.15  # correlation of neighbours down the columns that contradicts time along the rows


def refuse_contradiction(
    path: Path, matrix: np.ndarray | NpyMatrix | Hdf5Matrix, across: bool = False
) -> None:
    """Raise RecordingError where rows follow each other as samples do, and columns do not.

    Or the other way round, if it is `across`: each column is taken as a trace.

    Rates of a population that is read across its neurons would look like any others.
    """
    if min(matrix.shape) < FEWEST:
        return
    beginning = np.asarray(matrix[:JUDGED, :JUDGED], dtype=np.float64)
    with np.errstate(over="ignore", invalid="ignore"):  # of values that have no meaning
        along, between = likeness(beginning.T if across else beginning)
    trace, other = ("column", "row") if across else ("row", "column")
    if between > ALIKE and along < between / 2:
        raise RecordingError(
            f"{path}: expected a trace in each {trace}, but of shape {matrix.shape} the {trace}s "
            f"follow each other as samples in time do (correlation of neighbours {between:.2f}, of "
            f"{other}s {along:.2f}); pass --layout time-traces if each column is a trace, "
            "traces-time if each row is one"
        )


def likeness(matrix: np.ndarray) -> tuple[float, float]:
    """Correlation at lag 1 of (rows, columns), along the rows and down the columns: the medians.

    Of rows of one scale, less what each row and each column is on average: neurons may be sorted
    by their brightness, and may all rise at once. What is no finite number is taken as average.
    """
    known = np.isfinite(matrix)
    values = _centred(np.where(known, matrix, 0.0), known)
    scale = np.sqrt((values**2).mean(axis=1, keepdims=True))
    values = _centred((values / np.where(scale > 0, scale, 1.0)).T, known.T)
    if np.abs(values).max() < ROUNDING:
        return 0.0, 0.0
    return _neighbours_alike(values.T), _neighbours_alike(values)


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

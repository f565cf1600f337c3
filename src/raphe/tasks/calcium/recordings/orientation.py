"""Whether rows or columns are the traces, where the numbers contradict what was taken."""

from pathlib import Path

import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.recordings.orientation import orientation_fault
from raphe.tasks.calcium.recordings.stored_matrix import Hdf5Matrix, NpyMatrix

BY_LAYOUT = "pass --layout time-traces if each column is a trace, traces-time if each row is one"
FEWEST_FRAMES = 20  # of more regions than frames


def refuse_transposed(
    path: Path, name: str, matrix: np.ndarray | NpyMatrix | Hdf5Matrix, remedy: str
) -> None:
    """Raise RecordingError where (regions, frames), as a program writes them, seem transposed.

    There may be more regions than frames, but not of so few.
    """
    n, n_frames = matrix.shape
    if n > n_frames and n_frames < FEWEST_FRAMES:
        raise RecordingError(
            f"{path}: expected {name} of shape (regions, frames), got ({n}, {n_frames}), as if "
            f"transposed; {remedy}"
        )
    refuse_contradiction(path, matrix, remedy=remedy)


def refuse_contradiction(
    path: Path,
    matrix: np.ndarray | NpyMatrix | Hdf5Matrix,
    across: bool = False,
    remedy: str = BY_LAYOUT,
) -> None:
    """Raise RecordingError where rows follow each other as samples do, and columns do not.

    Or the other way round, if it is `across`: each column is taken as a trace.
    """
    if contradiction := orientation_fault(matrix, across):
        raise RecordingError(
            f"{path}: expected a trace in each {'column' if across else 'row'}, but "
            f"{contradiction}; {remedy}"
        )

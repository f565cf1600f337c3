"""Windows that were cut elsewhere, in a NumPy file: one cell, or the authors' several.

(N, T) current in the cut's unit, or (N, T, 2) and (N, T, 2, 1) time in s and current, either first.
A *Cellulars*.npy beside *Observations*.npy names each spike's cell; else the file is one cell.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.recordings.arrays import open_array
from raphe.tasks.celltype.recordings.file_names import UNKNOWN_TRIGGER, parse_window_name
from raphe.tasks.celltype.spikes.cut_settings import Cut, GivenWindows
from raphe.tasks.celltype.stores.npy_trios import ROLES
from raphe.tasks.celltype.stores.spike_csv import check_step, rising_columns
from raphe.tasks.celltype.stores.subsampling import evenly_spaced

OBSERVATIONS, LABELS, CELLULARS = ROLES
CHECKED_ROWS = 64  # looked at to tell the time column


@dataclass(frozen=True)
class ArrayCell:
    """The rows of one cell in a file of windows that stays on disk until `read`."""

    path: Path
    cell_id: str
    rows: np.ndarray  # int64 (N,)
    trigger: np.ndarray  # int64 (N,), -1 unknown

    def read(self, cut: Cut | GivenWindows) -> np.ndarray:
        """Current of the cell's windows: float32 (N, T). Raises RecordingError."""
        windows = _map(self.path)
        if windows.shape[1] != cut.n_samples:
            raise RecordingError(
                f"{self.path}: expected windows of {cut.n_samples} samples "
                f"({1000 * cut.n_samples / cut.rate_hz:g} ms at {cut.rate_hz:g} Hz), got "
                f"{windows.shape[1]}"
            )
        if windows.ndim == 2:
            current = windows[self.rows]
        else:
            current = windows[self.rows, :, 1 - _time_column(self.path, windows, cut)]
        with np.errstate(over="ignore"):  # what becomes infinite is refused
            return np.asarray(current, np.float32)


def cells_of_array(path: Path) -> list[ArrayCell]:
    """The cells in a file of windows; none in the labels and names beside the authors' arrays.

    Raises RecordingError.
    """
    if LABELS in path.name or CELLULARS in path.name:
        return []
    n = len(_map(path))
    names = path.with_name(path.name.replace(OBSERVATIONS, CELLULARS))
    if OBSERVATIONS not in path.name or not names.is_file():
        return [ArrayCell(path, path.stem, np.arange(n), np.full(n, UNKNOWN_TRIGGER))]
    return list(_named(path, n, names))


def _named(path: Path, n: int, names: Path) -> Iterator[ArrayCell]:
    array = open_array(names, RecordingError)
    if array.dtype.kind not in "US" or array.size != n:
        raise RecordingError(f"{names}: expected {n} strings, got {array.size} {array.dtype.name}")
    parsed = [parse_window_name(name) for name in array.reshape(n).astype(str).tolist()]
    cell_ids, cell = np.unique([cell_id for cell_id, _ in parsed], return_inverse=True)
    trigger = np.array([sample for _, sample in parsed], np.int64)
    for number, cell_id in enumerate(cell_ids.tolist()):
        rows = np.flatnonzero(cell == number)
        rows = rows[np.argsort(trigger[rows], kind="stable")]
        yield ArrayCell(path, cell_id, rows, trigger[rows])


def _map(path: Path) -> np.ndarray:
    """The windows (N, T) or (N, T, 2), memory-mapped."""
    windows = open_array(path, RecordingError)
    shape = windows.shape
    if windows.ndim == 4 and shape[3] == 1:
        windows = windows[..., 0]
    if windows.dtype.kind not in "fiu" or not (
        windows.ndim == 2 or (windows.ndim == 3 and windows.shape[2] == 2)
    ):
        raise RecordingError(
            f"{path}: expected spikes (N, T), (N, T, 2) or (N, T, 2, 1), got {shape} "
            f"{windows.dtype.name}"
        )
    if not windows.shape[1]:  # any number of them fits into no bytes
        raise RecordingError(f"{path}: expected spikes of some samples, got {shape}")
    return windows


def _time_column(path: Path, windows: np.ndarray, cut: Cut | GivenWindows) -> int:
    columns = rising_columns(windows[evenly_spaced(len(windows), CHECKED_ROWS)])
    if len(columns) != 1:
        raise RecordingError(
            f"{path}: expected one of its two columns to be the time, and to rise in every spike"
        )
    column = int(columns[0])
    try:
        check_step(np.asarray(windows[0, :, column], np.float64), cut.rate_hz)
    except ValueError as error:
        raise RecordingError(f"{path}: {error}") from None
    return column

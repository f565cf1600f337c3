"""Windows that were cut elsewhere, in a NumPy file: whose they are, and how they are read.

(N, T) current in the cut's unit, or (N, T, 2) and (N, T, 2, 1) time in s and current, either first.
A *Cellulars*.npy beside *Observations*.npy names each spike's cell, a table each row's. Else, to a
bundle that was trained on windows cut elsewhere each row is a unit, to any other the file is one
cell.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.recordings.arrays import open_array
from raphe.core.recordings.orientation import orientation_fault
from raphe.tasks.celltype.recordings.file_names import UNKNOWN_TRIGGER, parse_window_name
from raphe.tasks.celltype.spikes.cut_settings import Cut, GivenWindows
from raphe.tasks.celltype.stores.import_windows import TRANSPOSE, require_row_a_window
from raphe.tasks.celltype.stores.npy_trios import ROLES
from raphe.tasks.celltype.stores.spike_csv import WHOLE_RECORDINGS, check_step, rising_columns
from raphe.tasks.celltype.stores.subsampling import evenly_spaced
from raphe.tasks.celltype.stores.window_table import ColumnNames, read_window_rows

OBSERVATIONS, LABELS, CELLULARS = ROLES
CHECKED_ROWS = 64  # looked at to tell the time column


@dataclass(frozen=True)
class ArrayRows:
    """What is known of an array's rows beside the array.

    Args:
        cut: of the bundle that judges; None: rows are of one cell, and of any length.
        table: of whose rows each names the cell of a row, with the columns of `raphe import
            windows`, of which labels are not needed.
        cell_column: of the table.
    """

    cut: Cut | GivenWindows | None = None
    table: Path | None = None
    cell_column: str = ColumnNames.cell_id


@dataclass(frozen=True)
class ArrayCell:
    """The rows of one cell in a file of windows that stays on disk until `read`."""

    path: Path
    cell_id: str
    rows: np.ndarray  # int64 (N,)
    trigger: np.ndarray  # int64 (N,), -1 unknown
    remarks: tuple[str, ...] = ()

    def read(self, cut: Cut | GivenWindows) -> np.ndarray:
        """Current of the cell's windows: float32 (N, T). Raises RecordingError."""
        windows = _map(self.path)
        _require_length(self.path, windows, cut)
        if windows.ndim == 2:
            current = windows[self.rows]
        else:
            current = windows[self.rows, :, 1 - _time_column(self.path, windows, cut)]
        with np.errstate(over="ignore"):  # what becomes infinite is refused
            return np.asarray(current, np.float32)


def cells_of_array(path: Path, of_rows: ArrayRows | None = None) -> list[ArrayCell]:
    """The cells in a file of windows; none in the labels and names beside the authors' arrays.

    Raises RecordingError, and StoreError for a table that does not fit.
    """
    if LABELS in path.name or CELLULARS in path.name:
        return []
    of_rows = of_rows or ArrayRows()
    windows = _map(path)
    n = len(windows)
    if not n:
        raise RecordingError(f"{path}: expected spikes, got none: its shape is {windows.shape}")
    if of_rows.cut is not None:
        _require_length(path, windows, of_rows.cut)
        if windows.ndim == 2 and (fault := orientation_fault(windows)):
            raise RecordingError(f"{path}: expected (windows, samples), but {fault}; {TRANSPOSE}")
    if of_rows.table is not None:
        return _of_table(path, windows.shape, of_rows.table, of_rows.cell_column)
    names = path.with_name(path.name.replace(OBSERVATIONS, CELLULARS))
    if OBSERVATIONS in path.name and names.is_file():
        return list(_named(path, n, names))
    if isinstance(of_rows.cut, GivenWindows):
        return [_cell(path, f"{path.stem}_{row}", [row]) for row in range(n)]
    as_one = (f"the {n} spikes of {path.name} are taken as one cell",) if n > 1 else ()
    return [_cell(path, path.stem, range(n), as_one)]


def _cell(
    path: Path, cell_id: str, rows: Sequence[int], remarks: tuple[str, ...] = ()
) -> ArrayCell:
    """A cell of which no spike's time is known."""
    return ArrayCell(path, cell_id, np.array(rows), np.full(len(rows), UNKNOWN_TRIGGER), remarks)


def _of_table(path: Path, shape: tuple[int, ...], table: Path, column: str) -> list[ArrayCell]:
    rows_of_cell: dict[str, list[int]] = {}
    rows = read_window_rows(table, ColumnNames(cell_id=column), labelled=False)
    require_row_a_window(table, len(rows), path, shape)
    for number, row in enumerate(rows):
        rows_of_cell.setdefault(row.cell_id, []).append(number)
    return [_cell(path, cell_id, rows) for cell_id, rows in rows_of_cell.items()]


def _require_length(path: Path, windows: np.ndarray, cut: Cut | GivenWindows) -> None:
    if windows.shape[1] == cut.n_samples:
        return
    turned = (
        f"; it seems to be (samples, windows): {TRANSPOSE}"
        if windows.ndim == 2 and len(windows) == cut.n_samples
        else ""
    )
    raise RecordingError(
        f"{path}: expected windows of {cut.n_samples} samples "
        f"({1000 * cut.n_samples / cut.rate_hz:g} ms at {cut.rate_hz:g} Hz), got "
        f"{windows.shape[1]}{turned}"
    )


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
    windows: np.ndarray = open_array(path, RecordingError)
    shape = windows.shape
    if windows.ndim == 4 and shape[3] == 1:
        windows = windows[..., 0]
    if windows.dtype.kind not in "fiu" or not (
        windows.ndim == 2 or (windows.ndim == 3 and windows.shape[2] == 2)
    ):
        raise RecordingError(
            f"{path}: expected spikes that were cut before, one a row: (N, T), (N, T, 2) or "
            f"(N, T, 2, 1), got {shape} {windows.dtype.name}; {WHOLE_RECORDINGS}"
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

"""Any labelled windows, an array and a table beside it, copied into a store.

N windows, T samples a window.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from raphe.core.errors import RapheError, StoreError
from raphe.core.files.hashed_folder import sha256_of
from raphe.core.progress import progress
from raphe.core.recordings.arrays import open_array
from raphe.core.recordings.orientation import orientation_fault
from raphe.core.recordings.rates import check_rate
from raphe.core.recordings.units import peak_fault
from raphe.core.sentences import counted
from raphe.tasks.celltype.recordings.file_names import UNKNOWN_TRIGGER
from raphe.tasks.celltype.spikes.waveform_faults import waveform_faults
from raphe.tasks.celltype.stores.spike_set import BASELINE_FACT, Cell, OnCopies
from raphe.tasks.celltype.stores.spike_store import SpikeStoreWriter
from raphe.tasks.celltype.stores.window_table import (
    ColumnNames,
    WindowRow,
    choose_classes,
    read_window_rows,
    spellings_told,
)

ROWS_AT_ONCE = 4096
TRANSPOSE = "transpose it: np.save(file, np.load(file).T)"
FEWEST_SAMPLES = 4  # that the network's two convolutions and poolings leave something of


@dataclass(frozen=True)
class WindowsReport:
    """What was copied; `left_out` counts the rows of labels that were not asked for.

    `empty` are the windows that are no waveform, `spellings` the labels that are counted under
    another spelling, a sentence each.
    """

    store: Path
    n_spikes: int
    n_cells: int
    n_samples: int
    per_class: dict[str, tuple[int, int]]  # cells, spikes
    left_out: dict[str, int]
    copies: list[str]  # cells that were joined, or look like one cell, one sentence a pair
    empty: list[str]
    spellings: list[str]


def import_windows(
    waveforms: Path | str,
    table: Path | str,
    store: Path | str,
    rate_hz: float,
    unit: str,
    classes: Sequence[str] | None = None,
    merge: Mapping[str, str] | None = None,
    names: ColumnNames | None = None,
    baseline_ms: float = 0.0,
    overwrite: bool = False,
    note: str = "",
    on_copies: OnCopies = "refuse",
) -> WindowsReport:
    """Copy windows (N, T), whose labels stand in a table of N rows, into a store.

    A window that holds NaN, infinity or one value throughout, as of a unit without spikes, is left
    out.

    Args:
        waveforms: an NPY file of numbers; memory use does not grow with it.
        table: a CSV file, see `read_window_rows`.
        rate_hz: of the windows.
        unit: of their values, such as pA or uV, for normalised windows any other word; kept, not
            converted, but refused where no spike could be of that size in it.
        classes: labels to take, the one looked for first; None takes all.
        merge: label → the label that it counts as.
        names: what the table calls its columns.
        baseline_ms: how much of each window's start is its baseline; 0 for windows that are
            high-passed or otherwise have it at 0.
        note: a sentence that must stand beside every result from them.
        on_copies: what becomes of cells that hold the same windows.

    Raises:
        StoreError: for whatever is missing, does not fit or contradicts itself.
    """
    waveforms, table = Path(waveforms), Path(table)
    rate_hz = check_rate(rate_hz, "--rate-hz", StoreError)
    check_unit(unit, StoreError)
    windows, rows = (
        _open_windows(waveforms, rate_hz, baseline_ms),
        read_window_rows(table, names, merge),
    )
    require_row_a_window(table, len(rows), waveforms, windows.shape)
    if fault := orientation_fault(windows):
        raise StoreError(f"{waveforms}: expected (windows, samples), but {fault}; {TRANSPOSE}")
    chosen = choose_classes(table, rows, classes)
    taken = np.flatnonzero([row.label in chosen for row in rows])
    empty: list[str] = []
    peak = 0.0
    with SpikeStoreWriter(Path(store), chosen, windows.shape[1], overwrite) as writer:
        writer.require_room(len(taken))
        starts = range(0, len(taken), ROWS_AT_ONCE)
        for start in progress(starts, "copying windows", total=len(starts)):
            block = taken[start : start + ROWS_AT_ONCE]
            with np.errstate(over="ignore"):  # what becomes infinite is left out
                values = np.asarray(windows[block], np.float32)
            faults = waveform_faults(values)
            empty += [_named(row, rows[row], faults[n]) for n, row in enumerate(block) if faults[n]]
            is_whole = np.array([not fault for fault in faults])
            block, values = block[is_whole], values[is_whole]
            peak = max(peak, float(np.abs(values).max(initial=0)))
            cells, cell = _cells([rows[row] for row in block], chosen)
            writer.add_mixed(cells, cell, values, np.full(len(block), UNKNOWN_TRIGGER, np.int64))
        if not writer.n:
            raise StoreError(
                f"{waveforms}: none of its {counted('window', len(taken))} is a waveform: "
                f"{empty[0]}"
            )
        if fault := peak_fault(peak, unit):
            raise StoreError(
                f"{waveforms}: expected values in {unit}, got such as come to {peak:g} {unit}, and "
                f"{fault}; correct --unit, say a.u. of normalised windows"
            )
        lines = {rows[row].cell_id: f"line {rows[row].line}" for row in reversed(taken.tolist())}
        copies = writer.settle_copies(on_copies, table, lines)
        sources = {path.name: sha256_of(path) for path in (waveforms, table)}
        facts = {"sources": sources, BASELINE_FACT: float(baseline_ms)}
        if note:
            facts["note"] = note
        path = writer.finish(rate_hz, unit, facts)
    left_out = Counter(row.label for row in rows if row.label not in chosen)
    return WindowsReport(
        path,
        writer.n,
        len(writer.cells),
        windows.shape[1],
        writer.per_class(),
        dict(left_out),
        copies,
        empty,
        spellings_told(rows),
    )


def check_unit(unit: str, error_type: type[RapheError]) -> None:
    """Raise `error_type` for a unit that is blank."""
    if not unit.strip():
        raise error_type(
            "--unit: expected the unit of the windows' values, such as pA or uV, got nothing; say "
            "a.u. of normalised windows"
        )


def require_row_a_window(table: Path, n_rows: int, waveforms: Path, shape: tuple[int, ...]) -> None:
    """Raise StoreError for a table of other than one row for each window."""
    if n_rows == shape[0]:
        return
    turned = f"; it seems to be (samples, windows): {TRANSPOSE}" if n_rows == shape[1] else ""
    raise StoreError(
        f"{table}: has {counted('row', n_rows)} but {waveforms} has "
        f"{counted('window', shape[0])}; expected one row for each window, in the same order"
        f"{turned}"
    )


def _named(number: int, row: WindowRow, fault: str) -> str:
    return f"window {number} (counted from 0; cell {row.cell_id}, line {row.line}) {fault}"


def _open_windows(path: Path, rate_hz: float, baseline_ms: float) -> np.ndarray:
    windows = open_array(path, StoreError)
    if windows.dtype.kind not in "fiu" or windows.ndim != 2 or windows.shape[1] < FEWEST_SAMPLES:
        raise StoreError(
            f"{path}: expected numbers (windows, samples), {FEWEST_SAMPLES} samples or more, got "
            f"{windows.shape} {windows.dtype}; of several channels take the largest"
        )
    length_ms = 1000 * windows.shape[1] / rate_hz
    if not 0 <= baseline_ms < length_ms:
        raise StoreError(
            f"{path}: --baseline-ms {baseline_ms:g}: expected 0 or more and less than the windows' "
            f"{length_ms:g} ms"
        )
    return windows


def _cells(rows: Sequence[WindowRow], classes: Sequence[str]) -> tuple[list[Cell], np.ndarray]:
    """The cells of some rows, and which of them each row is of: int32 (n,)."""
    index: dict[str, int] = {}
    cells: list[Cell] = []
    for row in rows:
        if row.cell_id not in index:
            index[row.cell_id] = len(cells)
            label = classes.index(row.label)
            cells.append(Cell(row.cell_id, label, row.day, row.animal, row.source))
    return cells, np.array([index[row.cell_id] for row in rows], np.int32)

"""Suite2p's output: each region's fluorescence less a share of its surround's."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.recordings.arrays import load_array
from raphe.tasks.calcium.recordings.conditioning import fault
from raphe.tasks.calcium.recordings.orientation import refuse_transposed
from raphe.tasks.calcium.recordings.stored_matrix import Hdf5Matrix, NpyMatrix, open_npy
from raphe.tasks.calcium.recordings.suite2p_rate import SETTINGS, suite2p_rate
from raphe.tasks.calcium.recordings.trace_set import Curation, TraceOptions, TraceSet

CELLS, SURROUNDS, CURATION = "F.npy", "Fneu.npy", "iscell.npy"
DEFAULT_HZ = 10.0  # of Suite2p's ops, which many leave as it is
BESIDE = (SURROUNDS, CURATION, *SETTINGS, "stat.npy", "spks.npy")  # what else it writes
OUTPUT, PLANES, COMBINED = "suite2p", "plane*", "combined"
DEEPEST = 8  # of folders in folders
Matrix = np.ndarray | NpyMatrix | Hdf5Matrix


def is_suite2p(folder: Path) -> bool:
    """Whether an F.npy in it is Suite2p's, by what lies beside it: others name arrays F, too."""
    return any((folder / name).is_file() for name in BESIDE)


def read_suite2p(path: Path, options: TraceOptions) -> TraceSet:
    """Open F.npy and Fneu.npy of a folder (or F.npy's own): F − neuropil × Fneu, a row a region.

    Of the folder `suite2p`, or one around it, the planes are read one after the other; without
    planes what they were combined to.
    """
    folder = _output_in(path) if path.is_dir() else path.parent
    if (folder / CELLS).is_file():
        return _read_plane(folder, options)
    folders = sorted(
        (plane for plane in folder.glob(PLANES) if plane.is_dir()),
        key=lambda plane: (len(plane.name), plane.name),  # plane10 after plane9
    )
    planes = [plane for plane in folders if (plane / CELLS).is_file()]
    empty = ", ".join(plane.name for plane in folders if plane not in planes)
    is_combined = (folder / COMBINED / CELLS).is_file()
    if not planes and is_combined:
        return _read_plane(folder / COMBINED, options)
    if not planes:
        raise RecordingError(
            f"{folder}: expected Suite2p's {CELLS}, or its folders plane0, plane1 … with one each, "
            "found none"
        )
    joined = TraceSet.joined(folder, {plane.name: _read_plane(plane, options) for plane in planes})
    if not is_combined and len(folders) == 1:
        return joined
    parts = ", ".join(plane.name for plane in planes)
    note = f"{folder}: read {parts}" + f"; {COMBINED} holds the same" * is_combined
    note += f"; no {CELLS} in {empty}" * bool(empty)
    return replace(joined, notes=(note, *joined.notes))


def _output_in(folder: Path) -> Path:
    """The folder that holds F.npy or planes: this one, or one that it leads to alone."""
    for _ in range(DEEPEST):
        if (folder / CELLS).is_file() or any(folder.glob(PLANES)) or (folder / COMBINED).is_dir():
            return folder
        below = [item for item in folder.iterdir() if item.is_dir() and item.name[0] != "."]
        if (folder / OUTPUT).is_dir():
            folder = folder / OUTPUT
        elif len(below) == 1:
            folder = below[0]
        else:
            return folder
    return folder


def _read_plane(folder: Path, options: TraceOptions) -> TraceSet:
    cells, surrounds = open_npy(folder / CELLS), None
    if options.surround_share:
        if not (folder / SURROUNDS).is_file():
            raise RecordingError(
                f"{folder}: expected {SURROUNDS} beside {CELLS}, found none; pass --neuropil 0 to "
                "go without"
            )
        surrounds = open_npy(folder / SURROUNDS)
    is_cell = None
    if (folder / CURATION).is_file():
        is_cell = load_array(folder / CURATION, RecordingError)
    rate_hz = suite2p_rate(folder)
    return regions(folder, cells, surrounds, is_cell, CURATION, rate_hz, options)


def regions(
    path: Path,
    cells: Matrix,
    surrounds: Matrix | None,
    is_cell: np.ndarray | None,
    curation: str,
    rate_hz: float | None,
    options: TraceOptions,
) -> TraceSet:
    """Suite2p's regions, N of T frames, from whichever file they lie in.

    Args:
        path: of the folder or the file.
        cells: F (N, T).
        surrounds: Fneu (N, T); None takes none off.
        is_cell: (N,) or (N, 2), of which the first column is 0 where a region is no cell.
        curation: where `is_cell` stands.
        rate_hz: what the file says.
        options: what the user says.

    Raises:
        RecordingError: they do not belong together.
    """
    for name, matrix in (("F", cells), ("Fneu", surrounds)):
        if matrix is not None and (matrix.ndim != 2 or matrix.dtype.kind not in "fiu"):
            raise RecordingError(
                f"{path}: expected {name} of numbers (regions, frames), got {matrix.dtype} of "
                f"shape {matrix.shape}"
            )
    if surrounds is not None and cells.shape != surrounds.shape:
        raise RecordingError(
            f"{path}: expected F and Fneu of one shape (regions, frames), got {cells.shape} and "
            f"{surrounds.shape}; pass --neuropil 0 to go without Fneu"
        )
    refuse_transposed(path, "F", cells, "save F and Fneu as Suite2p does, (regions, frames)")
    n, n_frames = cells.shape

    def rows(start: int, stop: int) -> np.ndarray:
        traces = np.asarray(cells[start:stop], dtype=np.float64)
        nothing = _tells_nothing(traces)
        if surrounds is not None:
            around = np.asarray(surrounds[start:stop], dtype=np.float64)
            nothing |= _tells_nothing(around)
            traces = traces - options.surround_share * around
        traces[nothing] = np.nan  # else a surround upside down would be taken for a trace
        return traces

    def fault_of(number: int) -> str:
        region = slice(number, number + 1)
        if reason := fault(np.asarray(cells[region][0], dtype=np.float64)):
            return f"F: {reason}"
        if surrounds is None:
            return ""
        reason = fault(np.asarray(surrounds[region][0], dtype=np.float64))
        return f"Fneu, its surround: {reason}; pass --neuropil 0 to go without" if reason else ""

    notes: tuple[str, ...] = ()
    if rate_hz == DEFAULT_HZ and options.rate_hz not in (None, DEFAULT_HZ):
        rate_hz = None
        notes = (
            f"{path}: ops has fs {DEFAULT_HZ:g} Hz, which is Suite2p's default; --rate "
            f"{options.rate_hz:g} is taken",
        )
    return TraceSet(
        path,
        options.rate(path, rate_hz),
        tuple(map(str, range(n))),
        n_frames,
        rows,
        frozenset({"rate_hz", "neuropil", "cells_only"} if is_cell is not None else
                  {"rate_hz", "neuropil"}),
        None if is_cell is None else _curation(path, is_cell, n, curation),
        fault_of=fault_of,
        notes=notes,
        made_of=_made_of(options.surround_share if surrounds is not None else 0.0),
    )  # fmt: skip


def _made_of(share: float) -> str:
    if share:
        return f"F − {share:g} Fneu: the region's fluorescence less {share:g} of the neuropil's"
    return "the region's fluorescence F; nothing of the neuropil's is taken off"


def _curation(path: Path, is_cell: np.ndarray, n: int, source: str) -> Curation:
    """Of an array (N, 2), label and probability, or of labels alone; of one region also (2,)."""
    columns = is_cell.reshape(1, -1) if n == 1 else is_cell.reshape(len(is_cell), -1)
    if columns.shape not in ((n, 1), (n, 2)) or columns.dtype.kind not in "fiub":
        raise RecordingError(
            f"{path}: expected {source} with a row for each of {n} regions of F, got "
            f"{is_cell.dtype} of shape {is_cell.shape}; move it away to go without"
        )
    labels = columns[:, 0]
    if not np.isin(labels, (0, 1)).all():
        raise RecordingError(
            f"{path}: expected 0 or 1 in the first column of {source}, got "
            f"{labels[~np.isin(labels, (0, 1))][0]:g}"
        )
    return Curation(source, tuple(bool(label) for label in labels))


def _tells_nothing(traces: np.ndarray) -> np.ndarray:
    """Which of (n, T) are constant, or hold no number: bool (n,)."""
    return ~(np.fmax.reduce(traces, axis=1) > np.fmin.reduce(traces, axis=1))

"""Calcium traces from whatever file they lie in: tables, NumPy, MATLAB, Suite2p, CaImAn, NWB."""

from collections.abc import Callable
from pathlib import Path

from raphe.core.errors import RecordingError
from raphe.core.files.path import file_status
from raphe.tasks.calcium.recordings.read_caiman import read_caiman
from raphe.tasks.calcium.recordings.read_csv import read_csv
from raphe.tasks.calcium.recordings.read_mat import read_mat
from raphe.tasks.calcium.recordings.read_numpy import read_numpy
from raphe.tasks.calcium.recordings.read_nwb import read_nwb
from raphe.tasks.calcium.recordings.read_suite2p import CELLS, is_suite2p, read_suite2p
from raphe.tasks.calcium.recordings.trace_set import TraceOptions, TraceSet, refusing_damage

READERS = {
    ".csv": read_csv,
    ".csv.gz": read_csv,
    ".tsv": read_csv,
    ".txt": read_csv,
    ".npy": read_numpy,
    ".npz": read_numpy,
    ".mat": read_mat,
    ".h5": read_caiman,
    ".hdf5": read_caiman,
    ".nwb": read_nwb,
}
SPREADSHEETS = (".xlsx", ".xls", ".xlsm", ".ods")
IDLE = {  # options, and where they say nothing of a file
    "layout": "--layout says nothing of it, as each row is a trace there",
    "variable": "--variable says nothing of it, as it holds no arrays by name",
    "neuropil": "--neuropil says nothing of it, as it holds no surround (Suite2p's Fneu)",
    "cells_only": "--cells-only says nothing of it, as it does not say which traces are cells "
    "(Suite2p's iscell, CaImAn's idx_components, a column of NWB's table of regions)",
}


def read_traces(path: Path | str, options: TraceOptions | None = None) -> TraceSet:
    """Open the traces of a file, or of a folder of Suite2p; samples are read when they are asked.

    Raises:
        RecordingError: what cannot be read, or is not clear without an option: it names the option;
            or an option that says nothing of such a file.
    """
    path, options = Path(path), options or TraceOptions()
    if not path.exists():
        raise RecordingError(f"{path}: expected a file of calcium traces, found none")
    if not path.is_dir():
        file_status(path, RecordingError)
    reader = _reader(path, options)
    with refusing_damage(path):
        traces = reader(path, options)
    refuse_idle(path, options, traces.obeys)
    return traces.cells() if options.cells_only else traces


def refuse_idle(path: Path, options: TraceOptions, obeys: frozenset[str]) -> None:
    """Raise RecordingError for an option that is not among those which say something of a file."""
    for option, reason in IDLE.items():
        if getattr(options, option) not in (None, False) and option not in obeys:
            raise RecordingError(f"{path}: {reason}; leave it out")


def _reader(path: Path, options: TraceOptions) -> Callable[[Path, TraceOptions], TraceSet]:
    if path.is_dir():
        return read_suite2p
    if path.name == CELLS and (options.neuropil is not None or is_suite2p(path.parent)):
        return read_suite2p
    for suffix, reader in READERS.items():
        if path.name.lower().endswith(suffix):
            return reader
    if path.name.lower().endswith(SPREADSHEETS):
        raise RecordingError(
            f"{path}: expected a table as text, got a spreadsheet; save its sheet as CSV, a "
            "trace in each column below its name"
        )
    raise RecordingError(f"{path}: expected a Suite2p folder or a file of {', '.join(READERS)}")

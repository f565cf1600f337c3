"""The authors' two layouts of spikes, copied into a store.

CSV: SER/<cell>/<cell>_trigger_<sample>.csv, one file a spike, with a header and T rows of two
columns, time in s and current in pA unless the header names other units, in either order. NPY:
trios of arrays, see `npy_trios`, of which the current alone is kept, as float32.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.errors import StoreError
from raphe.core.files.folders import list_files
from raphe.core.files.kind import MANIFEST
from raphe.core.files.left_out import Failure, left_out_words
from raphe.core.progress import progress
from raphe.core.sentences import counted
from raphe.tasks.celltype.recordings.file_names import (
    CLASSES,
    is_synthetic,
    label_from_folders,
    parse_cell_id,
    parse_window_name,
)
from raphe.tasks.celltype.spikes.cut_settings import UNIT, Cut
from raphe.tasks.celltype.spikes.waveform_faults import waveform_faults
from raphe.tasks.celltype.stores.open_spikes import open_spikes
from raphe.tasks.celltype.stores.spike_csv import (
    check_step,
    in_s,
    in_unit,
    parse_columns,
    rising_columns,
)
from raphe.tasks.celltype.stores.spike_set import SYNTHETIC_FACT, Cell, OnCopies, SpikeSet
from raphe.tasks.celltype.stores.spike_store import SpikeStoreWriter

SKIPPED_FOLDERS = "IMAGES"  # in the name of the authors' folders of pictures
WRITE_AT_ONCE = 1024
ROWS_AT_ONCE = 4096  # 10 MB of the authors' float64 pairs


@dataclass
class SpikeImportReport:
    """What was read, and what was left out and why."""

    store: Path
    n_spikes: int = 0
    n_cells: int = 0
    per_class: dict[str, tuple[int, int]] = field(default_factory=dict)  # cells, spikes
    other_length: list[tuple[Path, int]] = field(default_factory=list)  # and its rows
    repeated: list[Path] = field(default_factory=list)  # same cell and content as one before
    copies: list[str] = field(default_factory=list)  # cells joined, or alike, a sentence a pair
    failed: list[Failure] = field(default_factory=list)


def import_csv(
    folder: Path | str,
    store: Path | str,
    classes: Sequence[str] = CLASSES,
    overwrite: bool = False,
    time_column: int | None = None,
    cut: Cut | None = None,
    on_copies: OnCopies = "refuse",
) -> SpikeImportReport:
    """Read all spikes below `folder` into a store; the class is the name of a folder above each.

    The time column is the one that strictly increases; `time_column` (0 or 1) answers for files
    in which neither or both do. `cut` says how long a window is and at what rate, `on_copies` what
    becomes of cells that hold the same spikes. Raises StoreError when that question stays open,
    when a cell has two classes, for copies and when nothing is left.
    """
    folder, cut = Path(folder), cut or Cut()
    if not folder.is_dir():
        raise StoreError(f"{folder}: there is no such folder; give the one that holds the spikes")
    listing = list_files(folder, _is_spike)
    files = [file for file in listing.files if not _is_picture(file.relative_to(folder))]
    if not files:
        raise StoreError(
            f"{folder}: there is no .csv file here or in the folders below"
            f"{left_out_words(listing.left_out)}"
        )
    reader = _Reader(folder, Path(store), classes, cut, time_column)
    reader.report.failed += listing.left_out
    spikes = reader.spikes(progress(files, "reading spikes", total=len(files)))
    with SpikeStoreWriter(Path(store), classes, cut.n_samples, overwrite) as writer:
        for cell, group in groupby(spikes, key=lambda spike: spike[0]):
            while batch := list(islice(group, WRITE_AT_ONCE)):
                _, triggers, currents = zip(*batch, strict=True)
                writer.add(cell, np.stack(currents), np.array(triggers, np.int64))
        reader.refuse_open_questions()
        if not writer.n:
            raise StoreError(reader.nothing_left(len(files)))
        reader.report.copies = writer.settle_copies(on_copies, folder, reader.first_files)
        facts = {"cut": {"pre_ms": cut.pre_ms, "post_ms": cut.post_ms}, "sources": reader.sources()}
        if reader.is_synthetic:
            facts[SYNTHETIC_FACT] = True
        reader.report.store = writer.finish(cut.rate_hz, UNIT, facts)
    reader.report.n_spikes, reader.report.n_cells = writer.n, len(writer.cells)
    reader.report.per_class = writer.per_class()
    return reader.report


def import_npy(
    folder: Path | str,
    store: Path | str,
    classes: Sequence[str] = CLASSES,
    overwrite: bool = False,
    time_column: int | None = None,
    on_copies: OnCopies = "refuse",
) -> SpikeImportReport:
    """Copy the arrays that `open_spikes` finds at `folder` into a store, in their order.

    `on_copies` says what becomes of cells that hold the same spikes. A spike that holds NaN or one
    value throughout is left out. Memory use grows with the arrays by some 100 bytes a spike.
    Raises StoreError.
    """
    if (Path(folder) / MANIFEST).exists():
        raise StoreError(f"{folder}: is a store already; use it as it is")
    spikes = open_spikes(folder, classes, time_column)
    starts = range(0, spikes.n, ROWS_AT_ONCE)
    failed: list[Failure] = []
    with SpikeStoreWriter(Path(store), classes, spikes.n_samples, overwrite) as writer:
        writer.require_room(spikes.n)
        for start in progress(starts, "copying spikes", total=len(starts)):
            rows = slice(start, start + ROWS_AT_ONCE)
            windows, cell, trigger = spikes.read(rows), spikes.cell[rows], spikes.trigger[rows]
            faults = waveform_faults(windows)
            failed += [
                _left_out(spikes, row, of_cell, fault)
                for row, (of_cell, fault) in enumerate(zip(cell, faults, strict=True), start)
                if fault
            ]
            kept = np.array([not fault for fault in faults])
            writer.add_mixed(spikes.cells, cell[kept], windows[kept], trigger[kept])
        if not writer.n:
            raise StoreError(f"{folder}: none of its spikes is a waveform: {failed[0]}")
        copies = writer.settle_copies(on_copies, folder, spikes.facts["file_of_cell"])
        facts: dict[str, Any] = {
            "sources": {**spikes.facts["sources"], "hash": spikes.content_hash}
        }
        if spikes.is_synthetic:
            facts[SYNTHETIC_FACT] = True
        path = writer.finish(spikes.rate_hz, spikes.unit, facts)
    return SpikeImportReport(
        path, writer.n, len(writer.cells), writer.per_class(), copies=copies, failed=failed
    )


def _left_out(spikes: SpikeSet, row: int, cell: int, fault: str) -> Failure:
    """A row of the arrays that is no waveform."""
    cell_id = spikes.cells[cell].cell_id
    folder = spikes.path if spikes.path.is_dir() else spikes.path.parent
    file = folder / spikes.facts["file_of_cell"][cell_id]
    return Failure(file, f"spike {row} (counted from 0 through all files; cell {cell_id}) {fault}")


class _Reader:
    """Reads files one by one and keeps the account of those left out."""

    def __init__(
        self, folder: Path, store: Path, classes: Sequence[str], cut: Cut, time_column: int | None
    ):
        self.folder, self.classes, self.cut, self.time_column = folder, classes, cut, time_column
        self.report = SpikeImportReport(store)
        self._unclear: list[tuple[Path, str]] = []  # file, "neither" or "each"
        self.first_files: dict[str, str] = {}  # of each cell
        self._seen: dict[str, tuple[bytes, Path]] = {}  # by file name
        self._contents: set[tuple[str, bytes]] = set()  # of each cell
        self._digest, self._n_read = hashlib.sha256(), 0
        self.is_synthetic = False  # any of them, by its name

    def spikes(self, files: Iterable[Path]) -> Iterator[tuple[Cell, int, np.ndarray]]:
        """Cell, trigger and current, float32 (T,) in pA, of each file that is whole."""
        for file in files:
            try:
                spike = self._spike(file)
            except ValueError as error:
                self.report.failed.append(Failure(file, str(error)))
                continue
            except Exception as error:  # one bad file stops no other
                self.report.failed.append(Failure.of(file, error))
                continue
            if spike is not None:
                yield spike

    def _spike(self, file: Path) -> tuple[Cell, int, np.ndarray] | None:
        """A file's spike, or None when it is in the account. Raises ValueError for a bad file."""
        label = label_from_folders(
            (self.folder.resolve().name, *file.relative_to(self.folder).parts[:-1]), self.classes
        )
        if label is None:
            raise ValueError(f"in no folder named {' or '.join(self.classes)}")
        data = file.read_bytes()
        columns, names = parse_columns(data)
        if len(columns) != self.cut.n_samples:
            self.report.other_length.append((file, len(columns)))
            return None
        cell_id, trigger = parse_window_name(file.name)
        if self._is_repeated(file, cell_id, data):
            return None
        time = self._time_column(file, columns)
        if time is None:
            return None
        check_step(in_s(columns[:, time], names), self.cut.rate_hz)
        current = in_unit(columns[:, 1 - time], names, UNIT).astype(np.float32)
        if fault := waveform_faults(current[None])[0]:
            raise ValueError(f"its current {fault}")
        day = parse_cell_id(cell_id)[1]
        self.first_files.setdefault(cell_id, file.relative_to(self.folder).as_posix())
        self._digest.update(f"{file.relative_to(self.folder).as_posix()}\n".encode() + data)
        self._n_read += 1
        self.is_synthetic = self.is_synthetic or is_synthetic(file.name)
        cell = Cell(cell_id, label, day.isoformat() if day else "")
        return cell, trigger, current

    def _is_repeated(self, file: Path, cell_id: str, data: bytes) -> bool:
        """Whether its cell has this spike already. Of another cell it is found once all are in."""
        mark = hashlib.sha256(data).digest()
        first_mark, first = self._seen.setdefault(file.name, (mark, file))
        if first_mark != mark:
            raise ValueError(f"{first} has the same name and other values; rename or remove one")
        if (cell_id, mark) in self._contents:
            self.report.repeated.append(file)
            return True
        self._contents.add((cell_id, mark))
        return False

    def _time_column(self, file: Path, columns: np.ndarray) -> int | None:
        rising = rising_columns(columns)
        if len(rising) == 1:
            return int(rising[0])
        if self.time_column is None:
            self._unclear.append((file, "neither" if not len(rising) else "each"))
        return self.time_column

    def refuse_open_questions(self) -> None:
        if not self._unclear:
            return
        shown = "; ".join(f"{file}: {how} of its columns rises" for file, how in self._unclear[:3])
        raise StoreError(
            f"which column is the time cannot be told in {counted('file', len(self._unclear))} "
            f"({shown}); pass --time-column 1 or 2 for such files"
        )

    def nothing_left(self, n_files: int) -> str:
        report = self.report
        first = f", the first: {report.failed[0]}" if report.failed else ""
        return (
            f"{self.folder}: {counted('.csv file', n_files)}, none a spike of "
            f"{self.cut.n_samples} points: {len(report.other_length)} of another length, "
            f"{len(report.failed)} that could not be read{first}"
        )

    def sources(self) -> dict[str, object]:
        return {"n_files": self._n_read, "sha256_of_names_and_contents": self._digest.hexdigest()}


def _is_spike(file: Path) -> bool:
    return file.suffix.lower() == ".csv"


def _is_picture(file: Path) -> bool:
    """Whether one of the folders above is of the authors' pictures."""
    return any(SKIPPED_FOLDERS in name.upper() for name in file.parts[:-1])

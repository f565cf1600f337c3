"""Labelled spike windows on disk: a store of our own, or the authors' arrays where they lie.

N spikes, T samples a window.
"""

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.errors import StoreError
from raphe.core.recording import parse_cell_id
from raphe.core.store import MANIFEST, Store, open_store
from raphe.tasks.celltype.author_arrays import Trio, find_trios, open_trio
from raphe.tasks.celltype.cut import UNIT
from raphe.tasks.celltype.names import CLASSES

KIND = "celltype/spikes"
MAKE_ONE = "make one with raphe extract, import-csv or import-npy"


@dataclass(frozen=True)
class Cell:
    """One recorded cell; `day` (YYYY-MM-DD) and `animal` are "" where they are not known."""

    cell_id: str
    label: int  # index into the classes
    day: str = ""
    animal: str = ""


@dataclass
class SpikeSet:
    """Labelled windows. The waveforms stay on disk until `read`; a pickled set opens them anew.

    Of the authors' arrays, `content_hash` covers labels, cells, and 64 blocks of each file of
    observations, and begins with "sampled-" to say so.
    """

    path: Path
    classes: tuple[str, ...]
    rate_hz: float
    unit: str
    n_samples: int  # T
    label: np.ndarray  # uint8 (N,)
    cell: np.ndarray  # int32 (N,), index into cells
    trigger: np.ndarray  # int64 (N,), the crossing's sample in the recording; -1 unknown
    cells: list[Cell]
    content_hash: str
    facts: dict[str, Any] = field(repr=False)  # the manifest
    parts: Sequence["StoredWaveforms | Trio"] = field(repr=False)  # one after the other
    reopen: tuple[Any, ...] = field(repr=False)  # arguments of open_spikes

    @property
    def n(self) -> int:
        return len(self.label)

    def __len__(self) -> int:
        return self.n

    @property
    def note(self) -> str:
        """A sentence that must stand beside every result from these spikes, or ""."""
        return self.facts.get("note", "")

    def read(self, rows: np.ndarray | slice) -> np.ndarray:
        """Waveforms of these rows, in their order: float32 (len(rows), T) in `unit`."""
        if isinstance(rows, slice):
            rows = np.arange(*rows.indices(self.n))
        rows = np.asarray(rows)
        if rows.size and not 0 <= rows.min() <= rows.max() < self.n:
            raise IndexError(f"rows {rows.min()} to {rows.max()} asked of {self.n} spikes")
        out = np.empty((len(rows), self.n_samples), np.float32)
        start = 0
        for part in self.parts:
            here = (rows >= start) & (rows < start + len(part.label))
            out[here] = part.read(rows[here] - start)
            start += len(part.label)
        return out

    def __reduce__(self) -> tuple[Any, ...]:
        return open_spikes, self.reopen


@dataclass(frozen=True)
class StoredWaveforms:
    """The waveforms of a store, memory-mapped."""

    waveforms: np.ndarray  # float32 (N, T)
    label: np.ndarray

    def read(self, rows: np.ndarray) -> np.ndarray:
        return np.asarray(self.waveforms[rows])


def open_spikes(
    path: Path | str,
    classes: Sequence[str] = CLASSES,
    time_column: int | None = None,
) -> SpikeSet:
    """Open a spike store, or the authors' arrays in a folder (all its trios) or one trio's file.

    `classes` and `time_column` (0 or 1) serve the arrays, which do not hold them. Raises
    StoreError for whatever is missing or contradicts itself.
    """
    path = Path(path)
    if path.exists() and not (path / MANIFEST).exists():
        trios = find_trios(path)
        if not trios:
            raise StoreError(f"{path}: holds neither a store nor *Observations*.npy; {MAKE_ONE}")
        return _open_arrays(path, tuple(classes), trios, time_column)
    try:
        store = open_store(path)
    except StoreError as error:
        remedy = "" if path.exists() else f"; {MAKE_ONE}"
        raise StoreError(f"{error}{remedy}") from None
    return _open_spike_store(store)


def _open_spike_store(store: Store) -> SpikeSet:
    facts = store.manifest
    if facts["kind"] != KIND:
        raise StoreError(f"{store.path}: expected a store of {KIND}, got {facts['kind']}")
    classes = tuple(facts["classes"])
    waveforms, label = store.arrays["spikes"], np.asarray(store.arrays["label"])
    cells = [
        Cell(row["cell_id"], classes.index(row["label"]), row["day"], row["animal"])
        for row in store.tables["cells"]
    ]
    cell = np.asarray(store.arrays["cell"])
    _check_cells(store.path, label, cell, cells)
    return SpikeSet(
        path=store.path,
        classes=classes,
        rate_hz=facts["rate_hz"],
        unit=facts["unit"],
        n_samples=waveforms.shape[1],
        label=label,
        cell=cell,
        trigger=store.arrays["trigger"],
        cells=cells,
        content_hash=store.content_hash,
        facts=facts,
        parts=[StoredWaveforms(waveforms, label)],
        reopen=(store.path,),
    )


def _check_cells(path: Path, label: np.ndarray, cell: np.ndarray, cells: list[Cell]) -> None:
    if len(cell) and not 0 <= cell.min() <= cell.max() < len(cells):
        raise StoreError(f"{path}: a spike of cell {cell.max()}, but {len(cells)} cells are listed")
    expected = np.array([one.label for one in cells], np.uint8)[cell] if len(cell) else label
    wrong = np.flatnonzero(label != expected)
    if len(wrong):
        raise StoreError(
            f"{path}: spike {wrong[0]} and its cell {cells[cell[wrong[0]]].cell_id} differ in "
            "class; write it anew"
        )


def _open_arrays(
    path: Path,
    classes: tuple[str, ...],
    files: list[tuple[Path, Path, Path]],
    time_column: int | None,
) -> SpikeSet:
    trios = [open_trio(trio, len(classes), time_column) for trio in files]
    first = trios[0]
    for trio in trios[1:]:
        one = (first.windows.shape[1], first.rate_hz)
        other = (trio.windows.shape[1], trio.rate_hz)
        if one != other:
            raise StoreError(
                f"{trio.observations}: {other[0]} points at {other[1]:g} Hz, but "
                f"{first.observations.name} has {one[0]} at {one[1]:g} Hz; open one file at a time"
            )
    index: dict[str, int] = {}
    numbers = [
        [index.setdefault(cell_id, len(index)) for cell_id in trio.cell_ids] for trio in trios
    ]
    cell = [np.array(n, np.int32)[trio.cell] for n, trio in zip(numbers, trios, strict=True)]
    _refuse_repeats(trios, cell, list(index))
    label, all_cells = np.concatenate([trio.label for trio in trios]), np.concatenate(cell)
    label_of = np.zeros(len(index), np.uint8)
    label_of[all_cells] = label
    cells = []
    for cell_id, one in zip(index, label_of.tolist(), strict=True):
        day = parse_cell_id(cell_id)[1]
        cells.append(Cell(cell_id, one, day.isoformat() if day else ""))
    _check_cells(path, label, all_cells, cells)
    hashes = "\n".join(trio.sampled_hash for trio in trios)
    return SpikeSet(
        path=path,
        classes=classes,
        rate_hz=first.rate_hz,
        unit=UNIT,
        n_samples=first.windows.shape[1],
        label=label,
        cell=all_cells,
        trigger=np.concatenate([trio.trigger for trio in trios]),
        cells=cells,
        content_hash=f"sampled-{hashlib.sha256(hashes.encode()).hexdigest()}",
        facts={
            "kind": KIND,
            "sources": {
                "arrays": [trio.observations.name for trio in trios],
                "hash_covers": "labels, cells, size and 64 blocks of each file of observations",
            },
        },
        parts=trios,
        reopen=(path, classes, time_column),
    )


def _refuse_repeats(trios: list[Trio], cells: list[np.ndarray], cell_ids: list[str]) -> None:
    """Refuse trios that share a spike: an original and a subset of it, or what was made from it."""
    keys = [
        (cell.astype(np.int64) << 40 | trio.trigger)[trio.trigger >= 0]
        for cell, trio in zip(cells, trios, strict=True)
    ]
    for (one, some), (other, more) in itertools.combinations(zip(trios, keys, strict=True), 2):
        shared = np.intersect1d(some, more)
        if len(shared):
            raise StoreError(
                f"{one.observations.parent}: {len(shared)} spikes, such as that of "
                f"{cell_ids[shared[0] >> 40]} at {shared[0] & (2**40 - 1)}, are in both "
                f"{one.observations.name} and {other.observations.name}; name one of the two files "
                "in place of the folder"
            )

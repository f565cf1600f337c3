"""Spike stores of our own, written and read: a single store, or synthetic spikes in shards.

N spikes, n of them at once, T samples a window.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.errors import StoreError
from raphe.core.files.store import Store, StoreWriter, open_store
from raphe.core.recordings.class_names import check_classes
from raphe.core.sentences import counted
from raphe.tasks.celltype.stores.lazy_array import LazyArray
from raphe.tasks.celltype.stores.spike_set import Cell, OnCopies, SpikeSet

KIND = "celltype/spikes"
SHARDED_KIND = "celltype/synthetic"
ARRAYS_READ = ("spikes", "cell", "trigger", "part")
AGAIN = "run the same raphe synthesize command again: only what is not whole is made anew"

Opener = Callable[..., SpikeSet]


def from_store(store: Store, opener: Opener) -> SpikeSet:
    """The spikes of an opened store of KIND, or of all shards that one of SHARDED_KIND lists.

    `opener` opens it anew from its path. Every label and cell is looked at, no waveform.
    """
    is_sharded = store.manifest["kind"] == SHARDED_KIND
    files: dict[str, list] = {name: [] for name in ARRAYS_READ}
    cells: list[Cell] = []
    counts = np.zeros(0, np.int64)
    for shard in open_shards(store) if is_sharded else [store]:
        kind = shard.manifest["kind"]
        if kind != KIND:
            raise StoreError(f"{shard.path}: expected a store of {KIND}, got {kind}")
        if not cells:  # the same in every shard
            cells = _cells(shard)
            counts = np.zeros(len(cells), np.int64)
        counts += _count_spikes(shard, cells)
        for name in ARRAYS_READ:
            if name in shard.arrays:
                files[name].append(shard.file(name))
    arrays = {name: LazyArray(*of_shards) for name, of_shards in files.items() if of_shards}
    facts = store.manifest
    return SpikeSet(
        path=store.path,
        classes=tuple(facts["classes"]),
        rate_hz=facts["rate_hz"],
        unit=facts["unit"],
        windows=arrays["spikes"],
        cell=arrays["cell"],
        trigger=arrays["trigger"],
        cells=cells,
        counts=counts,
        content_hash=store.content_hash,
        facts=facts,
        reopen=(opener, (store.path,)),
        part=arrays.get("part"),
    )


def cell_rows(
    cells: Iterable[Cell], classes: Sequence[str], counts: Iterable[int]
) -> list[dict[str, Any]]:
    """The table `cells` of a store of KIND, as `from_store` reads it; `counts` are of spikes."""
    cells = list(cells)
    known = [name for name in ("source", "group") if any(getattr(cell, name) for cell in cells)]
    return [
        {
            "cell_id": cell.cell_id,
            "label": classes[cell.label],
            "day": cell.day,
            "animal": cell.animal,
            **{name: getattr(cell, name) for name in known},
            "n_spikes": count,
        }
        for cell, count in zip(cells, counts, strict=True)
    ]


def open_shards(store: Store) -> Iterator[Store]:
    """Open one shard after the other. Raises StoreError naming the one that is not as listed."""
    for entry in store.manifest["shards"]:
        yield _open_shard(store.path / entry["name"], entry)


def shard_folders(path: Path) -> list[Path]:
    """The shards in a folder; without a manifest, what a synthesis that was stopped has left."""
    return sorted(path.glob("shard-*"))


def _cells(store: Store) -> list[Cell]:
    classes = store.manifest["classes"]
    return [
        Cell(
            row["cell_id"],
            classes.index(row["label"]),
            row["day"],
            row["animal"],
            row.get("source", ""),
            row.get("group", ""),
        )
        for row in store.tables["cells"]
    ]


def _count_spikes(store: Store, cells: list[Cell]) -> np.ndarray:
    """Spikes of each cell: int64 (cells,). Raises StoreError for one whose class is not its cell's.

    So every label and every cell is looked at.
    """
    label = LazyArray(store.file("label"))
    label_of_cell = np.array([cell.label for cell in cells], np.uint8)
    counts = np.zeros(len(cells), np.int64)
    for start, cell in LazyArray(store.file("cell")).blocks():
        if not 0 <= cell.min() <= cell.max() < len(cells):
            raise StoreError(
                f"{store.path}: a spike of cell {cell.max()}, but its table lists "
                f"{counted('cell', len(cells))}; write it anew"
            )
        wrong = np.flatnonzero(label[start : start + len(cell)] != label_of_cell[cell])
        if len(wrong):
            raise StoreError(
                f"{store.path}: spike {start + wrong[0]} and its cell "
                f"{cells[cell[wrong[0]]].cell_id} differ in class; write it anew"
            )
        counts += np.bincount(cell, minlength=len(cells))
    return counts


def _open_shard(path: Path, entry: dict) -> Store:
    try:
        shard = open_store(path)
    except StoreError as error:
        raise StoreError(f"{error}; this is a shard: {AGAIN}") from None
    if shard.content_hash != entry["content_hash"]:
        raise StoreError(f"{path}: is not the shard that {path.parent} was finished with; {AGAIN}")
    return shard


class SpikeStoreWriter:
    """Write a spike store cell by cell, in constant memory; see StoreWriter for what a kill does.

    Cells of one id are one cell. Raises StoreError when they differ in class.
    """

    def __init__(
        self,
        path: Path,
        classes: Sequence[str],
        n_samples: int,
        overwrite: bool = False,
    ):
        check_classes(classes, f"{path}: the classes", StoreError)
        self.classes = tuple(classes)
        self.cells: dict[str, Cell] = {}
        self.counts: list[int] = []
        self._index: dict[str, int] = {}
        self._writer = StoreWriter(
            path,
            {
                "spikes": ((n_samples,), "float32"),
                "label": ((), "uint8"),
                "cell": ((), "int32"),
                "trigger": ((), "int64"),
                "sweep": ((), "int32"),
            },
            overwrite,
        )

    def __enter__(self) -> "SpikeStoreWriter":
        return self

    def __exit__(self, *exception: Any) -> None:
        self._writer.__exit__(*exception)

    @property
    def n(self) -> int:
        return self._writer.n

    def require_room(self, n: int) -> None:
        """Raise StoreError, before the work, unless the disk has room for so many spikes more."""
        self._writer.require_room(n, "spike")

    def add(
        self,
        cell: Cell,
        waveforms: np.ndarray,
        trigger: np.ndarray,
        sweep: np.ndarray | None = None,
    ) -> None:
        """Append a cell's spikes; a cell without any is left out.

        Args:
            waveforms: float32 (n, T), in the unit that `finish` states.
            trigger: int64 (n,), each crossing's sample in its sweep; -1 unknown.
            sweep: int32 (n,); None is sweep 0.
        """
        self.add_mixed([cell], np.zeros(len(waveforms), np.int32), waveforms, trigger, sweep)

    def add_mixed(
        self,
        cells: Sequence[Cell],
        cell: np.ndarray,
        waveforms: np.ndarray,
        trigger: np.ndarray,
        sweep: np.ndarray | None = None,
    ) -> None:
        """Append spikes of several cells, as `add`.

        `cell` int (n,) says which of `cells` each belongs to.
        """
        index_in_store = np.zeros(len(cells), np.int32)
        for number, count in zip(*np.unique(cell, return_counts=True), strict=True):
            index_in_store[number] = self._register(cells[number], int(count))
        label = np.array([cell.label for cell in cells], np.uint8)
        self._writer.append(
            spikes=waveforms,
            label=label[cell],
            cell=index_in_store[cell],
            trigger=trigger,
            sweep=np.zeros(len(cell), np.int32) if sweep is None else sweep,
        )

    def _register(self, cell: Cell, n_spikes: int) -> int:
        first = self.cells.setdefault(cell.cell_id, cell)
        if first.label != cell.label:
            raise StoreError(
                f"cell {cell.cell_id} is {self.classes[first.label]} in one place and "
                f"{self.classes[cell.label]} in another; a cell has one class, rename or remove one"
            )
        index = self._index.setdefault(cell.cell_id, len(self._index))
        if index == len(self.counts):
            self.counts.append(0)
        self.counts[index] += n_spikes
        return index

    def per_class(self) -> dict[str, tuple[int, int]]:
        """Cells and spikes of each class so far."""
        totals = dict.fromkeys(self.classes, (0, 0))
        for cell, count in zip(self.cells.values(), self.counts, strict=True):
            n_cells, n_spikes = totals[self.classes[cell.label]]
            totals[self.classes[cell.label]] = (n_cells + 1, n_spikes + count)
        return totals

    def settle_copies(
        self, on_copies: OnCopies, where: object, whence: Mapping[str, str] | None = None
    ) -> list[str]:
        """Look for copies among the cells, and refuse or join them; before `finish`.

        Returns and raises what `copied_cells.settle_copies` does.
        """
        # An eighth of a second of SciPy, that whoever only reads spikes can spare.
        from raphe.tasks.celltype.stores.copied_cells import settle_copies
        from raphe.tasks.celltype.stores.copies import find_copies

        windows, cell, trigger = (
            LazyArray(self._writer.written(name)) for name in ("spikes", "cell", "trigger")
        )
        copies = find_copies(windows, cell, trigger)
        cells, told = settle_copies(
            copies, list(self.cells.values()), self.classes, on_copies, where, whence
        )
        self.cells = {cell.cell_id: cell for cell in cells}
        return told

    def finish(
        self,
        rate_hz: float,
        unit: str,
        facts: dict[str, Any],
        tables: dict[str, list[dict[str, Any]]] | None = None,
    ) -> Path:
        """Write what is left, and give the store its place. Returns its path. Raises StoreError."""
        rows = cell_rows(self.cells.values(), self.classes, self.counts)
        manifest = {
            "kind": KIND,
            "classes": list(self.classes),
            "rate_hz": rate_hz,
            "unit": unit,
            **facts,
        }
        return self._writer.finish(manifest, {"cells": rows, **(tables or {})})

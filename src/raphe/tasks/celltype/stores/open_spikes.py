"""Open labelled spike windows: a store of our own, or the authors' arrays where they lie."""

import hashlib
import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from raphe.core.errors import StoreError
from raphe.core.files.kind import MANIFEST
from raphe.core.files.store import check_store, open_store
from raphe.core.recordings.rates import same_rate
from raphe.core.sentences import counted
from raphe.tasks.celltype.recordings.file_names import CLASSES, parse_cell_id
from raphe.tasks.celltype.spikes.cut_settings import UNIT
from raphe.tasks.celltype.stores.lazy_array import InMemory, LazyArray, LookedUp
from raphe.tasks.celltype.stores.npy_trios import Trio, find_trios, open_trio
from raphe.tasks.celltype.stores.spike_set import SYNTHETIC_FACT, Cell, SpikeSet
from raphe.tasks.celltype.stores.spike_store import (
    AGAIN,
    KIND,
    SHARDED_KIND,
    from_store,
    open_shards,
    shard_folders,
)

MAKE_ONE = "raphe extract, raphe import csv or raphe import npy makes one"


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
        if shards := shard_folders(path):
            raise StoreError(
                f"{path}: {counted('shard', len(shards))} but no {MANIFEST}, unfinished; {AGAIN}"
            )
        trios = find_trios(path)
        if not trios:
            raise StoreError(f"{path}: holds neither a store nor *Observations*.npy; {MAKE_ONE}")
        return _open_arrays(path, tuple(classes), trios, time_column)
    try:
        store = open_store(path)
    except StoreError as error:
        remedy = "" if path.exists() else f"; {MAKE_ONE}"
        raise StoreError(f"{error}{remedy}") from None
    return from_store(store, open_spikes)


def check_spikes(path: Path | str) -> None:
    """Read a store through, shard by shard, and verify every hash. Raises StoreError."""
    store = check_store(path)
    if store.manifest["kind"] == SHARDED_KIND:
        for shard in open_shards(store):
            try:
                check_store(shard.path)
            except StoreError as error:
                raise StoreError(f"{error}; this is a shard: {AGAIN}") from None


def _open_arrays(
    path: Path,
    classes: tuple[str, ...],
    files: list[tuple[Path, Path, Path]],
    time_column: int | None,
) -> SpikeSet:
    trios = [open_trio(trio, len(classes), time_column) for trio in files]
    first = trios[0]
    for trio in trios[1:]:
        n_samples, n_expected = trio.windows.shape[1], first.windows.shape[1]
        if n_samples != n_expected or not same_rate(trio.rate_hz, first.rate_hz):
            raise StoreError(
                f"{trio.observations}: {n_samples} points at {trio.rate_hz:g} Hz, but "
                f"{first.observations.name} has {n_expected} at {first.rate_hz:g} Hz; open one "
                "file at a time"
            )
    cells, numbers = _number_cells(trios)
    cell_of_trio = [
        LazyArray(LookedUp(LazyArray(InMemory(trio.cell)), of_trio))
        for trio, of_trio in zip(trios, numbers, strict=True)
    ]
    _refuse_repeats(trios, cell_of_trio, cells)
    cell = LazyArray(*cell_of_trio)
    counts = np.zeros(len(cells), np.int64)
    for _, block in cell.blocks():
        counts += np.bincount(block, minlength=len(cells))
    hashes = "\n".join(trio.sampled_hash for trio in trios)
    return SpikeSet(
        path=path,
        classes=classes,
        rate_hz=first.rate_hz,
        unit=UNIT,
        windows=LazyArray(*(trio.windows for trio in trios)),
        cell=cell,
        trigger=LazyArray(*(trio.trigger for trio in trios)),
        cells=cells,
        counts=counts,
        content_hash=f"sampled-{hashlib.sha256(hashes.encode()).hexdigest()}",
        facts={
            "kind": KIND,
            "file_of_cell": {
                cell_id: trio.observations.name
                for trio in reversed(trios)
                for cell_id in trio.cell_ids
            },
            **({SYNTHETIC_FACT: True} if any(trio.is_synthetic for trio in trios) else {}),
            "sources": {
                "arrays": [trio.observations.name for trio in trios],
                "hash_covers": "labels, cells, size and 64 blocks of each file of observations",
            },
        },
        reopen=(open_spikes, (path, classes, time_column)),
    )


def _number_cells(trios: list[Trio]) -> tuple[list[Cell], list[np.ndarray]]:
    """The cells of all trios, and for each trio the number of each of its own: int32 (cells,)."""
    cells: dict[str, Cell] = {}
    index: dict[str, int] = {}
    for trio in trios:
        for cell_id, label in zip(trio.cell_ids, trio.label_of_cell.tolist(), strict=True):
            day = parse_cell_id(cell_id)[1]
            cell = Cell(cell_id, label, day.isoformat() if day else "")
            if cells.setdefault(cell_id, cell).label != label:
                raise StoreError(
                    f"{trio.observations}: cell {cell_id} has label {label} here and "
                    f"{cells[cell_id].label} in another file beside it; correct the labels"
                )
            index.setdefault(cell_id, len(index))
    numbers = [np.array([index[cell_id] for cell_id in trio.cell_ids], np.int32) for trio in trios]
    return list(cells.values()), numbers


def _refuse_repeats(trios: list[Trio], cell_of_trio: list[LazyArray], cells: list[Cell]) -> None:
    """Refuse trios that share a spike: an original and a subset of it, or what was made from it."""
    if len(trios) == 1:
        return
    keyed = [
        (trio, _keys(cell, LazyArray(trio.trigger)))
        for cell, trio in zip(cell_of_trio, trios, strict=True)
    ]
    for (first, first_keys), (second, second_keys) in itertools.combinations(keyed, 2):
        shared = np.intersect1d(first_keys, second_keys)
        if len(shared):
            raise StoreError(
                f"{first.observations.parent}: {counted('spike', len(shared))}, such as that of "
                f"{cells[shared[0] >> 40].cell_id} at {shared[0] & (2**40 - 1)}, in both "
                f"{first.observations.name} and {second.observations.name}; name one of the two "
                "files in place of the folder"
            )


def _keys(cell: LazyArray, trigger: LazyArray) -> np.ndarray:
    """One number for each original spike, of which synthetic ones have many: int64 (originals,)."""
    keys = np.empty(0, np.int64)
    for start, crossing in trigger.blocks():
        of_cell = cell[start : start + len(crossing)].astype(np.int64) << 40
        keys = np.union1d(keys, (of_cell | crossing)[crossing >= 0])
    return keys

"""Open labelled spike windows: a store of our own, or the authors' arrays where they lie."""

import hashlib
import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from raphe.core.errors import StoreError
from raphe.core.recording import parse_cell_id
from raphe.core.store import MANIFEST, check_store, open_store
from raphe.tasks.celltype.author_arrays import Trio, find_trios, open_trio
from raphe.tasks.celltype.cut import UNIT
from raphe.tasks.celltype.names import CLASSES
from raphe.tasks.celltype.spike_set import Cell, SpikeSet
from raphe.tasks.celltype.stored_spikes import (
    AGAIN,
    KIND,
    SHARDED_KIND,
    check_cells,
    from_shards,
    from_store,
    open_shards,
    unfinished_shards,
)

MAKE_ONE = "make one with raphe extract, import-csv or import-npy"


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
        if shards := unfinished_shards(path):
            raise StoreError(f"{path}: {len(shards)} shards but no {MANIFEST}, unfinished; {AGAIN}")
        trios = find_trios(path)
        if not trios:
            raise StoreError(f"{path}: holds neither a store nor *Observations*.npy; {MAKE_ONE}")
        return _open_arrays(path, tuple(classes), trios, time_column)
    try:
        store = open_store(path)
    except StoreError as error:
        remedy = "" if path.exists() else f"; {MAKE_ONE}"
        raise StoreError(f"{error}{remedy}") from None
    if store.manifest["kind"] == SHARDED_KIND:
        return from_shards(store, open_spikes)
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
    check_cells(path, label, all_cells, cells)
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
        reopen=(open_spikes, (path, classes, time_column)),
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

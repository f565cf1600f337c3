"""Spike stores of our own as one SpikeSet: a single store, or synthetic spikes in shards."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.errors import StoreError
from raphe.core.files.store import Store, open_store
from raphe.tasks.celltype.stores.columns import Column
from raphe.tasks.celltype.stores.spike_set import Cell, SpikeSet

KIND = "celltype/spikes"
SHARDED_KIND = "celltype/synthetic"
COLUMNS = ("spikes", "cell", "trigger", "side")
AGAIN = "run the same raphe synthesize command again: only what is not whole is made anew"

Opener = Callable[..., SpikeSet]


def from_store(store: Store, opener: Opener) -> SpikeSet:
    """The spikes of an opened store of KIND, or of all shards that one of SHARDED_KIND lists.

    `opener` opens it anew from its path. Every label and cell is looked at, no waveform.
    """
    sharded = store.manifest["kind"] == SHARDED_KIND
    files: dict[str, list] = {name: [] for name in COLUMNS}
    cells: list[Cell] = []
    counts = np.zeros(0, np.int64)
    for one in open_shards(store) if sharded else [store]:
        if one.manifest["kind"] != KIND:
            raise StoreError(f"{one.path}: expected a store of {KIND}, got {one.manifest['kind']}")
        if not cells:  # the same in every shard
            cells = _cells(one)
            counts = np.zeros(len(cells), np.int64)
        counts += _check_cells(one, cells)
        for name in COLUMNS:
            if name in one.arrays:
                files[name].append(one.file(name))
    columns = {name: Column(*held) for name, held in files.items() if held}
    facts = store.manifest
    return SpikeSet(
        path=store.path,
        classes=tuple(facts["classes"]),
        rate_hz=facts["rate_hz"],
        unit=facts["unit"],
        windows=columns["spikes"],
        cell=columns["cell"],
        trigger=columns["trigger"],
        cells=cells,
        counts=counts,
        content_hash=store.content_hash,
        facts=facts,
        reopen=(opener, (store.path,)),
        side=columns.get("side"),
    )


def cell_rows(
    cells: Iterable[Cell], classes: Sequence[str], counts: Iterable[int]
) -> list[dict[str, Any]]:
    """The table `cells` of a store of KIND, as `from_store` reads it; `counts` are of spikes."""
    cells = list(cells)
    sources = any(cell.source for cell in cells)
    return [
        {
            "cell_id": cell.cell_id,
            "label": classes[cell.label],
            "day": cell.day,
            "animal": cell.animal,
            **({"source": cell.source} if sources else {}),
            "n_spikes": count,
        }
        for cell, count in zip(cells, counts, strict=True)
    ]


def open_shards(store: Store) -> Iterator[Store]:
    """Open one shard after the other. Raises StoreError naming the one that is not as listed."""
    for entry in store.manifest["shards"]:
        yield _open_shard(store.path / entry["name"], entry)


def unfinished_shards(path: Path) -> list[Path]:
    """Shards in a folder without a manifest: what a synthesis that was stopped has left."""
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
        )
        for row in store.tables["cells"]
    ]


def _check_cells(store: Store, cells: list[Cell]) -> np.ndarray:
    """Count the spikes of each cell: int64 (cells,). Refuse one whose class is not its cell's."""
    label, expected = Column(store.file("label")), np.array([one.label for one in cells], np.uint8)
    counts = np.zeros(len(cells), np.int64)
    for start, cell in Column(store.file("cell")).blocks():
        if not 0 <= cell.min() <= cell.max() < len(cells):
            raise StoreError(
                f"{store.path}: a spike of cell {cell.max()}, but {len(cells)} cells are listed"
            )
        wrong = np.flatnonzero(label[start : start + len(cell)] != expected[cell])
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

"""Spike stores of our own as one SpikeSet: a single store, or synthetic spikes in shards."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.errors import StoreError
from raphe.core.store import Store, open_store
from raphe.tasks.celltype.spike_set import Cell, Joined, SpikeSet, StoredWaveforms

KIND = "celltype/spikes"
SHARDED_KIND = "celltype/synthetic"
AGAIN = "run the same raphe synthesize command again: only what is not whole is made anew"

Opener = Callable[..., SpikeSet]


def from_store(store: Store, opener: Opener) -> SpikeSet:
    """The spikes of an opened store of KIND; `opener` opens it anew from its path."""
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
    check_cells(store.path, label, cell, cells)
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
        parts=[StoredWaveforms(waveforms)],
        reopen=(opener, (store.path,)),
        side=store.arrays.get("side"),
    )


def cell_rows(
    cells: Iterable[Cell], classes: Sequence[str], counts: Iterable[int]
) -> list[dict[str, Any]]:
    """The table `cells` of a store of KIND, as `from_store` reads it; `counts` are of spikes."""
    return [
        {
            "cell_id": cell.cell_id,
            "label": classes[cell.label],
            "day": cell.day,
            "animal": cell.animal,
            "n_spikes": count,
        }
        for cell, count in zip(cells, counts, strict=True)
    ]


def from_shards(store: Store, opener: Opener) -> SpikeSet:
    """The shards that a manifest of SHARDED_KIND lists, one after the other.

    Labels, cells and sides come into memory: 6 bytes a spike.
    """
    shards = [from_store(shard, opener) for shard in open_shards(store)]
    first = shards[0]
    return SpikeSet(
        path=store.path,
        classes=first.classes,
        rate_hz=first.rate_hz,
        unit=first.unit,
        n_samples=first.n_samples,
        label=np.concatenate([shard.label for shard in shards]),
        cell=np.concatenate([shard.cell for shard in shards]),
        trigger=Joined([shard.trigger for shard in shards], lambda part, rows: part[rows]),
        cells=first.cells,
        content_hash=store.content_hash,
        facts=store.manifest,
        parts=[part for shard in shards for part in shard.parts],
        reopen=(opener, (store.path,)),
        side=np.concatenate([shard.side for shard in shards]),
    )


def open_shards(store: Store) -> list[Store]:
    """Open every shard that the manifest lists. Raises StoreError naming the one that is not so."""
    return [_open_shard(store.path / entry["name"], entry) for entry in store.manifest["shards"]]


def unfinished_shards(path: Path) -> list[Path]:
    """Shards in a folder without a manifest: what a synthesis that was stopped has left."""
    return sorted(path.glob("shard-*"))


def check_cells(path: Path, label: np.ndarray, cell: np.ndarray, cells: list[Cell]) -> None:
    """Refuse spikes whose class is not their cell's."""
    if len(cell) and not 0 <= cell.min() <= cell.max() < len(cells):
        raise StoreError(f"{path}: a spike of cell {cell.max()}, but {len(cells)} cells are listed")
    expected = np.array([one.label for one in cells], np.uint8)[cell] if len(cell) else label
    wrong = np.flatnonzero(label != expected)
    if len(wrong):
        raise StoreError(
            f"{path}: spike {wrong[0]} and its cell {cells[cell[wrong[0]]].cell_id} differ in "
            "class; write it anew"
        )


def _open_shard(path: Path, entry: dict) -> Store:
    try:
        shard = open_store(path)
    except StoreError as error:
        raise StoreError(f"{error}; this is a shard: {AGAIN}") from None
    if shard.content_hash != entry["content_hash"]:
        raise StoreError(f"{path}: is not the shard that {path.parent} was finished with; {AGAIN}")
    return shard

"""Synthetic spikes in shards, each a whole spike store of its own, made or found to be right.

Several processes share the work; they end with the one that started them, however it ends.
"""

import json
import multiprocessing
import shutil
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.ending import leave_ending_to_the_starter
from raphe.core.errors import RapheError, SettingError, StoreError
from raphe.core.files.atomic import reporting
from raphe.core.files.folders import refuse_foreign
from raphe.core.files.hashed_folder import sha256_of
from raphe.core.files.kind import MANIFEST
from raphe.core.files.store import Store, StoreWriter, open_store
from raphe.tasks.celltype.stores.spike_store import AGAIN, KIND, cell_rows
from raphe.tasks.celltype.synthetic.synthesizer import Synthesizer

SHARD_SIZE = 250_000  # spikes: 170 MB, a second's work or less
MAX_SHARDS = 100_000  # five digits of a name
WRITE_ROWS = 2**15  # spikes made and written at once: 21 MB
DRAWN = ("label", "cell", "parent", "part", "mask", "offset")
STORE_BYTES = 2**20  # of a shard beside its arrays: manifest, table of cells, blocks of the disk


@dataclass(frozen=True)
class Shard:
    """The samples from `start` to before `stop`."""

    number: int
    start: int
    stop: int

    @property
    def name(self) -> str:
        return f"shard-{self.number:05d}"

    @property
    def n(self) -> int:
        return self.stop - self.start

    @property
    def n_blocks(self) -> int:
        return -(-self.n // WRITE_ROWS)


@dataclass(frozen=True)
class WholeShard:
    """A shard that is whole now."""

    shard: Shard
    content_hash: str
    is_new: bool  # otherwise it was there


def plan_shards(n: int, shard_size: int) -> list[Shard]:
    """Divide samples 0 to n - 1. Raises SettingError for more shards than their names can count."""
    if n > MAX_SHARDS * shard_size:
        raise SettingError(
            f"shard_size: {n} spikes in shards of {shard_size} are more than {MAX_SHARDS} shards; "
            "make larger shards, or lower --per-class"
        )
    starts = range(0, n, shard_size)
    return [Shard(i, start, min(start + shard_size, n)) for i, start in enumerate(starts)]


def fields(n_samples: int) -> dict[str, tuple[tuple[int, ...], str]]:
    """The arrays of a shard: those of a spike store, and what each spike was made of."""
    return {
        "spikes": ((n_samples,), "float32"),
        "label": ((), "uint8"),
        "cell": ((), "int32"),
        "trigger": ((), "int64"),  # of the parent
        "part": ((), "uint8"),  # of the parent
        "parent": ((), "int64"),
        "mask": ((), "int32"),
        "offset": ((), "int32"),
    }


def shard_bytes(shard: Shard, n_samples: int) -> int:
    """What a shard takes on disk."""
    per_spike = sum(
        int(np.prod(shape)) * np.dtype(dtype).itemsize
        for shape, dtype in fields(n_samples).values()
    )
    return shard.n * per_spike + STORE_BYTES


def origin(synthesizer: Synthesizer) -> dict[str, Any]:
    """What decides every sample, as JSON gives it back: spikes, masks, split and recipe."""
    spikes, split = synthesizer.spikes, synthesizer.split
    facts = {
        "classes": list(spikes.classes),
        "rate_hz": spikes.rate_hz,
        "unit": spikes.unit,
        "note": spikes.note,
        "recipe": asdict(synthesizer.recipe),
        "split": split.facts if split is not None else None,
        "made_from": {
            "spikes": spikes.content_hash,
            "masks": synthesizer.masks.content_hash,
        },
    }
    return json.loads(json.dumps(facts))


def is_shard(manifest: Mapping[str, Any]) -> bool:
    """Whether a store's manifest is that of a shard, of whatever synthesis."""
    is_ours = manifest.get("kind") == KIND and {"made_from", "first"} <= manifest.keys()
    return is_ours and manifest["arrays"].keys() == fields(1).keys()


def ensure_shards(
    out: Path, shards: Sequence[Shard], synthesizer: Synthesizer, workers: int
) -> Iterator[WholeShard | None]:
    """Yield what `ensure_shard` yields for each shard, from all workers as it comes.

    Raises StoreError when a worker fails; whole shards stay.
    """
    workers = min(workers, len(shards))
    if workers == 1:
        for shard in shards:
            yield from ensure_shard(out, shard, synthesizer)
        return
    spawn = multiprocessing.get_context("spawn")
    processes, connections = [], []
    try:
        for number in range(workers):
            ours, theirs = spawn.Pipe()
            arguments = (theirs, out, shards[number::workers], synthesizer)
            process = spawn.Process(target=_work, args=arguments, daemon=True)
            process.start()
            theirs.close()
            processes.append(process)
            connections.append(ours)
        yield from _receive(connections)
    finally:
        for connection in connections:
            connection.close()  # which a worker notices at its next block
        for process in processes:
            process.join()


def require_shard_alone(path: Path) -> None:
    """Raise StoreError where a shard, whole or damaged, holds what raphe did not write.

    Its files have the same names whatever it was made from.
    """
    with reporting(path, "read"):
        refuse_foreign(path, {MANIFEST, "cells.csv", *(f"{name}.npy" for name in fields(1))})


def remove_shard(path: Path) -> None:
    """Remove a shard, whole or damaged. Raises StoreError, see require_shard_alone."""
    require_shard_alone(path)
    with reporting(path):
        shutil.rmtree(path)


def ensure_shard(
    out: Path, shard: Shard, synthesizer: Synthesizer
) -> Generator[WholeShard | None, None, None]:
    """Make a shard unless it is there with every hash right.

    Yields None after each block of WRITE_ROWS spikes and the result last.
    """
    path = out / shard.name
    store = _whole(path)
    if store is not None:
        _require_same_spikes(store, shard, synthesizer)
        yield from [None] * shard.n_blocks
        yield WholeShard(shard, store.content_hash, is_new=False)
        return
    if path.exists():  # damaged: not even its manifest need be there
        remove_shard(path)
    spikes = synthesizer.spikes
    counts = np.zeros(len(spikes.cells), np.int64)
    with StoreWriter(path, fields(spikes.n_samples), overwrite=True) as writer:
        for start in range(shard.start, shard.stop, WRITE_ROWS):
            index = np.arange(start, min(start + WRITE_ROWS, shard.stop))
            samples = synthesizer.make(index)
            writer.append(
                spikes=samples.waveforms,
                label=samples.label,
                cell=samples.cell,
                trigger=spikes.trigger[samples.parent],
                part=samples.part,
                parent=samples.parent,
                mask=samples.mask,
                offset=samples.offset,
            )
            counts += np.bincount(samples.cell, minlength=len(counts))
            yield None
        cells = cell_rows(spikes.cells, spikes.classes, counts.tolist())
        facts = {"kind": KIND, **origin(synthesizer), "first": shard.start}
        writer.finish(facts, {"cells": cells})
    yield WholeShard(shard, open_store(path).content_hash, is_new=True)


def _whole(path: Path) -> Store | None:
    """The shard's store with every hash verified; None where it is missing or damaged."""
    try:
        store = open_store(path)
    except StoreError:
        return None
    for name, entry in store.manifest["arrays"].items():
        if sha256_of(path / f"{name}.npy") != entry["sha256"]:
            return None
    return store


def _require_same_spikes(store: Store, shard: Shard, synthesizer: Synthesizer) -> None:
    """Make a shard's first and last spike anew. Raises StoreError where they are others, as where
    another raphe has made it.

    Waveforms may differ in a last digit, as processors add in another order.
    """
    places = np.array([0, shard.n - 1])
    samples = synthesizer.make(shard.start + places)
    there = {name: store.arrays[name][places] for name in (*DRAWN, "spikes")}
    is_same = all(np.array_equal(getattr(samples, name), there[name]) for name in DRAWN)
    if not is_same or not np.allclose(
        samples.waveforms, there["spikes"], rtol=1e-5, atol=1e-5 * np.abs(there["spikes"]).max()
    ):
        raise StoreError(
            f"{store.path}: holds other spikes than this raphe makes of the same settings; another "
            "version has made it: remove it, and the same command makes it anew"
        )


def _receive(connections: list[Connection]) -> Iterator[WholeShard | None]:
    running = list(connections)
    while running:
        ready = wait(running)
        for connection in [one for one in running if one in ready]:
            try:
                message = connection.recv()
            except EOFError:
                raise StoreError(
                    f"a worker process ended before its shards were whole (out of memory?); {AGAIN}"
                ) from None
            if isinstance(message, RapheError):
                raise message
            if message == "done":
                running.remove(connection)
            else:
                yield message


def _work(
    connection: Connection, out: Path, shards: Sequence[Shard], synthesizer: Synthesizer
) -> None:
    leave_ending_to_the_starter()  # who then hangs up
    try:
        for shard in shards:
            with closing(ensure_shard(out, shard, synthesizer)) as steps:
                for step in steps:
                    if connection.poll():  # nothing is ever sent this way: the other end is closed
                        return
                    connection.send(step)
        connection.send("done")
    except (BrokenPipeError, ConnectionResetError):
        return
    except RapheError as error:
        connection.send(error)

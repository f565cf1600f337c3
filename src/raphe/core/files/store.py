"""A folder of memory-mapped NPY arrays, CSV tables and one manifest: written whole or not at all.

STORE/<array>.npy    one file an array, all with the same first axis
STORE/<table>.csv    small facts, one row each
STORE/manifest.json  format, kind, shapes, dtypes, SHA-256 of every file, the writer's facts
"""

import hashlib
import itertools
import struct
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from raphe.core.errors import StoreError
from raphe.core.files.atomic import FolderBuilder, reporting, sync, write_file
from raphe.core.files.csv_text import csv_rows, csv_text, damage_told
from raphe.core.files.hashed_folder import (
    BLOCK_BYTES,
    CONTENT_HASH,
    HashedFolder,
    blocks_of,
    sha256_of,
)
from raphe.core.files.kind import MANIFEST
from raphe.core.files.path import checked_path
from raphe.core.files.refusals import require_room
from raphe.core.progress import progress
from raphe.core.recordings.arrays import ArrayFile
from raphe.core.sentences import counted, printable

HEADER_BYTES = 256  # room for any first axis, a multiple of the 64 that the NPY format asks for
REMEDY = "write the store anew"
RESERVED = {"format", "arrays", "tables", CONTENT_HASH}
STORE = HashedFolder(
    noun="store",
    format=1,
    sections=("kind", "arrays", "tables"),
    error_type=StoreError,
    origin="make one first",
    remedy=REMEDY,
)

Table = Sequence[Mapping[str, Any]]


class StoreWriter:
    """Stream arrays into a hidden folder beside `path`; `finish` gives it its name.

    A run that fails or is killed leaves nothing at `path` (or, with `overwrite`, the old store),
    and what it left beside it is swept away by the next writer. Memory use does not grow with
    the length of the arrays.

        with StoreWriter(path, {"spikes": ((160,), "float32")}) as writer:
            writer.append(spikes=batch)
            writer.finish({"kind": "celltype/spikes"})
    """

    def __init__(
        self,
        path: Path | str,
        fields: Mapping[str, tuple[tuple[int, ...], Any]],
        overwrite: bool = False,
    ):
        """`fields` gives the shape of one item and the dtype of each array.

        Raises StoreError when something that may not be replaced stands at `path`.
        """
        self._builder = FolderBuilder(path, MANIFEST, overwrite, _files_of)
        self.path = self._builder.path
        self.n = 0
        self._fields = {
            name: (tuple(int(size) for size in shape), np.dtype(dtype).newbyteorder("<"))
            for name, (shape, dtype) in fields.items()
        }
        self._files: dict[str, IO[bytes]] = {}
        try:
            with reporting(self.path):
                for name in self._fields:
                    self._files[name] = self._file(f"{name}.npy").open("wb")
                    self._files[name].write(bytes(HEADER_BYTES))
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self) -> "StoreWriter":
        return self

    def __exit__(self, *exception: Any) -> None:
        for file in self._files.values():
            with suppress(OSError):  # of a full disk, which a write has told; `finish` closes them
                file.close()
        self._builder.__exit__(*exception)

    def require_room(self, n: int, noun: str) -> None:
        """Raise StoreError, before the work, unless the disk has room for `n` items more."""
        per_item = sum(
            int(np.prod(shape)) * dtype.itemsize for shape, dtype in self._fields.values()
        )
        require_room(self.path, n * per_item, counted(noun, n), "choose another disk")

    def append(self, **arrays: np.ndarray) -> None:
        """Append n items to every array. Each argument: (n, *item shape), castable to the dtype."""
        assert set(arrays) == set(self._fields), f"need {sorted(self._fields)}"
        n = len(next(iter(arrays.values())))
        blocks = {}
        for name, (shape, dtype) in self._fields.items():
            block = np.asarray(arrays[name])
            assert block.shape == (n, *shape), f"{name}: {block.shape} is not {(n, *shape)}"
            blocks[name] = block.astype(dtype, casting="same_kind", copy=False)
        with reporting(self.path):
            for name, block in blocks.items():
                self._files[name].write(np.ascontiguousarray(block))
        self.n += n

    def written(self, name: str) -> ArrayFile:
        """What was appended to an array so far, to be read in pieces."""
        shape, dtype = self._fields[name]
        with reporting(self.path):
            self._files[name].flush()
        return ArrayFile(self._file(f"{name}.npy"), dtype, (self.n, *shape), HEADER_BYTES)

    def finish(self, facts: Mapping[str, Any], tables: Mapping[str, Table] | None = None) -> Path:
        """Write headers, tables and manifest, flush all to disk, and move the store to its place.

        `facts` holds JSON values, `kind` among them; `tables` holds rows with equal keys.
        """
        assert "kind" in facts and not RESERVED & set(facts)
        tables = tables or {}
        with reporting(self.path):
            for name, file in self._files.items():
                shape, dtype = self._fields[name]
                file.seek(0)
                file.write(_npy_header((self.n, *shape), dtype))
                sync(file)
                file.close()
            for name, rows in tables.items():
                _write_table(self._file(f"{name}.csv"), rows)
            write_file(
                self._file(MANIFEST), STORE.manifest_text({**facts, **self._entries(tables)})
            )
        return self._builder.commit()

    def _entries(self, tables: Mapping[str, Table]) -> dict[str, dict[str, Any]]:
        arrays = {
            name: {
                "shape": [self.n, *shape],
                "dtype": dtype.str,
                "sha256": sha256_of(self._file(f"{name}.npy")),
            }
            for name, (shape, dtype) in self._fields.items()
        }
        return {
            "arrays": arrays,
            "tables": {name: {"sha256": sha256_of(self._file(f"{name}.csv"))} for name in tables},
        }

    def _file(self, name: str) -> Path:
        return self._builder.folder / name


@dataclass(frozen=True)
class Store:
    """An opened store: read-only memory-mapped arrays, tables as text, the manifest."""

    path: Path  # of its folder
    arrays: dict[str, np.ndarray]  # by name, as the page of files lists them
    tables: dict[str, list[dict[str, str]]]  # by name, a dict for each row
    manifest: dict[str, Any]  # how it was made, and every hash

    @property
    def content_hash(self) -> str:
        """SHA-256 over the manifest, which holds the SHA-256 of every file."""
        return str(self.manifest["content_hash"])

    def file(self, name: str) -> ArrayFile:
        """An array to be read in pieces, none of which stays in memory."""
        array = self.arrays[name]
        return ArrayFile(self.path / f"{name}.npy", array.dtype, array.shape, HEADER_BYTES)


def open_store(path: Path | str) -> Store:
    """Open the store at `path`; the arrays stay on disk.

    Checks the manifest's own hash, each array's size, shape and dtype, and each table's hash;
    `check_store` also reads the arrays. Raises StoreError; TypeError for what is no path.
    """
    path = checked_path(path, "a store")
    with reporting(path, "read"):
        manifest = STORE.read_manifest(path)
        arrays = {
            name: _open_array(path / f"{name}.npy", tuple(entry["shape"]), np.dtype(entry["dtype"]))
            for name, entry in manifest["arrays"].items()
        }
        tables = {
            name: _open_table(path / f"{name}.csv", entry["sha256"])
            for name, entry in manifest["tables"].items()
        }
    return Store(path, arrays, tables, manifest)


def check_store(path: Path | str) -> Store:
    """Open the store and verify every hash. Raises StoreError naming the file that differs."""
    store = open_store(path)  # which verifies manifest and tables
    files = [store.path / f"{name}.npy" for name in store.arrays]
    n_blocks = sum(-(-file.stat().st_size // BLOCK_BYTES) for file in files)
    blocks = ((file, block) for file in files for block in blocks_of(file))
    bar = progress(blocks, f"checking {store.path}", total=n_blocks)
    for file, group in itertools.groupby(bar, key=lambda item: item[0]):
        digest = hashlib.sha256()
        for _, block in group:
            digest.update(block)
        STORE.compare_hash(file, store.manifest["arrays"][file.stem]["sha256"], digest.hexdigest())
    return store


def write_index(path: Path | str, facts: Mapping[str, Any]) -> None:
    """Make an existing folder a store without arrays of its own: its facts say what it holds.

    The manifest appears whole or not at all, and replaces one that is there.
    """
    assert "kind" in facts and not RESERVED & set(facts)
    file = Path(path) / MANIFEST
    with reporting(file):
        write_file(file, STORE.manifest_text({**facts, "arrays": {}, "tables": {}}))


def _files_of(path: Path) -> set[str]:
    """The names of a store's files, as its manifest tells them.

    Raises StoreError for what is no store of arrays and tables: what raphe wrote there is not told.
    """
    try:
        manifest = STORE.read_manifest(path)
        names = {
            MANIFEST,
            *(f"{name}.npy" for name in manifest["arrays"]),
            *(f"{name}.csv" for name in manifest["tables"]),
        }
    except (StoreError, TypeError):
        names = {MANIFEST}
    if names == {MANIFEST}:
        raise StoreError(
            f"{printable(path)}: its {MANIFEST} is not that of a store of arrays, so it is not "
            "replaced; remove the folder yourself, or choose another place"
        )
    return names


def _open_array(path: Path, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    promised = f"{'×'.join(map(str, shape))} {dtype.name}"
    if not path.is_file():
        raise StoreError(f"{path}: missing, the manifest promises {promised}; {REMEDY}")
    size = HEADER_BYTES + dtype.itemsize * int(np.prod(shape, dtype=np.int64))
    n_bytes = path.stat().st_size
    if n_bytes != size:
        raise StoreError(f"{path}: expected {size} bytes for {promised}, got {n_bytes}; {REMEDY}")
    with path.open("rb") as file:
        if file.read(HEADER_BYTES) != _npy_header(shape, dtype):
            raise StoreError(f"{path}: its header does not say {promised}; {REMEDY}")
    if not shape[0]:
        return np.empty(shape, dtype)  # nothing to map
    return np.memmap(path, dtype, mode="r", offset=HEADER_BYTES, shape=shape)


def _open_table(path: Path, sha256: str) -> list[dict[str, str]]:
    STORE.check_file(path, sha256)
    with damage_told(path, StoreError, REMEDY):
        return list(csv_rows(path))


def _npy_header(shape: tuple[int, ...], dtype: np.dtype) -> bytes:
    """An NPY 1.0 header of HEADER_BYTES, padded so that it can be rewritten in place."""
    facts = f"{{'descr': {dtype.str!r}, 'fortran_order': False, 'shape': {shape!r}, }}"
    length = HEADER_BYTES - 10  # without magic string, version and the length itself
    assert len(facts) < length
    text = facts.ljust(length - 1) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", length) + text.encode("latin-1")


def _write_table(path: Path, rows: Table) -> None:
    write_file(path, csv_text(rows[0] if rows else [], (row.values() for row in rows)))

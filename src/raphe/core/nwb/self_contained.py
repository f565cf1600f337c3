"""HDF5 files (.nwb): refused before they are read if they reach beyond themselves.

A few bytes of HDF5 can name other files of this machine, which would be read as if they were part
of it, or a data set of any size that is nowhere written. A value of variable length, as a text, is
16 bytes that name a place in the file's heap, and any number of them may name one place. Unpacked
the file may hold no more than a limit, which is wide for a file of one's own and a file's for one
that a stranger sent.
"""

import mmap
import re
import struct
from collections.abc import Iterator
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.nwb.attribute_lengths import require_lengths_of_attributes

SUFFIXES = (".nwb",)
MOST_OBJECTS = 300_000  # groups, datasets, attributes, and values of variable length
# Recordings are packed to a half or a tenth; blank ones, and those that someone made, to less.
TIMES_PACKED, LEAST_UNPACKED, LEAST_TEXTS = 100, 2 * 10**9, 5 * 10**7
MOST_OBJECTS_OF_OWN = 3_000_000
# Of an encoded type: its message, the encoding's version, its class, its flags; 0 in these: a list.
VLEN_KIND_AT, VLEN_LIST = 3, 0
VALUE_BYTES = 64  # of a value of variable length, beside what it holds
REFERENCE = np.dtype([("length", "<u4"), ("heap", "<u8"), ("entry", "<u4")])  # of it, in a dataset
# Of a part of the heap: four letters, version 1, nothing, its size; an entry has as much before it.
HEAP_SIGNATURE, HEAP_HEAD = b"GCOL\1\0\0\0", 16
HEAP = re.compile(rb"GCOL(?=.{4}(.{8}))", re.DOTALL)  # with the size of this part of the heap


def require_self_contained(path: Path, at_most: int | None = None) -> None:
    """Refuse links and data in other files, and more than so many bytes of data.

    None: of a file of one's own, whose tables of texts are not read here.
    Raises RecordingError, also for what is no HDF5.
    """
    if at_most is None:
        size = path.stat().st_size
        limits = max(LEAST_UNPACKED, TIMES_PACKED * size), max(LEAST_TEXTS, size)
        contents = _Contents(path, *limits, MOST_OBJECTS_OF_OWN, reads_tables=False)
    else:
        contents = _Contents(path, at_most, at_most)
    try:
        if _has_endless_heap(path):
            raise ValueError
        with h5py.File(path, "r") as file:  # h5py stops at the first that is not None
            fault = contents.fault_of_attributes(file) or file.visititems_links(
                lambda name, link: contents.fault(file, name, link)
            )
    except Exception:  # h5py raises whatever the library does
        raise RecordingError(
            f"{path}: expected an HDF5 file that is whole, got one that is cut or damaged: copy it "
            "anew"
        ) from None
    if fault is not None:
        raise RecordingError(
            f"{path}: {fault}; expected a file that is whole by itself: export it as one"
        )


class _Contents:
    """How much of a file was looked at."""

    def __init__(
        self,
        path: Path,
        at_most: int,
        texts_at_most: int,
        most_objects: int = MOST_OBJECTS,
        reads_tables: bool = True,
    ) -> None:
        self._path, self._at_most, self._texts_at_most = path, at_most, texts_at_most
        self._most_objects, self._reads_tables = most_objects, reads_tables
        self._bytes, self._text_bytes, self._objects = 0, 0, 0
        self._looked_up: set[str] = set()  # names of attributes

    def fault(self, file: h5py.File, name: str, link: object) -> str | None:
        """What is wrong with the next of its links, if anything."""
        if isinstance(link, h5py.ExternalLink):
            return "names another file"
        if isinstance(link, h5py.SoftLink):
            return None  # leads to what is looked at in its own place, or to nothing
        item = file[name]
        if isinstance(item, h5py.Dataset):
            if item.is_virtual or item.external:
                return "names another file"
            _require_whole_type(item.id.get_type())
            if fault := self._fault_of_values(item.dtype, item.shape or (), item):
                return fault
        return self.fault_of_attributes(item)

    def fault_of_attributes(self, item: h5py.HLObject) -> str | None:
        """What is wrong with an object of the file or its attributes, if anything."""
        for name in item.attrs:
            stored = item.attrs.get_id(name)
            _require_whole_type(stored.get_type())
            if _is_variable(stored.dtype) and name not in self._looked_up:
                self._looked_up.add(name)
                require_lengths_of_attributes(self._path, name)
            if fault := self._fault_of_values(stored.dtype, stored.shape or (), item.attrs, name):
                return fault
        return self._fault_of_count(1)

    def _fault_of_values(
        self, dtype: np.dtype, shape: tuple[int, ...], holder: object, name: str | None = None
    ) -> str | None:
        """Of a dataset, or of the attribute of this name."""
        if not _is_variable(dtype):
            return self._fault_of_count(1, prod(shape) * dtype.itemsize)
        base = h5py.check_vlen_dtype(dtype)
        if dtype.fields or (base is not None and _is_variable(np.dtype(base))):
            return "holds tables or lists of texts or lists"
        n = prod(shape)
        if name is None and n > 1 and not self._reads_tables:
            return self._fault_of_count(1, n * VALUE_BYTES)
        if fault := self._fault_of_count(1 + n, n * VALUE_BYTES):
            return fault
        if isinstance(holder, h5py.Dataset):
            _require_lengths(self._path, holder)
        # Read no more at once than is allowed if each value were as large as any can be.
        at_once = self._texts_at_most // (self._largest_value * prod(shape[1:])) if n > 1 else 1
        if n > 1 and (at_once < 1 or (name is not None and at_once < shape[0])):
            return self._too_large
        for values in _read(holder, name, shape, at_once):
            n_bytes = _size(values)
            self._text_bytes += n_bytes
            if fault := self._fault_of_count(0, n_bytes):
                return fault
        return None

    def _fault_of_count(self, objects: int, n_bytes: int = 0) -> str | None:
        self._objects += objects
        self._bytes += n_bytes
        if self._objects > self._most_objects:
            return f"holds more than {self._most_objects} objects, attributes and texts"
        too_large = self._bytes > self._at_most or self._text_bytes > self._texts_at_most
        return self._too_large if too_large else None

    @property
    def _too_large(self) -> str:
        if self._bytes <= self._at_most and self._text_bytes > self._texts_at_most:
            return f"holds more than {self._texts_at_most / 1e6:g} MB of texts"
        return f"holds more than {self._at_most / 1e6:g} MB of data, unpacked"

    @cached_property
    def _largest_value(self) -> int:
        """Bytes that no value of variable length exceeds: those of the largest part of a heap."""
        with (
            self._path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
        ):
            sizes = (int.from_bytes(match[1], "little") for match in HEAP.finditer(content))
            return max(1, min(max(sizes, default=0), len(content)))


def _require_whole_type(stored: Any) -> None:  # a h5py.h5t.TypeID
    """Raise ValueError for a type whose values HDF5's library would read through a wild pointer.

    It takes a value of variable length for a text or for a list, and does not look whether the file
    says a third.
    """
    if isinstance(stored, h5py.h5t.TypeVlenID) and stored.encode()[VLEN_KIND_AT] & 0xF != VLEN_LIST:
        raise ValueError("of variable length, but neither text nor list")
    if isinstance(stored, h5py.h5t.TypeCompoundID):
        for column in range(stored.get_nmembers()):
            _require_whole_type(stored.get_member_type(column))
    elif isinstance(stored, h5py.h5t.TypeVlenID | h5py.h5t.TypeArrayID):
        _require_whole_type(stored.get_super())


def _require_lengths(path: Path, dataset: h5py.Dataset) -> None:
    """Raise ValueError where a value of variable length is said to be longer than the file.

    HDF5's library takes so much memory before it looks for the value. What is packed does not show
    its lengths.
    """
    stored = dataset.id
    if stored.get_create_plist().get_nfilters():
        return
    places = [(stored.get_offset(), stored.get_storage_size())]
    if dataset.chunks:
        chunks = map(stored.get_chunk_info, range(stored.get_num_chunks()))
        places = [(chunk.byte_offset, chunk.size) for chunk in chunks]
    size = path.stat().st_size
    with path.open("rb") as file:
        for begin, n_bytes in places:
            if begin is None or begin + n_bytes > size:
                continue  # nothing is stored, or HDF5 refuses it
            file.seek(begin)
            content = file.read(n_bytes - n_bytes % REFERENCE.itemsize)
            if (np.frombuffer(content, REFERENCE)["length"] > size).any():
                raise ValueError("a value is longer than the file")


def _is_variable(dtype: np.dtype) -> bool:
    """Whether its values, or those of one of its columns, have no length of their own."""
    if dtype.fields:
        return any(_is_variable(column[0]) for column in dtype.fields.values())
    if dtype.subdtype:
        return _is_variable(dtype.subdtype[0])
    return dtype.hasobject and h5py.check_ref_dtype(dtype) is None


def _read(holder: Any, name: str | None, shape: tuple[int, ...], at_once: int) -> Iterator[object]:
    """Values of a dataset, so many rows at a time, or of the attribute of this name."""
    if name is not None:
        yield holder[name]
    elif not shape:
        yield holder[()]
    else:
        for start in range(0, shape[0], at_once):
            yield holder[start : start + at_once]


def _size(values: object) -> int:
    """Bytes of a text, of a list of numbers, or of an array of these."""
    if isinstance(values, np.ndarray):
        return sum(map(_size, values.flat)) if values.dtype == object else values.nbytes
    return len(values) if isinstance(values, (str, bytes)) else 0


def _has_endless_heap(path: Path) -> bool:
    """Whether a part of the heap of texts has an entry that leads nowhere.

    HDF5's library goes round in it without end.
    """
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        at = content.find(HEAP_SIGNATURE)
        while at >= 0:
            if not _comes_to_an_end(content, at):
                return True
            at = content.find(HEAP_SIGNATURE, at + 8)
    return False


def _comes_to_an_end(content: mmap.mmap, at: int) -> bool:
    """Whether entries of this part of the heap, if it is one, follow one another to its end."""
    if at + HEAP_HEAD > len(content):
        return True
    (size,) = struct.unpack_from("<Q", content, at + 8)
    end, entry = at + size, at + HEAP_HEAD
    if end > len(content):
        return True  # HDF5 refuses it
    while entry + HEAP_HEAD <= end:
        number, n_bytes = struct.unpack_from("<H6xQ", content, entry)
        taken = n_bytes if number == 0 else HEAP_HEAD + -(-n_bytes // 8) * 8
        if taken < HEAP_HEAD or entry + taken > end:
            return False
        entry += taken
    return True

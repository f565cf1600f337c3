"""MATLAB files of versions 5 to 7, read variable by variable.

Every length is checked against what the file holds before anything is read by it: scipy's reader
ends the process at some damaged files. Objects, functions and sparse matrices are passed over.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Literal

import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.recordings.unpacking import MOST_TIMES, UNPACKED, refuse_bomb

HEADER, VERSION = 128, 0x0100
TAG, ALIGNED = 8, 8  # bytes
MATRIX, COMPRESSED = 14, 15  # kinds of elements
NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8",
           13: "u8"}  # fmt: skip
TEXTS = {16: "utf-8", 17: "utf-16", 18: "utf-32"}
CELL, STRUCT, CHAR = 1, 2, 4  # classes of matrices
CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8",
           15: "u8"}  # fmt: skip
COMPLEX = 0x0800  # a flag beside the class
BEGINNING = 2**12  # bytes of a variable that hold its name and shape
DEEPEST, MOST_PARTS = 16, 2**20  # of cells and structs within each other; in one of them

Value = np.ndarray | str | dict[str, Any] | list[Any] | None


class DamagedMat(Exception):
    """A length or a kind that cannot be; becomes a RecordingError that names the file."""


Order = Literal["<", ">"]  # of bytes


@dataclass(frozen=True)
class MatVariable:
    """One variable of a file, not read yet."""

    path: Path
    name: str
    kind: int  # of matrix, see CLASSES
    shape: tuple[int, ...]
    place: int  # byte at which its element begins
    order: Order

    @property
    def is_numeric(self) -> bool:
        return self.kind in CLASSES

    @property
    def ndim(self) -> int:
        return sum(length != 1 for length in self.shape)

    @property
    def size(self) -> int:
        return prod(self.shape)

    def read(self) -> Value:
        """An array squeezed, a text, a struct as a dict or several as a list, a cell as a list.

        Raises RecordingError.
        """
        try:
            with self.path.open("rb") as file:
                file.seek(self.place)
                kind, n_bytes = struct.unpack(f"{self.order}II", file.read(TAG))
                packed = file.read(n_bytes)
            if len(packed) < n_bytes:
                raise DamagedMat("it is cut short")
            content = _unpacked(self, packed) if kind == COMPRESSED else packed
            return _Elements(content, self.order).matrix(0)[1]
        except (DamagedMat, OSError, struct.error, zlib.error, ValueError) as error:
            raise _damaged(self.path, error, self.name) from None


def mat_variables(path: Path) -> dict[str, MatVariable]:
    """The variables of a file by name; their numbers are not read. Raises RecordingError."""
    try:
        variables = list(_variables(path))
    except (DamagedMat, OSError, struct.error, zlib.error, ValueError) as error:
        raise _damaged(path, error) from None
    return {variable.name: variable for variable in variables}


def _damaged(path: Path, error: Exception, name: str = "") -> RecordingError:
    what = f"its variable {name} " if name else ""
    return RecordingError(
        f"{path}: {what}could not be read as a MATLAB file of version 5 to 7.3 ({error}); save it "
        "anew with save -v7"
    )


def _variables(path: Path) -> Iterator[MatVariable]:
    size = path.stat().st_size
    with path.open("rb") as file:
        header = file.read(HEADER)
        if len(header) < HEADER or header[126:] not in (b"IM", b"MI"):
            raise DamagedMat("it does not begin as one")
        order: Order = "<" if header[126:] == b"IM" else ">"
        (version,) = struct.unpack(f"{order}H", header[124:126])
        if version != VERSION:
            raise DamagedMat(f"its version is {version:#06x}, expected {VERSION:#06x}")
        place = HEADER
        while place < size:
            file.seek(place)
            tag = file.read(TAG)
            if len(tag) < TAG:
                raise DamagedMat("it is cut short")
            kind, n_bytes = struct.unpack(f"{order}II", tag)
            if place + TAG + n_bytes > size:
                raise DamagedMat("it is cut short")
            beginning = file.read(min(n_bytes, BEGINNING))
            if kind == COMPRESSED:
                beginning = zlib.decompressobj().decompress(beginning, BEGINNING)
                (kind,) = struct.unpack(f"{order}I", beginning[:4])
                beginning = beginning[TAG:]
            if kind == MATRIX and beginning:
                form = _Elements(beginning, order).form(0)
                if form.name:
                    yield MatVariable(path, form.name, form.kind, form.shape, place, order)
            place += TAG + n_bytes


def _unpacked(variable: MatVariable, content: bytes) -> memoryview:
    """What follows the tag of a compressed matrix."""
    if variable.is_numeric:
        width = np.dtype(CLASSES[variable.kind]).itemsize
        refuse_bomb(variable.path, variable.name, variable.size * width, len(content))
    most = int(max(UNPACKED, MOST_TIMES * len(content)))
    stream = zlib.decompressobj()
    unpacked = stream.decompress(content, most)
    if stream.unconsumed_tail:
        refuse_bomb(variable.path, variable.name, most + 1, len(content) // 2)
    if not stream.eof:
        raise DamagedMat("what it is packed in is cut short")
    (n_bytes,) = struct.unpack(f"{variable.order}I", unpacked[4:TAG])
    if n_bytes > len(unpacked) - TAG:
        raise DamagedMat("it is cut short")
    return memoryview(unpacked)[TAG:]


@dataclass(frozen=True)
class _Form:
    """What a matrix begins with."""

    kind: int
    is_complex: bool
    shape: tuple[int, ...]
    name: str
    end: int  # byte behind it


class _Elements:
    """The elements in some bytes, each found by the byte it begins at."""

    def __init__(self, content: bytes | memoryview, order: Order) -> None:
        self.content, self.order = memoryview(content), order

    def element(self, place: int) -> tuple[int, memoryview, int]:
        """Kind, bytes, and where the next one begins."""
        if place + TAG > len(self.content):
            raise DamagedMat("it is cut short")
        first, n_bytes = struct.unpack_from(f"{self.order}II", self.content, place)
        if first >> 16:  # a small one: its bytes lie in the tag
            kind, n_bytes = first & 0xFFFF, first >> 16
            begin, end = place + 4, place + TAG
            if n_bytes > 4:
                raise DamagedMat(f"a small element of {n_bytes} bytes")
        else:
            kind, begin = first, place + TAG
            end = begin + -(-n_bytes // ALIGNED) * ALIGNED
        if begin + n_bytes > len(self.content):
            raise DamagedMat("it is cut short")
        return kind, self.content[begin : begin + n_bytes], end

    def numbers(self, place: int) -> tuple[np.ndarray, int]:
        kind, content, end = self.element(place)
        if kind not in NUMBERS:
            raise DamagedMat(f"numbers of an unknown kind, {kind}")
        return np.frombuffer(content, np.dtype(NUMBERS[kind]).newbyteorder(self.order)), end

    def form(self, place: int) -> _Form:
        """What the matrix of these bytes begins with."""
        flags, place = self.numbers(place)
        if len(flags) != 2:
            raise DamagedMat("a matrix without its class")
        first = int(flags[0])
        if first & 0xFF not in (*CLASSES, CELL, STRUCT, CHAR):
            return _Form(first & 0xFF, False, (), "", place)  # may go on in another way
        lengths, place = self.numbers(place)
        if len(lengths) < 2 or (lengths < 0).any():
            raise DamagedMat(f"a matrix of shape {lengths.tolist()}")
        _, name, place = self.element(place)
        shape = tuple(int(length) for length in lengths)
        return _Form(first & 0xFF, bool(first & COMPLEX), shape, bytes(name).decode("utf-8"), place)

    def matrix(self, place: int, depth: int = 0) -> tuple[str, Value]:
        """The name and the value of a matrix."""
        if place == len(self.content):
            return "", None  # an empty one may have no bytes at all
        if depth > DEEPEST:
            raise DamagedMat(f"more than {DEEPEST} cells or structs within each other")
        form = self.form(place)
        if form.kind in CLASSES:
            return form.name, self._array(form)
        if prod(form.shape) > MOST_PARTS:
            return form.name, None
        if form.kind == CHAR:
            return form.name, self._text(form)
        if form.kind == CELL:
            return form.name, self._parts(form.end, prod(form.shape), depth)[0]
        if form.kind == STRUCT:
            return form.name, self._struct(form, depth)
        return form.name, None

    def _array(self, form: _Form) -> np.ndarray:
        values, end = self.numbers(form.end)
        if form.is_complex:
            imaginary, _ = self.numbers(end)
            values = values + 1j * imaginary
        if values.size != prod(form.shape):
            raise DamagedMat(f"{values.size} numbers for the shape {form.shape}")
        if not form.is_complex:  # small whole numbers are kept in fewer bytes
            values = values.astype(CLASSES[form.kind], copy=False)
        return values.reshape(form.shape, order="F").squeeze()

    def _text(self, form: _Form) -> str:
        kind, content, _ = self.element(form.end)
        if kind in TEXTS:
            little = "-le" if self.order == "<" else "-be"
            return bytes(content).decode(TEXTS[kind] + (little if kind > 16 else ""), "replace")
        letters, _ = self.numbers(form.end)
        return "".join(map(chr, letters.tolist()))

    def _parts(self, place: int, n: int, depth: int) -> tuple[list[Value], int]:
        parts = []
        for _ in range(n):
            kind, content, place = self.element(place)
            if kind != MATRIX:
                raise DamagedMat(f"an element of kind {kind} within a cell or struct")
            parts.append(_Elements(content, self.order).matrix(0, depth + 1)[1])
        return parts, place

    def _struct(self, form: _Form, depth: int) -> dict[str, Value] | list[dict[str, Value]]:
        length, place = self.numbers(form.end)
        if len(length) != 1 or length[0] < 1:
            raise DamagedMat("a struct without a length of its names")
        _, names, place = self.element(place)
        width = int(length[0])
        fields = [
            bytes(names[begin : begin + width]).split(b"\0")[0].decode("utf-8", "replace")
            for begin in range(0, len(names), width)
        ]
        structs = []
        for _ in range(prod(form.shape)):
            parts, place = self._parts(place, len(fields), depth)
            structs.append(dict(zip(fields, parts, strict=True)))
        return structs[0] if len(structs) == 1 else structs

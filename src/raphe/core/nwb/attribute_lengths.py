"""How long the texts of an HDF5 file's attributes are said to be, before its library looks at them.

The library takes so much memory as a damaged length says, up to 4 GB, before it finds no such text.
An attribute's message is its version, the sizes of its name, its type and its shape, then these
three, and then the values, each the length, the place and the number of a text (File Format
Specification, IV.A.2.m).
"""

import mmap
import struct
from collections.abc import Iterator
from math import prod
from pathlib import Path

SIZES_AT = 2  # of name, type and shape, behind the version and a byte more
NAME_AT = {1: 8, 2: 8, 3: 9}  # by the message's version: where the name begins
PADDED_VERSION, PADDED_TO = 1, 8
VARIABLE = 9  # class of a type of variable length
DIMENSIONS_AT = {1: 8, 2: 4}  # by the version of the shape, within it
VALUE = struct.Struct("<IQI")
LARGEST_FILE = 2**28  # bytes that are looked through for each name; a larger one has the memory


def require_lengths_of_attributes(path: Path, name: str) -> None:
    """Raise ValueError where a value of an attribute of this name, of any object, is said to be
    longer than the file."""
    wanted = name.encode() + b"\0"
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        if len(content) > LARGEST_FILE:
            return
        at = content.find(wanted)
        while at >= 0:
            if any(length > len(content) for length in _lengths(content, at, len(wanted))):
                raise ValueError("a value is longer than the file")
            at = content.find(wanted, at + 1)


def _lengths(content: mmap.mmap, at: int, n_name: int) -> Iterator[int]:
    """Of the values of the attribute whose name of so many bytes stands here, if one's does."""
    for version, name_at in NAME_AT.items():
        begin = at - name_at
        if begin < 0 or content[begin] != version:
            continue
        sizes = struct.unpack_from("<3H", content, begin + SIZES_AT)
        if sizes[0] != n_name:
            continue
        step = PADDED_TO if version == PADDED_VERSION else 1
        of_name, of_type, of_shape = (-(-size // step) * step for size in sizes)
        shape_at = at + of_name + of_type
        values_at = shape_at + of_shape
        if values_at >= len(content) or content[at + of_name] & 0xF != VARIABLE:
            continue
        n_values = _n_values(content[shape_at:values_at])
        stored = content[values_at : values_at + n_values * VALUE.size]
        whole = stored[: len(stored) - len(stored) % VALUE.size]
        yield from (length for length, _, _ in VALUE.iter_unpack(whole))


def _n_values(shape: bytes) -> int:
    """Of a shape as it is stored; 1 of one that is none."""
    dimensions_at = DIMENSIONS_AT.get(shape[0]) if len(shape) > 1 else None
    if dimensions_at is None or dimensions_at + 8 * shape[1] > len(shape):
        return 1
    return prod(struct.unpack_from(f"<{shape[1]}Q", shape, dimensions_at))

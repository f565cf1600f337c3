"""How much a MATLAB file of version 5 to 7 holds unpacked, told before anything is read by it."""

import struct
import zlib
from pathlib import Path
from typing import IO

from raphe.core.errors import RecordingError
from raphe.core.matlab.mat5 import COMPRESSED, HEADER, TAG

BLOCK = 2**20  # bytes


def require_unpacked_within(path: Path, at_most: int) -> None:
    """Raise RecordingError for a file of more bytes, unpacked; of damage the reader tells.

    Version 4 packs nothing.
    """
    with path.open("rb") as file:
        mark = file.read(HEADER)[HEADER - 2 :]
        order = {b"IM": "<", b"MI": ">"}.get(mark)
        n_bytes = 0
        while order and len(tag := file.read(TAG)) == TAG:
            kind, length = struct.unpack(f"{order}II", tag)
            end = file.tell() + length
            n_bytes += _unpacked(file, length, at_most) if kind == COMPRESSED else length
            if n_bytes > at_most:
                raise RecordingError(
                    f"{path}: holds more than {at_most / 1e6:g} MB of data, unpacked; save the "
                    "traces alone"
                )
            file.seek(end)


def _unpacked(file: IO[bytes], length: int, at_most: int) -> int:
    """The bytes of a packed element, counted until they are more than so many."""
    stream, n_bytes, left = zlib.decompressobj(), 0, length
    try:
        while left > 0 and n_bytes <= at_most and (packed := file.read(min(left, BLOCK))):
            left -= len(packed)
            while packed and n_bytes <= at_most:
                n_bytes += len(stream.decompress(packed, BLOCK))
                packed = stream.unconsumed_tail
    except zlib.error:
        pass
    return n_bytes

"""The bytes of an ABF header, checked before anything trusts them.

ABF 1 is one block of fixed fields; ABF 2 is a table of sections that begin on 512-byte blocks.
Field positions: Axon's ABF headers as documented at swharden.com/pyabf/abf1-file-format and
swharden.com/pyabf/abf2-file-format.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.files.path import file_status
from raphe.core.sentences import counted

BLOCK = 512
MICRO, GREEK_MU = "\N{MICRO SIGN}", "\N{GREEK SMALL LETTER MU}"  # look alike, µ and μ
ABF1_HEADER = 2048  # bytes, before file version 1.6
ABF1_FULL_HEADER = 6144  # bytes, since file version 1.6 (ABF_V16 in Axon's headers)
ABF2_HEADER = 512
MAX_CHANNELS = 16  # analogue inputs of the largest Axon digitiser, and of the header's arrays
DATA_FORMATS: dict[int, np.dtype] = {0: np.dtype("<i2"), 1: np.dtype("<f4")}

# Where ABF 2 keeps (first block, bytes of an entry, number of entries) of the sections needed.
ABF2_SECTIONS = {"protocol": 76, "ADC": 92, "strings": 220, "data": 236, "synch array": 316}
ABF2_PROTOCOL_BYTES = 208  # up to its last field
ABF2_ADC_BYTES = 82  # up to lADCUnitsIndex
ABF2_MOST_STRINGS_BYTES = 2**20  # a few names, units and comments
ABF2_STRINGS_HEAD = 44  # "SSCH", version, number, longest, bytes of text, 24 unused


@dataclass(frozen=True)
class AbfBytes:
    """Where things lie in one file. Every position was checked against the file's size."""

    path: Path
    version: str
    header: bytes  # ABF 1: 6144 bytes, zero where the file has samples instead; ABF 2: 512
    data_start: int  # byte of the first sample
    n_points: int  # samples of all channels together
    n_channels: int
    dtype: np.dtype
    synch: np.ndarray  # int64 (sweeps, 2): start in ticks, length in samples of all channels
    texts: tuple[bytes, ...] = ()  # ABF 2: names, units and comments, numbered from 1

    @property
    def is_abf2(self) -> bool:
        return self.header.startswith(b"ABF2")


@dataclass(frozen=True)
class _Section:
    name: str
    start: int
    entry_bytes: int
    count: int
    end: int


def damaged(path: Path, expected: str, actual: Any) -> RecordingError:
    """The one sentence for every damaged or contradictory file."""
    return RecordingError(f"{path}: expected {expected}, found {actual}")


def locate(path: Path, growing: bool = False) -> AbfBytes:
    """Find the samples and tables of an ABF file, reading no sample. Raises RecordingError.

    Of a file still `growing`, whose header counts no samples yet or more than there are, it takes
    those there are, and no synch array, which is written last.
    """
    file_status(path, RecordingError)
    try:
        with path.open("rb") as file:
            header = file.read(ABF1_FULL_HEADER)
            size = path.stat().st_size
            if header.startswith(b"ABF2"):
                return _locate_abf2(path, file, header, size, growing)
            if header.startswith(b"ABF "):
                return _locate_abf1(path, file, header, size, growing)
    except OSError as error:
        raise damaged(path, "a file that can be read", error.strerror or error) from error
    if not header:
        raise damaged(path, "an ABF file", "an empty file")
    raise damaged(path, "an ABF file, which begins with 'ABF ' or 'ABF2'", repr(header[:16])[1:])


def decode_text(raw: bytes) -> str:
    """A name or unit as text, up to the first NUL; "" if blank or not printable.

    The µ of µA is Latin-1 in most files and UTF-8 in some; either stays µ, so that µA is never A.
    """
    raw = raw.split(b"\0", 1)[0]
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    text = text.replace(GREEK_MU, MICRO).strip()
    return text if text.isprintable() else ""


def _locate_abf1(path: Path, file: Any, header: bytes, size: int, growing: bool) -> AbfBytes:
    if size < ABF1_HEADER:
        raise damaged(
            path, f"an ABF 1 header of {ABF1_HEADER} bytes", f"a file of {counted('byte', size)}"
        )
    (version,) = struct.unpack_from("<f", header, 4)
    if not 1 <= version < 2:
        raise damaged(path, "an ABF 1 version from 1.0 to 1.9", f"{version:g}")
    (n_points, n_ignored) = struct.unpack_from("<ih", header, 10)
    (pointer,) = struct.unpack_from("<i", header, 40)
    (synch_pointer, n_synch, data_format) = struct.unpack_from("<iih", header, 92)
    (n_channels,) = struct.unpack_from("<h", header, 120)
    dtype = _data_type(path, data_format)
    if pointer * BLOCK < ABF1_HEADER:
        raise damaged(path, "samples after the header, from block 4 on", f"block {pointer}")
    if n_ignored < 0:
        raise damaged(path, "no or some ignored samples", n_ignored)
    data_start = pointer * BLOCK + n_ignored * dtype.itemsize
    if growing:
        n_points, n_synch = _points_so_far(size, data_start, n_channels, dtype), 0
    data = _check_data(path, size, data_start, n_points, n_channels, dtype)
    synch = _section(path, size, "synch array", synch_pointer, 8, n_synch)
    _check_apart(path, [data, synch])
    # A shorter header ends where the samples begin: what pyabf would read there as telegraph
    # gains is signal.
    full = version >= 1.6 and pointer * BLOCK >= ABF1_FULL_HEADER
    whole_header = header[: ABF1_FULL_HEADER if full else ABF1_HEADER]
    return AbfBytes(
        path=path,
        version=f"{version:.2f}",
        header=whole_header.ljust(ABF1_FULL_HEADER, b"\0"),
        data_start=data_start,
        n_points=n_points,
        n_channels=n_channels,
        dtype=dtype,
        synch=_read_synch(file, synch),
    )


def _locate_abf2(path: Path, file: Any, header: bytes, size: int, growing: bool) -> AbfBytes:
    if size < ABF2_HEADER:
        raise damaged(
            path, f"an ABF 2 header of {ABF2_HEADER} bytes", f"a file of {counted('byte', size)}"
        )
    version = header[7:3:-1]
    if version[0] != 2:
        raise damaged(path, "ABF version 2", f"version {version[0]}")
    (data_format,) = struct.unpack_from("<H", header, 30)
    dtype = _data_type(path, data_format)
    entries = {
        name: struct.unpack_from("<IIq", header, position)
        for name, position in ABF2_SECTIONS.items()
    }
    if growing:
        start, n_channels = entries["data"][0] * BLOCK, entries["ADC"][2]
        n_points = _points_so_far(size, start, n_channels, dtype)
        entries["data"] = (*entries["data"][:2], n_points)
        entries["synch array"] = (0, 0, 0)
    at = {name: _section(path, size, name, *entry) for name, entry in entries.items()}
    for name, least in (("protocol", ABF2_PROTOCOL_BYTES), ("ADC", ABF2_ADC_BYTES)):
        if at[name].entry_bytes < least or at[name].count < 1:
            actual = f"{at[name].count} of {at[name].entry_bytes} bytes"
            raise damaged(path, f"{name} entries of at least {least} bytes", actual)
    if at["data"].entry_bytes != dtype.itemsize:
        actual = counted("byte", at["data"].entry_bytes)
        raise damaged(path, f"{dtype.name} samples of {dtype.itemsize} bytes", actual)
    if at["synch array"].count and at["synch array"].entry_bytes != 8:
        actual = counted("byte", at["synch array"].entry_bytes)
        raise damaged(path, "synch array entries of 8 bytes", actual)
    n_channels, n_points = at["ADC"].count, at["data"].count
    _check_data(path, size, at["data"].start, n_points, n_channels, dtype)
    _check_apart(path, list(at.values()))
    return AbfBytes(
        path=path,
        version=".".join(str(part) for part in version),
        header=header[:ABF2_HEADER],
        data_start=at["data"].start,
        n_points=n_points,
        n_channels=n_channels,
        dtype=dtype,
        synch=_read_synch(file, at["synch array"]),
        texts=_read_texts(path, file, at["strings"]),
    )


def _data_type(path: Path, data_format: int) -> np.dtype:
    if data_format not in DATA_FORMATS:
        raise damaged(path, "data format 0 (int16) or 1 (float32)", data_format)
    return DATA_FORMATS[data_format]


def _section(
    path: Path, size: int, name: str, block: int, entry_bytes: int, count: int
) -> _Section:
    """A table of `count` entries from a block on; raises unless it lies in the file."""
    start = block * BLOCK
    # The bytes given for an entry of the strings section are those of all strings together.
    end = start + entry_bytes * (min(count, 1) if name == "strings" else count)
    if count < 0:
        raise damaged(path, f"a number of {name} entries", count)
    # The samples have a check and a sentence of their own.
    if count and name != "data" and not (start >= BLOCK and end <= size):
        actual = f"{count} entries in bytes {start} to {end} of {size}"
        raise damaged(path, f"the {name} section inside the file", actual)
    return _Section(name, start, entry_bytes, count, end)


def _points_so_far(size: int, start: int, n_channels: int, dtype: np.dtype) -> int:
    """Samples from `start` to the file's end, as many of each channel."""
    held = max(size - start, 0) // dtype.itemsize
    return held // max(n_channels, 1) * max(n_channels, 1)


def _check_data(
    path: Path, size: int, start: int, n_points: int, n_channels: int, dtype: np.dtype
) -> _Section:
    if not 1 <= n_channels <= MAX_CHANNELS:
        raise damaged(path, f"1 to {MAX_CHANNELS} channels", n_channels)
    if n_points < 1:
        raise damaged(path, "samples", f"a header that counts {n_points}")
    if not BLOCK <= start < size:
        raise damaged(path, f"samples between byte {BLOCK} and {size}", f"a pointer to {start}")
    end = start + n_points * dtype.itemsize
    if end > size:
        expected = (
            f"{counted('sample', n_points)} ({counted('byte', end - start)}) from byte {start} on"
        )
        raise damaged(
            path, expected, f"{counted('byte', size - start)}: the file is cut or its header wrong"
        )
    if n_points % n_channels:
        expected = f"as many samples for each of {counted('channel', n_channels)}"
        raise damaged(path, expected, f"{n_points} in all")
    return _Section("data", start, dtype.itemsize, n_points, end)


def _check_apart(path: Path, sections: Sequence[_Section]) -> None:
    ordered = sorted((s for s in sections if s.count), key=lambda section: section.start)
    for before, after in pairwise(ordered):
        if before.end > after.start:
            actual = f"{before.name} up to byte {before.end} and {after.name} from {after.start} on"
            raise damaged(path, "sections that do not overlap", actual)


def _read_synch(file: Any, section: _Section) -> np.ndarray:
    file.seek(section.start)
    raw = file.read(8 * section.count)
    return np.frombuffer(raw, dtype="<i4").reshape(-1, 2).astype(np.int64)


def _read_texts(path: Path, file: Any, section: _Section) -> tuple[bytes, ...]:
    """The numbered strings, blank ones included (pyabf loses count at a blank one)."""
    if not section.count:
        return ()
    if section.entry_bytes > ABF2_MOST_STRINGS_BYTES:
        actual = counted("byte", section.entry_bytes)
        raise damaged(path, f"names and units in at most {ABF2_MOST_STRINGS_BYTES} bytes", actual)
    file.seek(section.start)
    raw = file.read(section.entry_bytes)
    if len(raw) < ABF2_STRINGS_HEAD or not raw.startswith(b"SSCH"):
        raise damaged(path, "a strings section that begins with 'SSCH'", repr(raw[:4])[1:])
    (n_texts, _, n_bytes) = struct.unpack_from("<3I", raw, 8)
    texts = raw[ABF2_STRINGS_HEAD : ABF2_STRINGS_HEAD + n_bytes].split(b"\0")[:-1]
    if len(texts) != n_texts:
        raise damaged(path, f"{n_texts} names and units", f"{len(texts)}")
    return tuple(texts)

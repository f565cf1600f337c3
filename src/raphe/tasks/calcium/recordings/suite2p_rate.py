"""The sampling rate in Suite2p's ops.npy, a pickle: its instructions are read, none is followed."""

import pickletools
import struct
from pathlib import Path

from raphe.tasks.calcium.recordings.trace_set import RATE_LIMIT

SETTINGS = ("ops.npy", "settings.npy")  # of Suite2p up to version 0.14, and from 1.0 on
KEY = "fs"
LARGEST = 2**28  # bytes: such a file holds a few images
BOOKKEEPING = ("MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT")
NUMBERS = ("FLOAT", "BINFLOAT", "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1")
ASSIGNED = ("SETITEM", "SETITEMS")  # the value has ended
VALUE_WITHIN = 32  # instructions: a NumPy number takes its type, described, its bytes and a call
BYTES = {8: ("<d", "<q"), 4: ("<f", "<i")}  # of which one alone is a rate that can be


def suite2p_rate(folder: Path) -> float | None:
    """Frames a second of a plane, or None where Suite2p's settings are missing or say none."""
    for name in SETTINGS:
        try:
            if (folder / name).is_file() and (folder / name).stat().st_size < LARGEST:
                rates = _rates((folder / name).read_bytes())
                if len(rates) == 1:
                    return rates.pop()
        except OSError:
            continue
    return None


def _rates(content: bytes) -> set[float]:
    """Every number behind the key, of an .npy file of one Python object."""
    header = content[:6] == b"\x93NUMPY" and content.find(b"\n")
    if not header or header < 0:
        return set()
    rates: set[float] = set()
    behind: int | None = None  # how many instructions ago the key stood
    try:
        for opcode, value, _ in pickletools.genops(content[header + 1 :]):
            if opcode.name in BOOKKEEPING:
                continue
            if behind is not None:
                behind += 1
                is_number = behind == 1 and opcode.name in NUMBERS
                if is_number or isinstance(value, bytes):
                    rates |= _rate_of(value)
                    behind = None
                elif behind == VALUE_WITHIN or opcode.name in ASSIGNED:
                    behind = None
            if value == KEY:
                behind = 0
    except (ValueError, OverflowError, UnicodeDecodeError):
        return set()  # no pickle, or one cut short
    return rates


def _rate_of(value: object) -> set[float]:
    """A number, or the bytes of one, where it can be a rate."""
    numbers = [value] if isinstance(value, int | float) else []
    if isinstance(value, bytes):
        numbers = [struct.unpack(form, value)[0] for form in BYTES.get(len(value), ())]
    return {float(number) for number in numbers if RATE_LIMIT.admits(number, whole=False)}

"""Hand-made ABF 1 files, field by field, and single fields changed in any file."""

import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

# Position and struct layout of the ABF 1 fields that tests set.
ABF1 = {
    "version": (4, "f"),
    "mode": (8, "h"),
    "n_points": (10, "i"),
    "n_ignored": (14, "h"),
    "n_sweeps": (16, "i"),
    "date": (20, "i"),
    "time": (24, "i"),
    "floats": (38, "h"),
    "data_block": (40, "i"),
    "n_tags": (48, "i"),
    "synch_block": (92, "i"),
    "n_synch": (96, "i"),
    "data_format": (100, "h"),
    "n_channels": (120, "h"),
    "interval_us": (122, "f"),
    "second_us": (126, "f"),
    "tick_us": (130, "f"),
    "sweep_points": (138, "i"),
    "range": (244, "f"),
    "resolution": (252, "i"),
    "inputs": (410, "16h"),
    "programmable_gain": (730, "16f"),
    "scale": (922, "16f"),
    "offset": (986, "16f"),
    "signal_gain": (1050, "16f"),
    "signal_offset": (1114, "16f"),
    "telegraph": (4512, "16h"),
    "telegraph_gain": (4576, "16f"),
}

# The same for ABF 2 files of `write_abf`, whose sections have fixed places.
ABF2 = {
    "version": (4, "4B"),
    "n_sweeps": (12, "I"),
    "date": (16, "I"),
    "data_format": (30, "H"),
    "protocol_block": (76, "I"),
    "adc_block": (92, "I"),
    "n_channels": (100, "q"),
    "strings_block": (220, "I"),
    "data_block": (236, "I"),
    "sample_bytes": (240, "I"),
    "n_points": (244, "q"),
    "synch_block": (316, "I"),
    "n_synch": (324, "q"),
    "mode": (512, "h"),
    "interval_us": (514, "f"),
    "compressed": (518, "B"),
    "tick_us": (526, "f"),
    "sweep_points": (534, "i"),
    "range": (622, "f"),
    "resolution": (630, "i"),
    "telegraph": (1026, "h"),
    "programmable_gain": (1052, "f"),
    "scale": (1064, "f"),
    "offset": (1068, "f"),
    "signal_gain": (1072, "f"),
    "name_number": (1098, "i"),
    "unit_number": (1102, "i"),
    "strings": (2048, "4s"),
}


def put(path: Path, **fields: Any) -> Path:
    """Overwrite header fields of an ABF file in place."""
    blocks = bytearray(path.read_bytes())
    places = ABF2 if blocks.startswith(b"ABF2") else ABF1
    for name, value in fields.items():
        position, layout = places[name]
        values = value if isinstance(value, (tuple, list)) else (value,)
        struct.pack_into("<" + layout, blocks, position, *values)
    path.write_bytes(blocks)
    return path


def make_abf1(
    path: Path,
    stored: np.ndarray,
    units: Sequence[bytes] = (b"pA",),
    names: Sequence[bytes] = (),
    header_bytes: int = 6144,
    ignored: np.ndarray | None = None,
    synch: Sequence[tuple[int, int]] = (),
    **fields: Any,
) -> Path:
    """Write samples (N, channels), int16 or float32 as they are stored, at 10 kHz a channel."""
    stored = stored.reshape(len(stored), -1)
    ignored = np.empty(0, stored.dtype) if ignored is None else ignored.astype(stored.dtype)
    samples = ignored.tobytes() + stored.tobytes()
    samples += bytes(-len(samples) % 512)
    header = bytearray(header_bytes)
    header[:4] = b"ABF "
    n_channels = stored.shape[1]
    for channel, unit in enumerate(units):
        header[602 + 8 * channel : 610 + 8 * channel] = unit.ljust(8)
    for channel, name in enumerate(names):
        header[442 + 10 * channel : 452 + 10 * channel] = name.ljust(10)
    path.write_bytes(bytes(header) + samples + np.array(synch, "<i4").tobytes())
    return put(
        path,
        **{
            "version": 1.83,
            "mode": 3,
            "n_points": stored.size,
            "n_ignored": ignored.size,
            "n_sweeps": 1,
            "data_block": header_bytes // 512,
            "synch_block": (header_bytes + len(samples)) // 512 if len(synch) else 0,
            "n_synch": len(synch),
            "data_format": 0 if stored.dtype.kind == "i" else 1,
            "n_channels": n_channels,
            "interval_us": 100 / n_channels,
            "range": 10.0,
            "resolution": 32768,
            "inputs": [*range(n_channels), *[-1] * (16 - n_channels)],
            "programmable_gain": [1.0] * 16,
            "scale": [0.01] * 16,
            "signal_gain": [1.0] * 16,
            **fields,
        },
    )


@pytest.fixture
def abf1(tmp_path: Path) -> Callable[..., Path]:
    return lambda *args, name="made.abf", **kwargs: make_abf1(tmp_path / name, *args, **kwargs)


@pytest.fixture
def change() -> Callable[..., Path]:
    return put

"""Write one channel as an ABF 2 file that pyabf, neo and `read_abf` read alike.

pyabf's own writer gives ABF 1 with a header of 2048 bytes, whose telegraph gains readers then find
among the samples. ABF 2 states every scale in sections of its own. Its layout, in 512-byte blocks:
header, protocol, ADC, DAC, strings, samples (int16), synch array (if there are several sweeps).
"""

import datetime
import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.abf.header import (
    ABF2_SECTIONS,
    ABF2_STRINGS_HEAD,
    BLOCK,
    GREEK_MU,
    MICRO,
)
from raphe.core.abf.scale import MAX_RATE_HZ, MIN_RATE_HZ
from raphe.core.abf.sweeps import EPISODIC, GAP_FREE, MAX_SWEEPS
from raphe.core.errors import RecordingError
from raphe.core.files.atomic import open_whole

DAC_SECTION = 108  # position of its entry in the section table
PROTOCOL, ADC, DAC, STRINGS, DATA = 1, 2, 3, 4, 5  # first blocks
ENTRY_BYTES = {ADC: 128, DAC: 256}

ADC_RANGE_V = 10.0  # of Axon's converters since the Digidata 1320
RESOLUTION = 2**15
LARGEST = 30_000  # stored value of the largest sample, 8 % below the converter's rail
CHUNK = 2**20
NO_DATE = 0xFFFFFFFF


def write_abf(
    path: str | Path,
    samples: np.ndarray,
    rate_hz: float,
    unit: str,
    *,
    channel_name: str = "IN 0",
    scale_per_bit: float | None = None,
    date: datetime.date | datetime.datetime | None = None,
) -> Path:
    """Write samples (N,) as gap-free or (sweeps, N) as episodic, in `unit`. Returns the path.

    A stored int16 is a sample divided by `scale_per_bit` (in `unit`; None chooses the finest that
    holds the data), so values come back to within half of it. `date` None states no date. The file
    appears under its name only when whole, and replaces one that is there. Raises RecordingError
    for samples, a rate or a text that the format cannot hold, StoreError where the operating
    system refuses.
    """
    path = Path(path)
    rows = np.atleast_2d(samples)
    if rows.ndim != 2 or not rows.size:
        raise RecordingError(f"{path}: expected samples (N,) or (sweeps, N), got {rows.shape}")
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        limits = f"from {MIN_RATE_HZ:g} to {MAX_RATE_HZ:g} Hz"
        raise RecordingError(f"{path}: expected a sampling rate {limits}, got {rate_hz:g}")
    if rows.size > np.iinfo(np.int32).max or len(rows) > MAX_SWEEPS:
        raise RecordingError(
            f"{path}: expected at most {MAX_SWEEPS} sweeps and 2^31 - 1 samples, got {rows.shape}"
        )
    factor = _scale_factor(path, _largest(path, rows), scale_per_bit)
    step = ADC_RANGE_V / factor / RESOLUTION
    header = _header(rows, rate_hz, factor, _strings(path, channel_name, unit), date)
    _write_whole(path, header, rows, step)
    return path


def _chunks(rows: np.ndarray) -> Iterator[np.ndarray]:
    for row in rows:
        for start in range(0, len(row), CHUNK):
            yield np.asarray(row[start : start + CHUNK], dtype=np.float64)


def _largest(path: Path, rows: np.ndarray) -> float:
    largest = max(max(chunk.max(), -chunk.min()) for chunk in _chunks(rows))
    if not math.isfinite(largest):
        raise RecordingError(f"{path}: expected finite samples, got NaN or infinite ones")
    return float(largest)


def _scale_factor(path: Path, largest: float, scale_per_bit: float | None) -> float:
    """Volts per unit at the converter's input, as the float32 the header keeps.

    Samples are divided by the step that this float32 gives, so that readers get them back.
    """
    if scale_per_bit is None:
        scale_per_bit = largest / LARGEST or ADC_RANGE_V / RESOLUTION
    elif not (math.isfinite(scale_per_bit) and scale_per_bit > 0):
        raise RecordingError(f"{path}: expected scale_per_bit above 0, got {scale_per_bit:g}")
    if largest > (RESOLUTION - 1) * scale_per_bit:
        raise RecordingError(
            f"{path}: expected samples up to {(RESOLUTION - 1) * scale_per_bit:g} "
            f"(32767 × {scale_per_bit:g}), got {largest:g}; pass a larger scale_per_bit"
        )
    with np.errstate(over="ignore", under="ignore"):
        factor = np.float32(ADC_RANGE_V / scale_per_bit / RESOLUTION)
    if not np.finfo(np.float32).tiny <= factor <= np.finfo(np.float32).max:
        raise RecordingError(
            f"{path}: expected samples whose step float32 holds, got {scale_per_bit:g}"
        )
    return float(factor)


def _strings(path: Path, channel_name: str, unit: str) -> bytes:
    """The numbered strings, from 1: creator, name and unit of the ADC, of the DAC.

    None may be blank: pyabf and neo take two NULs in a row for the beginning of the list.
    """
    strings = ["raphe", channel_name, unit, "Cmd 0", "mV"]
    try:
        encoded = [text.strip().replace(GREEK_MU, MICRO).encode("latin-1") for text in strings]
    except UnicodeEncodeError as error:
        raise RecordingError(f"{path}: expected Latin-1 text, got {error.object!r}") from error
    for text, string in zip(encoded, strings, strict=True):
        if not text or b"\0" in text:
            raise RecordingError(f"{path}: expected a name and a unit in letters, got {string!r}")
    joined = b"".join(text + b"\0" for text in encoded)
    head = struct.pack("<4s4I", b"SSCH", 1, len(encoded), max(map(len, encoded)), len(joined))
    section = head.ljust(ABF2_STRINGS_HEAD, b"\0") + joined
    if len(section) > BLOCK * (DATA - STRINGS):
        raise RecordingError(f"{path}: expected a short name and unit, got {channel_name!r}")
    return section


def _header(
    rows: np.ndarray,
    rate_hz: float,
    factor: float,
    strings: bytes,
    date: datetime.date | datetime.datetime | None,
) -> bytearray:
    """All blocks before the samples."""
    n_sweeps, sweep_points = rows.shape
    several = n_sweeps > 1
    blocks = bytearray(BLOCK * DATA)

    def put(block: int, position: int, layout: str, *values: Any) -> None:
        struct.pack_into("<" + layout, blocks, BLOCK * block + position, *values)

    put(0, 0, "4s4B", b"ABF2", 0, 0, 0, 2)  # version 2.0.0.0, last part first
    put(0, 8, "IIII", BLOCK, n_sweeps if several else 0, *_date_fields(date))
    put(0, 28, "HHH", 1, 0, 1)  # an ABF file, int16, channels sampled at once
    put(0, 60, "I", 1)  # creator: first string

    synch_block = DATA + math.ceil(2 * rows.size / BLOCK)
    for position, (block, size, count) in {
        ABF2_SECTIONS["protocol"]: (PROTOCOL, BLOCK, 1),
        ABF2_SECTIONS["ADC"]: (ADC, ENTRY_BYTES[ADC], 1),
        DAC_SECTION: (DAC, ENTRY_BYTES[DAC], 1),
        ABF2_SECTIONS["strings"]: (STRINGS, len(strings), 5),
        ABF2_SECTIONS["data"]: (DATA, 2, rows.size),
        ABF2_SECTIONS["synch array"]: (synch_block, 8, n_sweeps) if several else (0, 0, 0),
    }.items():
        put(0, position, "IIq", block, size, count)

    put(PROTOCOL, 0, "hf", EPISODIC if several else GAP_FREE, 1e6 / rate_hz)
    put(PROTOCOL, 10, "I", 1)  # compression ratio
    put(PROTOCOL, 22, "i", sweep_points if several else 0)
    put(PROTOCOL, 30, "3i", n_sweeps, 1, 1)  # sweeps of a run, runs of a trial, trials
    put(PROTOCOL, 110, "ffii", ADC_RANGE_V, ADC_RANGE_V, RESOLUTION, RESOLUTION)
    put(PROTOCOL, 198, "hh", 1, 1)  # one ADC, one DAC

    put(ADC, 28, "f", 1.0)  # programmable gain
    put(ADC, 40, "ffff", factor, 0.0, 1.0, 0.0)  # instrument and signal: scale, offset
    put(ADC, 74, "ii", 2, 3)  # name, unit: strings 2 and 3
    put(DAC, 8, "f", 1.0)  # scale factor
    put(DAC, 24, "ii", 4, 5)  # name, unit: strings 4 and 5
    blocks[BLOCK * STRINGS : BLOCK * STRINGS + len(strings)] = strings
    return blocks


def _date_fields(date: datetime.date | datetime.datetime | None) -> tuple[int, int]:
    """Day as the number yyyymmdd, time of day in ms."""
    if date is None:
        return NO_DATE, 0
    day = date.year * 10_000 + date.month * 100 + date.day
    if not isinstance(date, datetime.datetime):
        return day, 0
    midnight = date.replace(hour=0, minute=0, second=0, microsecond=0)
    return day, (date - midnight) // datetime.timedelta(milliseconds=1)


def _write_whole(path: Path, header: bytearray, rows: np.ndarray, step: float) -> None:
    with open_whole(path) as file:
        file.write(header)
        for chunk in _chunks(rows):
            file.write(np.rint(chunk / step).astype("<i2"))
        if len(rows) > 1:
            file.write(bytes(-file.tell() % BLOCK))
            file.write(_synch_array(rows))
        file.write(bytes(-file.tell() % BLOCK))


def _synch_array(rows: np.ndarray) -> np.ndarray:
    """Start and length of each sweep in samples, without pauses: int32 (sweeps, 2)."""
    n_sweeps, sweep_points = rows.shape
    starts = np.arange(n_sweeps) * sweep_points
    return np.stack([starts, np.full(n_sweeps, sweep_points)], axis=1).astype("<i4")

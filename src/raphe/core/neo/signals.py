"""The signals of a file, one for each channel, as neo tells of them; samples stay on disk.

N samples of one sweep.
"""

import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.abf.scale import find_rail
from raphe.core.errors import RecordingError
from raphe.core.sentences import first_line

CODES = 2**16  # of a converter of 16 bits
GAP = -(2**15)  # put where samples were lost: at the rail, where nothing is measured
MOST_SWEEPS = 100_000  # as of an ABF file
LONGEST_REASON = 200
# As a rig spells a unit, and as raphe does.
SPELLINGS = {
    "volt": "V", "volts": "V", "millivolt": "mV", "microvolt": "µV",
    "amp": "A", "amps": "A", "ampere": "A", "picoamp": "pA", "nanoamp": "nA",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Stretch:
    """One sweep of a signal: `stored[start:stop]` gives its samples as they are stored."""

    stored: Any
    n_samples: int
    start_s: float


@dataclass(frozen=True, eq=False)
class Signal:
    """One channel. Sample in `unit` = stored × gain + offset; `rail` as that of a `Trace`."""

    name: str
    unit: str  # "" where the file states none
    rate_hz: float
    gain: float
    offset: float
    stretches: tuple[Stretch, ...]
    rail: int | None = None
    other_name: str = ""  # of the rig, beside one that the user gave
    stream: str = ""  # of channels that were recorded together


@dataclass(frozen=True, eq=False)
class NeoSamples:
    """One channel of one sweep, read by neo chunk by chunk."""

    path: Path
    reader: Any
    block: int
    segment: int
    stream: int
    channel: int  # of the stream
    dtype: np.dtype
    zero: int = 0  # taken off each code, so that those of a converter lie around 0

    def __getitem__(self, span: slice) -> np.ndarray:
        """Stored samples (stop - start,). Raises RecordingError."""
        n_samples = span.stop - span.start
        if not n_samples:
            return np.empty(0, self.dtype)
        try:
            chunk = self.reader.get_analogsignal_chunk(
                block_index=self.block,
                seg_index=self.segment,
                i_start=span.start,
                i_stop=span.stop,
                stream_index=self.stream,
                channel_indexes=[self.channel],
            )
        except Exception as error:  # of any kind, for any damage
            raise unreadable(self.path, error) from error
        samples = np.asarray(chunk).reshape(len(chunk), -1)
        if samples.shape != (n_samples, 1):
            raise RecordingError(
                f"{self.path}: expected {n_samples} samples of a channel, as its header says, got "
                f"{len(samples)}: it is cut short; copy it anew"
            )
        if not self.zero:
            return np.array(samples[:, 0])
        return (samples[:, 0].astype(np.int32) - self.zero).astype(np.int16)


def unreadable(path: Path, error: Exception) -> RecordingError:
    """The sentence for whatever neo raises on a file."""
    said = f"{type(error).__name__}: {first_line(error, LONGEST_REASON)}"
    return RecordingError(
        f"{path}: expected a recording that neo can read, got one that it cannot ({said}); copy "
        "it anew, or export it as ABF or NWB"
    )


def signals_of(path: Path, reader: Any, codes: bool) -> list[Signal]:
    """All channels in the order of the file, of a reader whose header has been parsed.

    `codes`: whether 16 bits are a converter's. Raises RecordingError, and whatever neo raises.
    """
    header = reader.header
    streams = [str(stream["id"]) for stream in header["signal_streams"]]
    lengths = [_lengths(path, reader, number) for number in range(len(streams))]
    taken = dict.fromkeys(streams, 0)
    signals = []
    for channel in header["signal_channels"]:
        number = streams.index(str(channel["stream_id"]))
        zero, rail = _zero_and_rail(channel, codes)
        index = taken[streams[number]]
        taken[streams[number]] += 1
        samples = partial(_samples, path, reader, number, index, channel["dtype"], zero)
        gain, native = float(channel["gain"]), str(channel["id"]).strip()
        signals.append(
            Signal(
                name=str(channel["name"]).strip(),
                unit=spelt(str(channel["units"])),
                rate_hz=stated_rate(float(channel["sampling_rate"])),
                gain=gain,
                offset=float(channel["offset"]) + zero * gain,
                stretches=tuple(
                    Stretch(samples(*part), n_samples, start_s)
                    for part, n_samples, start_s in lengths[number]
                ),
                rail=rail,
                other_name="" if native.isdigit() else native,  # a number is the index
                stream=str(header["signal_streams"]["name"][number]),
            )
        )
    return signals


def _lengths(path: Path, reader: Any, stream: int) -> list[tuple[tuple[int, int], int, float]]:
    """Block and segment, samples and start in s of each part of a stream that has samples."""
    n_blocks, counts = reader.header["nb_block"], reader.header["nb_segment"]
    parts = [(block, segment) for block in range(n_blocks) for segment in range(counts[block])]
    if len(parts) > MOST_SWEEPS:
        raise RecordingError(
            f"{path}: expected at most {MOST_SWEEPS} sweeps, got {len(parts)}: it is damaged"
        )
    lengths = [
        (
            part,
            int(reader.get_signal_size(*part, stream)),
            float(reader.get_signal_t_start(*part, stream)),
        )
        for part in parts
    ]
    return [length for length in lengths if length[1] > 0]


def _samples(
    path: Path, reader: Any, stream: int, index: int, dtype: str, zero: int, block: int, part: int
) -> NeoSamples:
    return NeoSamples(path, reader, block, part, stream, index, np.dtype(str(dtype)), zero)


def _zero_and_rail(channel: np.void, codes: bool) -> tuple[int, int | None]:
    """The code of 0, where it is the middle of a converter that counts from 0, and the rail."""
    dtype, middle = np.dtype(str(channel["dtype"])), CODES // 2
    if not codes or dtype.itemsize != 2 or dtype.kind not in "iu":
        return 0, None
    if dtype.kind == "i":
        return 0, find_rail(middle)
    if math.isclose(channel["offset"], -middle * channel["gain"], rel_tol=1e-9):
        return middle, find_rail(middle)
    return 0, None  # from 0 upwards, or of fewer bits than it is stored in


def spelt(unit: str) -> str:
    """A rig's unit as raphe spells it.

    >>> spelt(" Volts"), spelt("pA"), spelt("")
    ('V', 'pA', '')
    """
    unit = unit.strip()
    return SPELLINGS.get(unit.lower(), unit)


def stated_rate(rate_hz: float) -> float:
    """The whole rate, where its interval is the float32 that a header holds; else as it is.

    >>> stated_rate(1 / float(np.float32(5e-5))), stated_rate(30_000.35)
    (20000.0, 30000.35)
    """
    if not (math.isfinite(rate_hz) and rate_hz >= 1):
        return rate_hz
    whole = round(rate_hz)
    return float(whole) if np.float32(1 / whole) == np.float32(1 / rate_hz) else rate_hz

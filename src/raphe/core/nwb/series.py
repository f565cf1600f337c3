"""One electrode's samples in one series of an NWB file, and the facts that the file gives of them.

N samples, C columns.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite, prod
from pathlib import Path
from threading import RLock
from typing import Any
from weakref import ref

import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.nwb.clock import Clock
from raphe.core.recordings.recording import Trace
from raphe.core.recordings.units import amplifier_limit

ACQUIRED, STIMULUS, TEMPLATE = "acquisition", "stimulus/presentation", "stimulus/templates"
UNITS = {  # as NWB spells them out
    **dict.fromkeys(("amperes", "ampere", "amps", "amp"), "A"),
    **dict.fromkeys(("volts", "volt"), "V"),
    **dict.fromkeys(("unknown", "n/a", "n.a.", "a.u.", "none", "unspecified"), ""),
}
BUILDER = re.compile(r"\broot/([^ ]{1,100}) \w+Builder\b")  # of pynwb, with the place in the file
INNERMOST = re.compile(r"\(([^()]+(?:\([^()]*\))?[^()]*)\)[^()]*$")  # of HDF5's reasons
NUMBER = re.compile(r"[0-9]{1,18}")
FLOAT32_LEAST, FLOAT32_MOST = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)
MOST_BIAS_A = 1e-6  # amplifiers give some 20 nA
LONGEST_REASON = 150  # of another program's
BLOCK_BYTES = 2**24  # of all columns together, read at once
NO_CACHE = 0  # bytes of chunks: HDF5 keeps those of every series, as long as the file is open
MOST_CHUNK_BYTES = 2**26  # HDF5 unpacks a chunk as a whole
KEPT_CHUNK_BYTES = 2**22  # from which on the last one is kept: the next samples are of it, too


@dataclass(frozen=True, eq=False)
class StoredColumn:
    """One column of a data set (N,) or (N, C), still on disk."""

    path: Path
    place: str
    data: Any
    number: int

    def __getitem__(self, span: slice) -> np.ndarray:
        """Stored samples (stop - start,). Raises RecordingError."""
        try:
            return self._read(span.start, span.stop)
        except Exception as error:  # h5py raises whatever the library does
            raise RecordingError(
                f"{self.path}: expected samples {span.start} to {span.stop} of {self.place}, which "
                f"cannot be read{reason(error)}: the file is damaged; copy it anew"
            ) from error

    def _read(self, start: int, stop: int) -> np.ndarray:
        if _chunk_bytes(self.data) > KEPT_CHUNK_BYTES:
            return self._from_large_chunks(start, stop)
        return self._from_disk(start, stop)

    def _from_large_chunks(self, start: int, stop: int) -> np.ndarray:
        n_rows = self.data.chunks[0]
        parts = [
            LAST_CHUNK.samples(self, number * n_rows, n_rows)[
                max(start - number * n_rows, 0) : stop - number * n_rows
            ]
            for number in range(start // n_rows, -(-stop // n_rows))
        ]
        return np.concatenate(parts) if parts else np.empty(0, self.data.dtype)

    def _from_disk(self, start: int, stop: int) -> np.ndarray:
        if len(self.data.shape) == 1:
            return np.asarray(self.data[start:stop])
        if getattr(self.data, "chunks", None):  # no chunk of another column is unpacked
            return np.asarray(self.data[start:stop, self.number])
        row_bytes = self.data.shape[1] * self.data.dtype.itemsize
        n_rows = max(1, BLOCK_BYTES // max(1, row_bytes))
        samples = np.empty(stop - start, self.data.dtype)
        for first in range(start, stop, n_rows):
            last = min(first + n_rows, stop)
            samples[first - start : last - start] = self.data[first:last][:, self.number]
        return samples


class _LastChunk:
    """One column's samples in the large chunk that was unpacked last, while its file is open."""

    def __init__(self) -> None:
        self._lock = RLock()  # a file may be closed while samples are read
        self._data: Callable[[], Any]
        self._of: tuple[int, int]
        self._forget()

    def samples(self, column: StoredColumn, first: int, n_rows: int) -> np.ndarray:
        """Those of the chunk that begins at row `first`."""
        with self._lock:
            if self._data() is not column.data or self._of != (column.number, first):
                self._forget()
                last = min(first + n_rows, column.data.shape[0])
                self._samples = column._from_disk(first, last)
                self._data, self._of = ref(column.data, self._forget), (column.number, first)
            return self._samples

    def _forget(self, gone: Any = None) -> None:
        self._data = lambda: None
        self._of, self._samples = (-1, -1), np.empty(0)


LAST_CHUNK = _LastChunk()


@dataclass(frozen=True, eq=False)
class Series:
    """One column of a series, which is one electrode's.

    Args:
        place: within the file: "acquisition/es".
        name: "es"; "es[0]" of one of several columns.
        kind: "CurrentClampSeries".
        electrode: what it is known by in the file, or None: "electrode_0", "electrodes[3]".
        sweep: its number, as the file gives it.
        unit: "V", "A" …, "" where the file has none.
        fault: a sentence on why it cannot be read, or "".
        bias_a: the holding current while it was recorded, in A; 0 where the file names none.
    """

    place: str
    name: str
    kind: str
    electrode: str | None
    sweep: int | None
    unit: str
    gain: float
    offset: float
    samples: StoredColumn
    clock: Clock
    fault: str = ""
    bias_a: float = 0.0

    @property
    def series_name(self) -> str:
        return self.place.rpartition("/")[2]

    @property
    def container(self) -> str:
        return self.place.rpartition("/")[0]

    @property
    def whole_name(self) -> str:
        """Its place, with its column's number: "acquisition/es[0]"."""
        return f"{self.container}/{self.name}"

    @property
    def sampled_hz(self) -> float:
        """Its sampling rate. Raises RecordingError where it cannot be read."""
        if self.fault:
            raise RecordingError(self.fault)
        return self.clock.sampled_hz

    @property
    def names(self) -> set[str]:
        """All that it is called by: its name and its place, with and without a column's number."""
        return {
            self.name, self.series_name, self.place, self.whole_name,
            f"/{self.place}", f"/{self.whole_name}",
        }  # fmt: skip

    @property
    def pattern(self) -> tuple[str, tuple[int, ...]]:
        """Its name without numbers, and these: data_00002_AD1 is data_#_AD# and 2, 1."""
        numbers = tuple(int(digits) for digits in NUMBER.findall(self.name))
        return NUMBER.sub("#", self.name), numbers

    def traces(self, unit: str) -> tuple[Trace, ...]:
        """A trace in `unit` for each stretch without a gap. Raises RecordingError."""
        if self.fault:
            raise RecordingError(self.fault)
        return tuple(
            self.trace(unit, segment.first, segment.n_samples, segment.start_s)
            for segment in self.clock.segments
        )

    def trace(self, unit: str, first: int, n_samples: int, start_s: float) -> Trace:
        """Some of its samples as a trace."""
        stored = self.samples if first == 0 else _Shifted(self.samples, first)
        return Trace(
            stored=stored,
            n_samples=n_samples,
            start_s=start_s,
            gain=self.gain,
            offset=self.offset,
            limit=amplifier_limit(unit),
        )


@dataclass(frozen=True, eq=False)
class _Shifted:
    """Samples that begin at some sample of a column."""

    column: StoredColumn
    first: int

    def __getitem__(self, span: slice) -> np.ndarray:
        return self.column[self.first + span.start : self.first + span.stop]


def plain_unit(unit: object) -> str:
    """An NWB file's unit as this field writes it; "" for none."""
    text = word(unit).strip()
    return UNITS.get(text.casefold(), text)


def bias_in_a(value: object) -> float:
    """A bias current as a file has it, in A; 0 for none, or what is no finite number.

    MIES writes pA, as the amplifier tells it, where NWB wants A: so large a number is one of pA.
    """
    try:
        bias = float(value)  # type: ignore[arg-type]  # a file may hold anything
    except (TypeError, ValueError, OverflowError):
        return 0.0
    if not isfinite(bias):
        return 0.0
    return bias if abs(bias) < MOST_BIAS_A else 1e-12 * bias


def word(value: object) -> str:
    """A text of HDF5, or the first of several; "" for none, or what is not printable."""
    values = np.ravel(np.asarray(value, object))
    first = values[0] if values.size and values[0] is not None else ""
    text = first.decode("utf-8", "replace") if isinstance(first, bytes) else str(first)
    return text if text.isprintable() else ""


def fault_of_data(data: Any) -> str:
    """Why samples cannot be read of a data set, "" where they can."""
    if getattr(getattr(data, "dtype", None), "kind", "") not in tuple("iuf"):
        return "holds no numbers"
    if len(data.shape) not in (1, 2):
        return f"holds samples of shape {tuple(data.shape)}, not (N,) or (N, channels)"
    if getattr(data, "is_virtual", False) or getattr(data, "external", None):
        return "has its samples in another file; export it as one"
    chunk_bytes = _chunk_bytes(data)
    if chunk_bytes > MOST_CHUNK_BYTES:
        return (
            f"has samples in chunks of {chunk_bytes / 1e6:.0f} MB, more than "
            f"{MOST_CHUNK_BYTES / 1e6:.0f}; store it anew in smaller ones (h5repack)"
        )
    return ""


def _chunk_bytes(data: Any) -> int:
    return prod(getattr(data, "chunks", None) or (0,)) * data.dtype.itemsize


def fault_of_scale(gain: float, offset: float) -> str:
    """Why no samples can have this scale, "" where they can."""
    finite = isfinite(gain) and isfinite(offset)
    if finite and FLOAT32_LEAST <= abs(gain) <= FLOAT32_MOST and abs(offset) <= FLOAT32_MOST:
        return ""
    return (
        "expected a conversion and an offset that are finite, the conversion not 0, got "
        f"{gain:g} and {offset:g}"
    )


def reason(error: Exception) -> str:
    """Why another program could not read, in brackets behind a sentence; "" where it does not say.

    pynwb may print the code of what it was making, or a whole file.
    """
    words = " ".join(str(error).split())
    text = "".join(letter for letter in words if letter.isprintable())
    if at := BUILDER.search(text):
        return f" ({at[1]} is not as NWB has it)"
    if not isinstance(error, OSError):
        return ""
    innermost = INNERMOST.search(text)
    text = innermost[1] if innermost else text
    return f" ({text[:LONGEST_REASON]})" if text else ""

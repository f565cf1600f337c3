"""One electrode's recording: sweeps of samples, their rate and unit, and where they came from."""

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.errors import RecordingError, RecordingWarning
from raphe.core.recordings.rates import ANY_RATE, check_rate
from raphe.core.recordings.units import amplifier_limit
from raphe.core.sentences import counted, printable

# N samples of one sweep; a chunk of 2**20 is 26 s at 40 kHz and 4 MiB as float32.
CHUNK = 2**20
FLOAT32_MOST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, eq=False)
class Trace:
    """One sweep, kept as it is stored and scaled only where it is read."""

    # an array, or samples still on disk: gives stored[start:stop]
    stored: Any = field(repr=False)
    n_samples: int  # of the sweep
    start_s: float = 0.0  # on the recording's clock, s
    gain: float = 1.0  # sample in the recording's unit = stored × gain + offset
    offset: float = 0.0  # see gain
    rail: int | None = None  # stored integers of this size or more are the converter's limit
    limit: float = math.inf  # in the recording's unit, no amplifier gives more
    uncertain: bool = False  # the header leaves open where its sweeps begin

    @classmethod
    def from_array(cls, samples: np.ndarray, start_s: float = 0.0) -> "Trace":
        """Wrap samples (N,) that are already in the recording's unit."""
        return cls(stored=samples, n_samples=len(samples), start_s=start_s)

    def read(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Samples [start, stop) in the recording's unit. Returns float32 (stop - start,)."""
        scaled = _to_float32(self._stored(start, stop))
        if (self.gain, self.offset) != (1.0, 0.0):
            scaled *= np.float32(self.gain)
            scaled += np.float32(self.offset)
        return scaled

    def suspect(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Samples nothing may be measured from: NaN, infinite, at the rail, beyond what an
        amplifier gives, or of an uncertain sweep.

        Returns bool (stop - start,).
        """
        stored = self._stored(start, stop)
        if self.uncertain:
            return np.ones(len(stored), dtype=bool)
        low, high = self._sound
        if self.rail is not None:
            low, high = max(low, -self.rail), min(high, self.rail)
        with np.errstate(over="ignore"):  # float16 cannot hold the ends
            return ~((stored > low) & (stored < high))  # nor is NaN between them

    @cached_property
    def _sound(self) -> tuple[float, float]:
        """Stored values between which samples are sound: float32 holds them, amplifiers give them.

        Those at the ends are not.
        """
        low, high = -FLOAT32_MOST, FLOAT32_MOST
        if math.isfinite(self.limit) and self.gain:
            ends = sorted((end - self.offset) / self.gain for end in (-self.limit, self.limit))
            low, high = max(low, ends[0]), min(high, ends[1])
        return low, high

    def chunks(self, size: int = CHUNK, overlap: int = 0) -> Iterator[tuple[int, np.ndarray]]:
        """Walk through the sweep as (start, float32 samples), holding one chunk at a time.

        Starts are 0, size, 2 × size …; each chunk also carries the first `overlap` samples of the
        next one, as far as there are any.
        """
        if size < 1 or overlap < 0:
            raise ValueError(f"expected size >= 1 and overlap >= 0, got {size} and {overlap}")
        for start in range(0, self.n_samples, size):
            yield start, self.read(start, min(start + size + overlap, self.n_samples))

    def _stored(self, start: int, stop: int | None) -> np.ndarray:
        stop = self.n_samples if stop is None else stop
        if not 0 <= start <= stop <= self.n_samples:
            raise IndexError(f"samples {start}:{stop} asked of a sweep of {self.n_samples}")
        samples: np.ndarray = self.stored[start:stop]
        return samples


def _to_float32(stored: np.ndarray) -> np.ndarray:
    """A copy; what float32 cannot hold becomes infinite, which is suspect."""
    with np.errstate(over="ignore"):
        return stored.astype(np.float32)


@dataclass(frozen=True)
class Recording:
    """A recorded cell. Valid once built: it has samples, a finite rate, a unit and an id.

    Raises RecordingError otherwise, naming the file (or the cell where there is none).
    """

    sweeps: tuple[Trace, ...]  # in the order of time
    rate_hz: float  # samples a second
    unit: str  # of the samples, as "pA"
    cell_id: str  # of a file its name without the suffix
    path: Path | None = None  # of the file; None: there is none
    sha256: str | None = None  # of the whole file
    remarks: tuple[str, ...] = ()  # what is suspect, one sentence each

    def __post_init__(self) -> None:
        where = self.path or self.cell_id or "a recording without a name"
        if not self.cell_id:
            raise RecordingError(f"{where}: expected a cell id, got a blank one")
        check_rate(self.rate_hz, str(where), RecordingError, ANY_RATE)
        if not isinstance(self.unit, str):
            raise RecordingError(
                f"{where}: expected the unit of the samples, such as 'pA', got {self.unit!r}"
            )
        if not self.unit.strip():
            raise RecordingError(f"{where}: expected the unit of the samples, got a blank one")
        if not self.sweeps or any(sweep.n_samples < 1 for sweep in self.sweeps):
            lengths = [sweep.n_samples for sweep in self.sweeps]
            raise RecordingError(f"{where}: expected samples in each sweep, got lengths {lengths}")

    @property
    def n_samples(self) -> int:
        """Of all sweeps."""
        return sum(sweep.n_samples for sweep in self.sweeps)

    @property
    def duration_s(self) -> float:
        """Time that was recorded; pauses between sweeps do not count."""
        return self.n_samples / self.rate_hz

    @classmethod
    def from_array(
        cls, samples: np.ndarray, rate_hz: float, unit: str, cell_id: str, **facts: Any
    ) -> "Recording":
        """Make a recording of samples (N,) or (sweeps, N) in `unit`, one sweep after the other.

        `facts` are further fields (path, remarks …). Warns of NaN and infinite samples. Raises
        RecordingError for what is no array of numbers, no rate and no unit; what cuts or reads the
        recording refuses a unit that it does not know.
        """
        samples = _numbers(cell_id, samples)
        check_rate(rate_hz, cell_id, RecordingError, ANY_RATE)
        if samples.ndim not in (1, 2):
            raise RecordingError(
                f"{cell_id}: expected samples (N,) or (sweeps, N), got {samples.shape}"
            )
        rows = np.atleast_2d(samples)
        length_s = rows.shape[1] / rate_hz
        limit = amplifier_limit(unit) if isinstance(unit, str) else math.inf
        sweeps = tuple(
            replace(Trace.from_array(row, i * length_s), limit=limit) for i, row in enumerate(rows)
        )
        remarks = (*facts.pop("remarks", ()), *find_suspects(sweeps))
        recording = cls(sweeps, rate_hz, unit, cell_id, remarks=remarks, **facts)
        recording.warn()
        return recording

    def warn(self) -> None:
        """Give each remark as a RecordingWarning that names the file."""
        for remark in self.remarks:
            told = printable(f"{self.path or self.cell_id}: {remark}")
            warnings.warn(told, RecordingWarning, stacklevel=3)


def _numbers(where: str, samples: object) -> np.ndarray:
    """The samples as an array of integers or floats, of whatever shape."""
    try:
        array = np.asarray(samples)
    except ValueError:  # rows of different lengths
        raise RecordingError(
            f"{where}: expected samples (N,) or (sweeps, N), got rows of different lengths; make "
            "a recording of each"
        ) from None
    if array.dtype.kind not in "iuf":
        raise RecordingError(
            f"{where}: expected samples that are numbers, got {type(samples).__name__} of "
            f"{array.dtype.name}"
        )
    return array


def find_suspects(sweeps: tuple[Trace, ...]) -> tuple[str, ...]:
    """Read every sample once and say in a sentence how many are suspect, or nothing."""
    count, total, first = 0, 0, ""
    for i, sweep in enumerate(sweeps):
        total += sweep.n_samples
        if sweep.uncertain:  # has a remark of its own
            continue
        for start in range(0, sweep.n_samples, CHUNK):
            mask = sweep.suspect(start, min(start + CHUNK, sweep.n_samples))
            n_suspect = int(np.count_nonzero(mask))
            if n_suspect and not count:
                first = f"sample {start + int(mask.argmax())} of sweep {i}"
            count += n_suspect
    if not count:
        return ()
    return (
        f"{count} of {counted('sample', total)} {'is' if count == 1 else 'are'} NaN, infinite, "
        f"beyond any amplifier (1 µA, 10 V) or at the converter's rail, the first is {first}; "
        "nothing is measured there",
    )

"""The traces of one file: read a few at a time, so that a population need not fit into memory."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.ranges import Range, Share, fault, faults
from raphe.tasks.calcium.recordings.npy_matrix import NpyMatrix

LAYOUTS = ("traces-time", "time-traces")
NEUROPIL = 0.7  # Suite2p's default share of the surround's signal
BLOCK, BLOCK_SAMPLES = 64, 2**22  # at most read at once: 64 of half an hour at 30 Hz are 28 MB
# A rate beyond is one that was mistaken, as seconds a frame.
RATE_LIMIT = Range(0.1, 1e5, noun="a sampling rate in Hz,", remedy="--rate takes frames a second")


@dataclass(frozen=True)
class TraceOptions:
    """What a file may not say of itself. Raises RecordingError for what cannot be."""

    rate_hz: Annotated[float, RATE_LIMIT] | None = None
    layout: str | None = None  # of a matrix, one of LAYOUTS
    variable: str | None = None  # the array to take, of a file that holds several
    neuropil: Share = NEUROPIL

    def __post_init__(self) -> None:
        if self.layout not in (None, *LAYOUTS):
            raise RecordingError(f"layout: expected {' or '.join(LAYOUTS)}, got {self.layout}")
        for name, reason in faults(TraceOptions, vars(self)):
            raise RecordingError(f"{name}: {reason}")

    def rate(self, path: Path, of_file: float | None = None) -> float:
        """The rate asked for, else the one the file holds. Raises RecordingError without either."""
        rate_hz = self.rate_hz if self.rate_hz is not None else of_file
        if rate_hz is None:
            raise RecordingError(f"{path}: does not hold its sampling rate; pass --rate HZ")
        return float(rate_hz)


@dataclass(frozen=True, eq=False)
class TraceSet:
    """N traces of T samples each, shorter ones ending in NaN.

    Raises RecordingError for a rate that is none, or a file without traces.
    """

    path: Path
    rate_hz: float
    names: tuple[str, ...]  # of the traces, for tables and messages
    n_samples: int
    rows: Callable[[int, int], np.ndarray] = field(repr=False)  # traces [start, stop): (n, T)
    notes: tuple[str, ...] = ()  # what must be known of all of them, a sentence each

    def __post_init__(self) -> None:
        if not RATE_LIMIT.admits(self.rate_hz, whole=False):
            raise RecordingError(f"{self.path}: {fault(RATE_LIMIT, self.rate_hz, whole=False)}")
        if not self.names or self.n_samples < 1:
            raise RecordingError(
                f"{self.path}: expected traces, got {len(self.names)} of {self.n_samples} samples"
            )

    def __len__(self) -> int:
        return len(self.names)

    def read(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Traces [start, stop) as float64 (n, T), NaN and infinite samples as they are."""
        stop = len(self) if stop is None else stop
        if not 0 <= start <= stop <= len(self):
            raise IndexError(f"traces {start}:{stop} asked of {len(self)}")
        return np.asarray(self.rows(start, stop), dtype=np.float64)

    def __iter__(self) -> Iterator[tuple[str, np.ndarray]]:
        """Each trace's name and samples (T,), read in blocks."""
        return self.beginning_with(0)

    def beginning_with(self, first: int) -> Iterator[tuple[str, np.ndarray]]:
        """As iterated, each name with samples float64 (T,), from the trace `first` on."""
        block = max(1, min(BLOCK, BLOCK_SAMPLES // self.n_samples))
        for start in range(first, len(self), block):
            traces = self.read(start, min(start + block, len(self)))
            yield from zip(self.names[start:], traces, strict=False)

    @classmethod
    def from_matrix(
        cls,
        path: Path,
        matrix: np.ndarray | NpyMatrix,
        rate_hz: float,
        layout: str | None,
        names: Sequence[str] | None = None,
    ) -> "TraceSet":
        """Wrap a matrix (N, T) or (T, N), in memory or on disk, or one trace (T,).

        `layout` is one of LAYOUTS; None takes the rows as traces and refuses a matrix of more rows
        than columns, which more likely holds its traces in columns.
        """
        if matrix.dtype.kind not in "fiub":
            raise RecordingError(f"{path}: expected numbers, got an array of {matrix.dtype}")
        if matrix.ndim == 1:
            matrix, layout = np.asarray(matrix)[None], LAYOUTS[0]
        if matrix.ndim != 2:
            raise RecordingError(
                f"{path}: expected a matrix of traces and time, got shape {matrix.shape}"
            )
        if 0 in matrix.shape:  # any number of traces fits into no bytes
            raise RecordingError(f"{path}: expected traces of some samples, got {matrix.shape}")
        if layout is None and matrix.shape[0] > matrix.shape[1]:
            raise RecordingError(
                f"{path}: expected more samples than traces, got shape {matrix.shape}; pass "
                "--layout time-traces if each column is a trace, traces-time if each row is one"
            )
        across = layout == LAYOUTS[1]
        n_traces, n_samples = matrix.shape[::-1] if across else matrix.shape
        names = tuple(names or map(str, range(n_traces)))

        def rows(start: int, stop: int) -> np.ndarray:
            return np.asarray(matrix[:, start:stop]).T if across else matrix[start:stop]

        return cls(path, rate_hz, names, n_samples, rows)

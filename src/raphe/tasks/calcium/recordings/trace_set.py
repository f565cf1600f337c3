"""The traces of one file: read a few at a time, so that a population need not fit into memory."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, get_args

import numpy as np

from raphe.core.errors import RapheError, RecordingError
from raphe.core.ranges import Range, Share, fault, faults
from raphe.core.recordings.rates import same_rate
from raphe.core.sentences import counted, printable
from raphe.tasks.calcium.recordings.orientation import refuse_contradiction
from raphe.tasks.calcium.recordings.stored_matrix import Hdf5Matrix, NpyMatrix

Layout = Literal["traces-time", "time-traces"]  # a row is a trace; a column is one
LAYOUTS = get_args(Layout)
NEUROPIL = 0.7  # Suite2p's default share of the surround's signal
LONGEST_REASON = 160  # letters of what a library says of a file
BLOCK, BLOCK_SAMPLES = 64, 2**22  # at most read at once: 64 of half an hour at 30 Hz are 28 MB
SAME_NOMINAL_RATE = 0.01  # relative: 30 Hz and 29.97 are one
# A rate beyond is one that was mistaken, as seconds a frame, or as frames an hour.
RATE_LIMIT = Range(0.1, 1e4, noun="a sampling rate in Hz,", remedy="--rate takes frames a second")


@dataclass(frozen=True)
class TraceOptions:
    """What a file may not say of itself. Raises RecordingError for what cannot be."""

    rate_hz: Annotated[float, RATE_LIMIT] | None = None
    layout: Layout | None = None  # of a matrix
    variable: str | None = None  # the array to take, of a file that holds several
    neuropil: Share | None = None  # of a surround's signal to take off; None: NEUROPIL
    cells_only: bool = False  # without regions that curation calls no cells

    def __post_init__(self) -> None:
        if self.layout not in (None, *LAYOUTS):
            raise RecordingError(f"layout: expected {' or '.join(LAYOUTS)}, got {self.layout}")
        for name, reason in faults(TraceOptions, vars(self)):
            raise RecordingError(f"{name}: {reason}")

    @property
    def surround_share(self) -> float:
        return NEUROPIL if self.neuropil is None else self.neuropil

    def rate(self, path: Path, of_file: float | None = None) -> float:
        """The rate asked for, else the one the file holds.

        Raises RecordingError without either, and where they contradict each other.
        """
        rate_hz = self.rate_hz if self.rate_hz is not None else of_file
        if rate_hz is None:
            raise RecordingError(f"{path}: does not hold its sampling rate; pass --rate HZ")
        if (
            of_file is not None
            and RATE_LIMIT.admits(of_file, whole=False)
            and not math.isclose(rate_hz, of_file, rel_tol=SAME_NOMINAL_RATE)
        ):
            raise RecordingError(
                f"{path}: holds its sampling rate, {of_file:g} Hz, --rate says {rate_hz:g}; leave "
                "--rate out, or correct the rate in the file"
            )
        return float(rate_hz)


@contextmanager
def refusing_damage(path: Path) -> Iterator[None]:
    """Turn whatever a library says of a damaged file into a RecordingError that names it."""
    try:
        yield
    except RapheError:
        raise
    except Exception as error:  # damage shows in each as one of many kinds
        reason = " ".join(str(error).split())[:LONGEST_REASON] or "it is damaged"
        raise RecordingError(
            f"{path}: could not be read as calcium traces: {printable(reason)}; copy or save it "
            "anew"
        ) from error


class Trace(NamedTuple):
    """One trace, as it is read."""

    name: str
    samples: np.ndarray  # float64 (T,)
    fault: str  # what the file shows to be wrong with it, where its samples do not; or ""


@dataclass(frozen=True)
class Curation:
    """Which regions are cells, by what the user or the program that found them has said."""

    source: str  # where it is said
    is_cell: tuple[bool, ...]  # (N,)

    def __str__(self) -> str:
        n, rejected = len(self.is_cell), self.is_cell.count(False)
        are = "is no cell" if rejected == 1 else "are no cells"
        return f"{rejected} of {counted('region', n)} {are} by {self.source}"


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
    obeys: frozenset[str] = frozenset({"rate_hz"})  # which options say anything of such a file
    curation: Curation | None = None
    notes: tuple[str, ...] = ()  # what must be known of all of them, a sentence each
    made_of: str = "the trace as the file has it"  # what a sample is
    # Why a trace that is read as NaN throughout is so, by its number; "" where the file has it so.
    fault_of: Callable[[int], str] = field(default=lambda number: "", repr=False)
    n_bytes: int | None = None  # of the samples in memory; None: they are read from the file
    first_s: float | None = None  # what the file's own clock shows at the first frame

    def __post_init__(self) -> None:
        if not RATE_LIMIT.admits(self.rate_hz, whole=False):
            raise RecordingError(f"{self.path}: {fault(RATE_LIMIT, self.rate_hz, whole=False)}")
        if not self.names or self.n_samples < 1:
            raise RecordingError(
                f"{self.path}: expected traces, got {len(self.names)} of {self.n_samples} samples"
            )

    def __len__(self) -> int:
        return len(self.names)

    @property
    def begins_s(self) -> float:
        """When the first frame was, on the file's own clock; 0 where it has none."""
        return self.first_s or 0.0

    @property
    def told(self) -> list[str]:
        """What must be known of all of them, a sentence each, with those that are no cells."""
        if self.curation is None or all(self.curation.is_cell):
            return list(self.notes)
        rejected = f"{self.path}: {self.curation}, taken all the same; --cells-only leaves them out"
        return [*self.notes, rejected]

    def read(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Traces [start, stop) as float64 (n, T), NaN and infinite samples as they are."""
        stop = len(self) if stop is None else stop
        if not 0 <= start <= stop <= len(self):
            raise IndexError(f"traces {start}:{stop} asked of {len(self)}")
        with refusing_damage(self.path):
            return np.asarray(self.rows(start, stop), dtype=np.float64)

    def blocks(self, first: int = 0) -> Iterator[tuple[int, np.ndarray]]:
        """All traces from `first` on, some at once: the first one's number, float64 (n, T)."""
        block = max(1, min(BLOCK, BLOCK_SAMPLES // self.n_samples))
        for start in range(first, len(self), block):
            yield start, self.read(start, min(start + block, len(self)))

    def __iter__(self) -> Iterator[Trace]:
        """Each trace, read in blocks."""
        return self.beginning_with(0)

    def beginning_with(self, first: int) -> Iterator[Trace]:
        """As iterated, from the trace `first` on."""
        for start, traces in self.blocks(first):
            for number, samples in enumerate(traces, start):
                reason = self.fault_of(number) if np.isnan(samples).all() else ""
                yield Trace(self.names[number], samples, reason)

    def cells(self) -> "TraceSet":
        """Those that curation calls cells. Raises RecordingError where it calls none one."""
        assert self.curation is not None
        numbers = np.flatnonzero(self.curation.is_cell)
        if not len(numbers):
            raise RecordingError(
                f"{self.path}: expected cells, {self.curation}; leave --cells-only out"
            )

        def rows(start: int, stop: int) -> np.ndarray:
            chosen = numbers[start:stop]
            runs = np.split(chosen, np.flatnonzero(np.diff(chosen) > 1) + 1)
            return np.concatenate([self.rows(run[0], run[-1] + 1) for run in runs if len(run)])

        notes = [*self.notes]
        if len(numbers) < len(self):
            notes.append(f"{self.path}: {self.curation}, and left out as asked")
        return replace(
            self,
            names=tuple(self.names[number] for number in numbers),
            rows=rows,
            curation=Curation(self.curation.source, (True,) * len(numbers)),
            notes=tuple(notes),
            fault_of=lambda number: self.fault_of(int(numbers[number])),
        )

    def held(self) -> "TraceSet":
        """The same in memory, as float32 where that loses nothing: the file may go."""
        if self.n_bytes is not None:
            return self
        matrix = np.zeros((len(self), self.n_samples), np.float32)
        faults: dict[int, str] = {}
        for start, traces in self.blocks():
            with np.errstate(over="ignore"):
                rounded = traces.astype(np.float32)
            if matrix.dtype != traces.dtype and not np.array_equal(rounded, traces, equal_nan=True):
                matrix = matrix.astype(traces.dtype)
            matrix[start : start + len(traces)] = traces
            nothing = np.flatnonzero(np.isnan(traces).all(axis=1)) + start
            faults |= {number: self.fault_of(number) for number in nothing.tolist()}
        return replace(
            self,
            rows=lambda start, stop: matrix[start:stop],
            fault_of=lambda number: faults.get(number, ""),
            n_bytes=matrix.nbytes,
        )

    def named(self, name: str) -> "TraceSet":
        """The same, called otherwise in all that is said of it; to be read no more."""
        assert self.n_bytes is not None
        notes = tuple(note.replace(str(self.path), name) for note in self.notes)
        return replace(self, path=Path(name), notes=notes)

    @classmethod
    def from_matrix(
        cls,
        path: Path,
        matrix: np.ndarray | NpyMatrix | Hdf5Matrix,
        rate_hz: float,
        layout: str | None,
        names: Sequence[str] | None = None,
    ) -> "TraceSet":
        """Wrap a matrix (N, T) or (T, N), in memory or on disk, or one trace (T,).

        `layout` is one of LAYOUTS; None takes the rows as traces, and refuses a matrix of more rows
        than columns, or of samples that follow each other down its columns rather than along its
        rows: it more likely holds its traces in columns.
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
        if layout is None:
            refuse_contradiction(path, matrix)
        across = layout == LAYOUTS[1]
        n_traces, n_samples = matrix.shape[::-1] if across else matrix.shape
        names = tuple(names or map(str, range(n_traces)))

        def rows(start: int, stop: int) -> np.ndarray:
            return np.asarray(matrix[:, start:stop]).T if across else matrix[start:stop]

        return cls(path, rate_hz, names, n_samples, rows, frozenset({"rate_hz", "layout"}))

    @classmethod
    def joined(cls, path: Path, parts: Mapping[str, "TraceSet"]) -> "TraceSet":
        """Traces of several parts one part after the other, named PART/TRACE; of one, as they are.

        Raises RecordingError for parts of different sampling rates.
        """
        if len(parts) == 1:
            return replace(next(iter(parts.values())), path=path)
        sets = list(parts.values())
        rates = {name: part.rate_hz for name, part in parts.items()}
        if not all(same_rate(part.rate_hz, sets[0].rate_hz) for part in sets):
            told = ", ".join(f"{name} {rate_hz:g} Hz" for name, rate_hz in rates.items())
            raise RecordingError(
                f"{path}: expected parts of one sampling rate, got {told}; name them one by one"
            )
        begins = np.cumsum([0, *map(len, sets)])
        n_samples = max(part.n_samples for part in sets)

        def rows(start: int, stop: int) -> np.ndarray:
            traces = np.full((stop - start, n_samples), np.nan)
            for part, begin in zip(sets, begins, strict=False):
                first, last = max(start, begin), min(stop, begin + len(part))
                if first < last:
                    read = part.rows(first - begin, last - begin)
                    traces[first - start : last - start, : part.n_samples] = read
            return traces

        def fault_of(number: int) -> str:
            part = int(np.searchsorted(begins, number, "right")) - 1
            return sets[part].fault_of(number - int(begins[part]))

        curations = [part.curation for part in sets if part.curation]
        notes = [note for part in sets for note in part.notes]
        curation = None
        if len(curations) == len(sets):
            is_cell = tuple(cell for each in curations for cell in each.is_cell)
            curation = Curation(curations[0].source, is_cell)
        elif curations:
            lacking = ", ".join(name for name, part in parts.items() if not part.curation)
            notes.append(f"{path}: {curations[0].source} is not read, as {lacking} has none")
        return cls(
            path,
            sets[0].rate_hz,
            tuple(f"{name}/{trace}" for name, part in parts.items() for trace in part.names),
            n_samples,
            rows,
            sets[0].obeys,
            curation,
            tuple(notes),
            sets[0].made_of,
            fault_of,
        )

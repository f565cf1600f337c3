"""The authors' own arrays, opened where they lie: trios of Observations, Labels and Cellulars.

*Observations*.npy  (N, T, 2, 1) float64: time in s and current in pA, in either order
*Labels*.npy        (N, 1): the class of each spike, 0 (SER) or 1 (NSER)
*Cellulars*.npy     (N, 1) strings: the spike's name, which holds its cell

N spikes, n of them at once, T samples a window.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from raphe.core.errors import StoreError
from raphe.core.files.folders import list_files
from raphe.core.recordings.arrays import ArrayFile, open_array
from raphe.core.recordings.rates import rate_of_times
from raphe.tasks.celltype.recordings.file_names import is_synthetic, parse_window_name
from raphe.tasks.celltype.spikes.cut_settings import MIN_RATE_HZ
from raphe.tasks.celltype.stores.lazy_array import InMemory, LazyArray
from raphe.tasks.celltype.stores.spike_csv import rising_columns
from raphe.tasks.celltype.stores.subsampling import evenly_spaced

ROLES = ("Observations", "Labels", "Cellulars")
LABEL_CODE = "0 (SER) or 1 (NSER)"  # of the published data; in general a place in the classes
LABELS_MUST = f"labels must be {LABEL_CODE}, one a spike; of one-hot rows take argmax(axis=1)"
CHECKED_ROWS = 256  # rows looked at to tell the time column
HASH_BLOCKS, HASH_BLOCK_BYTES = 64, 2**16
NAMES_KEPT = 2**16  # synthetic spikes of one parent share its name


class Currents:
    """The current of the windows in a file of observations: float32 (N, T) in pA."""

    def __init__(self, observations: ArrayFile, column: int) -> None:
        self.observations, self.column = observations, column
        self.dtype, self.shape = np.dtype(np.float32), observations.shape[:2]

    def __len__(self) -> int:
        return len(self.observations)

    def read(self, starts: np.ndarray, stops: np.ndarray, out: np.ndarray) -> None:
        pairs = np.empty((len(out), *self.observations.shape[1:]), self.observations.dtype)
        self.observations.read(starts, stops, pairs)
        out[:] = self._current(pairs)

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        return self._current(self.observations[rows]).astype(np.float32)

    def _current(self, pairs: np.ndarray) -> np.ndarray:
        """(n, T) of (n, T, 2) or (n, T, 2, 1)."""
        return pairs.reshape(*pairs.shape[:2], 2)[:, :, self.column]


class Triggers:
    """The triggers in the names of spikes, parsed where they are read: int64 (N,), -1 unknown."""

    def __init__(self, names: LazyArray) -> None:
        self.names, self.dtype, self.shape = names, np.dtype(np.int64), names.shape[:1]

    def __len__(self) -> int:
        return len(self.names)

    def read(self, starts: np.ndarray, stops: np.ndarray, out: np.ndarray) -> None:
        out[:] = self._parse(self.names.read(starts, stops))

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        return self._parse(self.names[rows])

    def _parse(self, names: np.ndarray) -> np.ndarray:
        return np.array([parse_window_name(name)[1] for name in _texts(names)], np.int64)


@dataclass(frozen=True)
class Trio:
    """One trio, of which the index of each spike's cell is in memory and nothing else."""

    observations: Path
    windows: Currents
    rate_hz: float
    trigger: Triggers
    cell: np.ndarray  # uint16 (N,), or uint32 for more cells; index into cell_ids
    cell_ids: list[str]
    label_of_cell: np.ndarray  # uint8 (cells,)
    is_synthetic: bool  # by the names of its spikes
    sampled_hash: str  # SHA-256 of labels, cells, and the size and 64 blocks of the observations


def find_trios(path: Path) -> list[tuple[Path, Path, Path]]:
    """The trios in a folder and below, or the one an Observations file belongs to; [] without any.

    The files of a trio lie together and have names that differ in that one word alone; where a
    folder holds just one of each, any names will do. Raises StoreError for a trio not complete.
    """
    if path.is_file():
        return [_trio(path)] if ROLES[0] in path.name else []
    listing = list_files(path, _is_of_trio)
    if listing.left_out:  # a training on fewer spikes is another one
        raise StoreError(str(listing.left_out[0]))
    return [_trio(file) for file in listing.files if ROLES[0] in file.name]


def _is_of_trio(file: Path) -> bool:
    return file.suffix.lower() == ".npy" and any(role in file.name for role in ROLES)


def _trio(observations: Path) -> tuple[Path, Path, Path]:
    folder = observations.parent
    beside = [sorted(folder.glob(f"*{role}*.npy")) for role in ROLES]
    if all(len(files) == 1 for files in beside):
        (whole,), (labels,), (cellulars,) = beside
        return whole, labels, cellulars
    files = [observations.with_name(observations.name.replace(ROLES[0], role)) for role in ROLES]
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        raise StoreError(
            f"{observations}: {' and '.join(missing)} not beside it; give the three files of a "
            "trio names that differ in Observations, Labels, Cellulars alone"
        )
    whole, labels, cellulars = files
    return whole, labels, cellulars


def open_trio(trio: tuple[Path, Path, Path], n_classes: int, time_column: int | None) -> Trio:
    """Open one trio, reading labels and names through but not its observations.

    `time_column` (0 or 1) answers when the rows do not tell it. Raises StoreError.
    """
    observations, labels, cellulars = (_map(path) for path in trio)
    _require_fit(trio, observations, labels, cellulars)
    n, n_samples = observations.shape[:2]
    column, rate_hz = _time_and_rate(trio[0], observations.reshape(n, n_samples, 2), time_column)
    names = LazyArray(ArrayFile.of(cellulars))
    cells = _CellIndex(trio[1], trio[2], n)
    for start, values in LazyArray(ArrayFile.of(labels)).blocks():
        label = _labels(trio[1], start, values.reshape(-1), n_classes)
        cells.add(start, label, names[start : start + len(label)])
    digest = _sampled_hash(trio[0])
    for of_each in (cells.label_of_cell, np.arange(len(cells.cell_ids), dtype=np.int32)):
        for _, cell in LazyArray(InMemory(cells.cell)).blocks():
            digest.update(of_each[cell])
    digest.update("\n".join(cells.cell_ids).encode())
    return Trio(
        trio[0],
        Currents(ArrayFile.of(observations), 1 - column),
        rate_hz,
        Triggers(names),
        cells.cell,
        cells.cell_ids,
        cells.label_of_cell,
        cells.is_synthetic,
        digest.hexdigest(),
    )


def _require_fit(
    trio: tuple[Path, Path, Path],
    observations: np.ndarray,
    labels: np.ndarray,
    cellulars: np.ndarray,
) -> None:
    shape = observations.shape
    if shape[2:] not in ((2,), (2, 1)) or observations.dtype.kind != "f":
        raise StoreError(
            f"{trio[0]}: expected (N, T, 2, 1) floats, got {shape} {observations.dtype.name}"
        )
    n = len(observations)
    for path, array in zip(trio[1:], (labels, cellulars), strict=True):
        if array.shape not in ((n,), (n, 1)) or not n:
            must = f"; {LABELS_MUST}" if path == trio[1] else ""
            raise StoreError(
                f"{path}: expected ({n}, 1) as its observations, got {array.shape}{must}"
            )
    if cellulars.dtype.kind not in "US":
        raise StoreError(
            f"{trio[2]}: expected strings, got {cellulars.dtype.name}; save it once more with "
            "np.save(file, array.astype(str))"
        )


def _map(path: Path) -> np.memmap:
    array = open_array(path, StoreError)
    if not array.flags.c_contiguous:
        raise StoreError(
            f"{path}: is stored column by column, so that no spike lies together; "
            "np.save(file, np.ascontiguousarray(np.load(file))) once"
        )
    return array


def _time_and_rate(path: Path, windows: np.ndarray, answer: int | None) -> tuple[int, float]:
    """Which column of windows (N, T, 2) is the time, and its rate in Hz."""
    checked = windows[evenly_spaced(len(windows), CHECKED_ROWS)]
    rising = rising_columns(checked)
    if len(rising) == 1:
        column = int(rising[0])
    elif answer is not None:
        column = answer
    else:
        raise StoreError(
            f"{path}: {'neither' if not len(rising) else 'either'} of its two columns rises in "
            "every row, which one is the time? Pass --time-column 1 or 2"
        )
    step_s = float(np.median(np.diff(checked[..., column], axis=1)))
    if not 0 < step_s <= 1 / MIN_RATE_HZ:
        raise StoreError(
            f"{path}: its time column steps by {step_s:g}, expected seconds and at most "
            f"{1 / MIN_RATE_HZ:g} s a step"
        )
    time_s = checked[..., column]
    rises = (np.diff(time_s, axis=1) > 0).all(axis=1)
    return column, rate_of_times(time_s[rises]) if rises.any() else round(1 / step_s, 3)


def _labels(path: Path, start: int, values: np.ndarray, n_classes: int) -> np.ndarray:
    wrong = ~np.isin(values, np.arange(n_classes))
    if wrong.any():
        raise StoreError(
            f"{path}: expected labels 0 to {n_classes - 1}, got {values[wrong][0]} in row "
            f"{start + int(np.flatnonzero(wrong)[0])}; {LABELS_MUST}"
        )
    return values.astype(np.uint8)


def _sampled_hash(path: Path) -> "hashlib._Hash":
    """Of a file's size and evenly spaced blocks: 30 GB are not read through at each opening."""
    size = path.stat().st_size
    digest = hashlib.sha256(f"{size}\n".encode())
    with path.open("rb") as file:
        for start in np.linspace(0, max(size - HASH_BLOCK_BYTES, 0), HASH_BLOCKS).astype(np.int64):
            file.seek(int(start))
            digest.update(file.read(HASH_BLOCK_BYTES))
    return digest


class _CellIndex:
    """The cells in the names of spikes, numbered as they come, and their classes; block by block.

    A cell of two classes is refused.
    """

    def __init__(self, labels: Path, cellulars: Path, n: int) -> None:
        self.labels, self.cellulars = labels, cellulars
        self.cell = np.empty(n, np.uint16)
        self.label_of_cell = np.empty(0, np.uint8)
        self._numbers: dict[str, int] = {}
        self._first: list[tuple[int, str]] = []  # row and name of each cell's first spike
        self.is_synthetic = False  # any of them
        self._parse = lru_cache(NAMES_KEPT)(parse_window_name)

    @property
    def cell_ids(self) -> list[str]:
        return list(self._numbers)

    def add(self, start: int, label: np.ndarray, names: np.ndarray) -> None:
        """Take the labels uint8 (n,) and names of the rows from `start` on. Raises StoreError."""
        texts = _texts(names)
        self.is_synthetic = self.is_synthetic or any(map(is_synthetic, texts))
        cell = np.array([self._number(name) for name in texts], np.uint32)
        numbers, first_row = np.unique(cell, return_index=True)
        new = first_row[numbers >= len(self._first)]
        self._first += [(start + row, texts[row]) for row in new.tolist()]
        self.label_of_cell = np.append(self.label_of_cell, label[new])
        wrong = np.flatnonzero(label != self.label_of_cell[cell])
        if len(wrong):
            self._refuse(start, int(wrong[0]), cell, label, texts)
        if len(self._first) > np.iinfo(self.cell.dtype).max:
            self.cell = self.cell.astype(np.uint32)
        self.cell[start : start + len(cell)] = cell

    def _number(self, name: str) -> int:
        return self._numbers.setdefault(self._parse(name)[0], len(self._numbers))

    def _refuse(
        self, start: int, row: int, cell: np.ndarray, label: np.ndarray, texts: list[str]
    ) -> None:
        first_row, first_name = self._first[cell[row]]
        raise StoreError(
            f"{self.cellulars}: {first_name!r} (row {first_row}, label "
            f"{self.label_of_cell[cell[row]]}) and {texts[row]!r} (row {start + row}, label "
            f"{label[row]}) are spikes of one cell, {self.cell_ids[cell[row]]}, but differ in "
            f"class; correct {self.labels.name}"
        )


def _texts(names: np.ndarray) -> list[str]:
    return names.reshape(-1).astype(str).tolist()

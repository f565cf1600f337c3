"""The authors' own arrays, opened where they lie: trios of Observations, Labels and Cellulars.

*Observations*.npy  (N, T, 2, 1) float64: time in s and current in pA, in either order
*Labels*.npy        (N, 1): the class of each spike, 0 (SER) or 1 (NSER)
*Cellulars*.npy     (N, 1) strings: the spike's name, which holds its cell
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from raphe.core.errors import StoreError
from raphe.tasks.celltype.cut import MIN_RATE_HZ
from raphe.tasks.celltype.names import parse_window_name

ROLES = ("Observations", "Labels", "Cellulars")
LABEL_CODE = "0 (SER) or 1 (NSER)"  # of the published data; in general a place in the classes
LABELS_MUST = f"labels must be {LABEL_CODE}, one a spike; of one-hot rows take argmax(axis=1)"
CHECKED_ROWS = 256  # rows looked at to tell the time column
NAMES_AT_ONCE = 2**16
HASH_BLOCKS, HASH_BLOCK_BYTES = 64, 2**16


@dataclass(frozen=True)
class Trio:
    """One trio: the current stays on disk, labels and cells are in memory."""

    observations: Path
    windows: np.ndarray  # float (N, T, 2), memory-mapped
    current_column: int
    rate_hz: float
    label: np.ndarray  # uint8 (N,)
    cell: np.ndarray  # int32 (N,), index into cell_ids
    cell_ids: list[str]
    trigger: np.ndarray  # int64 (N,), -1 unknown
    sampled_hash: str  # SHA-256 of labels, cells, and the size and 64 blocks of the observations

    def __len__(self) -> int:
        return len(self.windows)

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Current of these rows in pA: float32 (len(rows), T)."""
        return np.asarray(self.windows[rows, :, self.current_column], np.float32)


def find_trios(path: Path) -> list[tuple[Path, Path, Path]]:
    """The trios in a folder and below, or the one an Observations file belongs to; [] without any.

    The files of a trio lie together and have names that differ in that one word alone; where a
    folder holds just one of each, any names will do. Raises StoreError for a trio not complete.
    """
    if path.is_file():
        return [_trio(path)] if ROLES[0] in path.name else []
    return [_trio(file) for file in sorted(path.rglob(f"*{ROLES[0]}*.npy"))]


def _trio(observations: Path) -> tuple[Path, Path, Path]:
    folder = observations.parent
    beside = [sorted(folder.glob(f"*{role}*.npy")) for role in ROLES]
    if all(len(files) == 1 for files in beside):
        return tuple(files[0] for files in beside)
    names = [observations.name.replace(ROLES[0], role) for role in ROLES]
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise StoreError(
            f"{observations}: {' and '.join(missing)} not beside it; give the three files of a "
            "trio names that differ in Observations, Labels, Cellulars alone"
        )
    return tuple(folder / name for name in names)


def open_trio(trio: tuple[Path, Path, Path], n_classes: int, time_column: int | None) -> Trio:
    """Open one trio without reading its observations.

    `time_column` (0 or 1) answers when the rows do not tell it. Raises StoreError.
    """
    observations, labels, cellulars = (_map(path) for path in trio)
    windows = observations[..., 0] if observations.ndim == 4 else observations
    if windows.ndim != 3 or windows.shape[2] != 2 or windows.dtype.kind != "f":
        raise StoreError(
            f"{trio[0]}: expected (N, T, 2, 1) floats, got {observations.shape} "
            f"{observations.dtype.name}"
        )
    n = len(windows)
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
    column, rate_hz = _tell_time(trio[0], windows, time_column)
    label = _labels(trio[1], labels.reshape(n), n_classes)
    names = cellulars.reshape(n)
    cell, cell_ids, trigger = _cells(names)
    _refuse_two_classes(trio, label, cell, cell_ids, names)
    digest = _sampled_hash(trio[0])
    for array in (label, cell, "\n".join(cell_ids).encode()):
        digest.update(array)
    return Trio(
        trio[0], windows, 1 - column, rate_hz, label, cell, cell_ids, trigger, digest.hexdigest()
    )


def _map(path: Path) -> np.ndarray:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        if "Python objects" in str(error):
            raise StoreError(
                f"{path}: holds Python objects, which could run code when read; if you trust it, "
                "np.save(file, np.load(file, allow_pickle=True).astype(str)) once"
            ) from None
        raise StoreError(f"{path}: is not a whole NPY array ({error}); copy it anew") from None


def _tell_time(path: Path, windows: np.ndarray, answer: int | None) -> tuple[int, float]:
    """Which column is the time, and its rate."""
    rows = np.unique(np.linspace(0, len(windows) - 1, CHECKED_ROWS).astype(np.int64))
    steps = np.diff(windows[rows], axis=1)  # (rows, T - 1, 2)
    rising = np.flatnonzero((steps > 0).all(axis=(0, 1)))
    if len(rising) != 1 and answer is None:
        raise StoreError(
            f"{path}: {'neither' if not len(rising) else 'either'} of its two columns rises in "
            "every row, which one is the time? Pass --time-column 1 or 2"
        )
    column = int(rising[0]) if len(rising) == 1 else answer
    step_s = float(np.median(steps[..., column]))
    if not 0 < step_s <= 1 / MIN_RATE_HZ:
        raise StoreError(
            f"{path}: its time column steps by {step_s:g}, expected seconds and at most "
            f"{1 / MIN_RATE_HZ:g} s a step"
        )
    return column, round(1 / step_s, 3)


def _labels(path: Path, values: np.ndarray, n_classes: int) -> np.ndarray:
    wrong = ~np.isin(values, np.arange(n_classes))
    if wrong.any():
        raise StoreError(
            f"{path}: expected labels 0 to {n_classes - 1}, got {values[wrong][0]} in row "
            f"{int(np.flatnonzero(wrong)[0])}; {LABELS_MUST}"
        )
    return values.astype(np.uint8)


def _cells(names: np.ndarray) -> tuple[np.ndarray, list[str], np.ndarray]:
    index: dict[str, int] = {}
    cell, trigger = np.empty(len(names), np.int32), np.empty(len(names), np.int64)
    for row, name in enumerate(_texts(names)):
        cell_id, trigger[row] = parse_window_name(name)
        cell[row] = index.setdefault(cell_id, len(index))
    return cell, list(index), trigger


def _refuse_two_classes(
    trio: tuple[Path, Path, Path],
    label: np.ndarray,
    cell: np.ndarray,
    cell_ids: list[str],
    names: np.ndarray,
) -> None:
    first = np.unique(cell, return_index=True)[1]  # row of each cell's first spike
    wrong = np.flatnonzero(label != label[first][cell])
    if len(wrong):
        two = int(wrong[0])
        one = int(first[cell[two]])
        (name_one,), (name_two,) = _texts(names[[one]]), _texts(names[[two]])
        raise StoreError(
            f"{trio[2]}: {name_one!r} (row {one}, label {label[one]}) and {name_two!r} (row {two}, "
            f"label {label[two]}) are spikes of one cell, {cell_ids[cell[two]]}, but differ in "
            f"class; correct {trio[1].name}"
        )


def _texts(names: np.ndarray) -> Iterator[str]:
    for start in range(0, len(names), NAMES_AT_ONCE):
        yield from names[start : start + NAMES_AT_ONCE].astype(str).tolist()


def _sampled_hash(path: Path) -> "hashlib._Hash":
    """Of a file's size and evenly spaced blocks: 30 GB are not read through at each opening."""
    size = path.stat().st_size
    digest = hashlib.sha256(f"{size}\n".encode())
    with path.open("rb") as file:
        for start in np.linspace(0, max(size - HASH_BLOCK_BYTES, 0), HASH_BLOCKS).astype(np.int64):
            file.seek(int(start))
            digest.update(file.read(HASH_BLOCK_BYTES))
    return digest

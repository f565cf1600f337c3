"""NumPy's files, opened without running what they hold, and their rows read a part at a time."""

import contextlib
import os
from collections.abc import Iterator
from functools import cached_property
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.errors import RapheError, StoreError
from raphe.core.files.atomic import reporting

NPY_START, ZIP_START = b"\x93NUMPY", b"PK"  # of an .npy file, and of an .npz, which is a zip
ANNOUNCED_BYTES = 2**16  # less is fetched at once, by the system's own reading ahead
KEPT_MAP_BYTES = 2**27  # a smaller file may stay mapped: its pages are not many


def load_array(path: Path | str, error_type: type[RapheError]) -> np.ndarray:
    """The array of an .npy file in memory: of any shape and dtype but Python objects.

    Raises `error_type` for whatever is not a whole .npy file.
    """
    path = Path(path)
    _require_start(path, NPY_START, error_type)
    with _refusing_damage(path, error_type, "an .npy array"):
        return np.load(path, allow_pickle=False)


def open_array(path: Path | str, error_type: type[RapheError]) -> np.memmap:
    """The array of an .npy file, memory-mapped: as `load_array`, and nothing is read yet."""
    path = Path(path)
    _require_start(path, NPY_START, error_type)
    with _refusing_damage(path, error_type, "an .npy array"):
        return np.load(path, mmap_mode="r", allow_pickle=False)


def load_arrays(path: Path | str, error_type: type[RapheError]) -> dict[str, np.ndarray]:
    """The arrays of an .npz file by name, in memory.

    Raises `error_type` for whatever is not a whole .npz file of arrays without Python objects.
    """
    path = Path(path)
    _require_start(path, ZIP_START, error_type)
    with (
        _refusing_damage(path, error_type, "an .npz file of arrays"),
        np.load(path, allow_pickle=False) as arrays,
    ):
        return {name: np.asarray(arrays[name]) for name in arrays.files}


def _require_start(path: Path, expected: bytes, error_type: type[RapheError]) -> None:
    """Refuse a file that is missing, empty or of another kind, whatever its name says."""
    expected_kind = "one array (.npy)" if expected == NPY_START else "arrays by name (.npz)"
    try:
        with path.open("rb") as file:
            start = file.read(len(NPY_START))
    except OSError as error:
        raise error_type(f"{path}: expected {expected_kind}, could not be read: {error}") from None
    if start.startswith(expected):
        return
    if not start:
        kind = "an empty file; copy it anew"
    elif start.startswith(ZIP_START):
        kind = "several in a zip (.npz); save the one that is meant with np.save"
    elif start == NPY_START:
        kind = "a single one (.npy); save it under its name with np.savez"
    else:
        kind = f"another kind of file, which begins with {start!r}"
    raise error_type(f"{path}: expected {expected_kind}, got {kind}")


@contextlib.contextmanager
def _refusing_damage(path: Path, error_type: type[RapheError], whole: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # damage shows as one of many kinds, tokenize.TokenError among them
        if "Python objects" in str(error) or "Object arrays" in str(error):
            raise error_type(
                f"{path}: holds Python objects, which could run code when read; if you trust it, "
                "save it once more as text or numbers, as "
                "np.save(file, np.load(file, allow_pickle=True).astype(str))"
            ) from None
        reason = " ".join(str(error).split()) or type(error).__name__
        raise error_type(f"{path}: is not {whole} that is whole ({reason}); copy it anew") from None


class ArrayFile:
    """An array in a file, rows along its first axis.

    Not a memory map, which keeps every page that it has touched resident, holds its file open,
    and ends the process when the file is cut short. Nothing is open between two reads, so that a
    set may lie in any number of files.
    """

    def __init__(
        self, path: Path, dtype: np.dtype | str, shape: tuple[int, ...], offset: int
    ) -> None:
        """`offset` is the byte of the first item; items follow in C order."""
        self.path, self.dtype, self.shape, self.offset = path, np.dtype(dtype), shape, offset
        self._row_bytes = self.dtype.itemsize * int(np.prod(shape[1:], dtype=np.int64))
        with reporting(path, "read"):
            self._stamp = _stamp(path.stat())

    @classmethod
    def of(cls, array: np.memmap) -> "ArrayFile":
        """The file of a whole memory-mapped array in C order."""
        assert array.flags.c_contiguous
        return cls(Path(array.filename), array.dtype, array.shape, array.offset)

    def __len__(self) -> int:
        return self.shape[0]

    def __reduce__(self) -> tuple[Any, ...]:
        return ArrayFile, (self.path, self.dtype, self.shape, self.offset)

    def read(self, starts: np.ndarray, stops: np.ndarray, out: np.ndarray) -> None:
        """Fill `out` with rows starts[0] to before stops[0], then starts[1] …, as they follow.

        `starts` and `stops` are int64 (n,); `out` (rows in all, *the shape of a row) is in C order.
        Raises StoreError where the file has changed since it was opened, or cannot be read.
        """
        if out.dtype != self.dtype:
            items = np.empty(out.shape, self.dtype)
            self.read(starts, stops, items)
            out[:] = items
            return
        places = (self.offset + starts * self._row_bytes).tolist()
        sizes = ((stops - starts) * self._row_bytes).tolist()
        into, done = memoryview(out.reshape(-1).view(np.uint8)), 0
        with reporting(self.path, "read"), FileIO(self.path) as file:
            self._refuse_change(file)
            _announce(file, places, sizes)
            for place, size in zip(places, sizes, strict=True):
                file.seek(place)
                end = done + size
                while done < end:  # the system may give less than is asked for
                    got = file.readinto(into[done:end])
                    if not got:
                        raise StoreError(f"{self.path}: ends too early; copy it or make it anew")
                    done += got

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """Items of these rows (n,), in their order."""
        large = len(self) * self._row_bytes > KEPT_MAP_BYTES
        return np.asarray((self._map() if large else self._kept_map)[rows])

    def _refuse_change(self, file: FileIO) -> None:
        if _stamp(os.fstat(file.fileno())) != self._stamp:
            raise StoreError(
                f"{self.path}: was replaced while it was in use; start again with what is there now"
            )

    @cached_property
    def _kept_map(self) -> np.ndarray:
        return self._map()

    def _map(self) -> np.ndarray:
        if not len(self):
            return np.empty(self.shape, self.dtype)  # nothing to map
        with reporting(self.path, "read"):
            return np.memmap(self.path, self.dtype, "r", self.offset, self.shape)


def _announce(file: FileIO, places: list[int], sizes: list[int]) -> None:
    """Let a disk fetch the next places while the first is read: two to three times as fast."""
    if sum(sizes) >= ANNOUNCED_BYTES and hasattr(os, "posix_fadvise"):
        descriptor = file.fileno()
        for place, size in zip(places, sizes, strict=True):
            os.posix_fadvise(descriptor, place, size, os.POSIX_FADV_WILLNEED)


def _stamp(status: os.stat_result) -> tuple[int, int]:
    return status.st_size, status.st_mtime_ns

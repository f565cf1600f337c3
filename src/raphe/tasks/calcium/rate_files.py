"""Files that rates are written to trace by trace, so that a population need not fit into memory.

N traces of T frames.
"""

import csv
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol

import h5py
import numpy as np

FORMATS = ("npy", "csv", "mat")
MATLAB_HEADER = b"MATLAB 7.3 MAT-file, written by raphe"
HEADER_TEXT, USER_BLOCK = 124, 512  # bytes; version and byte order follow the text
VERSION = b"\x00\x02IM"


class RateFile(Protocol):
    """Takes N rows in order, and is whole when it is left without an error."""

    def append(self, row: np.ndarray) -> None: ...

    def __enter__(self) -> "RateFile": ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None: ...


class _File:
    def __exit__(self, *_: object) -> None:
        self._file.close()


class NpyFile(_File):
    """float32 (N, T); written row by row, as a memory map would fill the memory."""

    def __init__(self, path: Path, names: Sequence[str], n_frames: int) -> None:
        self._file = path.open("wb")
        header = {"descr": "<f4", "fortran_order": False, "shape": (len(names), n_frames)}
        np.lib.format.write_array_header_1_0(self._file, header)

    def __enter__(self) -> "NpyFile":
        return self

    def append(self, row: np.ndarray) -> None:
        self._file.write(np.ascontiguousarray(row, "<f4").tobytes())


class CsvFile(_File):
    """A line a trace: its name, then a value a frame, empty where there is none."""

    def __init__(self, path: Path, names: Sequence[str], n_frames: int) -> None:
        self._file = path.open("w", newline="")
        self._rows = csv.writer(self._file, lineterminator="\n")
        self._names = iter(names)

    def __enter__(self) -> "CsvFile":
        return self

    def append(self, row: np.ndarray) -> None:
        values = ("" if np.isnan(value) else f"{value:.4g}" for value in row)
        self._rows.writerow([next(self._names), *values])


class MatFile(_File):
    """MATLAB 7.3: an N × T matrix of singles, named as the file is."""

    def __init__(self, path: Path, names: Sequence[str], n_frames: int) -> None:
        self._path = path
        self._file = h5py.File(path, "w", userblock_size=USER_BLOCK)
        # MATLAB has its axes in reverse order.
        self._rows = self._file.create_dataset(
            path.stem, (n_frames, len(names)), "float32", chunks=(n_frames, 1)
        )
        self._rows.attrs["MATLAB_class"] = np.bytes_("single")
        self._next = 0

    def __enter__(self) -> "MatFile":
        return self

    def append(self, row: np.ndarray) -> None:
        self._rows[:, self._next] = row
        self._next += 1

    def __exit__(self, *_: object) -> None:
        self._file.close()
        with self._path.open("r+b") as file:
            file.write(MATLAB_HEADER.ljust(HEADER_TEXT) + VERSION)


FILES = dict(zip(FORMATS, (NpyFile, CsvFile, MatFile), strict=True))

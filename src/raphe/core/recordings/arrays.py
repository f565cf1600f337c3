"""NumPy's files, opened without running what they hold, and their rows read a part at a time."""

import contextlib
import math
import os
import warnings
import zipfile
from collections.abc import Iterator
from functools import cached_property
from io import FileIO
from pathlib import Path
from typing import IO, Any

import numpy as np

from raphe.core.errors import RapheError, StoreError
from raphe.core.files.atomic import reporting
from raphe.core.files.path import file_status

HEADERS = {  # by version: bytes of the header's length, and how it is read
    (1, 0): (2, np.lib.format.read_array_header_1_0),
    (2, 0): (4, np.lib.format.read_array_header_2_0),
    (3, 0): (4, np.lib.format.read_array_header_2_0),  # differs in the letters of names alone
}
DAMAGED_HEADER = "is not an .npy array that is whole: its header is damaged; copy it anew"
NPY_START, ZIP_START = b"\x93NUMPY", b"PK"  # of an .npy file, and of an .npz, which is a zip
OTHER_STARTS = {  # what is often taken for an array, by how it begins
    b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j": "PyTorch",
    b"\x80": "pickle",
    b"\x89HDF": "HDF5",
    b"MATLAB": "MATLAB",
}
PYTORCH_ENTRY = "data.pkl"  # of its zip, in a folder of any name
AS_ARRAYS = (
    "save its weights as arrays where it was made: np.savez(file, **{name: tensor.numpy() for "
    "name, tensor in weights.items()})"
)
MOST_UNPACKED_BYTES, MOST_PACKED = 300_000_000, 200  # larger and denser at once is no recording
ENCRYPTED = 1  # of a zip entry's flags
ANNOUNCED_BYTES = 2**16  # less is fetched at once, by the system's own reading ahead
KEPT_MAP_BYTES = 2**27  # a smaller file may stay mapped: its pages are not many


def load_array(path: Path | str, error_type: type[RapheError]) -> np.ndarray:
    """The array of an .npy file in memory: of any shape and dtype but Python objects.

    Raises `error_type` for whatever is not one whole .npy file.
    """
    path = Path(path)
    with _refusing_damage(path, error_type, "an .npy array"):
        _require_one_array(path, error_type)
        return np.load(path, allow_pickle=False)


def open_array(path: Path | str, error_type: type[RapheError]) -> np.memmap:
    """The array of an .npy file, memory-mapped: as `load_array`, and nothing is read yet."""
    path = Path(path)
    with _refusing_damage(path, error_type, "an .npy array"):
        _require_one_array(path, error_type)
        return np.load(path, mmap_mode="r", allow_pickle=False)


def load_arrays(path: Path | str, error_type: type[RapheError]) -> dict[str, np.ndarray]:
    """The arrays of an .npz file by name, in memory.

    Raises `error_type` for whatever is not a whole .npz file of arrays without Python objects.
    """
    path = Path(path)
    with _refusing_damage(path, error_type, "an .npz file of arrays"):
        n_bytes = file_status(path, error_type).st_size
        with path.open("rb") as file:
            _require_start(path, file, ZIP_START, error_type)
            with zipfile.ZipFile(file) as archive:
                entries = _array_entries(path, archive, n_bytes, error_type)
                return {
                    name: _read_entry(path, archive, entry, error_type)
                    for name, entry in entries.items()
                }


def _require_one_array(path: Path, error_type: type[RapheError]) -> None:
    n_bytes = file_status(path, error_type).st_size
    with path.open("rb") as file:
        _require_start(path, file, NPY_START, error_type)
        if fault := _header_fault(file, n_bytes):
            raise error_type(f"{path}: {fault}")


def _require_start(
    path: Path, file: IO[bytes], expected: bytes, error_type: type[RapheError]
) -> None:
    """Refuse a file that is empty or of another kind, whatever its name says."""
    expected_kind = "one array (.npy)" if expected == NPY_START else "arrays by name (.npz)"
    start = file.read(max(map(len, OTHER_STARTS)))
    file.seek(0)
    if start.startswith(expected):
        return
    other = next((kind for begin, kind in OTHER_STARTS.items() if start.startswith(begin)), None)
    if not start:
        kind = "an empty file; copy it anew"
    elif start.startswith(ZIP_START):
        names = _names_in_zip(file)
        if any(_is_pytorch(name) for name in names):
            kind = f"a PyTorch file; {AS_ARRAYS}"
        elif not names:
            kind = "a zip (as .npz is) that is not whole; copy it anew"
        else:
            kind = "several in a zip (.npz); save the one that is meant with np.save"
    elif start.startswith(NPY_START):
        kind = "a single one (.npy); save it under its name with np.savez"
    elif other == "PyTorch":
        kind = f"a PyTorch file; {AS_ARRAYS}"
    elif other == "pickle":
        kind = "a Python pickle, which could run code when read; save the numbers with np.save"
    elif other:
        kind = f"a file of {other}; save what is meant with np.save"
    else:
        kind = f"another kind of file, which begins with {start[:6].decode('latin-1')!r}"
    raise error_type(f"{path}: expected {expected_kind}, got {kind}")


def _names_in_zip(file: IO[bytes]) -> list[str]:
    try:
        with zipfile.ZipFile(file) as archive:
            return archive.namelist()
    except Exception:  # damaged, which its reader tells
        return []


def _is_pytorch(name: str) -> bool:
    return name.rpartition("/")[2] == PYTORCH_ENTRY


def _array_entries(
    path: Path, archive: zipfile.ZipFile, n_bytes: int, error_type: type[RapheError]
) -> dict[str, zipfile.ZipInfo]:
    """The entries of a zip that are arrays, by their name."""
    infos = archive.infolist()
    if any(_is_pytorch(info.filename) for info in infos):
        raise error_type(f"{path}: expected arrays by name (.npz), got a PyTorch file; {AS_ARRAYS}")
    arrays = [info for info in infos if info.filename.endswith(".npy")]
    if not arrays:
        names = ", ".join(info.filename for info in infos[:3]) or "nothing"
        raise error_type(
            f"{path}: expected arrays by name (.npz), got a zip file that holds {names}; save "
            "arrays with np.savez"
        )
    unpacked = sum(info.file_size for info in arrays)
    if unpacked > max(MOST_UNPACKED_BYTES, MOST_PACKED * n_bytes):
        raise error_type(
            f"{path}: its {n_bytes / 1e6:.3g} MB would unpack to {unpacked / 1e9:.3g} GB, which no "
            "recording does; if it is meant, save it with np.savez, which does not pack"
        )
    if any(info.flag_bits & ENCRYPTED for info in arrays):
        raise error_type(f"{path}: is locked with a password; save it without one")
    entries = {info.filename.removesuffix(".npy"): info for info in arrays}
    if len(entries) < len(arrays):
        raise error_type(f"{path}: holds two arrays of one name; save it once more with np.savez")
    return entries


def _read_entry(
    path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, error_type: type[RapheError]
) -> np.ndarray:
    with archive.open(entry) as file:
        if fault := _header_fault(file, entry.file_size):
            raise error_type(f"{path}, array {entry.filename.removesuffix('.npy')}: {fault}")
    with archive.open(entry) as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def _header_fault(file: IO[bytes], n_bytes: int) -> str | None:
    """Why an .npy file of so many bytes is not the array that its header promises, if it is not.

    So nothing is allocated for a header that promises more than there is.
    """
    try:
        version = np.lib.format.read_magic(file)
        n_length, read = HEADERS[version]
        if int.from_bytes(file.read(n_length), "little") > n_bytes:  # numpy would make room for it
            return DAMAGED_HEADER
        file.seek(-n_length, os.SEEK_CUR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that Python 2 wrote it
            shape, _, dtype = read(file)
    except Exception:  # damage shows as one of many kinds, tokenize.TokenError among them
        return DAMAGED_HEADER
    if dtype.hasobject:
        return (
            "holds Python objects, which could run code when read; if you trust it, save it once "
            "more as text or numbers, as np.save(file, np.load(file, allow_pickle=True)"
            ".astype(str))"
        )
    promised = file.tell() + dtype.itemsize * math.prod(shape)
    what = f"{'×'.join(map(str, shape)) or 'one'} {dtype.name}"
    if min(shape, default=0) < 0 or not dtype.itemsize:
        return f"is not an .npy array that is whole: its header promises {what}; copy it anew"
    if promised > n_bytes:
        return (
            f"is not an .npy array that is whole: its header promises {what}, {promised} bytes, "
            f"it has {n_bytes}; copy it anew"
        )
    if promised < n_bytes:
        return (
            f"its header promises {what}, {promised} bytes, and {n_bytes - promised} more follow: "
            "several arrays in one file? Save each in a file of its own"
        )
    return None


@contextlib.contextmanager
def _refusing_damage(path: Path, error_type: type[RapheError], whole: str) -> Iterator[None]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of headers that Python 2 wrote
            yield
    except RapheError:
        raise
    except OSError as error:
        raise error_type(f"{path}: could not be read: {error.strerror or error}") from None
    except MemoryError:
        raise error_type(f"{path}: is larger than the memory that is free") from None
    except Exception:  # damage shows as one of many kinds
        raise error_type(f"{path}: is not {whole} that is whole; copy it anew") from None


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
        return cls(Path(str(array.filename)), array.dtype, array.shape, array.offset)

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

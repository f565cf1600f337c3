"""HDF5 files of strangers (.nwb): refused before they are read if they reach beyond themselves.

A few bytes of HDF5 can name other files of this machine, which would be read as if they were part
of it, or a data set of any size that is nowhere written. Unpacked it may hold no more than a file
may.
"""

from pathlib import Path

import h5py

from raphe.core.errors import RecordingError

SUFFIXES = (".nwb",)
MOST_OBJECTS = 100_000


def require_self_contained(path: Path, at_most: int) -> None:
    """Refuse links and data in other files, and more than so many bytes of data.

    Raises RecordingError, also for what is no HDF5.
    """
    contents = _Contents(at_most)
    try:
        with h5py.File(path, "r") as file:  # h5py stops at the first that is not None
            fault = file.visititems_links(lambda name, link: contents.fault(file, name, link))
    except Exception:  # h5py raises whatever the library does
        raise RecordingError(f"{path}: expected an HDF5 file that is whole") from None
    if fault is not None:
        raise RecordingError(f"{path}: {fault}; expected a file that is whole by itself")


class _Contents:
    """How much of a file was looked at."""

    def __init__(self, at_most: int) -> None:
        self._at_most, self._bytes, self._objects = at_most, 0, 0

    def fault(self, file: h5py.File, name: str, link: object) -> str | None:
        """What is wrong with the next of its links, if anything."""
        if isinstance(link, h5py.ExternalLink):
            return "names another file"
        if isinstance(link, h5py.SoftLink):
            return None  # leads to what is looked at in its own place, or to nothing
        self._objects += 1
        if self._objects > MOST_OBJECTS:
            return f"holds more than {MOST_OBJECTS} objects"
        item = file[name]
        if not isinstance(item, h5py.Dataset):
            return None
        if item.is_virtual or item.external:
            return "names another file"
        self._bytes += int(item.size or 0) * item.dtype.itemsize
        if self._bytes > self._at_most:
            return f"holds more than {self._at_most / 1e6:g} MB of data, unpacked"
        return None

"""Files and folders that appear at their path whole, or not at all.

Either is built under a hidden name beside its path and renamed when it is whole and on the disk
itself, so that a power cut leaves the old one or the new one. Each writer has a hidden name of its
own (see `leavings`), so that two of one path do not meet: the last to end is the one that stays.

By rule and untested on Windows: a file that another program has open there cannot be replaced, so
a rename is tried again for a while.
"""

import errno
import gc
import os
import shutil
import stat
import time
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from raphe.core.errors import StoreError
from raphe.core.files.folders import refuse_foreign
from raphe.core.files.leavings import (
    abandoned,
    hidden_file,
    hidden_sibling,
    is_empty,
    kept_sibling,
    remove,
    sweep_once,
)
from raphe.core.files.path import require_utf_8
from raphe.core.files.refusals import refusal
from raphe.core.sentences import printable

IN_USE_S = 2.0  # in which a scanner of viruses lets a new file go
WAIT_S = 0.05
NO_FLUSH = {errno.EINVAL, errno.ENOTSUP, errno.EACCES}  # of a share that knows no flush of a folder


class FolderBuilder:
    """Fill `folder`, then `commit` it to `path`; a context left without a commit discards it.

    Only a folder holding a file named `marker` is ever replaced, only with `overwrite`, and only
    while it holds no other files than raphe wrote there: the marker, and those that `own` names for
    the folder, as paths in it; `own` raises StoreError where the marker is not raphe's.
    Raises StoreError when something that may not be replaced stands at `path`, or when the
    operating system refuses. With `kept` the folder to fill is not discarded, so that a later call
    can go on with it.
    """

    def __init__(
        self,
        path: Path | str,
        marker: str,
        overwrite: bool = False,
        own: Callable[[Path], Container[str]] | None = None,
        kept: bool = False,
    ):
        require_utf_8(Path(path))
        with reporting(Path(path)):
            self.path = Path(os.path.realpath(path))
        self.marker, self.overwrite, self._own, self._is_kept = marker, overwrite, own, kept
        make_folder(self.path.parent)
        with reporting(self.path):
            recover(self.path)
            for leftover in (*abandoned(self.path, "partial"), *abandoned(self.path, "old")):
                remove(leftover)
            self._refuse_to_replace()
            self.folder = kept_sibling(self.path) if kept else hidden_sibling(self.path, "partial")
            self.folder.mkdir(exist_ok=kept)

    def __enter__(self) -> "FolderBuilder":
        return self

    def __exit__(self, *_: object) -> None:
        if not self._is_kept:
            remove(self.folder)  # gone already after a commit

    def commit(self) -> Path:
        """Move the folder to its path. What stood there is put back if that fails."""
        with reporting(self.path):
            self._refuse_to_replace()
            _sync_tree(self.folder)
            old = hidden_sibling(self.path, "old")
            if self.path.exists():
                _rename(self.path, old)
            try:
                _rename(self.folder, self.path)
            except OSError:
                if old.exists():
                    _rename(old, self.path)
                raise
            _sync_folder(self.path.parent)
            remove(old)
        return self.path

    def _refuse_to_replace(self) -> None:
        if os.path.ismount(self.path):  # as where a container is given a folder
            raise StoreError(
                f"{printable(self.path)}: a disk is mounted there, so no other folder can take its "
                "place; name a folder in it"
            )
        if not self.path.exists() or (self.path.is_dir() and is_empty(self.path)):
            return
        if not (self.path / self.marker).is_file():
            raise StoreError(
                f"{printable(self.path)}: exists and holds no {self.marker}, so it is not "
                "replaced; choose another place"
            )
        if not self.overwrite:
            raise StoreError(
                f"{printable(self.path)}: exists already; pass --overwrite to replace it"
            )
        refuse_foreign(self.path, {self.marker} if self._own is None else self._own(self.path))


def write_file(path: Path | str, content: str | bytes) -> Path:
    """Write a file whole or not at all; text as UTF-8, its line ends as they are. Returns the path.

    The folder must exist; a file that is there is replaced. Raises StoreError when the operating
    system refuses.
    """
    with open_whole(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)
    return Path(path)


@contextmanager
def open_whole(path: Path | str) -> Iterator[IO[bytes]]:
    """A file to fill, which appears at `path` when the context ends without an exception.

    For what is too large to hold in memory, or is written by another library; see `write_file`.
    It can be read, too, as some libraries want. Raises StoreError when the operating system
    refuses, or where what stands at `path` is a device and no file.
    """
    path = Path(path)
    require_utf_8(path)
    with reporting(path):
        target = Path(os.path.realpath(path))  # a link stays one
        _require_a_file(path, target)
        sweep_once(target.parent)
        partial = hidden_file(target.parent)
        file = partial.open("x+b")
        try:
            yield file
            sync(file)
            file.close()
            _rename(partial, target)
            _sync_folder(target.parent)
        except BaseException:
            with suppress(OSError):  # of a full disk: what is still held cannot be written either
                file.close()
            remove(partial)
            raise


def make_folder(path: Path | str) -> Path:
    """Make a folder with those above it, unless it is there. Raises StoreError."""
    path = Path(path)
    with reporting(path, "made"):
        try:
            path.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:
            raise NotADirectoryError(errno.ENOTDIR, error.strerror, error.filename) from None
    return path


def copy_file(source: Path | str, path: Path | str) -> Path:
    """Copy a file's bytes, to be there whole or not at all. Raises StoreError."""
    with open_whole(path) as file, reporting(Path(source), "read"), Path(source).open("rb") as read:
        shutil.copyfileobj(read, file)
    return Path(path)


def recover(path: Path) -> None:
    """Put back the folder whose replacement was killed between the two renames of a commit."""
    if not path.exists():
        for old in abandoned(path, "old"):
            _rename(old, path)
            return


def sync(file: IO[Any]) -> None:
    """Flush a file to the disk itself."""
    file.flush()
    os.fsync(file.fileno())


@contextmanager
def reporting(path: Path, verb: str = "written") -> Iterator[None]:
    """Turn what the operating system refuses into a StoreError that names the path."""
    try:
        yield
    except OSError as error:
        raise StoreError(refusal(error, path, f"could not be {verb}")) from error


def _require_a_file(path: Path, target: Path) -> None:
    """Refuse to put a file in the place of a folder, a device or a pipe."""
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "Is a directory", str(path))
    if not stat.S_ISREG(mode):
        raise StoreError(f"{printable(path)}: is a device, not a file; name a file to be written")


def _rename(source: Path, target: Path) -> None:
    """Give a file or folder its name; a file that stands there is replaced."""
    deadline_s = time.monotonic() + IN_USE_S
    while True:
        try:
            source.replace(target)
            return
        except PermissionError:
            if os.name != "nt" or time.monotonic() > deadline_s:
                raise
        gc.collect()  # maps of its files that nothing refers to any more
        time.sleep(WAIT_S)


def _sync_tree(folder: Path) -> None:
    """Flush every file of a folder, whoever wrote it, to the disk itself."""
    for parent, _, names in os.walk(folder):
        for name in names:
            file = Path(parent, name)
            if not file.is_symlink():
                _sync_path(file, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
        _sync_folder(Path(parent))


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open a folder, and needs no flush of one
        return
    try:
        _sync_path(folder, os.O_RDONLY)
    except OSError as error:
        if error.errno not in NO_FLUSH:
            raise


def _sync_path(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

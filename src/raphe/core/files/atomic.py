"""Files and folders that appear at their path whole, or not at all.

Either is built under a hidden name beside its path and renamed when it is whole. Each writer has a
hidden name of its own, so that two of one path do not meet: the last to end is the one that stays.
What a killed process left is told from a running one's by the host and process number in the name.
"""

import functools
import os
import secrets
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import psutil

from raphe.core.errors import StoreError

FILE_PREFIX = ".raphe-file."  # of the hidden names of single files


class FolderBuilder:
    """Fill `folder`, then `commit` it to `path`; a context left without a commit discards it.

    Only a folder holding a file named `marker` is ever replaced, and only with `overwrite`.
    Raises StoreError when something that may not be replaced stands at `path`, or when the
    operating system refuses. `kept` names a folder beside `path` to fill instead of a hidden one
    of this process: it is not discarded, so that a later call can go on with it.
    """

    def __init__(
        self, path: Path | str, marker: str, overwrite: bool = False, kept: str | None = None
    ):
        self.path = Path(path).resolve()
        self.marker, self.overwrite = marker, overwrite
        with reporting(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            recover(self.path)
            for leftover in (*_abandoned(self.path, "partial"), *_abandoned(self.path, "old")):
                shutil.rmtree(leftover, ignore_errors=True)
            self._refuse_to_replace()
            self._is_kept = kept is not None
            self.folder = (
                self.path.with_name(kept) if kept else _hidden_sibling(self.path, "partial")
            )
            self.folder.mkdir(exist_ok=self._is_kept)

    def __enter__(self) -> "FolderBuilder":
        return self

    def __exit__(self, *_: object) -> None:
        if not self._is_kept:
            shutil.rmtree(self.folder, ignore_errors=True)  # gone already after a commit

    def commit(self) -> Path:
        """Move the folder to its path. What stood there is put back if that fails."""
        with reporting(self.path):
            self._refuse_to_replace()
            _sync_folder(self.folder)
            old = _hidden_sibling(self.path, "old")
            if self.path.exists():
                self.path.rename(old)
            try:
                self.folder.rename(self.path)
            except OSError:
                if old.exists():
                    old.rename(self.path)
                raise
            _sync_folder(self.path.parent)
            shutil.rmtree(old, ignore_errors=True)
        return self.path

    def _refuse_to_replace(self) -> None:
        if not self.path.exists() or (self.path.is_dir() and not any(self.path.iterdir())):
            return
        if not (self.path / self.marker).is_file():
            raise StoreError(
                f"{self.path}: exists and holds no {self.marker}, so it is not replaced; "
                "choose another place"
            )
        if not self.overwrite:
            raise StoreError(f"{self.path}: exists already; pass --overwrite to replace it")


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
    Raises StoreError when the operating system refuses.
    """
    path = Path(path)
    with reporting(path):
        _remove_abandoned_files(path.parent.resolve())
        # Without the file's own name, which may be as long as names can be.
        partial = path.with_name(f"{FILE_PREFIX}{_this_writer()}.partial")
        try:
            with partial.open("xb") as file:
                yield file
                sync(file)
            partial.replace(path)
            _sync_folder(path.parent)
        finally:
            partial.unlink(missing_ok=True)  # gone already after the rename


@functools.lru_cache(maxsize=256)  # once a folder and process: listing a large folder takes long
def _remove_abandoned_files(folder: Path) -> None:
    """Remove what writers of single files in this folder left when they were killed."""
    start = f"{FILE_PREFIX}{socket.gethostname()}."
    for file in folder.glob(f"{FILE_PREFIX}*.partial"):
        if file.name.startswith(start) and not _is_alive(file.name[len(start) :].split(".")[0]):
            file.unlink(missing_ok=True)


def recover(path: Path) -> None:
    """Put back the folder whose replacement was killed between the two renames of a commit."""
    if not path.exists():
        for old in _abandoned(path, "old"):
            old.rename(path)
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
        raise StoreError(f"{path}: could not be {verb}: {error}") from error


def _hidden_sibling(path: Path, role: str) -> Path:
    return path.with_name(f".{path.name}.{_this_writer()}.{role}")


def _this_writer() -> str:
    return f"{socket.gethostname()}.{os.getpid()}.{secrets.token_hex(4)}"


def _abandoned(path: Path, role: str) -> list[Path]:
    """The hidden siblings of `path` whose process no longer lives on this host."""
    start = f".{path.name}.{socket.gethostname()}."
    return [
        sibling
        for sibling in sorted(path.parent.glob(".*"))
        if sibling.name.startswith(start)
        and sibling.name.endswith(f".{role}")
        and not _is_alive(sibling.name[len(start) :].split(".")[0])
    ]


def _is_alive(process: str) -> bool:
    return not process.isdigit() or psutil.pid_exists(int(process))


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open a folder, and needs no flush of one
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

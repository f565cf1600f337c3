"""Locks that a second user can take, and folders where nothing can be locked."""

import errno
import os
import tempfile
from pathlib import Path

import pytest
from filelock import FileLock

from raphe.core.errors import StoreError
from raphe.core.files import locks
from raphe.core.files.locks import locked
from raphe.core.files.prepared import preparing
from raphe.core.files.scratch import Scratch

NOBODY = 65534


def test_a_lock_that_is_held_is_told(tmp_path: Path) -> None:
    with locked(tmp_path / "lock", "wait for it"):
        pass
    with (
        locked(tmp_path / "lock"),
        pytest.raises(StoreError, match="wait for it"),
        locked(tmp_path / "lock", "wait for it"),
    ):
        pass


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="takes two users")
def test_a_second_user_takes_the_lock_and_reads_what_is_read_only() -> None:
    with tempfile.TemporaryDirectory() as name:
        shared = Path(name)
        shared.chmod(0o777)
        before = os.umask(0o077)
        try:
            with locked(shared / "lock"):
                pass
            (shared / "mine").mkdir(mode=0o755)
        finally:
            os.umask(before)
        (shared / "mine").chmod(0o755)
        assert _as_nobody(lambda: _take(shared / "lock"))
        assert _as_nobody(lambda: _take(shared / "mine" / "lock"))
        assert _as_nobody(lambda: _prepare(shared / "mine"))
        assert [path.name for path in (shared / "mine").iterdir()] == []


def _take(path: Path) -> None:
    with locked(path, "held"):
        pass


def _prepare(folder: Path) -> None:
    with preparing(folder):
        pass


def _as_nobody(do) -> bool:
    """Whether it succeeds in a child of another user."""
    child = os.fork()
    if not child:
        code = 1
        try:
            os.setuid(NOBODY)
            do()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_disk_without_locks_is_told(tmp_path: Path, monkeypatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(FileLock, "acquire", refuse)
    with pytest.raises(StoreError, match="its disk has no locks"), locked(tmp_path / "lock"):
        pass


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_where_nothing_can_be_written_nothing_is_locked(
    tmp_path: Path, monkeypatch, number: int
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, "refused", str(tmp_path))

    monkeypatch.setattr(FileLock, "acquire", refuse)
    with pytest.raises(StoreError, match="could not be locked"), locked(tmp_path / "lock"):
        pass
    monkeypatch.setattr(locks, "can_write", lambda _: False)
    entered = []
    with locked(tmp_path / "lock"):
        entered.append(True)
    assert entered


def test_scratch_of_a_killed_process_is_removed_by_the_next(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    child = os.fork()
    if not child:
        (Scratch().folder / "half").touch()
        os._exit(0)  # as a kill: nothing is tidied
    os.waitpid(child, 0)
    (left,) = tmp_path.iterdir()
    with Scratch() as scratch:
        assert list(tmp_path.iterdir()) == [scratch] != [left]
        assert scratch.stat().st_mode & 0o777 == 0o700
    assert list(tmp_path.iterdir()) == []

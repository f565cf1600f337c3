"""What the operating system refuses is a sentence: where, what came, the remedy."""

import errno
import os
import re
import shutil
import sqlite3
from collections import namedtuple
from pathlib import Path

import pytest

from raphe.core.errors import StoreError
from raphe.core.files import refusals
from raphe.core.files.refusals import is_disk_full, program_refusal, refusal, require_room

FULL = (
    r"the disk of .+ is full \([\d.]+ [kMGT]?B free\); "
    r"free some room and run the same command again"
)


@pytest.mark.parametrize("name", sorted(refusals.REASONS))
def test_every_reason_is_told_with_a_remedy_and_in_no_words_of_python(name: str) -> None:
    error = OSError(getattr(errno, name), os.strerror(getattr(errno, name)), "/x/y")
    line = refusal(error, "/x/y", "could not be written")
    assert re.fullmatch(r"/x/y: could not be written: [^;]+; [^;]+", line)
    assert not re.search(r"Error|Errno|\[|'", line)


def test_a_reason_that_nobody_thought_of_is_told_as_the_system_has_it() -> None:
    line = refusal(OSError(errno.EPROTO, "Protocol error", "/x"))
    assert line == "/x: could not be used: Protocol error; check the path and the disk"


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        OSError("Can't write data (file write failed: errno = 28, error message = 'x', buf = 0)"),
        RuntimeError("Unable to flush file (errno = 122)"),
        sqlite3.OperationalError("database or disk is full"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_full_disk_is_known_whoever_tells_of_it(error: Exception, tmp_path: Path) -> None:
    assert is_disk_full(error)
    line = program_refusal(error, ["--out", str(tmp_path)])
    assert re.fullmatch(FULL, line)
    try:
        try:
            raise error
        except Exception:
            raise ValueError("what a library makes of it")  # noqa: B904
    except ValueError as wrapped:
        assert is_disk_full(wrapped)
    assert not is_disk_full(OSError(errno.EIO, "Input/output error"))


def test_the_fullest_of_the_places_that_arguments_name_is_meant(monkeypatch) -> None:
    room = {"/full": 12_345, "/wide": 10**12}
    monkeypatch.setattr(refusals, "free_bytes", lambda place: room.get(str(place), 10**11))
    arguments = ["extract", "/wide", "runs_root=/full"]
    line = program_refusal(OSError(errno.ENOSPC, "No space left on device"), arguments)
    assert line.startswith("the disk of /full is full (12 kB free)")


def test_another_file_than_the_one_worked_on_is_named_and_a_hidden_one_is_not() -> None:
    other = OSError(errno.EACCES, "Permission denied", "/x/inside")
    assert "permission is denied (/x/inside); choose" in refusal(other, "/x")
    hidden = OSError(errno.EACCES, "Permission denied", "/x/.y.partial")
    assert "permission is denied; choose" in refusal(hidden, "/x")
    assert "caf\\xe9: could not be used" in refusal(OSError(errno.EIO, "", b"caf\xe9"))


def test_room_is_asked_for_in_units_that_suit_it(monkeypatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, 38_000))
    require_room("/x", 38_000, "two masks")
    with pytest.raises(StoreError) as told:
        require_room("/x", 2_340_000, "two masks", "ask for fewer")
    assert str(told.value) == (
        "/x: two masks would take 2.3 MB, the disk has 38 kB free; free some room, or ask for "
        "fewer, and run the same command again"
    )

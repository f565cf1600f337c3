"""What unfinished writers leave beside their path: hidden names that say whose they are.

.<name>.<host>.<process>.<its start>.<token>.partial   what was being written
.<name>.<host>.<process>.<its start>.<token>.old       what stood there before a replacement

A writer that was killed is told from a running one by host, process number and the start of that
process, so that a number that the system has given to another program deceives nobody.
"""

import functools
import hashlib
import os
import re
import secrets
import shutil
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

FILE = "raphe-file"  # the name of all single files, whose own may be as long as names can be
LOCK = ".lock"  # of a folder that several processes fill
SHARE_LOCK = ".share-{}.lock"  # of one share of the work on it
LONGEST_NAME_BYTES = 120  # of a folder: the hidden name must still be one that a disk takes
_LEAVING = re.compile(
    r"\.(?P<name>.+)\.(?P<process>\d+)\.(?P<start>\d+)\.[0-9a-f]{8}\.(?P<role>partial|old)",
    re.DOTALL,
)
_SHARE_LOCK = re.compile(re.escape(SHARE_LOCK).replace(r"\{\}", r"\d+-of-\d+"))


def hidden_sibling(path: Path, role: str) -> Path:
    """A name beside `path` that no other writer has; `role` is "partial" or "old"."""
    return path.with_name(f".{_hidden_name(path)}.{_this_writer()}.{role}")


def hidden_file(folder: Path) -> Path:
    """A name in a folder for a single file that is being written."""
    return folder / f".{FILE}.{_this_writer()}.partial"


def kept_sibling(path: Path) -> Path:
    """The name beside `path` of what a later call goes on with."""
    return path.with_name(f".{_hidden_name(path)}.unfinished")


def abandoned(path: Path, role: str) -> list[Path]:
    """The hidden siblings of `path` whose writer no longer lives on this host."""
    return [
        sibling
        for sibling, found in _leavings(path.parent)
        if found["role"] == role
        and found["name"] == f"{_hidden_name(path)}.{socket.gethostname()}"
        and not _is_alive(found)
    ]


def sweep(folder: Path) -> None:
    """Remove from a folder what killed writers of files and folders in it were writing."""
    host = f".{socket.gethostname()}"
    for path, found in _leavings(folder):
        if found["role"] == "partial" and found["name"].endswith(host) and not _is_alive(found):
            remove(path)


@functools.lru_cache(maxsize=256)  # once a folder and process: listing a large folder takes long
def sweep_once(folder: Path) -> None:
    """`sweep` a folder unless this process has done so."""
    sweep(folder)


def is_lock(path: Path) -> bool:
    """Whether a name is that of a lock of ours."""
    return path.name == LOCK or _SHARE_LOCK.fullmatch(path.name) is not None


def is_leaving(path: Path) -> bool:
    """Whether a name is one that an unfinished writer of ours leaves."""
    return _LEAVING.fullmatch(path.name) is not None


def is_empty(folder: Path) -> bool:
    """Whether a folder holds nothing, or only what unfinished writers of ours leave in one."""
    return all(is_lock(entry) or is_leaving(entry) for entry in folder.iterdir())


def remove(path: Path) -> None:
    """Remove a file or a folder, as far as the system lets us."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _leavings(folder: Path) -> Iterator[tuple[Path, re.Match[str]]]:
    try:
        paths = sorted(folder.iterdir())
    except OSError:  # it is not there, or may not be listed: then nothing can be removed either
        return
    for path in paths:
        if found := _LEAVING.fullmatch(path.name):
            yield path, found


def _hidden_name(path: Path) -> str:
    """The path's own, or what stands for one that leaves no room for more."""
    name = os.fsencode(path.name)
    if len(name) <= LONGEST_NAME_BYTES:
        return path.name
    return hashlib.sha256(name).hexdigest()[:32]


def _this_writer() -> str:
    process = os.getpid()
    return f"{socket.gethostname()}.{process}.{_start_of(process)}.{secrets.token_hex(4)}"


def _is_alive(found: re.Match[str]) -> bool:
    return _start_of(int(found["process"])) == int(found["start"])


def _start_of(process: int) -> int | None:
    """When a process began, in units of its system; None where there is none of that number.

    On Linux in ticks since the computer started, which no change of the clock moves.
    """
    try:
        # The second field is a name in brackets, which may hold spaces and brackets.
        return int(Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        pass
    try:
        return round(psutil.Process(process).create_time())
    except (psutil.Error, OverflowError):
        return None

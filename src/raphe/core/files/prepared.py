"""The step before training: what it needs is made once, under a name that its making decides."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from raphe.core.errors import RecordingError, StoreError
from raphe.core.files.atomic import make_folder
from raphe.core.files.folders import list_files
from raphe.core.files.leavings import LOCK, sweep
from raphe.core.files.locks import locked

_FOUND_ONLY: ContextVar[str] = ContextVar("found_only", default="")


def existing_store(store: str | Path, remedy: str) -> Path:
    """The store that `data.store` names. Raises StoreError with the remedy where there is none."""
    if not Path(store).exists():
        raise StoreError(f"data.store={store}: no such store; {remedy}")
    return Path(store)


@contextmanager
def preparing(folder: str | Path) -> Iterator[Path]:
    """The folder of what is prepared, for one process at a time: a sweep's workers come at once."""
    folder = make_folder(folder)
    with locked(folder / LOCK):
        sweep(folder)
        yield folder


@contextmanager
def found_only(reason: str) -> Iterator[None]:
    """Within it nothing is prepared that is not there yet; `reason` says why and what to do."""
    token = _FOUND_ONLY.set(reason)
    try:
        yield
    finally:
        _FOUND_ONLY.reset(token)


def is_to_be_made(place: Path) -> bool:
    """Whether what is prepared is not there yet. Raises StoreError then within `found_only`."""
    if place.exists():
        return False
    if reason := _FOUND_ONLY.get():
        raise StoreError(f"{place}: is not there, {reason}")
    return True


def digest(*facts: Any) -> str:
    """Twelve hex digits that tell one set of facts (JSON values) from another."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]


def files_of(recordings: str | Path, below: bool = False) -> list[tuple[str, int, int]]:
    """Path, size in bytes and time of change in ns of each file in a folder, for `digest`.

    Args:
        recordings: the folder that `prepare.recordings` names.
        below: also the files in folders below it.

    Raises:
        RecordingError: there is no such folder.
    """
    recordings = Path(recordings)
    if not recordings.is_dir():
        raise RecordingError(
            f"prepare.recordings={recordings}: expected a folder of recordings, found none"
        )
    paths = list_files(recordings, lambda path: True, below).files
    statuses = [(path, path.stat()) for path in paths]
    return [(str(path), status.st_size, status.st_mtime_ns) for path, status in statuses]

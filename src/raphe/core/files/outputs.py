"""Where a command is told to write, checked before it has worked for hours."""

import os
import stat
from enum import Enum
from pathlib import Path

from raphe.core.errors import StoreError
from raphe.core.files.atomic import reporting
from raphe.core.files.leavings import hidden_file
from raphe.core.files.path import is_device, special_kind
from raphe.core.files.refusals import existing_parent
from raphe.core.sentences import printable

IS_WINDOWS = os.name == "nt"


class Output(Enum):
    """What becomes of a path."""

    FILE = "a file"
    FOLDER = "a folder that appears beside its neighbours when it is whole"
    FILLED = "a folder that is filled where it stands"


def require_writable(path: Path, output: Output) -> None:
    """Raise StoreError where nothing could be written at `path`, with the reason and a remedy."""
    if IS_WINDOWS and (devices := [part for part in path.parts if is_device(part)]):
        raise StoreError(
            f"{printable(path)}: {devices[0]} is a device on Windows; choose another name"
        )
    with reporting(path):
        mode = _mode(path)
    if mode is not None:
        _require_kind(path, mode, output)
    target = Path(os.path.realpath(path))
    inside = output is Output.FILLED and mode is not None
    folder = target if inside else existing_parent(target.parent)
    with reporting(path):
        probe = hidden_file(folder)
        probe.touch(exist_ok=False)
        probe.unlink()


def _mode(path: Path) -> int | None:
    """None where nothing is there yet."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None


def _require_kind(path: Path, mode: int, output: Output) -> None:
    kind = "a file" if stat.S_ISREG(mode) else special_kind(mode)
    wanted = "a file" if output is Output.FILE else "a folder"
    if kind != wanted:
        raise StoreError(
            f"{printable(path)}: expected a place for {wanted}, got {kind}; name another"
        )

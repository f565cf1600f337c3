"""What the operating system refuses, as a sentence: where, what came, the remedy."""

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from raphe.core.ending import AGAIN, output_fault
from raphe.core.errors import StoreError
from raphe.core.sentences import file_size, printable

FULL_START = "the disk of"
FULL_ERRORS = {getattr(errno, name) for name in ("ENOSPC", "EDQUOT") if hasattr(errno, name)}
WINDOWS_FULL = {39, 112, 1295}  # ERROR_HANDLE_DISK_FULL, ERROR_DISK_FULL, a quota
# How libraries tell of a full disk that keep the system's number to themselves: HDF5, SQLite.
FULL_WORDS = re.compile(
    r"no space left on device|disk quota exceeded|database or disk is full|errno = (28|122)\b", re.I
)
REASONS = {  # number of an error: what it means, and the remedy
    "EACCES": ("permission is denied", "choose a place that is yours, or ask for access"),
    "EPERM": ("permission is denied", "choose a place that is yours, or ask for access"),
    "EROFS": ("its disk is read-only", "choose another place"),
    "ENOENT": ("there is no such file or folder", "check the path"),
    "ENOTDIR": ("a part of the path is a file where a folder is expected", "check the path"),
    "EEXIST": ("something else stands there", "choose another place"),
    "EISDIR": ("it is a folder where a file is expected", "check the path"),
    "ENOTEMPTY": ("another program has put files there", "choose another place"),
    "ENAMETOOLONG": ("its name is longer than the disk takes", "choose a shorter one"),
    "ELOOP": ("its links lead in a circle", "check the path"),
    "ETXTBSY": ("another program is running it", "end that program, or choose another place"),
    "EBUSY": ("another program is using it", "end that program, or choose another place"),
    "EMFILE": ("too many files are open", "raise the limit, as with `ulimit -n 4096`"),
    "ENFILE": ("too many files are open on this computer", "end other programs"),
    "EFBIG": ("its disk takes no file as large", "choose another disk"),
    "EIO": ("the disk failed to read or write", "check the disk and its cable"),
    "ESTALE": ("the network share has been connected anew", AGAIN),
    "EHOSTDOWN": ("the network share does not answer", "connect it anew"),
    "ETIMEDOUT": ("the network share does not answer", "connect it anew"),
    "ENOTCONN": ("the network share is not connected", "connect it anew"),
    "ENODEV": ("the disk is no longer there", "connect it anew"),
    "ENXIO": ("the disk is no longer there", "connect it anew"),
    "EINVAL": ("the disk does not take such a name or file", "choose another place"),
    "ENOMEM": ("the computer has no memory left", "end other programs"),
    "ENOLCK": ("the network share has no locks", "choose a disk of this computer"),
    "ENOTSUP": ("the disk cannot do this", "choose another disk"),
}
_OF_NUMBER = {getattr(errno, name): told for name, told in REASONS.items() if hasattr(errno, name)}
WINDOWS_IN_USE = {32, 33}  # ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION


def refusal(
    error: OSError, path: Path | str | None = None, doing: str = "could not be used"
) -> str:
    """The sentence for an error of the operating system.

    Args:
        error: what it raised.
        path: what was being worked on (default: the file that the error names).
        doing: "could not be written".
    """
    files = (error.filename2, error.filename)
    named = [os.fsdecode(file) for file in files if isinstance(file, (str, bytes, os.PathLike))]
    place = path if path is not None else next(iter(reversed(named)), None)
    if is_disk_full(error):
        return disk_full(place or Path())
    reason, remedy = _reason(error, place)
    where = "" if place is None else f"{printable(place)}: "
    doing = doing if place is not None else f"a file {doing}"
    others = [name for name in named if place is not None and _is_another(name, place)]
    of_another = f" ({printable(others[0])})" if others else ""
    return f"{where}{doing}: {reason}{of_another}; {remedy}"


def disk_full(place: Path | str) -> str:
    """The sentence for a disk without room, the one that holds `place` or is to hold it."""
    free = file_size(free_bytes(place))
    return f"{FULL_START} {printable(place)} is full ({free} free); free some room and {AGAIN}"


def is_disk_full(error: BaseException | None) -> bool:
    """Whether a disk or a quota without room is what an error, or one behind it, tells of."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, OSError) and (
            error.errno in FULL_ERRORS or getattr(error, "winerror", None) in WINDOWS_FULL
        ):
            return True
        if FULL_WORDS.search(str(error)):
            return True
        error = error.__cause__ or error.__context__
    return False


def program_refusal(error: BaseException, arguments: Iterable[str]) -> str | None:
    """The sentence for an error that ends a program, where the system and no defect causes it.

    A library seldom says on which disk it found no room: it is the fullest of those that the
    program's arguments name, that of the current folder and that of temporary files.
    """
    if is_disk_full(error):
        named = error.filename if isinstance(error, OSError) else None
        if named is None and (fault := output_fault()):
            return fault
        values = (argument.rpartition("=")[2] for argument in arguments)
        places = (Path.cwd(), Path(tempfile.gettempdir()), *map(Path, values))
        return disk_full(named or min(places, key=free_bytes))
    if isinstance(error, BrokenPipeError):  # see raphe.core.ending
        return None
    if isinstance(error, OSError) and (error.errno is not None or error.filename is not None):
        return refusal(error)
    return None


def free_bytes(place: Path | str) -> int:
    """What the disk has free that holds a path, or would."""
    return shutil.disk_usage(existing_parent(place)).free


def existing_parent(place: Path | str) -> Path:
    """The path itself or the nearest above it that is there."""
    place = Path(place).absolute()
    return next(
        (folder for folder in (place, *place.parents) if os.path.lexists(folder)),
        Path(place.anchor),
    )


def require_room(place: Path | str, needed_bytes: int, what: str, remedy: str = "") -> None:
    """Raise StoreError where the disk of `place` has no room for what is about to be written.

    Args:
        place: where it will stand.
        needed_bytes: how much it takes.
        what: a noun, "600 noise masks".
        remedy: another than to free room.
    """
    free = free_bytes(place)
    if needed_bytes > free:
        others = f", or {remedy}" if remedy else ""
        raise StoreError(
            f"{printable(place)}: {what} would take {file_size(needed_bytes)}, the disk has "
            f"{file_size(free)} free; free some room{others}, and {AGAIN}"
        )


def _is_another(name: str, place: Path | str) -> bool:
    """Whether an error names a file that its reader does not know yet, and no hidden one."""
    name = os.path.realpath(name)
    return name != os.path.realpath(place) and not Path(name).name.startswith(".")


def _reason(error: OSError, place: object) -> tuple[str, str]:
    """What an error means, and the remedy."""
    if getattr(error, "winerror", None) in WINDOWS_IN_USE:
        return "another program has it open", f"close it there and {AGAIN}"
    if error.errno == errno.ENOENT and isinstance(place, (str, os.PathLike)):
        folder = Path(place).absolute().parent
        if not os.path.lexists(folder):
            return f"there is no folder {printable(folder)}", "check the path, or make that folder"
    if error.errno in _OF_NUMBER:
        return _OF_NUMBER[error.errno]
    reason = " ".join((error.strerror or str(error) or "the system refuses").split())
    return reason, "check the path and the disk"

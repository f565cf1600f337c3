"""What a caller gives as a path, checked where it comes in."""

import os
import stat
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from raphe.core.errors import RapheError, SettingError

LONGEST_STEM_BYTES = 180  # of the 255 that a disk takes; the rest is for a suffix and a number
RESERVED = {"con", "prn", "aux", "nul"} | {f"{p}{n}" for p in ("com", "lpt") for n in range(10)}
NOT_UTF_8 = "its name is not UTF-8; rename it"
SPECIAL = {  # opening them would wait, for ever where nobody writes, or read without end
    stat.S_ISFIFO: "a pipe",
    stat.S_ISSOCK: "a socket",
    stat.S_ISCHR: "a device",
    stat.S_ISBLK: "a device",
    stat.S_ISDIR: "a folder",
}


def checked_path(path: object, noun: str) -> Path:
    """`path` as a Path; `noun` says of what: "a bundle". Raises TypeError for what is no path."""
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"expected the path of {noun}, a str or Path, got {path!r:.80}")
    return Path(path)


def file_status(path: Path, error_type: type[RapheError]) -> os.stat_result:
    """The status of a regular file, to be asked before one that a user names is opened.

    Raises `error_type` for what is none: missing, a link to nothing, a folder, pipe, socket or
    device.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        if path.is_symlink():
            raise error_type(
                f"{path}: is a link to {path.readlink()}, where there is no file; correct it"
            ) from None
        raise error_type(f"{path}: there is no such file; check the path") from None
    except (OSError, ValueError) as error:  # ValueError: a path that no system takes
        reason = getattr(error, "strerror", None) or error
        raise error_type(f"{path}: could not be read: {reason}") from None
    if kind := special_kind(status.st_mode):
        raise error_type(f"{path}: expected a file, got {kind}; check the path")
    return status


def is_utf_8(name: object) -> bool:
    """Whether a path or a name can be written into a table: on Linux a name is any bytes."""
    try:
        str(name).encode()
    except UnicodeEncodeError:
        return False
    return True


def require_utf_8(path: Path) -> None:
    """Before the work, that tables and manifests can name a path. Raises SettingError."""
    if not is_utf_8(path):
        raise SettingError(f"{path}: {NOT_UTF_8}")


def free_name(text: str, suffix: str, taken: Iterable[str] = ()) -> str:
    """A file name for what is called `text`, which every disk takes and none of `taken` is.

    Also those of Windows, where A is a, CON is a device, and a name ends in neither dot nor space.

    >>> free_name("A140313#073", ".html"), free_name("a/b", ".html", ["A_B.html"])
    ('A140313_073.html', 'a_b-2.html')
    >>> free_name("..", ".html"), free_name("aux.1", ".html"), free_name("", ".html")
    ('_..html', '_aux.1.html', '_.html')
    """
    text = unicodedata.normalize("NFC", text)
    stem = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in text)
    while len(stem.encode()) > LONGEST_STEM_BYTES:
        stem = stem[:-1]
    if stem.startswith(".") or not stem or is_device(stem):
        stem = f"_{stem.removeprefix('.')}"
    used = {name.casefold() for name in taken}
    name, number = f"{stem}{suffix}", 2
    while name.casefold() in used:
        name, number = f"{stem}-{number}{suffix}", number + 1
    return name


def is_device(name: str) -> bool:
    """Whether Windows takes a file of this name for a device, whatever follows a dot."""
    return name.partition(".")[0].rstrip().casefold() in RESERVED


def special_kind(mode: int) -> str:
    """What a path of this mode is where it is no regular file, else ""."""
    return next((kind for is_kind, kind in SPECIAL.items() if is_kind(mode)), "")


def refuse_inputs_within(out: Path, inputs: Iterable[Path | None]) -> None:
    """Raise SettingError where `out`, a folder to be replaced as a whole, holds what is read."""
    place = out.resolve()
    for path in filter(None, inputs):
        if path.resolve().is_relative_to(place):
            raise SettingError(
                f"{out}: holds {path}, which is to be read, and would be replaced as a whole; "
                "choose another --out"
            )

"""A zip that a stranger sent, as of Suite2p's output: unpacked under limits, plain names only."""

import errno
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path, PurePosixPath

from raphe.core.errors import RecordingError
from raphe.core.files.folders import SYSTEM_FOLDERS
from raphe.core.files.path import is_device
from raphe.core.sentences import file_size, listed
from raphe.serve.bodies import NO_ROOM
from raphe.serve.refusal import Refusal

ZIP = ".zip"
LARGEST_LIST, DEEPEST = 2**21, 8  # bytes of the list of what it holds, folders in folders
MOST_FILES = 500  # Suite2p writes 7 for each plane
PLAIN = re.compile(r"\w[\w .()+\-]*(?<![ .])")  # of a file or folder: what every disk takes
END = struct.Struct("<4s4H2LH")  # of the zip: how large its list is stands there
END_SIGNATURE, LARGE_SIGNATURE = b"PK\5\6", b"PK\6\7"
BLOCK = 2**20
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
DAMAGED = (
    "expected a zip that is whole, got one that is cut, damaged or packed in an unusual way; make "
    "it anew"
)
UNPLAIN = "holds a file whose name leads elsewhere or is not plain; zip the folder itself anew"


def unpack(archive: Path, folder: Path, suffixes: Iterable[str], at_most: int) -> None:
    """Unpack those of its files that have one of these suffixes into a new folder.

    Hidden files, and what a Mac adds, are passed over. Raises RecordingError for what is no zip, is
    damaged, encrypted, holds links or names that are not plain, or more than `at_most` bytes or
    MOST_FILES files.
    """
    suffixes = tuple(suffixes)
    folder.mkdir()
    try:
        _require_short_list(archive)
        with zipfile.ZipFile(archive) as opened:
            wanted = _wanted(archive, opened.infolist(), suffixes)
            members = list(islice(wanted, MOST_FILES + 1))
            if len(members) > MOST_FILES:
                raise RecordingError(
                    f"{archive}: expected at most {MOST_FILES} {listed(suffixes, 'or')} files in "
                    "it; send less of it"
                )
            too_large = RecordingError(_too_large(archive, at_most))
            if len({"/".join(parts).casefold() for _, parts in members}) < len(members):
                raise FileExistsError
            if sum(member.file_size for member, _ in members) > at_most:
                raise too_large
            left = at_most
            for member, parts in members:
                path = folder.joinpath(*parts)
                path.parent.mkdir(parents=True, exist_ok=True)
                with opened.open(member) as packed, path.open("xb") as file:
                    while block := packed.read(BLOCK):  # never more than it announced
                        left -= len(block)
                        if left < 0:
                            raise too_large
                        file.write(block)
    except (FileExistsError, NotADirectoryError):
        raise RecordingError(
            f"{archive}: holds two files of one name; zip the folder itself anew"
        ) from None
    except OSError as error:
        if error.errno in FULL:
            raise Refusal(507, NO_ROOM) from None
        raise RecordingError(f"{archive}: {DAMAGED}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, struct.error, ValueError, RuntimeError):
        raise RecordingError(f"{archive}: {DAMAGED}") from None
    if not members:
        raise RecordingError(f"{archive}: expected a {listed(suffixes, 'or')} file in it, got none")


def require_archive_within(archive: Path, at_most: int) -> None:
    """Refuse an .npz, which is a zip, of more than so many bytes; of damage the reader tells.

    Raises RecordingError.
    """
    try:
        _require_short_list(archive)
        with zipfile.ZipFile(archive) as opened:
            n_bytes = sum(member.file_size for member in opened.infolist())
    except (OSError, ValueError, zipfile.BadZipFile, struct.error):
        return
    if n_bytes > at_most:
        raise RecordingError(_too_large(archive, at_most))


def _too_large(archive: Path, at_most: int) -> str:
    return (
        f"{archive}: holds more than {file_size(at_most)}, unpacked; send less, or let "
        "`raphe serve --max-mb` allow more"
    )


def _require_short_list(archive: Path) -> None:
    """Refuse a zip whose list alone would fill the memory, before zipfile reads it whole."""
    with archive.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - END.size - 2**16 - 20))
        tail = file.read()
    at = len(tail) - END.size
    if not (tail[at:].startswith(END_SIGNATURE) and tail.endswith(b"\0\0")):
        at = tail.rfind(END_SIGNATURE)  # as zipfile does, where there is a comment
    if at < 0:
        raise zipfile.BadZipFile
    list_bytes = END.unpack_from(tail, at)[5]
    if list_bytes > LARGEST_LIST or tail[max(0, at - 20) :].startswith(LARGE_SIGNATURE):
        raise RecordingError(f"{archive}: holds too many files, or is too large; send less of it")


def _wanted(
    archive: Path, members: Iterable[zipfile.ZipInfo], suffixes: tuple[str, ...]
) -> Iterator[tuple[zipfile.ZipInfo, tuple[str, ...]]]:
    """Files to unpack, and where to below a folder."""
    for member in members:
        parts = tuple(member.filename.replace("\\", "/").split("/"))
        if member.is_dir() or any(_is_passed_over(part) for part in parts):
            continue
        if not parts[-1].casefold().endswith(suffixes):
            continue
        if stat.S_ISLNK(member.external_attr >> 16):
            raise RecordingError(f"{archive}: holds a link; zip the files themselves")
        if member.flag_bits & 1:
            raise RecordingError(f"{archive}: is locked with a password; zip it without")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise RecordingError(f"{archive}: {DAMAGED}")  # others take memory as they please
        if len(parts) > DEEPEST or not all(map(_is_plain, parts)):
            raise RecordingError(f"{archive}: {UNPLAIN}")
        yield member, PurePosixPath(*parts).parts


def _is_passed_over(part: str) -> bool:
    hidden = part.startswith(".") and part.strip(".") != ""
    return hidden or part.casefold() in SYSTEM_FOLDERS


def _is_plain(part: str) -> bool:
    return PLAIN.fullmatch(part) is not None and len(part) < 200 and not is_device(part)

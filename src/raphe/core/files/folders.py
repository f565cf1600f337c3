"""Which files a folder holds, at any depth: told by their names, none is opened.

Nothing that a caller looks for is passed over in silence: what cannot be taken (a folder without
permission, a link to nothing, a pipe) is listed with its reason.
"""

import os
import stat
from collections import deque
from collections.abc import Callable, Container
from dataclasses import dataclass
from pathlib import Path

from raphe.core.errors import RapheError, StoreError
from raphe.core.files.leavings import is_leaving, is_lock
from raphe.core.files.left_out import Failure
from raphe.core.files.path import NOT_UTF_8, is_utf_8, special_kind
from raphe.core.sentences import printable

# What desktops, disks and network drives leave in a folder, by their names in lower case.
SYSTEM_FILES = frozenset({".ds_store", "thumbs.db", "desktop.ini"})
SYSTEM_FOLDERS = frozenset(
    {"$recycle.bin", "system volume information", "lost+found", "__macosx", "@eadir", "#recycle"}
)


@dataclass(frozen=True)
class Listing:
    """The files that were looked for, in the order of their paths, and what was left out."""

    files: list[Path]
    left_out: list[Failure]


def list_files(folder: Path, is_wanted: Callable[[Path], bool], below: bool = True) -> Listing:
    """The files in `folder` whose path `is_wanted`, but for hidden ones and hidden folders.

    With `below` also those in the folders below it.

    Links are followed, each folder is walked once. Left out are folders that cannot be listed,
    links to nothing, links to a folder that is walked anyway, names that are not UTF-8, and of what
    is wanted by its name pipes, sockets, devices, empty folders and files that vanish meanwhile.
    """
    return _Walk(folder, is_wanted, below).listing()


def file_in(folder: Path, name: str, error_type: type[RapheError]) -> Path | None:
    """The file of this name in a folder, whatever its case; None where there is none.

    Raises `error_type` where it cannot be taken (a link to nothing, a pipe, a folder without
    permission), and where two files have the name.
    """
    try:
        paths = [path for path in folder.iterdir() if path.name.casefold() == name.casefold()]
    except OSError as error:
        raise error_type(f"{folder}: could not be listed ({_reason(error)})") from None
    if len(paths) > 1:
        names = " and ".join(sorted(path.name for path in paths))
        raise error_type(f"{folder}: {names} have one name but for the case; remove one of them")
    if not paths:
        return None
    (path,) = paths
    if not _is(path.is_file):
        is_folder = _is(path.is_dir)
        reason = "expected a file, got a folder" if is_folder else _why_neither(path)
        raise error_type(f"{path}: {reason}")
    return path


class _Walk:
    """Real folders before linked ones, so that a file has the path that lies in the folder."""

    def __init__(self, folder: Path, is_wanted: Callable[[Path], bool], below: bool) -> None:
        self.folder, self.is_wanted, self.below = folder, is_wanted, below
        self.files: list[Path] = []
        self.left_out: list[Failure] = []
        self._waiting, self._links = deque([folder]), deque[Path]()
        self._walked: dict[tuple[int, int], Path] = {}  # by device and number

    def listing(self) -> Listing:
        while self._waiting or self._links:
            folder = (self._waiting or self._links).popleft()
            if self._is_new(folder):
                self._list(folder)
        return Listing(sorted(self.files), sorted(self.left_out, key=lambda failure: failure.path))

    def _is_new(self, folder: Path) -> bool:
        """Whether no other path led to this folder, and it leads to none above it."""
        try:
            status = folder.stat()
            target = folder.resolve()
        except (OSError, RuntimeError):  # told where it is listed
            return True
        first = self._walked.setdefault((status.st_dev, status.st_ino), folder)
        if first is not folder:
            self._leave_out(folder, f"is a link to {first}, from where its files are taken")
            return False
        if folder != self.folder and self.folder.resolve().is_relative_to(target):
            self._leave_out(folder, f"is a link back to {target}, in which it lies itself")
            return False
        return True

    def _list(self, folder: Path) -> None:
        n_before = len(self.files) + len(self.left_out)
        try:
            with os.scandir(folder) as entries:
                ordered = sorted(entries, key=lambda entry: entry.name)
        except NotADirectoryError:
            self._leave_out(folder, f"expected a folder, got {_kind(folder)}")
            return
        except OSError as error:
            self._leave_out(folder, f"this folder could not be listed ({_reason(error)})")
            return
        n_folders = sum(self._take(folder / entry.name, entry) for entry in ordered)
        is_wanted = folder != self.folder and self.is_wanted(folder)
        if is_wanted and not n_folders and n_before == len(self.files) + len(self.left_out):
            self._leave_out(folder, "expected a file, got a folder with none in it")

    def _take(self, path: Path, entry: os.DirEntry) -> bool:
        """Put an entry where it belongs; whether it is a folder, to be walked later."""
        if path.name.startswith(".") or path.name.casefold() in SYSTEM_FILES | SYSTEM_FOLDERS:
            return False
        is_folder = _is(entry.is_dir)
        if is_folder and not self.below:
            return False
        is_file = not is_folder and _is(entry.is_file)
        if not is_folder and not self.is_wanted(path) and (is_file or not entry.is_symlink()):
            return False
        if not is_utf_8(path.name):
            self._leave_out(path, NOT_UTF_8)
        elif is_folder:
            (self._links if entry.is_symlink() else self._waiting).append(path)
            return True
        elif is_file:
            self.files.append(path)
        else:
            self._leave_out(path, _why_neither(path))
        return False

    def _leave_out(self, path: Path, reason: str) -> None:
        self.left_out.append(Failure(path, reason))


def _is(kind: Callable[[], bool]) -> bool:
    try:
        return kind()
    except OSError:  # a link that leads nowhere, or where one may not look
        return False


def _kind(path: Path) -> str:
    mode = path.stat().st_mode
    return "a file" if stat.S_ISREG(mode) else special_kind(mode)


def _why_neither(path: Path) -> str:
    """What is wrong with a path that is neither a file nor a folder."""
    try:
        kind = special_kind(path.stat().st_mode)
    except OSError as error:
        if path.is_symlink():
            return f"is a link that leads to no file ({_reason(error)})"
        if isinstance(error, FileNotFoundError):
            return "vanished while the folder was listed"
        return f"could not be read ({_reason(error)})"
    return f"expected a file, got {kind or 'none'}"


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


def foreign_entries(folder: Path) -> list[Path]:
    """What a folder holds beside what a desktop or an unfinished writer of ours leaves in it."""
    return [path for path in folder.iterdir() if not _is_left(path)]


def foreign_files(folder: Path, names: Container[str]) -> list[Path]:
    """The files below a folder that are none of these, in order, but for what a desktop leaves.

    `names` are paths in the folder with "/" between their parts. Raises OSError for a folder that
    cannot be listed, which may hold anything.
    """
    foreign = []
    for parent, folders, files in os.walk(folder, onerror=_raise):
        links = [name for name in folders if Path(parent, name).is_symlink()]
        for path in (Path(parent, name) for name in (*files, *links)):
            if path.relative_to(folder).as_posix() not in names and not _is_left(path):
                foreign.append(path)
    return sorted(foreign)


def _is_left(path: Path) -> bool:
    return is_lock(path) or is_leaving(path) or path.name.casefold() in SYSTEM_FILES


def refuse_foreign(folder: Path, names: Container[str]) -> None:
    """Raise StoreError where a folder to be replaced as a whole holds more than these files."""
    if foreign := foreign_files(folder, names):
        raise StoreError(
            f"{printable(folder)}: holds {printable(foreign[0].relative_to(folder))}, which raphe "
            "did not write there, and would be replaced as a whole; move it away, or choose "
            "another place"
        )


def require_beginning(file: Path, beginning: str) -> None:
    """Raise StoreError where the file that marks a folder as raphe's does not begin with this."""
    with file.open("rb") as content:
        is_own = content.read(len(beginning.encode())) == beginning.encode()
    if not is_own:
        raise StoreError(
            f"{printable(file.parent)}: its {file.name} does not begin with {beginning.strip()}, "
            "so raphe did not write it and does not replace it; choose another place"
        )


def _raise(error: OSError) -> None:
    raise error

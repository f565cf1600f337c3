"""Where a command is told to write, checked before it has worked for hours."""

import os
import stat
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from raphe.core.errors import StoreError
from raphe.core.files.atomic import reporting
from raphe.core.files.kind import kind_of
from raphe.core.files.leavings import hidden_file
from raphe.core.files.path import is_device, special_kind
from raphe.core.files.refusals import existing_parent
from raphe.core.sentences import printable

IS_WINDOWS = os.name == "nt"


class Output(Enum):
    """What becomes of a path where a folder is made."""

    FOLDER = "a folder that appears beside its neighbours when it is whole"
    FILLED = "a folder that is filled where it stands"


@dataclass(frozen=True)
class OutputFile:
    """What becomes of a path where a single file is written.

    Args:
        noun: "table of features".
        is_own: whether a file may be one that raphe wrote as such; what it raises is an OSError.
        beside: the files that are written with one of this path.
    """

    noun: str
    is_own: Callable[[Path], bool]
    beside: Callable[[Path], Iterable[Path]] = lambda path: ()


def _is_checkpoint(file: Path) -> bool:
    """Whether a file is laid out as PyTorch does: neither Keras's archives nor NumPy's are."""
    if not zipfile.is_zipfile(file):
        return False
    with zipfile.ZipFile(file) as archive:
        return any(name.endswith("/data.pkl") for name in archive.namelist())


def _is_figure(file: Path) -> bool:
    """Whether a file names what drew it, or is the caption of one that does."""
    if file.name.endswith(CAPTION):
        stem = file.name.removesuffix(CAPTION)
        pictures = (file.with_name(stem + suffix) for suffix in (".png", ".pdf", ".svg"))
        return any(picture.is_file() and _is_figure(picture) for picture in pictures)
    with file.open("rb") as content:
        begin = content.read(NAMED_WITHIN)
        content.seek(max(0, file.stat().st_size - NAMED_WITHIN))
        return b"matplotlib" in (begin + content.read()).lower()


def _beside_figure(path: Path) -> list[Path]:
    is_png = path.suffix.lower() == ".png"
    return [path.with_suffix(kind) for kind in ((".pdf", CAPTION) if is_png else (CAPTION,))]


CAPTION = ".caption.txt"  # ends the name of what tells of a figure
NAMED_WITHIN = 2**12  # bytes from either end of a figure, in which its maker is named
CHECKPOINT = OutputFile("checkpoint", _is_checkpoint)
FIGURE = OutputFile("figure", _is_figure, _beside_figure)


def require_writable(path: Path, output: Output | OutputFile, overwrite: bool = False) -> None:
    """Raise StoreError where nothing could be written at `path`, with the reason and a remedy.

    A file that stands there is replaced only with `overwrite`, and only by one of its kind; of a
    folder its builder decides.
    """
    if IS_WINDOWS and (devices := [part for part in path.parts if is_device(part)]):
        raise StoreError(
            f"{printable(path)}: {devices[0]} is a device on Windows; choose another name"
        )
    with reporting(path):
        mode = _mode(path)
    if mode is not None:
        _require_kind(path, mode, output)
    if isinstance(output, OutputFile):
        for file in (path, *output.beside(path)):
            with reporting(file, "read"):
                _require_replaceable(file, output, overwrite)
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


def _require_kind(path: Path, mode: int, output: Output | OutputFile) -> None:
    kind = "a file" if stat.S_ISREG(mode) else special_kind(mode)
    wanted = "a file" if isinstance(output, OutputFile) else "a folder"
    if kind != wanted:
        raise StoreError(
            f"{printable(path)}: expected a place for {wanted}, got {kind}; name another"
        )


def _require_replaceable(file: Path, output: OutputFile, overwrite: bool) -> None:
    """Raise StoreError where a file stands that is not to be lost. An empty one holds nothing."""
    if not file.is_file() or not file.stat().st_size:
        return
    if not overwrite:
        raise StoreError(
            f"{printable(file)}: exists already; pass --overwrite to replace it, or name another"
        )
    folder = Path(os.path.realpath(file)).parent
    if (kind := kind_of(folder)) is not None:
        raise StoreError(
            f"{printable(file)}: is a file in a folder that holds {printable(kind)}, so it is not "
            "replaced; name another"
        )
    if not output.is_own(file):
        raise StoreError(
            f"{printable(file)}: is no {output.noun} that raphe wrote, so it is not replaced; "
            "name another"
        )


def figure_names(name: str) -> list[str]:
    """The names of all files that `save_figure` may write for a PNG of this name; told here, for
    who lists them draws none, and matplotlib takes a second to load."""
    return [str(Path(name).with_suffix(kind)) for kind in (".png", ".pdf", ".caption.txt")]

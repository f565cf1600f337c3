"""Which files a folder holds, told by their names: none is opened."""

import os
from dataclasses import dataclass
from pathlib import Path

SUFFIXES = (".abf", ".nwb")


@dataclass(frozen=True)
class Failure:
    """A file that was left out, and why."""

    path: Path
    message: str

    def __str__(self) -> str:
        is_named = str(self.path) in self.message
        return self.message if is_named else f"{self.path}: {self.message}"


def visible_files(folder: Path) -> list[Path]:
    """The files below `folder` in the order of their paths, but for hidden ones and folders."""
    files = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]  # not walked into
        files += [Path(parent, name) for name in names if not name.startswith(".")]
    return sorted(files)


def is_recording(file: Path) -> bool:
    return file.suffix.lower() in SUFFIXES


def recording_files(folder: Path) -> list[Path]:
    """The recordings below `folder` in the order of their paths; none of a folder not there."""
    return list(filter(is_recording, visible_files(folder)))

"""Which files a folder holds, told by their names: none is opened."""

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
    """All that is below `folder` in the order of the paths, but for what is hidden."""
    return sorted(
        path
        for path in folder.rglob("*")
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def is_recording(file: Path) -> bool:
    return file.suffix.lower() in SUFFIXES


def recording_files(folder: Path) -> list[Path]:
    """The recordings below `folder` in the order of their paths; none of a folder not there."""
    return list(filter(is_recording, visible_files(folder)))

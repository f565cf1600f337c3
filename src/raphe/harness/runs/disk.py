"""What tracked runs take up on disk."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

CHECKPOINTS = "checkpoint"  # folder of a run's artifacts


@dataclass(frozen=True)
class Usage:
    total: int = 0  # bytes
    checkpoints: int = 0  # of these

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.total + other.total, self.checkpoints + other.checkpoints)


def usage_of(folders: Iterable[Path]) -> Usage:
    """Of folders that may be gone."""
    return sum((_usage(folder) for folder in folders), Usage())


def _usage(folder: Path) -> Usage:
    total = checkpoints = 0
    for path in folder.rglob("*") if folder.is_dir() else ():
        if path.is_file() and not path.is_symlink():
            n_bytes = path.stat().st_size
            total += n_bytes
            checkpoints += n_bytes if CHECKPOINTS in path.relative_to(folder).parts else 0
    return Usage(total, checkpoints)

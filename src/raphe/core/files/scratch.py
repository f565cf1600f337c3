"""Folders for what is needed while a process lives, swept away when it was killed."""

import tempfile
from pathlib import Path

from raphe.core.files.atomic import reporting
from raphe.core.files.leavings import abandoned, hidden_sibling, remove


class Scratch:
    """A folder of this process in the system's temporary place, as a context or until `remove`.

    What killed processes left there is removed by the next that asks for one. Raises StoreError
    where none can be made.
    """

    def __init__(self) -> None:
        sweep_scratch()
        self.folder = hidden_sibling(_place(), "partial")
        with reporting(self.folder):
            self.folder.mkdir(mode=0o700)

    def __enter__(self) -> Path:
        return self.folder

    def __exit__(self, *_: object) -> None:
        self.remove()

    def remove(self) -> None:
        """Remove it with all that is in it."""
        remove(self.folder)


def sweep_scratch() -> None:
    """Remove what killed processes left in the system's temporary place."""
    for leftover in abandoned(_place(), "partial"):
        remove(leftover)


def _place() -> Path:
    return Path(tempfile.gettempdir(), "raphe-scratch")

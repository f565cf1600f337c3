"""Which recordings a folder holds, told by their names: none is opened."""

from pathlib import Path

from raphe.core.files.folders import Listing, list_files

SUFFIXES = (".abf", ".nwb")


def is_recording(file: Path) -> bool:
    return file.suffix.lower() in SUFFIXES


def find_recordings(folder: Path) -> Listing:
    """The recordings below `folder` in the order of their paths, and what cannot be taken."""
    return list_files(folder, is_recording)

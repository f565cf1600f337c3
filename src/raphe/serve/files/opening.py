"""What was sent, opened by the bundle's task: in a thread, and without trust in a single byte."""

import gc
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import h5py

from raphe.core.bundles.opened_file import Changes, OpenedFile
from raphe.core.bundles.predictor import BundlePredictor
from raphe.core.bundles.view import View
from raphe.core.matlab.unpacked import require_unpacked_within
from raphe.core.nwb.self_contained import SUFFIXES as NWB_SUFFIXES
from raphe.core.nwb.self_contained import require_self_contained
from raphe.serve.files.archive import ZIP, require_archive_within, unpack
from raphe.serve.refusal import refusing

NO_CHANGES = Changes()
MAT, NPZ = ".mat", ".npz"
# Files that are no part of a recording's folder.
ALONE = (ZIP, ".csv", ".tsv", ".gz", MAT, NPZ, ".h5", ".hdf5")


@dataclass
class Sent:
    """A file that was sent and what was sent beside it, in a folder of ours."""

    folder: Path
    name: str  # as its sender calls it
    values: Mapping[str, object] = field(default_factory=dict)  # of FILE_FIELDS
    paths: dict[str, Path] = field(default_factory=dict)  # by role, "" of the file itself
    names: dict[str, str] = field(default_factory=dict)  # as senders call them, by ours

    def place(self, role: str, stem: str, suffix: str, name: str) -> Path:
        """Where the file of a role is to be put."""
        self.paths[role] = self.folder / f"{stem}{suffix}"
        self.names[self.paths[role].name] = name
        return self.paths[role]

    def copy(self) -> "Sent":
        """One that may have a further file."""
        return replace(self, paths=dict(self.paths), names=dict(self.names))

    @property
    def n_bytes(self) -> int:
        return sum(path.stat().st_size for path in self.paths.values())

    def remove(self) -> None:
        """As far as the system lets us."""
        shutil.rmtree(self.folder, ignore_errors=True)


def checked(path: Path, suffixes: tuple[str, ...], at_most: int) -> Path:
    """The file, or the folder into which it was unpacked: of no more bytes, and no links.

    Raises RecordingError.
    """
    if path.suffix in NWB_SUFFIXES or h5py.is_hdf5(path):
        require_self_contained(path, at_most)
    elif path.suffix == MAT:
        require_unpacked_within(path, at_most)
    elif path.suffix == NPZ:
        require_archive_within(path, at_most)
    if path.suffix != ZIP:
        return path
    folder = path.with_suffix("")
    shutil.rmtree(folder, ignore_errors=True)  # of an earlier try
    unpack(path, folder, [suffix for suffix in suffixes if suffix not in ALONE], at_most)
    return folder


@contextmanager
def opened_paths(
    predictor: BundlePredictor, sent: Sent, at_most: int, on_page: bool = False
) -> Iterator[dict[str, Path]]:
    """The files by role, checked; what the task says of them in the context becomes a Refusal."""
    try:
        with refusing(predictor, sent.folder, sent.names, on_page):
            suffixes = predictor.SUFFIXES
            yield {role: checked(path, suffixes, at_most) for role, path in sent.paths.items()}
    finally:
        if any(path.suffix in NWB_SUFFIXES for path in sent.paths.values()):
            gc.collect()  # what pynwb opened is held in circles, and open as long


def open_sent(predictor: BundlePredictor, sent: Sent, at_most: int) -> tuple[OpenedFile, View]:
    """The file and what is seen of it first. Raises Refusal."""
    with opened_paths(predictor, sent, at_most, on_page=True) as paths:
        path = paths.pop("")
        opened = predictor.open_file(path, sent.name, sent.values, paths)
        return opened, opened.view(None, NO_CHANGES)

"""What finished trainings said of their test cells, kept on disk until the audit is.

FOLDER/audit.json            what was audited, by which settings
FOLDER/trainings/<name>.npz  what one training said of its test items, and their classes

An audit that was killed goes on with those that are there; one of another store or other settings
is not mixed with them.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.errors import StoreError
from raphe.core.files.atomic import open_whole, reporting, write_file
from raphe.core.files.folders import refuse_foreign
from raphe.core.recordings.arrays import load_arrays
from raphe.core.sentences import listed
from raphe.version import __version__

FACTS, TRAININGS, WORK = "audit.json", "trainings", "work"


@dataclass(frozen=True)
class Kept:
    """Arrays of finished trainings by their name."""

    folder: Path

    def read(self, name: str, keys: Sequence[str]) -> list[np.ndarray] | None:
        """The arrays of these keys; None where one is not there, as in a damaged file."""
        file = self._file(name)
        if not file.exists():
            return None
        try:
            arrays = load_arrays(file, StoreError)
            return [arrays[key] for key in keys]
        except (StoreError, KeyError):
            return None

    def write(self, name: str, **arrays: np.ndarray) -> None:
        """Raises StoreError when the operating system refuses."""
        with open_whole(self._file(name)) as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]

    def progress(self, names: Sequence[str]) -> str:
        """How many of the planned trainings are there, after a comma; "" for none."""
        n = sum(self._file(name).exists() for name in names)
        return f", {n} of them there already" if n else ""

    def finish(self) -> None:
        """Remove what only an interrupted training needs."""
        shutil.rmtree(self.folder / WORK, ignore_errors=True)

    def _file(self, name: str) -> Path:
        return self.folder / TRAININGS / f"{name}.npz"


def keep(
    folder: Path,
    stores: Mapping[str, str | None],
    trainer: str,
    settings: Mapping[str, Any],
    overwrite: bool = False,
) -> Kept:
    """Open the folder of an audit, or make it.

    Args:
        stores: the content hash of each, by what is in it.
        trainer: cpu or gpu.
        settings: of networks and splits.

    Raises:
        StoreError: for a folder of something else, or of another audit without `overwrite`.
    """
    facts = {
        "raphe": __version__,
        **stores,
        "trainer": trainer,
        **settings,
    }
    with reporting(folder):
        folder.mkdir(parents=True, exist_ok=True)
        before = _facts(folder)
        if before is None and any(file.name[0] != "." for file in folder.iterdir()):
            raise StoreError(f"{folder}: exists and holds no {FACTS}; choose another place")
        if before is not None and before != facts:
            if not overwrite:
                raise StoreError(
                    f"{folder}: holds an audit with other {_differences(before, facts, stores)}; "
                    "name another folder, or pass --overwrite to begin anew"
                )
            trainings = {file.name for file in (folder / TRAININGS).glob("*.npz")}
            if (folder / TRAININGS).is_dir():
                refuse_foreign(folder / TRAININGS, trainings)
            shutil.rmtree(folder / TRAININGS, ignore_errors=True)
        write_file(folder / FACTS, json.dumps(facts, indent=2) + "\n")
        (folder / TRAININGS).mkdir(exist_ok=True)
    return Kept(folder)


def _facts(folder: Path) -> dict[str, Any] | None:
    file = folder / FACTS
    if not file.is_file():
        return None
    try:
        facts = json.loads(file.read_bytes())
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}


def _differences(
    before: Mapping[str, Any], now: Mapping[str, Any], stores: Mapping[str, str | None]
) -> str:
    """ "masks, kernel (20 there, 8 here)"."""
    parts = []
    for name, value in now.items():
        if before.get(name) != value:
            shown = name not in stores
            parts.append(f"{name} ({before.get(name)} there, {value} here)" if shown else name)
    return listed(parts)

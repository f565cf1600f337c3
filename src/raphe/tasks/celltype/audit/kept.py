"""What finished trainings said of their test cells, kept on disk until the audit is.

FOLDER/audit.json            what was audited, by which settings
FOLDER/trainings/<name>.npz  probability (n, C), label (n,), cell (n,) of one training's test spikes

An audit that was killed goes on with those that are there; one of another store or other settings
is not mixed with them.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.errors import StoreError
from raphe.core.files.atomic import open_whole, reporting, write_file
from raphe.core.files.folders import refuse_foreign
from raphe.core.recordings.arrays import load_arrays
from raphe.core.sentences import listed
from raphe.tasks.celltype.audit.plan import Plan
from raphe.tasks.celltype.metrics.predictions import Predictions
from raphe.version import __version__

FACTS, TRAININGS, WORK = "audit.json", "trainings", "work"


@dataclass(frozen=True)
class Kept:
    """Predictions of finished trainings by their name."""

    folder: Path

    def read(self, name: str) -> Predictions | None:
        """None where there are none; a damaged file is as good as none."""
        file = self._file(name)
        if not file.exists():
            return None
        try:
            arrays = load_arrays(file, StoreError)
            probability, label, cell = (arrays[key] for key in ("probability", "label", "cell"))
        except (StoreError, KeyError):
            return None
        return Predictions(probability, probability, label, cell)

    def write(self, name: str, predictions: Predictions) -> None:
        """Raises StoreError when the operating system refuses."""
        with open_whole(self._file(name)) as file:
            np.savez(
                file,
                probability=predictions.probability,
                label=predictions.label,
                cell=predictions.cell,
            )

    def progress(self, plan: Plan) -> str:
        """How many of the planned trainings are there, after a comma; "" for none."""
        n = sum(self._file(training.name).exists() for training in plan.trainings)
        return f", {n} of them there already" if n else ""

    def finish(self) -> None:
        """Remove what only an interrupted training needs."""
        shutil.rmtree(self.folder / WORK, ignore_errors=True)

    def _file(self, name: str) -> Path:
        return self.folder / TRAININGS / f"{name}.npz"


def keep(folder: Path, plan: Plan, trainer: str, overwrite: bool = False) -> Kept:
    """Open the folder of an audit, or make it.

    Raises:
        StoreError: for a folder of something else, or of another audit without `overwrite`.
    """
    facts = {
        "raphe": __version__,
        "spikes": plan.spikes.content_hash,
        "masks": None if plan.masks is None else plan.masks.content_hash,
        "trainer": trainer,
        **vars(plan.settings),
    }
    with reporting(folder):
        folder.mkdir(parents=True, exist_ok=True)
        before = _facts(folder)
        if before is None and any(file.name[0] != "." for file in folder.iterdir()):
            raise StoreError(f"{folder}: exists and holds no {FACTS}; choose another place")
        if before is not None and before != facts:
            if not overwrite:
                raise StoreError(
                    f"{folder}: holds an audit with other {_differences(before, facts)}; name "
                    "another folder, or pass --overwrite to begin anew"
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


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """ "masks, kernel (20 there, 8 here)"."""
    parts = []
    for name, value in now.items():
        if before.get(name) != value:
            shown = name not in ("spikes", "masks")
            parts.append(f"{name} ({before.get(name)} there, {value} here)" if shown else name)
    return listed(parts)

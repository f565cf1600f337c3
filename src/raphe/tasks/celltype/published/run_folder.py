"""A tracked run's predictions, found on disk where the run left them as artifacts."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from raphe.core.errors import SettingError
from raphe.core.tables.words import read_table
from raphe.tasks.celltype.metrics.predictions import read_predictions
from raphe.tasks.celltype.metrics.set_result import SetResult
from raphe.tasks.celltype.stores.spike_set import Cell

PREDICTIONS, CELLS, NOTE, SWEEP = "predictions.csv", "cells.csv", "note.txt", "sweep.csv"
EPOCHS = "epochs.csv"
KERNEL = "model.kernel"

Epochs = Mapping[str, np.ndarray]  # of each metric, and "epoch": float (E,), NaN where none


@dataclass(frozen=True)
class RunResults:
    """What one network said of its sets, by their names; "val" is the validation part."""

    name: str
    sets: dict[str, SetResult]
    note: str = ""  # a sentence that must stand beside every result


def find_run(run: str, runs_root: Path) -> Path:
    """The folder of a run's artifacts: named as such, or by the run's id or its beginning.

    Raises SettingError.
    """
    if (folder := Path(run)).is_dir():
        return folder
    folders = sorted(runs_root.glob(f"artifacts/*/{run}*/artifacts")) if run else []
    if len(folders) != 1:
        several = f"{len(folders)} runs that begin so" if folders else "none"
        raise SettingError(
            f"--run {run}: expected a run's id, or a folder of its artifacts; {runs_root} has "
            f"{several}; look at the run's page in the MLflow UI, or name another folder with "
            "--runs"
        )
    return folders[0]


def read_run(folder: Path, name: str) -> RunResults:
    """The predictions of a single run. Raises SettingError where it has kept none."""
    files = sorted(folder.glob(f"*/{PREDICTIONS}"))
    if not files:
        raise SettingError(
            f"{folder}: expected the artifacts of a run, with <set>/{PREDICTIONS}, found none; "
            "train again to have them written"
        )
    sets = {}
    for file in files:
        predictions, classes = read_predictions(file)
        days = _days(file.with_name(CELLS))
        cells = [Cell(cell_id, 0, days.get(cell_id, "")) for cell_id in predictions.cell_ids]
        sets[file.parent.name] = SetResult(file.parent.name, predictions, classes, cells)
    note = folder / NOTE
    return RunResults(
        name, sets, note.read_text(encoding="utf-8").strip() if note.is_file() else ""
    )


def _days(table: Path) -> dict[str, str]:
    """The day of each cell, where the run knows it."""
    if not table.is_file():
        return {}
    rows = read_table(table, SettingError).rows
    return {row["cell"]: row.get("day") for row in rows}


def read_epochs(folder: Path) -> Epochs:
    """What each epoch of a single run logged: (E,) of each metric, NaN where it was not.

    Empty for a run that kept no table of it. Raises SettingError for one that cannot be read.
    """
    path = folder / EPOCHS
    if not path.is_file():
        return {}
    table = read_table(path, SettingError)
    try:
        return {
            column: np.array([float(row[column] or "nan") for row in table.rows])
            for column in table.columns
        }
    except ValueError as error:
        raise SettingError(f"{path}: expected a table of numbers, got {error}") from None


def sweep_members(folder: Path, runs_root: Path) -> dict[int, Path]:
    """Artifact folders of a sweep's finished members by kernel size; none of a single run.

    Raises SettingError for a sweep over anything else.
    """
    path = folder / SWEEP
    if not path.is_file():
        return {}
    rows = read_table(path, SettingError).rows
    kernels = [row.get(KERNEL) for row in rows]
    if not rows or not all(kernels) or len(set(kernels)) < len(kernels):
        raise SettingError(f"{path}: expected a sweep over {KERNEL} alone; name one of those")
    return {int(row[KERNEL]): find_run(row["run_id"], runs_root) for row in rows}

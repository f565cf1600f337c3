"""Which tracked runs may go: those that came to nothing, and what nothing needs any more."""

import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run

from raphe.core.sentences import counted
from raphe.harness.run_location import work_name
from raphe.harness.runs.disk import usage_of
from raphe.harness.runs.inventory import Inventory
from raphe.harness.tracking import DATA_TAG, KEY_TAG, PARENT_TAG

BROKEN_OFF = ("FAILED", "KILLED")
IDLE_H = 24  # work that nobody has touched for so long is not at work


@dataclass(frozen=True)
class Leftover:
    """Files of one kind that may go."""

    what: str
    folders: Sequence[Path]
    runs: Sequence[Run] = ()  # to be deleted with them

    @property
    def n_bytes(self) -> int:
        return usage_of(self.folders).total


def leftovers(inventory: Inventory, runs_root: Path) -> list[Leftover]:
    """What may go, kinds of which there is nothing left out.

    Never what a registered model or the newest sweep of an experiment needs, nor what is running.
    """
    broken_off = _broken_off(inventory)
    gone = [run for run in inventory.deleted if any(map(Path.is_dir, inventory.folders(run)))]
    work, logs = list(_idle_work(inventory, broken_off, runs_root)), list(_idle_logs(runs_root))
    kinds = [
        Leftover(
            f"{counted('run', len(broken_off))} that failed or were interrupted (they could be "
            "resumed)",
            _folders(inventory, broken_off),
            broken_off,
        ),
        Leftover(
            f"files of {counted('run', len(gone))} deleted before (they could be restored)",
            _folders(inventory, gone),
        ),
        Leftover(
            f"{counted('folder', len(work))} of unfinished work, untouched for {IDLE_H} h", work
        ),
        Leftover(f"{counted('folder', len(logs))} of Hydra's, older than {IDLE_H} h", logs),
    ]
    return [kind for kind in kinds if kind.folders or kind.runs]


def remove(client: MlflowClient, leftover: Leftover) -> None:
    """Delete the runs and their files."""
    for run in leftover.runs:
        client.delete_run(run.info.run_id)
    for folder in leftover.folders:
        shutil.rmtree(folder, ignore_errors=True)


def _broken_off(inventory: Inventory) -> list[Run]:
    """A sweep whose members partly finished still serves; only its other members may go."""
    needed, members = inventory.needed(), inventory.members()
    return [
        run
        for run in inventory.runs
        if run.info.status in BROKEN_OFF
        and run.info.run_id not in needed
        and not any(
            member.info.status not in BROKEN_OFF for member in members.get(run.info.run_id, ())
        )
    ]


def _folders(inventory: Inventory, runs: Sequence[Run]) -> list[Path]:
    return [folder for run in runs for folder in inventory.folders(run)]


def _idle_work(inventory: Inventory, removed: Sequence[Run], runs_root: Path) -> Iterator[Path]:
    """Folders of work that no run will go on with, and that no process is at."""
    ids = {run.info.run_id for run in removed}
    resumed = {
        name
        for run in inventory.runs
        if run.info.status != "FINISHED" and run.info.run_id not in ids
        for name in _work_names(run)
    }
    for folder in sorted((runs_root / "work").glob("*")):
        if folder.is_dir() and folder.name not in resumed and _is_idle(folder):
            yield folder


def _work_names(run: Run) -> Iterator[str]:
    """Of a run's own folder, and of its members' where it is the parent of a bank."""
    tags = run.data.tags
    found_by = {name: tags[name] for name in (KEY_TAG, DATA_TAG, PARENT_TAG) if name in tags}
    yield work_name(found_by)
    yield work_name({"bank": run.info.run_id})


def _idle_logs(runs_root: Path) -> Iterator[Path]:
    for kind in ("run", "sweep"):
        yield from filter(_is_idle, sorted((runs_root / "hydra" / kind).glob("*")))


def _is_idle(folder: Path) -> bool:
    newest = max((path.stat().st_mtime for path in (folder, *folder.rglob("*"))), default=0.0)
    return time.time() - newest > 3600 * IDLE_H

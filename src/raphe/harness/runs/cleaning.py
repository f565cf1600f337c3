"""Which tracked runs may go: those that came to nothing, and what nothing needs any more."""

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import Timeout
from mlflow import MlflowClient
from mlflow.entities import Run

from raphe.core.files import leavings
from raphe.core.files.locks import lock_file
from raphe.core.sentences import counted
from raphe.harness.run_location import work_name
from raphe.harness.runs.disk import usage_of
from raphe.harness.runs.inventory import Inventory
from raphe.harness.tracking import DATA_TAG, KEY_TAG, PARENT_TAG, SWEEP_TAG

BROKEN_OFF = ("FAILED", "KILLED")
EXPORT_LOCKS = "export-*.lock"
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


@dataclass(frozen=True)
class Cleaning:
    """What may go, kinds of which there is nothing left out.

    Never what a registered model or the newest sweep of an experiment needs, nor what is running.
    """

    kinds: Sequence[Leftover]
    elsewhere: Sequence[Path]  # files of runs that would go if they lay in the folder

    @classmethod
    def of(cls, inventory: Inventory, runs_root: Path) -> "Cleaning":
        within = _Within(runs_root, inventory)
        broken_off = list(filter(within.may_go, _broken_off(inventory)))
        gone = list(filter(within.may_go, _with_files(inventory, inventory.deleted)))
        elsewhere = [run for run in (*broken_off, *gone) if within.outside(run)]
        broken_off = [run for run in broken_off if run not in elsewhere]
        gone = [run for run in gone if run not in elsewhere]
        work = [*filter(within.holds, _idle_work(inventory, broken_off, runs_root))]
        locks = [*filter(within.holds, _idle_locks(runs_root))]
        logs = [*filter(within.holds, _idle_logs(inventory, runs_root))]
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
            Leftover(f"{counted('lock', len(locks))} of exports that have ended", locks),
            Leftover(f"{counted('folder', len(logs))} of Hydra's, older than {IDLE_H} h", logs),
        ]
        return cls(
            [kind for kind in kinds if kind.folders or kind.runs],
            [folder for run in elsewhere for folder in within.outside(run)],
        )


class _Within:
    """What of a folder of runs may be removed, whatever else a run's record names.

    Where files lie is tracked as absolute paths: a copied folder names those of the original.
    """

    def __init__(self, runs_root: Path, inventory: Inventory) -> None:
        self._root = runs_root.resolve()
        self._inventory, self._needed = inventory, inventory.needed()
        self._served = [folder.resolve() for folder in inventory.version_folders]

    def may_go(self, run: Run) -> bool:
        """Nothing that is registered needs it or is loaded from its files."""
        return run.info.run_id not in self._needed and not any(
            folder.is_relative_to(served) or served.is_relative_to(folder)
            for folder in map(Path.resolve, self._inventory.folders(run))
            for served in self._served
        )

    def outside(self, run: Run) -> list[Path]:
        folders = self._inventory.folders(run)
        return [folder for folder in folders if folder.exists() and not self.holds(folder)]

    def holds(self, folder: Path) -> bool:
        place = folder.resolve()
        return self._root in place.parents


def remove(client: MlflowClient, leftover: Leftover) -> list[Path]:
    """Delete the runs and their files; the folders that could not be removed."""
    for run in leftover.runs:
        client.delete_run(run.info.run_id)
    for folder in leftover.folders:
        leavings.remove(folder)
    return [folder for folder in leftover.folders if folder.exists()]


def _broken_off(inventory: Inventory) -> list[Run]:
    """A sweep whose members partly finished still serves; only its other members may go.

    Members of a sweep that runs wait for their turn: one that is resumed starts with all KILLED.
    """
    members = inventory.members()
    running = {run.info.run_id for run in _running(inventory)}
    return [
        run
        for run in inventory.runs
        if run.info.status in BROKEN_OFF
        and run.data.tags.get(PARENT_TAG) not in running
        and not any(
            member.info.status not in BROKEN_OFF for member in members.get(run.info.run_id, ())
        )
    ]


def _running(inventory: Inventory) -> list[Run]:
    return [run for run in inventory.runs if run.info.status == "RUNNING"]


def _with_files(inventory: Inventory, runs: Sequence[Run]) -> list[Run]:
    return [run for run in runs if any(map(Path.is_dir, inventory.folders(run)))]


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


def _idle_locks(runs_root: Path) -> Iterator[Path]:
    """Of exports, which the system has let go of, whatever became of the process."""
    for lock in filter(_is_idle, sorted((runs_root / "work").glob(EXPORT_LOCKS))):
        with suppress(Timeout), lock_file(lock).acquire(blocking=False):
            yield lock


def _work_names(run: Run) -> Iterator[str]:
    """Of a run's own folder, and of its members' where it is the parent of a bank."""
    tags = run.data.tags
    found_by = {name: tags[name] for name in (KEY_TAG, DATA_TAG, PARENT_TAG) if name in tags}
    yield work_name(found_by)
    yield work_name({"bank": run.info.run_id})


def _idle_logs(inventory: Inventory, runs_root: Path) -> Iterator[Path]:
    """Hydra's folders of single runs and of sweeps, none of a kind that is running: an epoch may
    take longer than a folder counts as at work, and nothing tells whose folder it is."""
    at_work = {"sweep" if _is_of_sweep(run) else "run" for run in _running(inventory)}
    for kind in sorted({"run", "sweep"} - at_work):
        yield from filter(_is_idle, sorted((runs_root / "hydra" / kind).glob("*")))


def _is_of_sweep(run: Run) -> bool:
    return SWEEP_TAG in run.data.tags or PARENT_TAG in run.data.tags


def _is_idle(folder: Path) -> bool:
    newest = max((path.stat().st_mtime for path in (folder, *folder.rglob("*"))), default=0.0)
    return time.time() - newest > 3600 * IDLE_H

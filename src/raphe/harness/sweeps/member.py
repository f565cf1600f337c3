"""One job of a sweep, seen from inside, and the state it leaves for the parent.

The parent's process writes `sweep.json` into the sweep's folder before the workers start; each
member reads it there and keeps its state in its own job folder, whichever launcher runs it.
"""

import itertools
import json
import math
import os
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import pytorch_lightning as pl
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode

from raphe.core.files.atomic import write_file
from raphe.harness.database.address import without_credentials
from raphe.harness.start.explain import user_line

PLAN_FILE = "sweep.json"
STATE_FILE = "state.json"
WATCH = "raphe-launcher-watch"
ORPHAN_POLL_S = 0.5
ALONE = "single run"  # the label of a member where nothing is swept


@dataclass(frozen=True)
class Planned:
    """One job, before it is started."""

    label: str  # "model.kernel=7"
    settings: dict[str, str]


@dataclass(frozen=True)
class SweepPlan:
    """What the parent tells its members; `parameters` maps each swept setting to its values."""

    parent_run_id: str
    parameters: dict[str, list[str]]
    n_workers: int
    launcher: int | None  # process id; None where members are jobs of their own and outlive it

    @property
    def n_members(self) -> int:
        return math.prod(len(values) for values in self.parameters.values())

    @property
    def members(self) -> list[Planned]:
        combinations = itertools.product(*self.parameters.values())
        members = [dict(zip(self.parameters, values, strict=True)) for values in combinations]
        return [Planned(label_of(settings), settings) for settings in members]

    @property
    def text(self) -> str:
        return json.dumps(asdict(self))

    def write(self, sweep_folder: Path) -> None:
        sweep_folder.mkdir(parents=True, exist_ok=True)
        write_file(sweep_folder / PLAN_FILE, self.text)

    @classmethod
    def read(cls, folder: Path) -> "SweepPlan":
        """From the sweep's folder, or one into which its parent's artifact was fetched."""
        return cls(**json.loads((folder / PLAN_FILE).read_text()))


@dataclass(frozen=True)
class MemberState:
    label: str
    status: str  # RUNNING, FINISHED, SKIPPED (finished by an earlier call) or FAILED
    epoch: int = 0  # the last that ended, from 1
    n_epochs: int = 0
    metric: str = ""  # the monitored one …
    value: float | None = None  # … after that epoch; of a member that finished, of what it kept
    run_id: str | None = None
    error: str | None = None


def states_by_number(sweep_folder: Path) -> dict[int, MemberState]:
    """The states that members have written so far, in the order of the jobs."""
    files = {int(path.parent.name): path for path in sweep_folder.glob(f"*/{STATE_FILE}")}
    return {n: MemberState(**json.loads(files[n].read_text())) for n in sorted(files)}


def member_states(sweep_folder: Path) -> list[MemberState]:
    return list(states_by_number(sweep_folder).values())


def write_state(sweep_folder: Path, number: int, state: MemberState) -> None:
    """For a member that cannot write it, or not here."""
    folder = sweep_folder / str(number)
    folder.mkdir(parents=True, exist_ok=True)
    _write_json(folder / STATE_FILE, asdict(state))


def lose(sweep_folder: Path, number: int, label: str, why: str) -> None:
    """Write for a member whose process is gone that it failed, and say so."""
    write_state(sweep_folder, number, MemberState(label, "FAILED", error=why))
    print(f"error: {labelled(label, why)}", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class SweepMember:
    """This process's job, and what it sweeps."""

    parent_run_id: str
    n_workers: int
    settings: Mapping[str, str]  # {"model.kernel": "7"}
    folder: Path
    launcher: int | None  # see SweepPlan

    @property
    def label(self) -> str:
        return label_of(self.settings)

    def end_with_launcher(self) -> None:
        """End this process when the one that launched it is gone, so that it holds no lock.

        Workers of joblib outlive a launcher that is killed outright.
        """
        if self.launcher in (None, os.getpid()):
            return
        if threading.current_thread() is threading.main_thread():
            watch = threading.Thread(target=_exit_when_orphaned, name=WATCH, daemon=True)
            if WATCH not in {thread.name for thread in threading.enumerate()}:
                watch.start()

    @classmethod
    def current(cls) -> "SweepMember | None":
        """The job this process is running, or None outside a sweep."""
        if not HydraConfig.initialized() or HydraConfig.get().mode != RunMode.MULTIRUN:
            return None
        hydra = HydraConfig.get()
        plan = SweepPlan.read(Path(hydra.sweep.dir))
        values = dict(override.lstrip("+").partition("=")[::2] for override in hydra.overrides.task)
        settings = {name: values[name] for name in plan.parameters}
        folder = Path(hydra.runtime.output_dir)
        return cls(plan.parent_run_id, plan.n_workers, settings, folder, plan.launcher)

    @property
    def has_ended(self) -> bool:
        path = self.folder / STATE_FILE
        return path.exists() and MemberState(**json.loads(path.read_text())).status != "RUNNING"

    def at_epoch(self, epoch: int, n_epochs: int, metric: str, value: float | None) -> None:
        self._write(MemberState(self.label, "RUNNING", epoch, n_epochs, metric, value))

    def finished(self, run_id: str, skipped: bool, metric: str, kept: float | None) -> None:
        status = "SKIPPED" if skipped else "FINISHED"
        self._write(MemberState(self.label, status, metric=metric, value=kept, run_id=run_id))

    def failed(self, error: Exception) -> None:
        """Say at once what failed; the traceback is kept beside the state."""
        line = user_line(error) or f"{type(error).__name__}: {error}"
        trace = without_credentials("".join(traceback.format_exception(error)))
        write_file(self.folder / "error.txt", trace)
        self._write(MemberState(self.label, "FAILED", error=line))
        print(f"error: {labelled(self.label, line)}", file=sys.stderr, flush=True)

    def _write(self, state: MemberState) -> None:
        _write_json(self.folder / STATE_FILE, asdict(state))


class ReportEpoch(pl.Callback):
    """Keep a member's state up to date while it trains."""

    def __init__(self, member: SweepMember, metric: str) -> None:
        self.member = member
        self.metric = metric

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._report(trainer, trainer.current_epoch)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._report(trainer, trainer.current_epoch + 1)

    def _report(self, trainer: pl.Trainer, epoch: int) -> None:
        value = trainer.callback_metrics.get(self.metric)
        finite = value is not None and math.isfinite(value)
        self.member.at_epoch(
            epoch, trainer.max_epochs or 0, self.metric, float(value) if finite else None
        )


def label_of(settings: Mapping[str, str]) -> str:
    """What a member sweeps, as "model.kernel=7"."""
    return " ".join(f"{name}={value}" for name, value in settings.items()) or ALONE


def labelled(label: str, error: str) -> str:
    """An error after the member that it ended; it may begin with that very setting itself.

    >>> labelled("model.kernel=50", "model.kernel=50 leaves no sample")
    'model.kernel=50 leaves no sample'
    >>> labelled("model.kernel=50", "model.kernel=500: too wide")
    'model.kernel=50: model.kernel=500: too wide'
    """
    begins_with_it = error.startswith((f"{label}:", f"{label} "))
    return error if begins_with_it else f"{label}: {error}"


def _exit_when_orphaned() -> None:
    launcher = os.getppid()
    while os.getppid() == launcher:
        time.sleep(ORPHAN_POLL_S)
    os._exit(1)


def _write_json(path: Path, content: dict) -> None:
    write_file(path, json.dumps(content))

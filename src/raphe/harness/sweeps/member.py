"""One job of a sweep, seen from inside, and the state it leaves for the parent.

The parent's process writes `sweep.json` into the sweep's folder before the workers start; each
member reads it there and keeps its state in its own job folder, whichever launcher runs it.
"""

import json
import math
import sys
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
from raphe.harness.sweeps.plan import SweepPlan, label_of
from raphe.harness.sweeps.states import STATE_FILE, MemberState, labelled, read_state


@dataclass(frozen=True)
class SweepMember:
    """This process's job, and what it sweeps."""

    parent_run_id: str
    n_workers: int
    settings: Mapping[str, str]  # {"model.kernel": "7"}
    folder: Path

    @property
    def label(self) -> str:
        return label_of(self.settings)

    @classmethod
    def current(cls) -> "SweepMember | None":
        """The job this process is running, or None outside a sweep."""
        if not HydraConfig.initialized() or HydraConfig.get().mode != RunMode.MULTIRUN:
            return None
        hydra = HydraConfig.get()
        plan = SweepPlan.read(Path(hydra.sweep.dir))
        settings = plan.settings_of(hydra.overrides.task)
        folder = Path(hydra.runtime.output_dir)
        return cls(plan.parent_run_id, plan.n_workers, settings, folder)

    @property
    def has_ended(self) -> bool:
        path = self.folder / STATE_FILE
        return path.exists() and read_state(path).status != "RUNNING"

    def announce(self) -> None:
        """Say that there is this member, which its parent may not have known."""
        self._write(MemberState(self.label, "RUNNING"))

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
        write_file(self.folder / STATE_FILE, json.dumps(asdict(state)))


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

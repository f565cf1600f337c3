"""Lightning callbacks of every run: reproducible epochs, tracking, checkpoints, early stop."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import (
    Callback,
    Checkpoint,
    EarlyStopping,
    ModelCheckpoint,
)
from torch import Tensor

from raphe.core.errors import SettingError
from raphe.core.files.checkpoint import training_fault
from raphe.harness.records.tracked_run import TrackedRun

BEST, LAST = "best.ckpt", "last.ckpt"  # of a run until it is finished
LOOPS = "loops"  # in a checkpoint from which Lightning goes on
HAD_ENDED = "raphe.had_ended"  # in a checkpoint
SEED_STRIDE = 1_000_003  # a prime, so that epochs of neighbouring seeds do not share a stream


class SeedEachEpoch(Callback):
    """Start each epoch's random stream from (seed, epoch): a resumed run equals an unbroken one.

    At the first batch, because Lightning asks for batches before a resumed epoch begins and
    after an unbroken one has.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        if batch_idx == 0:
            torch.manual_seed(self.seed * SEED_STRIDE + trainer.current_epoch)


class FreshMetrics:
    """What an epoch logged; Lightning goes on to show the rest as it was logged last."""

    def __init__(self) -> None:
        self._shown: dict[str, Tensor] = {}

    def of_epoch(self, trainer: pl.Trainer) -> dict[str, float]:
        before, self._shown = self._shown, dict(trainer.callback_metrics)
        return {
            key: value.item() for key, value in self._shown.items() if value is not before.get(key)
        }


class TrackEpochs(Checkpoint):
    """Send each epoch's metrics to the tracked run, with the epoch, counted from 1, as step.

    A `Checkpoint`, because those see the training metrics of the epoch that ends, and listed
    before the others: what a checkpoint remembers has been logged.
    """

    def __init__(self, run: TrackedRun) -> None:
        self.run = run
        self._fresh = FreshMetrics()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.run.log_metrics(self._fresh.of_epoch(trainer), step=trainer.current_epoch + 1)


class RequireMetric(Callback):
    """Stop at the first validation if the monitored metric is none that the task logs."""

    def __init__(self, metric: str) -> None:
        self.metric = metric

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        require_metric(self.metric, trainer.callback_metrics)


def require_metric(metric: str, logged: Iterable[str]) -> None:
    """Raise SettingError if a metric is not among those logged."""
    if metric not in logged:
        validated = sorted(key for key in logged if key.startswith("val/"))
        raise SettingError(f"monitor.metric={metric}: expected one of {', '.join(validated)}")


def had_ended(checkpoint: Path) -> bool:
    """Whether the epoch of this checkpoint was the last: in a bank, or before an early stop.

    Lightning keeps the count of epochs without improvement, but not that it had stopped.
    """
    state = torch.load(checkpoint, weights_only=True)
    if HAD_ENDED in state:
        return state[HAD_ENDED]
    return any(
        state["wait_count"] >= state["patience"]
        for name, state in state["callbacks"].items()
        if name.startswith(EarlyStopping.__name__)
    )


def checkpoint_to_resume(work: Path) -> Path | None:
    """Where training goes on: `last.ckpt`, or `best.ckpt` where that one is damaged.

    None: it begins anew. What cannot be used is said in a line.
    """
    last, best = work / LAST, work / BEST
    if not last.exists():
        return None
    faults = {path: fault for path in (last, best) if (fault := training_fault(path))}
    if not faults:
        return last
    resumes = best not in faults and LOOPS in torch.load(best, weights_only=True)
    damaged, fault = next(iter(faults.items()))
    _say(damaged, fault, "goes on from best.ckpt beside it" if resumes else "begins anew")
    return best if resumes else None


def if_of_network(checkpoint: Path | None, model: pl.LightningModule) -> Path | None:
    """The checkpoint; None, and a line, where its weights are not those of the model."""
    if checkpoint is None or not (fault := training_fault(checkpoint, model.state_dict())):
        return checkpoint
    _say(checkpoint, fault, "begins anew")
    return None


def _say(checkpoint: Path, fault: str, how: str) -> None:
    note = f"note: {checkpoint} {fault}; training {how} (resume=false begins anew at once)"
    print(note, file=sys.stderr, flush=True)


def checkpoints(folder: Path, metric: str, mode: str) -> list[Callback]:
    """`best.ckpt` by the monitored metric, `last.ckpt` of every epoch; both replaced atomically."""
    common: dict[str, Any] = {
        "dirpath": folder,
        "save_on_train_epoch_end": True,
        "enable_version_counter": False,
    }
    best = ModelCheckpoint(filename="best", monitor=metric, mode=mode, **common)
    last = ModelCheckpoint(filename="last", **common)
    return [best, last]


def early_stopping(metric: str, mode: str, patience: int | None) -> list[Callback]:
    if patience is None:
        return []
    return [EarlyStopping(monitor=metric, mode=mode, patience=patience)]

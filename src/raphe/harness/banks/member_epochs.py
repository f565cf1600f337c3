"""The epochs of members that train together: what each logs, keeps and stops at is its own."""

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from omegaconf import DictConfig
from pytorch_lightning.callbacks import Checkpoint

from raphe.core.files.checkpoint import write_state
from raphe.harness.callbacks import HAD_ENDED, FreshMetrics, require_metric
from raphe.harness.records.tracked_run import TrackedRun
from raphe.harness.run_location import RunLocation

UNDER = "|"  # <label>|val/loss


@dataclass(frozen=True)
class Trainee:
    location: RunLocation
    run: TrackedRun
    model: pl.LightningModule


@dataclass
class Progress:
    """Of one member; the checkpoints are such as a run of its own leaves."""

    epoch: int = -1  # the last one trained
    cost: float = math.inf  # of the best epoch
    epochs_since_best: int = 0
    best: dict[str, Any] | None = None
    last: dict[str, Any] | None = None  # once it has stopped


class MemberEpochs(Checkpoint):
    """At the end of each epoch: track, keep the best, stop early, write the state of all.

    Judges as Lightning's ModelCheckpoint and EarlyStopping do. A `Checkpoint`, because those see
    the training metrics of the epoch that ends.

    Args:
        trainees: by label, in the order of the trainer's optimisers.
        monitor: what an epoch is judged by, the section of that name.
        patience: epochs without a better one before a member stops; None: never.
        path: of the checkpoint of all, from which training resumes.
    """

    def __init__(
        self,
        trainees: Mapping[str, Trainee],
        monitor: DictConfig,
        patience: int | None,
        path: Path,
    ) -> None:
        self._trainees = trainees
        self._metric = monitor.metric
        self._sign = 1 if monitor.mode == "min" else -1
        self._patience = patience
        self._path = path
        self._progress = {label: Progress() for label in trainees}
        self._fresh = FreshMetrics()

    @property
    def active(self) -> set[str]:
        """The members that have not stopped."""
        return {label for label, progress in self._progress.items() if progress.last is None}

    def state_dict(self) -> dict[str, Any]:
        return {label: vars(progress) for label, progress in self._progress.items()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._progress = {label: Progress(**kept) for label, kept in state_dict.items()}

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        pl_module.active = self.active

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        for label in self.active:
            require_metric(self._metric, _of_member(label, trainer.callback_metrics))

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        logged = self._fresh.of_epoch(trainer)
        for label in self.active:
            figures = _of_member(label, logged)
            self._trainees[label].run.log_metrics(figures, step=trainer.current_epoch + 1)
            self._progress[label].epoch = trainer.current_epoch
            self._judge(label, figures[self._metric], trainer)
        pl_module.active = self.active
        trainer.save_checkpoint(self._path)
        trainer.should_stop = not self.active

    def write_checkpoints(self, trainer: pl.Trainer) -> None:
        """Write each member's best and last checkpoint where its own run would."""
        for label, trainee in self._trainees.items():
            progress = self._progress[label]
            last = progress.last or self._checkpoint(label, trainer)
            assert progress.best is not None  # as from the first epoch on
            write_state(progress.best, trainee.location.best_checkpoint)
            write_state(last, trainee.location.last_checkpoint)

    def _judge(self, label: str, score: float, trainer: pl.Trainer) -> None:
        progress = self._progress[label]
        cost = math.inf if math.isnan(score) else self._sign * score
        if progress.best is None or cost < progress.cost:
            progress.cost = cost
            progress.epochs_since_best = 0
            progress.best = self._checkpoint(label, trainer)
        else:
            progress.epochs_since_best += 1
        if self._patience is None:
            return
        if not math.isfinite(score) or progress.epochs_since_best >= self._patience:
            progress.last = self._checkpoint(label, trainer)

    def _checkpoint(self, label: str, trainer: pl.Trainer) -> dict[str, Any]:
        model = self._trainees[label].model
        optimizer = trainer.optimizers[list(self._trainees).index(label)]
        n_epochs = self._progress[label].epoch + 1
        return {
            "pytorch-lightning_version": pl.__version__,
            "epoch": n_epochs - 1,
            "global_step": n_epochs * trainer.num_training_batches,
            "state_dict": copy.deepcopy(model.state_dict()),
            "optimizer_states": [copy.deepcopy(optimizer.state_dict())],
            "lr_schedulers": [],
            model.CHECKPOINT_HYPER_PARAMS_KEY: dict(model.hparams),
            HAD_ENDED: True,
        }


def _of_member(label: str, metrics: Mapping[str, Any]) -> dict[str, Any]:
    """What was logged of a member, without its label."""
    under = label + UNDER
    return {
        key.removeprefix(under): value for key, value in metrics.items() if key.startswith(under)
    }

"""How far a training is: a bar on a terminal, elsewhere a line for an epoch."""

import math
import time
from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from rich.console import Console
from rich.progress import Progress

from raphe.core.progress import print_line, progress_bar, time_told
from raphe.core.sentences import number

LINE_EVERY_S = 5.0  # in a log, at most; the first epoch and the last are told whenever they end


class TrainingProgress(Callback):
    """Epochs counted from 1, the monitored metric of the last one, elapsed time and what is left.

    Args:
        label: what is trained, "training" or "bank".
        metric: the monitored one.
    """

    def __init__(self, label: str, metric: str) -> None:
        self._label = label
        self._metric = metric
        self._begun_s = self._told_s = 0.0
        self._first_epoch = self._n_ended = 0
        self._untold = ""
        self._bar: Progress | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._begun_s, self._told_s = time.monotonic(), -math.inf
        self._first_epoch = self._n_ended = trainer.current_epoch
        console = Console(stderr=True)
        if console.is_terminal:
            self._bar = progress_bar(console)
            # What an earlier call trained says nothing of how long the rest takes.
            self._task = self._bar.add_task(
                self._label, total=_n_epochs(trainer) - self._first_epoch
            )
            self._bar.start()

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        if self._bar is not None and math.isfinite(trainer.num_training_batches):
            of_epoch = (batch_idx + 1) / trainer.num_training_batches
            self._show(self._bar, trainer, trainer.current_epoch + of_epoch)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._n_ended = trainer.current_epoch + 1
        if self._bar is not None:
            self._show(self._bar, trainer, self._n_ended)
            return
        now_s = time.monotonic()
        n_here, n_to_do = self._n_ended - self._first_epoch, _n_epochs(trainer) - self._first_epoch
        times = time_told(now_s - self._begun_s, n_here / n_to_do if n_to_do else None)
        metric = monitored_text(trainer.callback_metrics, self._metric)
        self._untold = f"{self._label}: epoch {self._n_ended}/{_n_epochs(trainer)}{metric}{times}"
        if now_s - self._told_s >= LINE_EVERY_S:
            self._told_s = now_s
            self._tell()

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._tell()
        self._stop()

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        self._stop()

    def _show(self, bar: Progress, trainer: pl.Trainer, n_done: float) -> None:
        metric = monitored_text(trainer.callback_metrics, self._metric)
        epoch = min(int(n_done) + 1, _n_epochs(trainer))
        text = f"{self._label}: epoch {epoch}/{_n_epochs(trainer)}{metric}"
        bar.update(self._task, completed=n_done - self._first_epoch, description=text)

    def _tell(self) -> None:
        if self._untold:
            print_line(self._untold)
        self._untold = ""

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def monitored_text(metrics: Mapping[str, Any], metric: str) -> str:
    """ ", val/loss 0.412", of a bank the span of its members'; nothing before there is one."""
    values = [float(metrics[key]) for key in metrics if key.rpartition("|")[2] == metric]
    if not values:
        return ""
    if len(values) == 1:
        return f", {metric} {number(values[0])}"
    return f", {metric} {number(min(values))} to {number(max(values))}"


def _n_epochs(trainer: pl.Trainer) -> int:
    return trainer.max_epochs or 0

"""Training: loss, optimiser, and figures for each epoch and for the test."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from raphe.core.errors import SettingError
from raphe.tasks.glif.lstm_study.data import Batch
from raphe.tasks.glif.lstm_study.network import LstmPublished
from raphe.tasks.glif.metrics.names import TARGETS

OptimizerFactory = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]
NETS: dict[str, Callable[[], nn.Module]] = {"lstm_published": LstmPublished}
ADAM_AS_PUBLISHED = partial(torch.optim.Adam, lr=1e-2)


class LstmGlifModule(pl.LightningModule):
    """Train and test a network that answers a neuron's parameters.

    Logs `train/loss` and `val/loss` each epoch, and of the test: loss (mean squared error of the
    scaled targets), constant_loss (of answering the training targets' mean), n_traces, and for
    each target traces/mse_… and traces/r2_…. After a test `answers` and `truth` hold scaled
    targets (n, 5); `history` holds the losses of each epoch.

    Args:
        net: a name in NETS.
        optimizer: builds the optimiser from the parameters; by default the published one.
        target_mean: of the training targets.

    Raises:
        SettingError: no such net.
    """

    def __init__(
        self,
        net: str = "lstm_published",
        optimizer: OptimizerFactory | None = None,
        *,
        target_mean: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        if net not in NETS:
            raise SettingError(f"model.net={net}: expected one of {', '.join(NETS)}")
        if target_mean is not None:
            target_mean = [float(mean) for mean in target_mean]  # a checkpoint holds plain values
        self.save_hyperparameters(ignore=["optimizer"], logger=False)
        self.net = NETS[net]()
        self.optimizer_factory = optimizer or ADAM_AS_PUBLISHED
        self.history: dict[str, list[float]] = {"train": [], "val": []}
        self.answers = self.truth = np.empty((0, len(TARGETS)), np.float32)
        self._seen: list[tuple[Tensor, Tensor]] = []

    def forward(self, voltage_mv: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Scaled targets (B, 5) of voltages (B, T) in mV, see the net's forward."""
        return self.net(voltage_mv, lengths)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return self.optimizer_factory(self.parameters())

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        voltage, lengths, target = batch
        loss = nn.functional.mse_loss(self(voltage, lengths), target)
        self.log("train/loss", loss, on_step=False, on_epoch=True, batch_size=len(target))
        return loss

    def on_validation_epoch_start(self) -> None:
        self._seen.clear()

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        self._see(batch)

    def on_validation_epoch_end(self) -> None:
        answers, truth = self._all_seen()
        self.log("val/loss", float(((answers - truth) ** 2).mean()), prog_bar=True)

    def on_train_epoch_end(self) -> None:
        for name, losses in self.history.items():
            losses.append(float(self.trainer.callback_metrics[f"{name}/loss"]))

    def on_test_epoch_start(self) -> None:
        self._seen.clear()

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        self._see(batch)

    def on_test_epoch_end(self) -> None:
        self.answers, self.truth = self._all_seen()
        error = (self.answers - self.truth) ** 2
        self.log("test/loss", float(error.mean()))
        self.log("test/n_traces", float(len(error)))
        if self.hparams.target_mean is not None:
            constant = np.asarray(self.hparams.target_mean)
            self.log("test/constant_loss", float(((constant - self.truth) ** 2).mean()))
        spread = self.truth.var(axis=0)
        for name, mse, variance in zip(TARGETS, error.mean(axis=0), spread, strict=True):
            self.log(f"test/traces/mse_{name}", float(mse))
            r_squared = float(1 - mse / variance) if variance else float("nan")
            self.log(f"test/traces/r2_{name}", r_squared)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["history"] = self.history

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        kept = checkpoint.get("history", self.history)
        # Testing loads the best epoch's weights after the last one: its losses are fewer.
        if len(kept["train"]) > len(self.history["train"]):
            self.history = kept

    def _see(self, batch: Batch) -> None:
        voltage, lengths, target = batch
        self._seen.append((self(voltage, lengths), target))

    def _all_seen(self) -> tuple[np.ndarray, np.ndarray]:
        answers, truth = (
            torch.cat(batches).cpu().numpy() for batches in zip(*self._seen, strict=True)
        )
        return answers, truth

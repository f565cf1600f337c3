"""One small network for each recording, trained side by side, and what each says of the others."""

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torchmetrics.functional import pearson_corrcoef

from raphe.tasks.calcium.elephant.module import ADAGRAD_AS_IN_KERAS
from raphe.tasks.calcium.elephant.single_network import BEFORE, WINDOW, SingleNet
from raphe.tasks.calcium.recordings.sampling import binned
from raphe.tasks.calcium.training.scored_module import OptimizerFactory, RecordingBatch

AFTER = WINDOW - BEFORE
SingleBatch = tuple[Tensor, Tensor, int]  # calcium (B, 100), target (B, 1), the recording's place


class SingleModule(pl.LightningModule):
    """Train a SingleNet on each recording; test each on all.

    Logs `train/loss`, `val/loss` (of each recording by its own network, without dropout) and, of
    the confusion matrix, `test/recordings/own_correlation` and `other_correlation`: the mean on and
    off its diagonal.
    After a test `confusion` holds the matrix (R, R): the row's recording, as the network trained
    on the column's tells it, correlated with its spikes at 25 Hz; 0 where a network is constant.

    Args:
        n_recordings: R, which is how many networks there are.
        optimizer: as of ElephantModule. It steps one network at a time, so each has its own pace.
    """

    def __init__(
        self,
        n_recordings: int = 1,
        optimizer: OptimizerFactory | None = None,
    ) -> None:
        super().__init__()
        n_recordings = int(n_recordings)
        self.save_hyperparameters(ignore=["optimizer"], logger=False)
        self.nets = nn.ModuleList(SingleNet() for _ in range(n_recordings))
        self.optimizer_factory = optimizer or ADAGRAD_AS_IN_KERAS
        self.confusion = np.zeros((n_recordings, n_recordings))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return self.optimizer_factory(self.parameters())

    def training_step(self, batch: SingleBatch, batch_idx: int) -> Tensor:
        """Return the mean squared error of one recording's z-scored rates (B, 1): a scalar."""
        return self._loss("train", batch)

    def validation_step(self, batch: SingleBatch, batch_idx: int) -> None:
        self._loss("val", batch)

    def test_step(self, batch: RecordingBatch, batch_idx: int) -> None:
        calcium, _, spikes, _ = batch
        spikes = spikes[0, BEFORE : spikes.shape[1] - AFTER].double()
        for place, net in enumerate(self.nets):
            rate, count = binned(net.infer(calcium[0]).double(), spikes)
            both_vary = rate.min() < rate.max() and count.min() < count.max()
            self.confusion[batch_idx, place] = pearson_corrcoef(rate, count) if both_vary else 0.0

    def on_test_epoch_end(self) -> None:
        diagonal = np.eye(len(self.confusion), dtype=bool)
        others = self.confusion[~diagonal]
        self.log("test/recordings/own_correlation", float(self.confusion[diagonal].mean()))
        self.log("test/recordings/other_correlation", float(others.mean()) if len(others) else 0.0)
        self.log("test/n_recordings", float(len(self.confusion)))

    def _loss(self, name: str, batch: SingleBatch) -> Tensor:
        calcium, target, place = batch
        loss = nn.functional.mse_loss(self.nets[place](calcium), target)
        self.log(f"{name}/loss", loss, on_step=False, on_epoch=True, batch_size=len(calcium))
        return loss

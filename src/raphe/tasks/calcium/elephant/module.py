"""Training: loss, optimiser, and scores for each epoch and each test set."""

from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from raphe.tasks.calcium.elephant.network import AFTER, BEFORE, ElephantNet
from raphe.tasks.calcium.elephant.weights_import import read_elephant
from raphe.tasks.calcium.metrics.scored_cells import InferredRecording
from raphe.tasks.calcium.recordings.sampling import smoothed, z_scored
from raphe.tasks.calcium.training.scored_module import (
    LoggedRecording,
    OptimizerFactory,
    RecordingBatch,
    ScoredModule,
    weights_of,
)

# Keras 2.0.3: accumulators begin at 0, epsilon is 1e-8 (torch's own is 1e-10).
ADAGRAD_AS_IN_KERAS = partial(torch.optim.Adagrad, lr=0.01, eps=1e-8)

KERAS_SUFFIXES = (".h5", ".hdf5")
# (calcium (B, 127 + L), target (B, L)): L consecutive samples predicted by each row.
TrainingBatch = tuple[Tensor, Tensor]


class ElephantModule(ScoredModule):
    """Train and test an ElephantNet.

    Logs `train/loss` each epoch, and what ScoredModule does; its loss is the mean squared error of
    the z-scored target.

    Args:
        weights: what to begin from, a checkpoint or a published file of Keras weights (.h5); None
            begins with random weights.
        optimizer: builds the optimiser from the parameters; by default Adagrad as Keras 2.0 had it.
        rate_mean_per_s, rate_std_per_s: of the training recordings' smoothed spikes; they turn the
            z-score into spikes per second.

    Raises:
        RapheError: when there is no checkpoint at `weights`, or no weights of this network.
    """

    def __init__(
        self,
        weights: str | Path | None = None,
        optimizer: OptimizerFactory | None = None,
        *,
        rate_mean_per_s: float | None = None,
        rate_std_per_s: float | None = None,
    ) -> None:
        super().__init__()
        self.save_hyperparameters(ignore=["weights", "optimizer"], logger=False)
        self.net = ElephantNet()
        if weights is not None:
            self._begin_with(Path(weights))
        self.optimizer_factory = optimizer or ADAGRAD_AS_IN_KERAS

    def _begin_with(self, weights: Path) -> None:
        if weights.suffix.lower() in KERAS_SUFFIXES:
            self.net.load_state_dict(read_elephant(weights))
        else:
            self.load_state_dict(weights_of(weights))

    def forward(self, x: Tensor) -> Tensor:
        """Return the rate (N, T − 127) of calcium (N, T), see ElephantNet.forward."""
        return self.net(x)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return self.optimizer_factory(self.parameters())

    def training_step(self, batch: TrainingBatch, batch_idx: int) -> Tensor:
        """Return the mean squared error of a batch's z-scored rates (B, L): a scalar."""
        calcium, target = batch
        loss = nn.functional.mse_loss(self(calcium), target)
        self.log("train/loss", loss, on_step=False, on_epoch=True, batch_size=len(calcium))
        return loss

    def in_spikes_per_s(self, rate: np.ndarray) -> np.ndarray | None:
        """A z-score (N,) as spikes per second, at least 0; None where the scale is unknown."""
        mean, std = self.hparams.rate_mean_per_s, self.hparams.rate_std_per_s
        return None if mean is None else np.maximum(mean + std * rate, 0)

    def infer_recording(self, batch: RecordingBatch) -> LoggedRecording:
        calcium, _, spikes, index = batch
        rate = self.net.infer(calcium)
        spikes = spikes[0].cpu().numpy()
        target = torch.from_numpy(z_scored(smoothed(spikes)).astype(np.float32)).to(rate.device)
        seen = slice(BEFORE, calcium.shape[1] - AFTER)
        loss = nn.functional.mse_loss(rate[0, seen], target[seen])
        rate = rate[0].cpu().numpy()
        inferred = InferredRecording(int(index), rate, self.in_spikes_per_s(rate))
        return LoggedRecording(inferred, loss.item())

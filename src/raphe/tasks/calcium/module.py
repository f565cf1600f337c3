"""Training: loss, optimiser, and scores for each epoch and each test set."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from raphe.core.errors import SettingError
from raphe.tasks.calcium.net import AFTER, BEFORE, CalciumNet
from raphe.tasks.calcium.score import mean_score, rate_error, score

OptimizerFactory = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]

# Keras 2.0.3: accumulators begin at 0, epsilon is 1e-8 (torch's own is 1e-10).
ADAGRAD_AS_IN_KERAS = partial(torch.optim.Adagrad, lr=0.01, eps=1e-8)

# (calcium (B, 127 + L), target (B, L)): L consecutive samples predicted by each row.
TrainingBatch = tuple[Tensor, Tensor]
# One recording: calcium (1, N) and target (1, N) as z-scores, spikes (1, N), its index (1,).
RecordingBatch = tuple[Tensor, Tensor, Tensor, Tensor]


@dataclass(frozen=True)
class Inferred:
    """What the network says of one recording, and how well."""

    index: int  # of the recording in its store
    rate: np.ndarray  # float32 (N,), a z-score
    rate_per_s: np.ndarray | None  # float32 (N,), where the training target's scale is known
    scores: dict[str, float]


class CalciumModule(pl.LightningModule):
    """Train and test a CalciumNet.

    Logs `train/loss` each epoch, `val/…` each epoch and `<set>/…` for each test set: loss (mean
    squared error of the z-scored target) and the mean over recordings of each of `score` and
    `rate_error`; for a test set also n_recordings and n_spikes. A test asks the datamodule for
    `test_names`, in the order of its loaders; after it `inferred` holds the answers by set.

    Args:
        weights: a checkpoint to begin from, such as `raphe import-elephant` writes; None begins
            with random weights.
        optimizer: builds the optimiser from the parameters; by default Adagrad as Keras 2.0 had it.
        rate_mean_per_s, rate_std_per_s: of the training recordings' smoothed spikes; they turn the
            z-score into spikes per second.

    Raises:
        SettingError: when there is no checkpoint at `weights`.
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
        self.net = CalciumNet()
        if weights is not None:
            self._begin_from(Path(weights))
        self.optimizer_factory = optimizer or ADAGRAD_AS_IN_KERAS
        self.inferred: dict[str, list[Inferred]] = {}
        self._finished: dict[str, list[tuple[Inferred, float, int]]] = defaultdict(list)

    def forward(self, x: Tensor) -> Tensor:
        """Return the rate (N, T − 127) of calcium (N, T), see CalciumNet.forward."""
        return self.net(x)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return self.optimizer_factory(self.parameters())

    def training_step(self, batch: TrainingBatch, batch_idx: int) -> Tensor:
        calcium, target = batch
        loss = nn.functional.mse_loss(self(calcium), target)
        self.log("train/loss", loss, on_step=False, on_epoch=True, batch_size=len(calcium))
        return loss

    def validation_step(self, batch: RecordingBatch, batch_idx: int) -> None:
        self._infer("val", batch)

    def on_validation_epoch_start(self) -> None:
        self._finished.clear()

    def on_validation_epoch_end(self) -> None:
        self._log_scores("val")

    def test_step(self, batch: RecordingBatch, batch_idx: int, dataloader_idx: int = 0) -> None:
        self._infer(self.trainer.datamodule.test_names[dataloader_idx], batch)

    def on_test_epoch_start(self) -> None:
        self._finished.clear()
        self.inferred = {}

    def on_test_epoch_end(self) -> None:
        for name in self.trainer.datamodule.test_names:
            finished = self._log_scores(name)
            self.log(f"{name}/n_recordings", float(len(finished)))
            self.log(f"{name}/n_spikes", float(sum(n_spikes for _, _, n_spikes in finished)))
            self.inferred[name] = [inferred for inferred, _, _ in finished]

    def in_spikes_per_s(self, rate: np.ndarray) -> np.ndarray | None:
        """A z-score (N,) as spikes per second, at least 0; None where the scale is unknown."""
        mean, std = self.hparams.rate_mean_per_s, self.hparams.rate_std_per_s
        return None if mean is None else np.maximum(mean + std * rate, 0)

    def _infer(self, name: str, batch: RecordingBatch) -> None:
        calcium, target, spikes, index = batch
        rate = self.net.infer(calcium)
        seen = slice(BEFORE, calcium.shape[1] - AFTER)
        loss = nn.functional.mse_loss(rate[:, seen], target[:, seen])
        rate, spikes = rate[0].cpu().numpy(), spikes[0].cpu().numpy()
        scores, rate_per_s = score(rate, spikes), self.in_spikes_per_s(rate)
        if rate_per_s is not None:
            scores |= rate_error(rate_per_s, spikes)
        inferred = Inferred(int(index), rate, rate_per_s, scores)
        self._finished[name].append((inferred, loss.item(), int(spikes.sum())))

    def _log_scores(self, name: str) -> list[tuple[Inferred, float, int]]:
        """Log the figures of an epoch under `name/…`; return what they were made of."""
        finished = self._finished.pop(name)
        self.log(f"{name}/loss", float(np.mean([loss for _, loss, _ in finished])), prog_bar=True)
        for figure, value in mean_score([inferred.scores for inferred, _, _ in finished]).items():
            self.log(f"{name}/{figure}", value, prog_bar=(name, figure) == ("val", "correlation"))
        return finished

    def _begin_from(self, weights: Path) -> None:
        if not weights.is_file():
            raise SettingError(
                f"model.weights={weights}: expected a checkpoint, found none; make one with "
                "`raphe import-elephant`"
            )
        state = torch.load(weights, weights_only=True, map_location="cpu")["state_dict"]
        self.load_state_dict(state)

"""Training of an ensemble of RateNets: first on synthetic traces alone, then on recordings, too.

N traces or stretches, T samples, M members.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor

from raphe.core.errors import SettingError
from raphe.tasks.calcium.delay import delay
from raphe.tasks.calcium.module import Inferred, OptimizerFactory, RecordingBatch
from raphe.tasks.calcium.rate_loss import rate_loss
from raphe.tasks.calcium.rate_net import RateEnsemble
from raphe.tasks.calcium.score import RATE_HZ, mean_score, rate_error, score
from raphe.tasks.calcium.stretches import SYNTHETIC
from raphe.tasks.calcium.target import z_scored

WARM_UP = 0.1  # of a phase's steps, over which its learning rate rises
LONGEST_STEP = 1.0  # norm of a gradient
ADAMW = partial(torch.optim.AdamW, lr=3e-3, weight_decay=1e-2)


class RateModule(pl.LightningModule):
    """Train and test a RateEnsemble.

    When synthetic training ends, each dataset's delay is measured on the recordings trained on, and
    its spikes are moved by it: the network keeps the timing that synthetic traces taught it. When
    all training ends, the ensemble's gain is set so that it expects as many spikes as the training
    recordings have.

    Logs `train/loss`, `val/…` and `<set>/…` as CalciumModule does.

    Args:
        members: networks, each with weights of its own.
        channels, dilations: see RateNet.
        weights: a checkpoint to begin from; None begins with random weights.
        optimizer: builds the optimiser; its learning rate is that of synthetic training.
        tuning_rate: the learning rate on recordings, as a share of that.
        align: measure delays; otherwise all are 0.
        datasets: names of the datasets by number, given by the data.
        pretrain_epochs: epochs of synthetic traces alone, given by the data.

    Raises:
        SettingError: when there is no checkpoint at `weights`, or no member.
    """

    def __init__(
        self,
        members: int = 2,
        channels: int = 32,
        dilations: Sequence[int] = (1, 2, 4, 8, 16),
        weights: str | Path | None = None,
        optimizer: OptimizerFactory | None = None,
        tuning_rate: float = 0.33,
        align: bool = True,
        *,
        datasets: Sequence[str] = (),
        pretrain_epochs: int = 0,
    ) -> None:
        super().__init__()
        if not isinstance(members, int) or members < 1:
            raise SettingError(f"model.members={members}: expected a whole number from 1 up")
        dilations, datasets = list(dilations), list(datasets)
        self.save_hyperparameters(ignore=["weights", "optimizer"], logger=False)
        self.net = RateEnsemble(members, channels, dilations)
        self.register_buffer("delays", torch.zeros(len(datasets), dtype=torch.long))
        if weights is not None:
            self._begin_from(Path(weights))
        self.optimizer_factory = optimizer or ADAMW
        self.inferred: dict[str, list[Inferred]] = {}
        self._finished: dict[str, list[tuple[Inferred, float, int]]] = defaultdict(list)

    def forward(self, x: Tensor) -> Tensor:
        """Return the spikes expected in each sample (M, N, T), see RateEnsemble.forward."""
        return self.net(x)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return self.optimizer_factory(self.parameters())

    def configure_gradient_clipping(
        self, optimizer: torch.optim.Optimizer, *_: Any, **__: Any
    ) -> None:
        for member in self.net.members:  # each by itself, so that none depends on its neighbours
            torch.nn.utils.clip_grad_norm_(member.parameters(), LONGEST_STEP)

    def on_train_epoch_start(self) -> None:
        tuned = self.current_epoch == self.hparams.pretrain_epochs
        if tuned and self.hparams.align and len(self.delays):
            self._measure_delays()

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        lr = self._learning_rate(self.current_epoch, batch_idx, self.trainer.num_training_batches)
        for group in self.optimizers().param_groups:
            group["lr"] = group.setdefault("first_lr", group["lr"]) * lr

    def training_step(self, batch: tuple[Tensor, Tensor, Tensor], batch_idx: int) -> Tensor:
        calcium, spikes, dataset = batch
        spikes = self._in_one_timing(spikes, dataset)
        losses = [rate_loss(member(calcium), spikes).mean() for member in self.net.members]
        loss = torch.stack(losses).sum()
        self.log(
            "train/loss", loss.detach() / len(losses), on_step=False, on_epoch=True, batch_size=1
        )
        return loss

    def on_train_epoch_end(self) -> None:
        if self.current_epoch + 1 == self.trainer.max_epochs:
            self._set_gain()

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

    def expected(self, calcium: np.ndarray) -> np.ndarray:
        """Spikes expected in each sample of a trace (T,), by each member: float32 (M, T)."""
        x = torch.from_numpy(z_scored(calcium).astype(np.float32))[None].to(self.device)
        return self.net.infer(x)[:, 0].cpu().numpy()

    def _learning_rate(self, epoch: int, batch: int, n_batches: int) -> float:
        """As a share of the optimiser's: in each of both phases up, and down along a cosine."""
        first, last = self.hparams.pretrain_epochs, self.trainer.max_epochs
        begin, end, top = (0, first, 1.0) if epoch < first else (first, last, None)
        done = (epoch - begin + batch / n_batches) / (end - begin)
        top = self.hparams.tuning_rate if top is None else top
        return top * min(1.0, done / WARM_UP) * (1 + math.cos(math.pi * done)) / 2

    def _in_one_timing(self, spikes: Tensor, dataset: Tensor) -> Tensor:
        if not self.delays.any():
            return spikes
        by = torch.where(dataset == SYNTHETIC, 0, self.delays[dataset])  # (N,)
        place = torch.arange(spikes.shape[1], device=spikes.device) + by[:, None]
        inside = (place >= 0) & (place < spikes.shape[1])
        return spikes.gather(1, place.clamp(0, spikes.shape[1] - 1)) * inside

    def _measure_delays(self) -> None:
        part = self.trainer.datamodule.parts["train"]
        for number, name in enumerate(self.hparams.datasets):
            rows = [one.rows for one in part.recordings if one.dataset == name]
            if rows:
                expected = [self.expected(part.store.calcium[own]).mean(0) for own in rows]
                self.delays[number] = delay(expected, [part.store.spikes[own] for own in rows])

    def _set_gain(self) -> None:
        part = self.trainer.datamodule.parts["train"]
        rows = [one.rows for one in part.recordings]
        expected = sum(self.expected(part.store.calcium[own]).sum(1) for own in rows)  # (M,)
        fired = sum(int(part.store.spikes[own].sum()) for own in rows)
        self.net.gain *= torch.from_numpy(fired / expected).to(self.net.gain)

    def _infer(self, name: str, batch: RecordingBatch) -> None:
        calcium, _, spikes, index = batch
        expected = self.net.infer(calcium).mean(0)  # (1, T)
        n = spikes.shape[1] // 4 * 4
        loss = rate_loss(expected[:, :n], spikes[:, :n])
        rate_per_s, spikes = expected[0].cpu().numpy() * RATE_HZ, spikes[0].cpu().numpy()
        scores = score(rate_per_s, spikes) | rate_error(rate_per_s, spikes)
        inferred = Inferred(int(index), z_scored(rate_per_s), rate_per_s, scores)
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
            raise SettingError(f"model.weights={weights}: expected a checkpoint, found none")
        state = torch.load(weights, weights_only=True, map_location="cpu")["state_dict"]
        state = {name: value for name, value in state.items() if name.startswith("net.")}
        self.load_state_dict(state, strict=False)

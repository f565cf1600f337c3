"""Training of a posterior, and what a test keeps of it.

B traces, P quantities, S samples of a posterior, M traces of a test set.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from raphe.core.errors import SettingError
from raphe.tasks.glif.features.summary import Standard
from raphe.tasks.glif.network.posterior_net import PosteriorNet
from raphe.tasks.glif.network.reader import ReaderSize
from raphe.tasks.glif.synthetic.quantities import ALWAYS_TOLD, quantities
from raphe.tasks.glif.training.data import TEST_SETS, PosteriorBatch

OptimizerFactory = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]
ADAMW = partial(torch.optim.AdamW, lr=2e-3, weight_decay=1e-3)
LEVELS = (50, 80, 95)  # of intervals, in %
LONGEST_STEP = 5.0  # norm of a gradient
RANKED = 100  # samples whose density is compared with the truth's
WARM_UP = 0.05  # of all steps


@dataclass
class Answers:
    """What a test set's posteriors are; numpy arrays once whole."""

    truth: list[np.ndarray] | np.ndarray = field(default_factory=list)  # (M, P) standardised
    samples: list[np.ndarray] | np.ndarray = field(default_factory=list)  # (S, M, P)
    log_prob: list[np.ndarray] | np.ndarray = field(default_factory=list)  # (M,) of the truth
    # (M,) share of the posterior where its density is below that of the truth
    outside: list[np.ndarray] | np.ndarray = field(default_factory=list)
    spiked: list[np.ndarray] | np.ndarray = field(default_factory=list)  # (M,)

    def whole(self) -> "Answers":
        return Answers(
            np.concatenate(self.truth),
            np.concatenate(self.samples, axis=1),
            np.concatenate(self.log_prob),
            np.concatenate(self.outside),
            np.concatenate(self.spiked),
        )


class PosteriorModule(pl.LightningModule):
    """Train and test a PosteriorNet.

    Logs `train/loss` and `val/loss`, the negative log-density of the standardised truth in nats,
    and of each test set: loss; of each quantity r2_… (of the posterior medians, on the quantity's
    scale; those that show in spikes where the cell spiked) and coverage_50_… to 95; coverage_50 to
    95, the means of those; n_cells and n_spiking. After a test `tested` holds the posteriors.

    Args:
        read: read the traces; otherwise the least-squares summary is all that is known of them.
        filters, units, heads, features: see ReaderSize.
        optimizer: builds the optimiser from the parameters.
        n_samples: of each posterior in a test.
        level, mean, deviation: of the quantities, given by the data.

    Raises:
        SettingError: a size that cannot be, or without the package sbi.
    """

    def __init__(
        self,
        read: bool = True,
        filters: Sequence[int] = (16, 32, 64),
        units: int = 64,
        heads: int = 4,
        features: int = 64,
        optimizer: OptimizerFactory | None = None,
        n_samples: int = 400,
        *,
        level: int = 1,
        mean: Sequence[float] | None = None,
        deviation: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        if not isinstance(n_samples, int) or n_samples < 100:
            raise SettingError(f"model.n_samples={n_samples}: expected a whole number from 100 up")
        size = ReaderSize(tuple(filters), units, heads, features)
        self.names = [one.name for one in quantities(level)]
        self.standard = Standard(
            level,
            np.zeros(len(self.names)) if mean is None else np.array(mean),
            np.ones(len(self.names)) if deviation is None else np.array(deviation),
        )
        self.save_hyperparameters(
            {
                "read": read,
                "filters": list(size.filters),
                "units": units,
                "heads": heads,
                "features": features,
                "n_samples": n_samples,
                "level": level,
                "mean": self.standard.mean.tolist(),
                "deviation": self.standard.deviation.tolist(),
            },
            logger=False,
        )
        self.net = PosteriorNet(len(self.names), size if read else None)
        self.optimizer_factory = optimizer or ADAMW
        self.tested: dict[str, Answers] = {}
        self._losses: list[Tensor] = []

    def log_prob(self, batch: PosteriorBatch) -> Tensor:
        """Log-density (B,) of the truth."""
        context = self.net.embed(batch.traces, batch.features)
        return self.net.log_prob(batch.truth[None], context, batch.centre, batch.spread)[0]

    def configure_optimizers(self) -> dict[str, object]:
        optimizer = self.optimizer_factory(self.parameters())
        if self._trainer is None:
            return {"optimizer": optimizer}
        n_steps = max(int(self.trainer.estimated_stepping_batches), 1)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _pace(step / n_steps))
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def configure_gradient_clipping(
        self, optimizer: torch.optim.Optimizer, *_: object, **settings: object
    ) -> None:
        self.clip_gradients(optimizer, LONGEST_STEP, "norm")

    def training_step(self, batch: PosteriorBatch, batch_idx: int) -> Tensor:
        loss = -self.log_prob(batch).mean()
        n = len(batch.truth)
        self.log("train/loss", loss, on_step=False, on_epoch=True, batch_size=n)
        return loss

    def validation_step(self, batch: PosteriorBatch, batch_idx: int) -> None:
        loss = -self.log_prob(batch).mean()
        self.log("val/loss", loss, batch_size=len(batch.truth), prog_bar=True)

    def on_test_epoch_start(self) -> None:
        self.tested = {name: Answers() for name in TEST_SETS}

    def test_step(self, batch: PosteriorBatch, batch_idx: int, dataloader_idx: int = 0) -> None:
        infer(self, batch, self.tested[TEST_SETS[dataloader_idx]])

    def on_test_epoch_end(self) -> None:
        self.tested = {name: tested.whole() for name, tested in self.tested.items()}
        for name, tested in self.tested.items():
            for metric, value in figures(tested, self.names).items():
                self.log(f"{name}/{metric}", value)


@torch.inference_mode()
def infer(model: PosteriorModule, batch: PosteriorBatch, kept: Answers) -> None:
    """Add a batch's posteriors to those of a test set."""
    net, given = model.net, (batch.centre, batch.spread)
    context = net.embed(batch.traces, batch.features)
    samples = net.sample(model.hparams.n_samples, context, *given)
    at_truth = net.log_prob(batch.truth[None], context, *given)[0]
    at_samples = net.log_prob(samples[:RANKED], context, *given)
    kept.truth.append(batch.truth.cpu().numpy())
    kept.samples.append(samples.cpu().numpy())
    kept.log_prob.append(at_truth.cpu().numpy())
    kept.outside.append((at_samples < at_truth).float().mean(dim=0).cpu().numpy())
    kept.spiked.append(batch.spiked.cpu().numpy())


def figures(tested: Answers, names: Sequence[str]) -> dict[str, float]:
    """The metrics of one test set; see PosteriorModule."""
    found = {
        "loss": float(-tested.log_prob.mean()),
        "n_cells": float(len(tested.truth)),
        "n_spiking": float(tested.spiked.sum()),
    }
    for i, name in enumerate(names):
        told = tested.spiked if name not in ALWAYS_TOLD else np.ones(len(tested.truth), bool)
        truth, samples = tested.truth[told, i], tested.samples[:, told, i]
        found[f"r2_{name}"] = r_squared(np.median(samples, axis=0), truth)
        for level in LEVELS:
            found[f"coverage_{level}_{name}"] = coverage(
                tested.samples[:, :, i], tested.truth[:, i], level
            )
    for level in LEVELS:
        each = [found[f"coverage_{level}_{name}"] for name in names]
        found[f"coverage_{level}"] = float(np.mean(each))
    return found


def r_squared(answer: np.ndarray, truth: np.ndarray) -> float:
    """Share of the truth's variance that the answers explain; NaN where it has none."""
    variance = float(np.var(truth)) if len(truth) else 0.0
    return 1 - float(np.mean((answer - truth) ** 2)) / variance if variance else math.nan


def coverage(samples: np.ndarray, truth: np.ndarray, level: float) -> float:
    """Share of truths (M,) inside the central interval of `level` % of the samples (S, M)."""
    tail = (100 - level) / 2
    low, high = np.percentile(samples, [tail, 100 - tail], axis=0)
    return float(((low <= truth) & (truth <= high)).mean())


def _pace(done: float) -> float:
    """A learning rate's share of the optimiser's when a share of all steps is done."""
    return min(1.0, (done + 1e-3) / WARM_UP) * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))

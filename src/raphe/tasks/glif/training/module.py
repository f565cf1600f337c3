"""Training of a posterior: loss, optimiser, and the posteriors of the test sets.

B traces, P quantities, S samples of a posterior.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Annotated

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from raphe.core.ranges import Count, Range, check_ranges
from raphe.tasks.glif.metrics.posterior_scores import PosteriorTest, posterior_scores
from raphe.tasks.glif.network.posterior_net import PosteriorNet
from raphe.tasks.glif.network.trace_encoder import EncoderSize, Filters
from raphe.tasks.glif.synthetic.prior_scaler import PriorScaler
from raphe.tasks.glif.synthetic.quantities import quantities
from raphe.tasks.glif.training.data import TEST_SETS, PosteriorBatch

OptimizerFactory = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]
ADAMW = partial(torch.optim.AdamW, lr=2e-3, weight_decay=1e-3)
LONGEST_STEP = 5.0  # norm of a gradient
RANKED = 100  # samples whose density is compared with the truth's
WARM_UP = 0.05  # of all steps


class PosteriorModule(pl.LightningModule):
    """Train and test a PosteriorNet.

    Logs `train/loss` and `val/loss`, the negative log-density of the standardised truth in nats,
    and of each test set its `posterior_scores`. After a test `tests` holds the posteriors.

    Args:
        encode_traces: let a network read the traces; otherwise it sees the least-squares estimate
            alone.
        filters, units, heads, features: see EncoderSize.
        optimizer: builds the optimiser from the parameters.
        n_samples: of each posterior in a test.
        level, mean, deviation: of the quantities, given by the data.

    Raises:
        SettingError: a size that cannot be, or without the package sbi.
    """

    def __init__(
        self,
        encode_traces: bool = True,
        filters: Filters = (16, 32, 64),
        units: Count = 64,
        heads: Count = 4,
        features: Count = 64,
        optimizer: OptimizerFactory | None = None,
        n_samples: Annotated[int, Range(RANKED)] = 400,
        *,
        level: int = 1,
        mean: Sequence[float] | None = None,
        deviation: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        check_ranges(PosteriorModule.__init__, locals(), "model")
        size = EncoderSize(tuple(filters), units, heads, features)
        self.names = [quantity.name for quantity in quantities(level)]
        self.scaler = PriorScaler(
            level,
            np.zeros(len(self.names)) if mean is None else np.array(mean),
            np.ones(len(self.names)) if deviation is None else np.array(deviation),
        )
        self.save_hyperparameters(
            {
                "encode_traces": encode_traces,
                "filters": list(size.filters),
                "units": units,
                "heads": heads,
                "features": features,
                "n_samples": n_samples,
                "level": level,
                "mean": self.scaler.mean.tolist(),
                "deviation": self.scaler.deviation.tolist(),
            },
            logger=False,
        )
        self.net = PosteriorNet(len(self.names), size if encode_traces else None)
        self.optimizer_factory = optimizer or ADAMW
        self.tests: dict[str, PosteriorTest] = {}
        self._test_batches: dict[str, list[PosteriorTest]] = {}

    def log_prob(self, batch: PosteriorBatch) -> Tensor:
        """Log-density (B,) of the truth."""
        context = self.net.embed(batch.traces, batch.features)
        return self.net.log_prob(batch.truth[None], context, batch.centre, batch.spread)[0]

    def configure_optimizers(self) -> torch.optim.Optimizer | dict[str, object]:
        """The optimiser; with a trainer, which knows how many steps there are, its schedule too."""
        optimizer = self.optimizer_factory(self.parameters())
        if self._trainer is None:
            return optimizer
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
        self._test_batches = {name: [] for name in TEST_SETS}

    def test_step(self, batch: PosteriorBatch, batch_idx: int, dataloader_idx: int = 0) -> None:
        self._test_batches[TEST_SETS[dataloader_idx]].append(infer(self, batch))

    def on_test_epoch_end(self) -> None:
        self.tests = {n: PosteriorTest.joined(batches) for n, batches in self._test_batches.items()}
        self._test_batches.clear()
        for name, test in self.tests.items():
            for figure, value in posterior_scores(test, self.names, self.scaler.deviation).items():
                self.log(f"{name}/{figure}", value)


@torch.inference_mode()
def infer(model: PosteriorModule, batch: PosteriorBatch) -> PosteriorTest:
    """The posteriors of a batch of traces, drawn from torch's global generator."""
    net, start = model.net, (batch.centre, batch.spread)
    context = net.embed(batch.traces, batch.features)
    samples = net.sample(model.hparams.n_samples, context, *start)  # (S, B, P)
    at_truth = net.log_prob(batch.truth[None], context, *start)[0]  # (B,)
    at_samples = net.log_prob(samples[:RANKED], context, *start)
    outside = (at_samples < at_truth).float().mean(dim=0)
    tensors = (batch.truth, samples, at_truth, outside, batch.spiked)
    return PosteriorTest(*(tensor.cpu().numpy() for tensor in tensors))


def _pace(done: float) -> float:
    """A learning rate's share of the optimiser's when a share of all steps is done."""
    return min(1.0, (done + 1e-3) / WARM_UP) * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))

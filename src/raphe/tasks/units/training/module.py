"""Training: loss and optimiser of the networks of all folds, and what they say of unseen units.

N units, D numbers a unit, K folds, M networks in all, C classes.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Annotated

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.nn import functional

from raphe.core.firing.branch_net import Dropout
from raphe.core.ranges import Count, Range, check_ranges
from raphe.tasks.units.network.unit_net import UnitNet
from raphe.tasks.units.training.data import Batch, UnitData

OptimizerFactory = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]
ADAMW = partial(torch.optim.AdamW, lr=3e-3, weight_decay=0.05)


class UnitModule(pl.LightningModule):
    """Train and test the networks of every fold, several of each, which vote.

    Each class weighs alike. Logs `train/loss` and `val/loss`, of the units that each network is
    trained on, and `test/loss`, of those that it is not. After a test `probability` holds what the
    networks that did not see a unit say of it, float64 (N, C).

    Args:
        members: networks of a fold, which differ in their first weights and in what is drawn.
        hidden, dropout, branch_dropout: see UnitNet.
        noise: added to each number in training, as a share of its spread.
        optimizer: builds the optimiser from the parameters; its learning rate rises and falls once.
        classes, dims, n_folds: given by the data.

    Raises:
        SettingError: a size that cannot be.
    """

    def __init__(
        self,
        members: Count = 5,
        hidden: Count = 24,
        dropout: Dropout = 0.5,
        branch_dropout: Dropout = 0.1,
        noise: Annotated[float, Range(0)] = 0.3,
        optimizer: OptimizerFactory | None = None,
        *,
        classes: Sequence[str] = ("A", "B"),
        dims: Sequence[int] = (40, 0, 0),
        n_folds: int = 2,
    ) -> None:
        super().__init__()
        check_ranges(UnitModule.__init__, locals(), "model")
        classes, dims = tuple(map(str, classes)), tuple(map(int, dims))
        self.save_hyperparameters(ignore=["optimizer"], logger=False)
        self.members, self.noise = members, noise
        self.net = UnitNet(n_folds * members, dims, len(classes), hidden, dropout, branch_dropout)
        fold_of_member = torch.arange(n_folds).repeat_interleave(members)
        self.register_buffer("fold_of_member", fold_of_member, persistent=False)
        self.optimizer_factory = optimizer or ADAMW
        self.probability = np.empty((0, len(classes)))

    def forward(self, x: Tensor) -> Tensor:
        """Probabilities (M, N, C) of inputs (N, D), see UnitNet."""
        return self.net(x).softmax(dim=2)

    def on_fit_start(self) -> None:
        data: UnitData = self.trainer.datamodule
        for name, of_folds in zip(("mean", "scale"), data.scaling(), strict=True):
            values = torch.tensor(of_folds, dtype=torch.float32).repeat_interleave(self.members, 0)
            getattr(self.net, name).copy_(values[:, None])

    def configure_optimizers(self) -> torch.optim.Optimizer | dict[str, object]:
        """The optimiser; with a trainer, which knows how many steps there are, its schedule too."""
        optimizer = self.optimizer_factory(self.parameters())
        if self._trainer is None:
            return optimizer
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            optimizer.param_groups[0]["lr"],
            total_steps=max(int(self.trainer.estimated_stepping_batches), 2),
        )
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        losses = self._losses(batch, self.noise, seen=True)
        self.log("train/loss", losses.mean(), on_step=False, on_epoch=True, batch_size=1)
        return losses.sum()  # as if each network were alone

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        loss = self._losses(batch, 0.0, seen=True).mean()
        self.log("val/loss", loss, prog_bar=True, batch_size=1)

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        self.log("test/loss", self._losses(batch, 0.0, seen=False).mean(), batch_size=1)
        self.log("test/n_cells", float(len(batch[1])), batch_size=1)
        self.probability = unseen_probability(self, batch)

    def _losses(self, batch: Batch, noise: float, seen: bool) -> Tensor:
        """Of each network (M,) over the units that it is trained on, or over the others."""
        inputs, label, fold = batch
        logits = self.net(inputs, noise)  # (M, N, C)
        counted = (fold[None] != self.fold_of_member[:, None]) == seen
        of_class = functional.one_hot(label, logits.shape[2]).to(logits.dtype)  # (N, C)
        n_of_class = counted.to(logits.dtype) @ of_class  # (M, C)
        n_classes = (n_of_class > 0).sum(dim=1, keepdim=True).clamp(min=1)
        weight = counted / (n_of_class[:, label] * n_classes).clamp(min=1)  # (M, N), 1 in sum
        said = functional.log_softmax(logits, dim=2)
        right = said.gather(2, label[None, :, None].expand(len(logits), -1, 1))[..., 0]
        return -(weight * right).sum(dim=1)


@torch.inference_mode()
def unseen_probability(model: UnitModule, batch: Batch) -> np.ndarray:
    """What the networks that did not see a unit say of it: float64 (N, C)."""
    inputs, _, fold = batch
    unseen = (fold[None] == model.fold_of_member[:, None]).double()  # (M, N)
    said = (model(inputs).double() * unseen[..., None]).sum(dim=0)
    probability: np.ndarray = (said / unseen.sum(dim=0)[:, None]).cpu().numpy()
    return probability

"""What is learned from, and by which loss: the two classes that the harness builds."""

import hashlib
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, TensorDataset

from decay.network import DecayNet
from decay.synthetic import draw
from raphe.core.protocol import UsedStore
from raphe.core.ranges import Count, Range, Seed, check_ranges
from raphe.core.sentences import counted


def prepare() -> dict[str, object]:
    """Settings of `data` that are found out here, as where a store was made: none."""
    return {}


class DecayData(pl.LightningDataModule):
    """Simulated currents and their decays, divided for training, validation and test."""

    note = "These currents are simulated."  # stands beside every result
    facts: ClassVar[dict[str, object]] = {}  # arguments of the model that only the data know

    def __init__(
        self,
        n_train: Count,
        n_test: Count,
        noise_pa: Annotated[float, Range(0, unit="pA")],
        batch_size: Count,
        seed: Seed,
    ) -> None:
        super().__init__()
        check_ranges(DecayData.__init__, locals(), "data")
        self.batch_size, self.seed = batch_size, seed
        self.parts = {}
        for number, (name, n) in enumerate((("train", n_train), ("val", n_test), ("test", n_test))):
            current_pa, tau_ms = draw(n, noise_pa, np.random.default_rng([seed, number]))
            self.parts[name] = TensorDataset(torch.tensor(current_pa), torch.tensor(tau_ms))

    @property
    def hashes(self) -> dict[str, str]:
        """What was trained on: a run that was interrupted goes on only with the same."""
        current_pa = self.parts["train"].tensors[0].numpy()
        return {"currents": hashlib.sha256(current_pa.tobytes()).hexdigest()}

    @property
    def used_stores(self) -> list[UsedStore]:
        """For the record of the run; these are in memory, others name a folder."""
        contents = counted("current", sum(map(len, self.parts.values())))
        return [UsedStore("currents", Path("simulated"), contents)]

    def train_dataloader(self) -> DataLoader:
        # The order depends on (seed, epoch) alone, so that a training goes on where it was.
        order = torch.Generator().manual_seed(self.seed + 1000 * self.trainer.current_epoch)
        return DataLoader(self.parts["train"], self.batch_size, shuffle=True, generator=order)

    def val_dataloader(self) -> DataLoader:
        return DataLoader(self.parts["val"], batch_size=256)

    def test_dataloader(self) -> DataLoader:
        return DataLoader(self.parts["test"], batch_size=256)


class DecayModule(pl.LightningModule):
    """Logs `train/…` and `val/…` once an epoch, and `test/…`."""

    def __init__(self, units: Count, lr: Annotated[float, Range(0, ends="neither")]) -> None:
        super().__init__()
        check_ranges(DecayModule.__init__, locals(), "model")
        self.save_hyperparameters()
        self.net = DecayNet(units)

    def forward(self, current_pa: torch.Tensor) -> torch.Tensor:
        return self.net(current_pa)

    def training_step(self, batch: tuple, index: int) -> torch.Tensor:
        return self._loss(batch, "train")

    def validation_step(self, batch: tuple, index: int) -> None:
        self._loss(batch, "val")

    def test_step(self, batch: tuple, index: int) -> None:
        self._loss(batch, "test")

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=self.hparams.lr)

    def _loss(self, batch: tuple, part: str) -> torch.Tensor:
        current_pa, tau_ms = batch
        loss = torch.nn.functional.mse_loss(self(current_pa), tau_ms.log())
        self.log(f"{part}/loss", loss, on_step=False, on_epoch=True)
        return loss

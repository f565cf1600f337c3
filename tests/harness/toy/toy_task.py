"""A task for the harness's own tests: a polynomial through noisy points."""

import hashlib
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytorch_lightning as pl
import torch
from matplotlib.figure import Figure
from torch.utils.data import DataLoader, TensorDataset

from raphe.core import metric_names
from raphe.core.bundles.bundle import CARD, BundleWriter
from raphe.core.bundles.fields import Field
from raphe.core.bundles.manifest import BundleKind
from raphe.core.errors import RapheError, SettingError
from raphe.core.metric_names import Estimate, Names
from raphe.core.protocol import Comparison, Exported, SweptRun, TrainedRun, UsedStore

KIND = BundleKind("toy/ensemble", (CARD,), ("config.yaml", "{}.ckpt", "a.ckpt", "toy.ckpt"), {})
HOLD_S = 900


def prepare() -> dict:
    return {}


class ToyData(pl.LightningDataModule):
    note = "A toy: its numbers mean nothing."

    def __init__(self, n_points: int, seed: int, trains_on_all: bool = False) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        x = torch.rand(n_points, 1, generator=generator)
        y = 3 * x + 0.1 * torch.randn(n_points, 1, generator=generator)
        self.points = TensorDataset(x, y)
        self.facts: dict = {}
        self.validates_unseen = not trains_on_all

    @property
    def hashes(self) -> dict[str, str]:
        return {"points": hashlib.sha256(self.points.tensors[0].numpy().tobytes()).hexdigest()}

    @property
    def used_stores(self) -> list[UsedStore]:
        return [UsedStore("points", Path("points"), f"{len(self.points)} points")]

    def train_dataloader(self) -> "ShuffledBatches":
        return ShuffledBatches(self)

    def val_dataloader(self) -> DataLoader:
        return DataLoader(self.points, batch_size=64)

    test_dataloader = val_dataloader


class ShuffledBatches:
    """The points in an order that depends on the epoch alone."""

    def __init__(self, data: ToyData) -> None:
        self.data = data

    def __len__(self) -> int:
        return len(self.data.points) // 16

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        generator = torch.Generator().manual_seed(self.data.trainer.current_epoch)
        order = torch.randperm(len(self.data.points), generator=generator)
        for rows in order.split(16):
            yield self.data.points[rows]


class ToyModule(pl.LightningModule):
    def __init__(
        self,
        degree: int,
        lr: float,
        fail_at_epoch: int | None,
        fail_in_test_if: str | None,
        draw_in_test: bool,
        epochs_file: str | None,
        hold_file: str | None,
    ) -> None:
        super().__init__()
        if degree < 1:
            raise SettingError(f"model.degree={degree}: expected 1 or more")
        self.save_hyperparameters()
        self.line = torch.nn.Linear(degree, 1)
        self.dropout = torch.nn.Dropout(0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        powers = torch.cat([x**power for power in range(1, self.hparams.degree + 1)], dim=1)
        return self.line(self.dropout(powers))

    def on_train_epoch_start(self) -> None:
        if self.hparams.epochs_file:
            with Path(self.hparams.epochs_file).open("a") as file:
                file.write(f"{self.current_epoch}\n")
        if self.hparams.fail_at_epoch == self.current_epoch:
            raise RapheError("the toy fails as asked")
        if self.hparams.hold_file:
            self._hold(Path(self.hparams.hold_file), Path(self.hparams.epochs_file))

    @staticmethod
    def _hold(hold: Path, epochs: Path) -> None:
        deadline = time.monotonic() + HOLD_S
        with suppress(FileNotFoundError):  # taken away
            while len(epochs.read_text().split()) >= int(hold.read_text()):
                assert time.monotonic() < deadline, "held for good: is the test gone?"
                time.sleep(0.01)

    def training_step(self, batch: tuple, batch_index: int) -> torch.Tensor:
        return self._loss(batch, "train")

    def validation_step(self, batch: tuple, batch_index: int) -> None:
        self._loss(batch, "val")

    def test_step(self, batch: tuple, batch_index: int) -> None:
        if self.hparams.fail_in_test_if and Path(self.hparams.fail_in_test_if).exists():
            raise RapheError("the toy fails in its test as asked")
        if self.hparams.draw_in_test:
            self.dropout.train()
        self._loss(batch, "test")

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=self.hparams.lr)

    def _loss(self, batch: tuple, part: str) -> torch.Tensor:
        x, y = batch
        loss = torch.nn.functional.mse_loss(self(x), y)
        self.log(f"{part}/loss", loss, on_step=False, on_epoch=True)
        return loss


class ToyBank(pl.LightningModule):
    """Each member draws its dropout as it would alone."""

    def __init__(self, members: Mapping[str, ToyModule]) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.labels, self.models = list(members), list(members.values())
        for index, model in enumerate(self.models):
            self.add_module(f"member{index}", model)  # a child, so that it knows the trainer
        self.active = set(members)

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        return [model.configure_optimizers() for model in self.models]

    def on_train_epoch_start(self) -> None:
        assert self.active
        for label, model in zip(self.labels, self.models, strict=True):
            if label in self.active:
                model.on_train_epoch_start()

    def training_step(self, batch: tuple, batch_index: int) -> None:
        if batch_index == 0:
            self.random = dict.fromkeys(self.labels, torch.get_rng_state())
        for index, (label, model) in enumerate(zip(self.labels, self.models, strict=True)):
            if label in self.active:
                torch.set_rng_state(self.random[label])
                loss = self._loss(label, model, batch, "train")
                self.random[label] = torch.get_rng_state()
                self.trainer.optimizers[index].zero_grad()
                loss.backward()
                self.trainer.optimizers[index].step()

    def validation_step(self, batch: tuple, batch_index: int) -> None:
        for label, model in zip(self.labels, self.models, strict=True):
            if label in self.active:
                self._loss(label, model, batch, "val")

    def _loss(self, label: str, model: ToyModule, batch: tuple, part: str) -> torch.Tensor:
        x, y = batch
        loss = torch.nn.functional.mse_loss(model(x), y)
        self.log(f"{label}|{part}/loss", loss, on_step=False, on_epoch=True)
        return loss


def names() -> Names:
    figures = ("loss", "degree", "best", "members", "slope", "of_other_data")
    return Names(tuple(metric_names.Figure(name, name, "", "A toy's.") for name in figures))


def evaluate(model: ToyModule, data: ToyData) -> dict:
    slope = Estimate(3.0, 2.5, 3.5, se=0.25)
    return {"test/line.png": partial(line_figure, model), "test/line.txt": "a line",
            "test/degree": 1.0, "conclusion.txt": "The toy fits.\n",
            "test/slope": slope, "kept/val/loss": replace(slope, value=0.0)}  # fmt: skip


def line_figure(model: ToyModule) -> Figure:
    figure = Figure()
    figure.subplots().plot(model.line.weight.detach().ravel().tolist(), "o")
    return figure


def degrees(data: ToyData) -> list[int]:
    """One for each 16 points."""
    return list(range(1, 1 + len(data.points) // 16))


def summarise(members: list[SweptRun], missing: list[dict], data: ToyData, title: str) -> dict:
    """The tested numbers of all members."""
    lines = [title, f"{len(data.points)} points", ""]
    lines += [f"{run.settings['model.degree']}: {run.monitored:.6f}" for run in members]
    lines += [f"missing {one['model.degree']}" for one in missing]
    texts = [run.fetch("test/line.txt").read_text() for run in members]
    best = min(run.monitored for run in members)
    return {"summary.txt": "\n".join(lines), "all.txt": "|".join(texts), "pooled/best": best,
            "pooled/members": float(len(members)),
            "pooled/undefined": float("nan")}  # fmt: skip


def export(
    runs: list[TrainedRun],
    data: ToyData,
    settings: str,
    provenance: Mapping,
    out: Path,
    members: str,
    overwrite: bool,
) -> Exported:
    """A bundle of the checkpoints, and a model that sums what it is given."""
    weights = {
        f"{Path(run.label.rpartition('=')[2]).name or 'a'}.ckpt": run.checkpoint.read_bytes()
        for run in runs
    }
    with BundleWriter(out, overwrite) as writer:
        files = {CARD: members.encode(), "config.yaml": settings.encode(), **weights}
        facts = {"provenance": dict(provenance), "hashes": data.hashes}
        bundle = writer.finish(KIND, files, facts)
    return Exported(bundle.path, f"the toy's {len(runs)}", {"x": 1.0}, __name__, beside)


def beside(older: Path) -> Comparison:
    """Nothing is better than a bundle of members=unbeaten."""
    members = (older / CARD).read_text()
    return Comparison(f"The older is of {members}.", is_worse=members == "unbeaten")


def export_files(
    files: list[str], provenance: Mapping, out: Path, members: str, overwrite: bool
) -> Exported:
    """A bundle of files that hold the toy's weights."""
    runs = [TrainedRun("", file.removesuffix(".ckpt"), Path(file)) for file in files]
    return export(runs, SimpleNamespace(hashes={}), "", provenance, out, members, overwrite)


class _Toy:
    fields = (Field("numbers", "numbers", "to be summed"),)

    def example(self) -> list[dict]:
        return [{"numbers": [0.0, 0.0, 0.0]}]

    def predict(self, rows: pd.DataFrame) -> list[float]:
        return [sum(row) for row in rows["numbers"]]


def _load_pyfunc(path: str) -> _Toy:
    return _Toy()

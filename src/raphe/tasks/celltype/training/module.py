"""Training: loss, optimiser, and figures for each epoch and each test set."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from raphe.core.errors import SettingError
from raphe.core.metric_names import metric
from raphe.tasks.celltype.features.firing_inputs import DIMS
from raphe.tasks.celltype.metrics.contingency import cell_rates
from raphe.tasks.celltype.metrics.epoch_figures import (
    GatheredBatches,
    RunningFigures,
    epoch_figures,
)
from raphe.tasks.celltype.metrics.names import CELLS, SPIKES
from raphe.tasks.celltype.metrics.predictions import Predictions
from raphe.tasks.celltype.network.firing_net import Firing, FiringNet
from raphe.tasks.celltype.network.keras_weights import read_keras
from raphe.tasks.celltype.network.net import (
    PUBLISHED_CLASSES,
    CellTypeNet,
    Columns,
    Dropout,
    Filters,
    Kernel,
)
from raphe.tasks.celltype.stores.spike_set import SpikeSet
from raphe.tasks.celltype.training.keras_adam import KerasAdam
from raphe.tasks.celltype.training.known_firing import KnownFiring, scale_by_training

OptimizerFactory = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]

# (current (B, T) float32 in pA, label (B,) int64, cell (B,) int64)
Batch = tuple[Tensor, Tensor, Tensor]


def one_hot_loss(logits: Tensor, label: Tensor, weight: Tensor | None = None) -> Tensor:
    """Cross-entropy of the network's outputs against the true class, the mean over spikes.

    Of two classes that of each sigmoid on its own, the mean of both, as published; of more that of
    their softmax. `weight` (C,) says how much a spike of each class counts, None: all alike.
    """
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))  # in mixed precision, too
    if logits.shape[1] == PUBLISHED_CLASSES:
        target = nn.functional.one_hot(label, logits.shape[1]).to(logits.dtype)
        if weight is None:
            return nn.functional.binary_cross_entropy_with_logits(logits, target)
        each = nn.functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
        return (each.mean(dim=1) * weight[label]).mean()
    if weight is None:
        return nn.functional.cross_entropy(logits, label)
    return (nn.functional.cross_entropy(logits, label, reduction="none") * weight[label]).mean()


def validation_sets(trainer: pl.Trainer) -> Sequence[str]:
    """The names of what is validated on, in the order of the loaders."""
    return getattr(trainer.datamodule, "val_sets", ("val",))


def spike_figures(figures: Mapping[str, float]) -> dict[str, float]:
    """The figures of an epoch by the metric's name without the part: all but the loss are told of
    spikes."""
    return {
        metric("", "" if figure == "loss" else SPIKES, figure): value
        for figure, value in figures.items()
    }


def scored_figures(
    name: str, logits: np.ndarray, label: np.ndarray, cell: np.ndarray
) -> dict[str, float]:
    """What else is logged of a set that is scored in training, logits (n, C), labels, cells.

    Of those beside the validation part, which are tested on whole, the rates of their cells. By
    the metric's name without the part.
    """
    if name == "val" or logits.shape[1] != PUBLISHED_CLASSES:
        return {}
    rates = cell_rates(Predictions.from_logits(logits, label, cell))
    return {metric("", CELLS, rate): value for rate, value in rates.items()}


class CellTypeModule(pl.LightningModule):
    """Train and test a CellTypeNet.

    Logs `train/…` and `val/…` each epoch and `<set>/…` for each test set: loss and, as spikes/…,
    the rest of `epoch_figures`, for a test set also n_spikes and n_cells, for training those of
    `RunningFigures`, of the network as it learns, dropout included. A test asks
    the datamodule for `test_cell_ids`: by the name of each set, in the order of the loaders, the
    ids of its cells; after it `predictions` holds those for each set by name. A datamodule that
    validates on more than one set names them in `val_sets`; of two classes the further ones have
    `<set>/cells/…` logged too, see `cell_rates`.

    Args:
        kernel, columns, filters, dropout: settings of the network, see CellTypeNet.
        optimizer: builds the optimiser from the parameters; by default KerasAdam.
        firing: of the branches that look at how a spike's cell fires, see Firing; None: there are
            none, as published.
        classes: names of the classes in the order of their labels, the one looked for first.
        n_samples: samples in a window.
        rate_hz: sampling rate of a window.
        class_weights: how much a spike of each class counts in training; None: all alike. The
            figures are of the spikes as they are.

    Raises:
        SettingError: for settings no network can have.
    """

    def __init__(
        self,
        kernel: Kernel = 20,
        columns: Columns = 2,
        filters: Filters = (32, 64),
        dropout: Dropout = 0.5,
        optimizer: OptimizerFactory | None = None,
        firing: Firing | Mapping[str, Any] | None = None,
        *,
        classes: Sequence[str] = ("SER", "NSER"),
        n_samples: int = 160,
        rate_hz: float = 40_000.0,
        class_weights: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        # Plain values in the checkpoint: torch.load refuses all others by default.
        filters = tuple(filters)
        classes = tuple(str(name) for name in classes)
        n_samples, rate_hz = int(n_samples), float(rate_hz)
        class_weights = None if class_weights is None else tuple(map(float, class_weights))
        if len(set(classes)) < len(classes):
            raise SettingError(f"classes: expected a name of its own for each, got {classes}")
        shape: dict[str, Any] = {
            "kernel": kernel,
            "columns": columns,
            "filters": filters,
            "dropout": dropout,
        }
        shape |= {"n_classes": len(classes), "n_samples": n_samples, "rate_hz": rate_hz}
        self.known_firing: KnownFiring | None = None
        if firing is None:  # with neither branches nor a word of them in the checkpoint
            self.save_hyperparameters(ignore=["optimizer", "firing"], logger=False)
            self.net = CellTypeNet(**shape)
        else:
            branches = firing if isinstance(firing, Firing) else Firing(**firing)
            firing = asdict(branches)
            self.save_hyperparameters(ignore=["optimizer"], logger=False)
            self.net = FiringNet(branches, DIMS, **shape)
            self.known_firing = KnownFiring()
        weights = None if class_weights is None else torch.tensor(class_weights)
        self.register_buffer("class_weights", weights, persistent=False)
        self.optimizer_factory = optimizer or KerasAdam
        self.predictions: dict[str, Predictions] = {}
        self._running = RunningFigures(one_hot_loss)
        # Each step appends here and the figures are made once an epoch: constant cost a step, no
        # wait for the accelerator, and nothing of it in a checkpoint.
        self._steps: dict[str, GatheredBatches] = {}

    @classmethod
    def of_keras(cls, file: Path) -> "CellTypeModule":
        """One of the authors' saved Keras models. Raises KerasFileError, see read_keras."""
        settings, state = read_keras(file)
        module = cls(**settings)
        module.net.load_state_dict(state)
        return module

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, C) of spikes whose cells' firing is not known, see CellTypeNet."""
        return self.net(x)

    def logits_of(self, spikes: SpikeSet, current: Tensor, cell: Tensor) -> Tensor:
        """Return logits (B, C) of spikes (B, T) of cells (B,) of a store, with their firing where
        the network looks at it."""
        if self.known_firing is None:
            return self(current)
        return self.net(current, firing=self.known_firing.of(spikes, cell))

    def on_fit_start(self) -> None:
        if self.known_firing is not None:
            scale_by_training(self.net, self.trainer.datamodule, self.known_firing)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return self.optimizer_factory(self.parameters())

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        logits, label = self._logits("train", batch), batch[1]
        self._running.add(logits, label)
        return one_hot_loss(logits, label, self.class_weights)

    def on_train_epoch_start(self) -> None:
        self._running = RunningFigures(one_hot_loss)

    def on_train_epoch_end(self) -> None:
        # A run resumed from a checkpoint of the epoch's validation ends that epoch without a step.
        if len(self._running):
            for figure, value in spike_figures(self._running.figures()).items():
                self.log(f"train/{figure}", value)

    def validation_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> None:
        name = validation_sets(self.trainer)[dataloader_idx]
        self._step(name, self.trainer.num_val_batches[dataloader_idx], batch)

    def on_validation_epoch_start(self) -> None:
        self._steps.clear()

    def on_validation_epoch_end(self) -> None:
        for name in list(self._steps):
            for figure, value in scored_figures(name, *self._finish(name)).items():
                self.log(f"{name}/{figure}", value)

    def test_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> None:
        names = list(self.trainer.datamodule.test_cell_ids)
        self._step(names[dataloader_idx], self.trainer.num_test_batches[dataloader_idx], batch)

    def on_test_epoch_start(self) -> None:
        self._steps.clear()
        self.predictions = {}

    def on_test_epoch_end(self) -> None:
        for name, cell_ids in self.trainer.datamodule.test_cell_ids.items():
            if name in self._steps:
                predictions = Predictions.from_logits(*self._finish(name), cell_ids)
                self.log(f"{name}/n_spikes", float(len(predictions.label)))
                self.log(f"{name}/n_cells", float(len(predictions.per_cell().label)))
                self.predictions[name] = predictions

    def _step(self, name: str, n_batches: int, batch: Batch) -> None:
        """Run the network on a batch and keep its predictions for the epoch's figures."""
        _, label, cell = batch
        gathered = self._steps.setdefault(name, GatheredBatches(n_batches))
        gathered.add(self._logits(name, batch).float(), label, cell)

    def _logits(self, name: str, batch: Batch) -> Tensor:
        """Of a batch of a set, whose cells are those of a test store or of the original one."""
        current, _, cell = batch
        if self.known_firing is None:
            return self(current)
        data = self.trainer.datamodule
        # Sets that are scored in training are named session/<name>.
        spikes = data.tests.get(name.rpartition("/")[2], data.original)
        return self.logits_of(spikes, current, cell)

    def _finish(self, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Log the figures of an epoch under `name/…`; return its logits (n, C), labels, cells."""
        logits, label, cell = (part.cpu() for part in self._steps.pop(name).joined())
        for figure, value in spike_figures(epoch_figures(logits, label, one_hot_loss)).items():
            self.log(f"{name}/{figure}", value, prog_bar=(name, figure) == ("val", "loss"))
        return logits.numpy(), label.numpy(), cell.numpy()

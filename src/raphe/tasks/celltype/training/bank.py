"""A bank: networks that a sweep would train one after another, trained in one pass over the data.

M members, n spikes, C classes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pytorch_lightning as pl
import torch
from torch import nn

from raphe.core.errors import SettingError
from raphe.tasks.celltype.metrics.epoch_figures import (
    GatheredBatches,
    RunningFigures,
    epoch_figures,
)
from raphe.tasks.celltype.training.bank_ways import BankMember, Batched, OneByOne, Way
from raphe.tasks.celltype.training.module import (
    Batch,
    CellTypeModule,
    one_hot_loss,
    scored_figures,
    spike_figures,
    validation_sets,
)

WAYS = ("one_by_one", "batched")


class CellTypeBank(pl.LightningModule):
    """Train each member on every batch, as if it were alone: own dropout, optimiser and figures.

    Trains the very modules it is given; at the end of each epoch they and their optimisers are up
    to date. Logs `<label>|train/…` and `<label>|val/…` as CellTypeModule does for the members in
    `active`; a label taken out of it is trained no further.

    Each member's dropout starts each epoch from the seed that torch's own generator has, as it
    would in a run of its own.

    Args:
        members: what to train, by label.
        way: one_by_one (true kernel sizes, in as many threads as torch has) or batched (all in one
            set of operations, see StackedNets); None: the first on a processor, the second on an
            accelerator.

    Raises:
        SettingError: for another way, or members that look at how cells fire.
    """

    def __init__(
        self,
        members: Mapping[str, CellTypeModule],
        way: Literal["one_by_one", "batched"] | None = None,
    ) -> None:
        super().__init__()
        if way not in (None, *WAYS):
            raise SettingError(f"bank.way={way}: expected {' or '.join(WAYS)}, or null")
        if any(model.known_firing is not None for model in members.values()):
            raise SettingError(
                "model.firing: the members of a bank look at spikes alone; leave out model=bank "
                "(bank.train), or model.firing"
            )
        self.automatic_optimization = False
        self.way = way
        self.labels = tuple(members)
        self.models = nn.ModuleList(members.values())
        self.active = set(self.labels)
        self._epoch: _Epoch | None = None

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        return [model.configure_optimizers() for model in self.models]

    def on_fit_start(self) -> None:
        self._n_threads = torch.get_num_threads()
        self._generators = [torch.Generator(self.device) for _ in self.labels]

    def on_fit_end(self) -> None:
        torch.set_num_threads(self._n_threads)  # the members' threads set their own

    def on_train_epoch_start(self) -> None:
        self._begin()

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        if batch_idx == 0:
            for generator in self._generators:
                generator.manual_seed(torch.initial_seed())

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        current, label, _ = batch
        logits = self._begun.way.train(current, label)
        for figures, member_logits in zip(self._begun.training, logits, strict=True):
            figures.add(member_logits, label)

    def on_train_epoch_end(self) -> None:
        epoch, self._epoch = self._epoch, None
        if epoch is None:  # resumed at an epoch's end
            return
        epoch.way.close()
        for label, figures in zip(epoch.labels, epoch.training, strict=True):
            self._log(f"{label}|train", spike_figures(figures.figures()))

    def on_validation_epoch_start(self) -> None:
        self._begin()
        self._gathered: dict[str, GatheredBatches] = {}

    def validation_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> None:
        current, label, cell = batch
        name = validation_sets(self.trainer)[dataloader_idx]
        n_batches = self.trainer.num_val_batches[dataloader_idx]
        gathered = self._gathered.setdefault(name, GatheredBatches(n_batches))
        gathered.add(label, cell, *self._begun.way.logits(current))

    def on_validation_epoch_end(self) -> None:
        for name, gathered in self._gathered.items():
            truth, cell, *members = (part.cpu() for part in gathered.joined())
            for label, logits in zip(self._begun.labels, members, strict=True):
                logits = logits.float()
                of_spikes = spike_figures(epoch_figures(logits, truth, one_hot_loss))
                self._log(f"{label}|{name}", of_spikes)
                of_cells = scored_figures(name, logits.numpy(), truth.numpy(), cell.numpy())
                self._log(f"{label}|{name}", of_cells)

    @property
    def _begun(self) -> "_Epoch":
        assert self._epoch is not None  # `_begin` comes before every batch
        return self._epoch

    def _begin(self) -> None:
        if self._epoch is not None:  # a validation has, before all training
            return
        optimizers = self.trainer.optimizers
        everyone = zip(self.labels, self.models, optimizers, self._generators, strict=True)
        members = {label: BankMember(*parts) for label, *parts in everyone if label in self.active}
        batched = self.way == "batched" or (self.way is None and self.device.type != "cpu")
        way: Way = (
            Batched(list(members.values()))
            if batched
            else OneByOne(list(members.values()), self._n_threads)
        )
        self._epoch = _Epoch(tuple(members), way, [RunningFigures(one_hot_loss) for _ in members])

    def _log(self, place: str, figures: Mapping[str, float]) -> None:
        for figure, value in figures.items():
            self.log(f"{place}/{figure}", value)


@dataclass(frozen=True)
class _Epoch:
    """The members that are active in an epoch."""

    labels: tuple[str, ...]
    way: Way
    training: list[RunningFigures]

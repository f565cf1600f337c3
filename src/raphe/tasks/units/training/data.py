"""All units in one batch, with the fold that tests each.

One run trains the networks of every fold side by side; each learns from the units of all other
folds alone. N units, D numbers a unit, K folds.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor

from raphe.core.firing.branch_scale import centre_and_scale
from raphe.core.notes import note_of_networks
from raphe.core.protocol import UsedStore
from raphe.core.ranges import Count, Seed, check_ranges
from raphe.core.statistics.folds import Folds
from raphe.tasks.units.features.unit_inputs import Layout, unit_inputs
from raphe.tasks.units.metrics.verdicts import Groups
from raphe.tasks.units.stores.doubts import beside_figures, confoundings_of, few_units
from raphe.tasks.units.stores.unit_folds import Split, unit_folds
from raphe.tasks.units.stores.unit_store import open_units

Batch = tuple[Tensor, Tensor, Tensor]  # inputs (N, D), class (N,), fold (N,)


class UnitData(pl.LightningDataModule):
    """Units of a store, dealt out to folds.

    Args:
        store: made by `raphe import units`.
        split: "given" (the table's column fold), "unit", "animal" or "session".
        folds: how many, or "all"; of no matter where given.
        steps: how many steps make an epoch, each over all units.
        seed: of the folds.

    Raises:
        RapheError: a store that cannot be opened, or be split so.
    """

    validates_unseen = False  # validation is of the units that each network was trained on

    def __init__(
        self,
        store: str | Path,
        split: Split = "unit",
        folds: Folds = 5,
        steps: Count = 20,
        seed: Seed = 42,
    ) -> None:
        super().__init__()
        check_ranges(UnitData.__init__, locals(), "data")
        self.split, self.steps = split, steps
        self.store = open_units(store)
        self.fold = unit_folds(self.store, split, folds, seed)  # (N,)
        self.layout = Layout.of(self.store.units)
        self.dims: Sequence[int] = self.layout.dims
        self.inputs = unit_inputs(self.store.units, self.layout)  # (N, D)
        self.label = self.store.label

    def ask_of(self, inputs: np.ndarray) -> None:
        """Put other numbers (N, D) in the place of all branches, as one."""
        self.inputs, self.dims = inputs, (inputs.shape[1], 0, 0)

    @property
    def hashes(self) -> dict[str, str]:
        return {"units": self.store.content_hash}

    @property
    def used_stores(self) -> list[UsedStore]:
        return [UsedStore("units", self.store.path, self.store.contents)]

    @property
    def n_folds(self) -> int:
        return int(self.fold.max()) + 1

    @property
    def facts(self) -> dict[str, Any]:
        """What completes the model's settings."""
        return {
            "classes": list(self.store.classes),
            "dims": list(self.dims),
            "n_folds": self.n_folds,
        }

    @property
    def groups(self) -> Groups:
        """What holds the units together, of what is known."""
        return Groups.known({noun: self.store.names_of(noun) for noun in ("animal", "session")})

    @property
    def note(self) -> str:
        return f"{self.store.note} {self.leak}".strip()

    @property
    def note_of_networks(self) -> str:
        """What stands beside every label that a classifier trained on these units gives."""
        return note_of_networks(self.store.note)

    @cached_property
    def leak(self) -> str:
        """What figures of these units and this split cannot tell: sentences, "" for nothing."""
        few = (f"{told[:1].upper()}{told[1:]}." for told in few_units(self._counts))
        found = confoundings_of(self.store.units, self.store.classes)
        told = (beside_figures(confounding, self.split) for confounding in found)
        return " ".join(filter(None, [self._shared, *told, *few]))

    @property
    def _counts(self) -> dict[str, int]:
        return {name: int((self.label == n).sum()) for n, name in enumerate(self.store.classes)}

    @property
    def _shared(self) -> str:
        """What the split leaves shared between training and test."""
        noun = self.groups.noun
        if self.split == "animal":
            return ""
        if noun == "animal" and self.split != "session":
            return (
                "The split is by unit: other units of the same animals were trained on, so that "
                "these figures do not tell what holds in a new animal (data.split=animal does)."
            )
        if self.split == "session":
            return "The split is by session: other sessions of the same animals were trained on."
        return (
            "The split is by unit, and which animal each is of is not known: where an animal "
            "carries one label alone, whatever tells animals apart is scored as if it told cells "
            "apart."
        )

    def scaling(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and scale (K, D) of the inputs, of the units that each fold trains on."""
        dims = [n for n in self.dims if n]
        pairs = [
            centre_and_scale(self.inputs[self.fold != number], dims)
            for number in range(self.n_folds)
        ]
        mean, scale = (np.stack(part) for part in zip(*pairs, strict=True))
        return mean, scale

    def batch(self) -> Batch:
        """All units."""
        inputs = torch.tensor(self.inputs, dtype=torch.float32)
        return inputs, torch.tensor(self.label), torch.tensor(self.fold)

    def train_dataloader(self) -> "Batches":
        return Batches(self.batch(), self.steps)

    def val_dataloader(self) -> "Batches":
        return Batches(self.batch(), 1)

    def test_dataloader(self) -> "Batches":
        return Batches(self.batch(), 1)


class Batches:
    """The one batch, so often."""

    def __init__(self, batch: Batch, n: int) -> None:
        self._batch, self._n = batch, n

    def __len__(self) -> int:
        return self._n

    def __iter__(self) -> Iterator[Batch]:
        return iter([self._batch] * self._n)

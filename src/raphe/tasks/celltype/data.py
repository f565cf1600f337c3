"""Batches of labelled spikes, streamed from memory-mapped stores and split without leaks."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
import torch

from raphe.core import splits
from raphe.core.errors import SettingError, SplitError, StoreError
from raphe.tasks.celltype.spike_store import Cell, SpikeSet, open_spikes

# B spikes of a batch, T samples of a spike
Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]  # current (B, T) pA, label (B,), cell (B,)

EVALUATION_BATCH = 1024  # without gradients a larger batch is faster and changes no number
BATCHES_READ_AT_ONCE = 64  # one gather from the store serves so many batches
SYNTHETIC = "synthetic"


@dataclass(frozen=True)
class Part:
    """Rows of a store that belong to one part of a split."""

    spikes: SpikeSet
    rows: np.ndarray  # (n,) int64, ascending

    def __len__(self) -> int:
        return len(self.rows)


class SpikeBatches:
    """An iterable of batches over the parts of one or more stores; each pass is an epoch.

    Args:
        parts: what to draw from; `counts` says how many spikes of each part make an epoch.
        counts: as many as the part has, or fewer or more: then the epoch's draw goes round the
            shuffled part, so that over epochs every spike is used equally often.
        seed: with the epoch's number it decides the order; None: no shuffling, parts in order.
        epoch: tells the epoch's number when a pass begins.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        counts: Sequence[int],
        batch_size: int,
        seed: int | None = None,
        epoch: Callable[[], int] = lambda: 0,
    ) -> None:
        self.parts = parts
        self.counts = counts
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-sum(self.counts) // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        sources, rows = self._epoch_order(self.epoch())
        block = self.batch_size * BATCHES_READ_AT_ONCE
        for start in range(0, len(rows), block):
            yield from self._read(sources[start : start + block], rows[start : start + block])

    def _epoch_order(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """The epoch's spikes in order: which part, which row of its store. Both (n,)."""
        chosen = [self._draw(index, epoch) for index in range(len(self.parts))]
        sources = np.repeat(np.arange(len(self.parts), dtype=np.uint8), self.counts)
        rows = np.concatenate(chosen)
        if self.seed is None:
            return sources, rows
        order = np.random.default_rng([self.seed, epoch]).permutation(len(rows))
        return sources[order], rows[order]

    def _draw(self, index: int, epoch: int) -> np.ndarray:
        part, count = self.parts[index], self.counts[index]
        if count == len(part):
            return part.rows
        first = epoch * count
        turns = np.arange(first, first + count)
        which_round, position = turns // len(part), turns % len(part)
        drawn = np.empty(count, dtype=np.int64)
        for number in np.unique(which_round):
            order = np.random.default_rng([self.seed or 0, index, number]).permutation(len(part))
            here = which_round == number
            drawn[here] = part.rows[order[position[here]]]
        return drawn

    def _read(self, sources: np.ndarray, rows: np.ndarray) -> Iterator[Batch]:
        n = len(rows)
        current = np.empty((n, self.parts[0].spikes.n_samples), dtype=np.float32)
        label = np.empty(n, dtype=np.int64)
        cell = np.empty(n, dtype=np.int64)
        for index, part in enumerate(self.parts):
            here = np.flatnonzero(sources == index)
            here = here[np.argsort(rows[here])]  # ascending rows: neighbours share pages
            current[here] = part.spikes.read(rows[here])
            label[here] = part.spikes.label[rows[here]]
            cell[here] = part.spikes.cell[rows[here]]
        tensors = [torch.from_numpy(array) for array in (current, label, cell)]
        for start in range(0, n, self.batch_size):
            current_pa, labels, cells = (t[start : start + self.batch_size] for t in tensors)
            yield current_pa, labels, cells


class CellTypeData(pl.LightningDataModule):
    """Spikes of a store, split by cell, day or spike; further stores for testing only.

    Args:
        store: the labelled spikes, see `open_spikes`.
        synthetic_store: spikes made from the store's own; those whose parent cell is in the
            training part are trained on beside the originals. Never validated or tested on.
        synthetic_ratio: synthetic spikes per original one in each training epoch.
        test_stores: name → store, each tested on whole beside the test part; None is left out.
        split: "cell" (default), "day", or "spike", which leaks as the publication does: also
            synthetic spikes are then divided one by one, whatever became of their parents.
        fractions: of cells, days or spikes for training, validation and test.
        per_class: draw so many spikes of each class first; None takes all.
        batch_size: of training.
        seed: of the split and of the order.
    """

    def __init__(
        self,
        store: str | Path,
        synthetic_store: str | Path | None = None,
        synthetic_ratio: float = 1.0,
        test_stores: Mapping[str, str | Path] | None = None,
        split: str = "cell",
        fractions: Sequence[float] = (0.70, 0.15, 0.15),
        per_class: int | None = None,
        batch_size: int = 64,
        seed: int = 42,
    ) -> None:
        super().__init__()
        if split not in ("cell", "day", "spike"):
            raise SettingError(f"data.split={split}: expected cell, day or spike")
        if not isinstance(batch_size, int) or batch_size < 1:
            raise SettingError(f"data.batch_size={batch_size}: expected a whole number from 1 up")
        if synthetic_ratio <= 0:
            raise SettingError(
                f"data.synthetic_ratio={synthetic_ratio}: expected a positive number; to train "
                "without synthetic spikes set data.synthetic_store=null"
            )
        self.split = split
        self.fractions = tuple(fractions)
        self.per_class = per_class
        self.batch_size = batch_size
        self.seed = seed
        self.synthetic_ratio = synthetic_ratio
        self.original = open_spikes(Path(store))
        self.synthetic = open_spikes(Path(synthetic_store)) if synthetic_store else None
        self.tests = {
            name: open_spikes(Path(path)) for name, path in (test_stores or {}).items() if path
        }
        self._require_both_classes()
        for name, other in self._others().items():
            _require_same_facts(self.original, other, name)

    @property
    def hashes(self) -> dict[str, str]:
        """The content hash of each store, as `raphe check` prints it."""
        stores = {"original": self.original, **self._others()}
        return {name: store.content_hash for name, store in stores.items()}

    @property
    def facts(self) -> dict:
        """What the store says of its windows; completes the model's settings."""
        return {
            "classes": list(self.original.classes),
            "n_samples": self.original.n_samples,
            "rate_hz": self.original.rate_hz,
        }

    @property
    def test_cell_ids(self) -> dict[str, list[str]]:
        """The ids of each test set's cells by their index, in the order of `test_dataloader`."""
        stores = {"test": self.original, **self.tests}
        return {name: [cell.cell_id for cell in spikes.cells] for name, spikes in stores.items()}

    @property
    def note(self) -> str:
        return self.original.note

    def setup(self, stage: str | None = None) -> None:
        rows = self._chosen_rows()
        self.parts = self._split(rows)
        if self.split != "spike":
            self._refuse_shared_cells()

    def train_dataloader(self) -> SpikeBatches:
        parts, counts = [self.parts["train"]], [len(self.parts["train"])]
        if self.synthetic is not None:
            part = self._synthetic_part()
            parts.append(part)
            counts.append(max(1, round(self.synthetic_ratio * counts[0])))
        return SpikeBatches(parts, counts, self.batch_size, self.seed, self._current_epoch)

    def val_dataloader(self) -> SpikeBatches:
        return _in_order(self.parts["val"])

    def test_dataloader(self) -> list[SpikeBatches]:
        whole = [Part(spikes, np.arange(spikes.n)) for spikes in self.tests.values()]
        return [_in_order(part) for part in (self.parts["test"], *whole)]

    def _current_epoch(self) -> int:
        return self.trainer.current_epoch if self.trainer is not None else 0

    def _others(self) -> dict[str, SpikeSet]:
        synthetic = {SYNTHETIC: self.synthetic} if self.synthetic is not None else {}
        return {**synthetic, **self.tests}

    def _require_both_classes(self) -> None:
        held = np.bincount(self.original.label, minlength=len(self.original.classes))
        missing = [name for name, n in zip(self.original.classes, held, strict=True) if n == 0]
        if missing:
            raise StoreError(
                f"{self.original.path}: expected spikes of {' and '.join(self.original.classes)}, "
                f"got none of {', '.join(missing)}; add recordings of that class and extract again"
            )

    def _chosen_rows(self) -> np.ndarray:
        if self.per_class is None:
            return np.arange(self.original.n)
        rng = np.random.default_rng(self.seed)
        chosen = []
        for index, name in enumerate(self.original.classes):
            members = np.flatnonzero(self.original.label == index)
            if len(members) < self.per_class:
                raise SettingError(
                    f"data.per_class={self.per_class}: {self.original.path} has {len(members)} "
                    f"spikes of {name}; ask for no more"
                )
            chosen.append(rng.choice(members, self.per_class, replace=False))
        return np.sort(np.concatenate(chosen))

    def _split(self, rows: np.ndarray) -> dict[str, Part]:
        if self.split == "spike":
            split = splits.split_by_item(len(rows), self.fractions, self.seed)
            self._require_classes_in_parts(split, rows)
        else:
            split = splits.split_by_group(
                self._groups()[self.original.cell[rows]],
                self.original.label[rows],
                self.fractions,
                self.seed,
                group_name=self.split,
                class_names=self.original.classes,
            )
        return {name: Part(self.original, rows[held]) for name, held in split.parts().items()}

    def _require_classes_in_parts(self, split: splits.Split, rows: np.ndarray) -> None:
        for name, held in split.parts().items():
            found = np.unique(self.original.label[rows[held]])
            if len(found) < len(self.original.classes):
                raise SplitError(
                    f"{self.original.path}: the {name} part of {len(held)} spikes lacks a class; "
                    "add spikes, or set data.split=cell"
                )

    def _groups(self) -> np.ndarray:
        """The group of each cell: itself, or its day. (n_cells,) int."""
        if self.split == "cell":
            return np.arange(len(self.original.cells))
        days = [cell.day for cell in self.original.cells]
        undated = [cell.cell_id for cell in self.original.cells if not cell.day]
        if undated:
            raise SplitError(
                f"{self.original.path}: data.split=day needs the day of every cell, unknown for "
                f"{len(undated)} (first: {undated[0]}); add a cells.csv with a day column, or set "
                "data.split=cell"
            )
        return np.unique(days, return_inverse=True)[1]

    def _refuse_shared_cells(self) -> None:
        trained = self._cells("train") + self._cells("val")
        for name, spikes in self.tests.items():
            shared = {cell.cell_id for cell in trained} & {cell.cell_id for cell in spikes.cells}
            what = "cells"
            if not shared and self.split == "day":
                shared = {cell.day for cell in trained} & {cell.day for cell in spikes.cells}
                what = "days"
            if shared:
                raise SplitError(
                    f"data.test_stores.{name}: {len(shared)} of its {what} are trained on (first: "
                    f"{min(shared)}); take them out of {spikes.path} or of {self.original.path}"
                )

    def _cells(self, part: str) -> list[Cell]:
        used = np.unique(self.original.cell[self.parts[part].rows])
        return [self.original.cells[index] for index in used]

    def _synthetic_part(self) -> Part:
        """Synthetic spikes whose parent cell is trained on; by spike, a share as large."""
        synthetic = self.synthetic
        assert synthetic is not None
        if self.split == "spike":
            rows = splits.split_by_item(synthetic.n, self.fractions, self.seed).train
        else:
            trained = {cell.cell_id for cell in self._cells("train")}
            parents = [cell.cell_id in trained for cell in synthetic.cells]
            rows = np.flatnonzero(np.asarray(parents)[synthetic.cell])
        if len(rows) == 0:
            raise SplitError(
                f"{synthetic.path}: none of its spikes comes from a cell in the training part of "
                f"{self.original.path}; make it from that store's recordings"
            )
        return Part(synthetic, rows)


def _in_order(part: Part) -> SpikeBatches:
    return SpikeBatches([part], [len(part)], EVALUATION_BATCH)


def _require_same_facts(original: SpikeSet, other: SpikeSet, name: str) -> None:
    for fact in ("n_samples", "rate_hz", "unit", "classes"):
        expected, found = getattr(original, fact), getattr(other, fact)
        if expected != found:
            raise StoreError(
                f"{other.path} ({name}): expected {fact} {expected} as in {original.path}, got "
                f"{found}; cut both stores alike"
            )

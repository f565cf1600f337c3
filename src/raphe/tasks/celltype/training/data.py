"""Batches of labelled spikes, streamed from memory-mapped stores and split without leaks."""

from collections.abc import Mapping
from functools import cached_property
from operator import eq
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pytorch_lightning as pl
import torch

from raphe.core.errors import SettingError, SplitError, StoreError
from raphe.core.notes import note_of_networks
from raphe.core.protocol import UsedStore
from raphe.core.ranges import Count, Range, Seed, check_ranges
from raphe.core.recordings.rates import same_rate
from raphe.core.sentences import counted, listed
from raphe.core.statistics.decision import Mix
from raphe.core.statistics.folds import Fold, Folds
from raphe.core.statistics.splits import PARTS, Fractions
from raphe.tasks.celltype.stores.copied_cells import copy_sentence
from raphe.tasks.celltype.stores.copies import Copy, Kind, hash_store
from raphe.tasks.celltype.stores.known_copies import copies_between
from raphe.tasks.celltype.stores.open_spikes import open_spikes
from raphe.tasks.celltype.stores.spike_set import Cell, SpikeSet
from raphe.tasks.celltype.stores.split import FRACTIONS, SplitKind, require_split, split_spikes
from raphe.tasks.celltype.synthetic.mask_store import open_masks
from raphe.tasks.celltype.synthetic.synthesizer import Recipe, Synthesizer
from raphe.tasks.celltype.training.batches import Loader, SpikeBatches
from raphe.tasks.celltype.training.parts import OnlinePart, StorePart
from raphe.tasks.celltype.training.resident_batches import ResidentBatches, fits_resident

EVALUATION_BATCH = 256  # without gradients larger than in training; more leave the cache
SYNTHETIC, ONLINE = "synthetic", "online"
WITHOUT_SYNTHETIC = "to train without synthetic spikes set data.synthetic=null"


class CellTypeData(pl.LightningDataModule):
    """Spikes of a store, split by cell, day, animal, source or spike; further stores to test on.

    Args:
        store: the labelled spikes, see `open_spikes`.
        synthetic: a store made from this one by `raphe synthesize` for the same split, or "online"
            to make the same spikes as they are asked for. Those whose parent is in the training
            part are trained on beside the originals; none is validated or tested on.
        masks: the noise masks of online synthesis, made by `raphe masks`.
        recipe: how online synthesis makes them.
        synthetic_ratio: synthetic spikes per original one in each training epoch.
        test_stores: name → store, each tested on whole beside the test part; None is left out.
        split: "cell" (default), "day", "animal", "source" (laboratory or rig), or "spike", which
            leaks as the publication does.
        fractions: of cells, days, animals or spikes for training, validation and test.
        folds: for cross-validation, into so many parts by `split`, or "all": each cell, day,
            animal or source is one.
        fold: the one of them that is tested; some of the others validate, by `fractions`.
        per_class: draw so many spikes of each class first; None takes all.
        weigh: "spikes", all alike, or "classes": in training those of a class with few spikes count
            more, so that each class counts as much as any other.
        batch_size: of training.
        seed: of the split and of the order.
        resident: keep the training spikes in the accelerator's memory, so that no batch is copied
            there; the batches are the same. None: where they are of stores and fit in half of
            what a CUDA device has free; False streams them from the stores; True keeps them in
            whichever memory trains.
        cache: folder for what is derived from the spikes and can be used again; None: nothing is.
    """

    def __init__(
        self,
        store: str | Path,
        synthetic: str | Path | None = None,
        masks: str | Path | None = None,
        recipe: Recipe | None = None,
        synthetic_ratio: Annotated[float, Range(0, ends="neither", remedy=WITHOUT_SYNTHETIC)] = 1.0,
        test_stores: Mapping[str, str | Path] | None = None,
        split: SplitKind = "cell",
        fractions: Fractions = FRACTIONS,
        folds: Folds | None = None,
        fold: Fold = 0,
        per_class: Count | None = None,
        weigh: Literal["spikes", "classes"] = "spikes",
        batch_size: Count = 64,
        seed: Seed = 42,
        resident: bool | None = None,
        cache: str | Path | None = None,
    ) -> None:
        super().__init__()
        check_ranges(CellTypeData.__init__, locals(), "data")
        if weigh not in ("spikes", "classes"):
            raise SettingError(f"data.weigh={weigh}: expected spikes or classes")
        if weigh == "classes" and synthetic is not None:
            raise SettingError(
                "data.weigh=classes: synthetic spikes come evenly of all classes already; set "
                "data.weigh=spikes, or data.synthetic=null"
            )
        if resident not in (None, True, False):
            raise SettingError(f"data.resident={resident}: expected true, false or null")
        if resident and str(synthetic) == ONLINE:
            raise SettingError(
                "data.resident=true: synthetic spikes made as they are needed are new in each "
                "epoch and cannot stay in memory; set data.resident=null, or make a store of them "
                "with raphe synthesize"
            )
        self.split, self.weigh, self.resident = split, weigh, resident
        self.batch_size = batch_size
        self.seed = seed
        self.synthetic_ratio = synthetic_ratio
        self.original = open_spikes(Path(store))
        self._require_both_classes()
        self.cache = None if cache is None else Path(cache)
        self.spike_split = split_spikes(
            self.original, split, fractions, seed, per_class, folds, fold
        )
        self.tests = {
            name: open_spikes(Path(path)) for name, path in (test_stores or {}).items() if path
        }
        for name, other in self.tests.items():
            _require_same_facts(self.original, other, name)
        self.synthetic = self._synthetic_part(synthetic, masks, recipe)

    @property
    def hashes(self) -> dict[str, str]:
        """The content hash of each store, as `raphe check` prints it."""
        stores = {"original": self.original, **self.tests}
        hashes = {name: store.content_hash for name, store in stores.items()}
        if isinstance(self.synthetic, StorePart):
            hashes[SYNTHETIC] = self.synthetic.spikes.content_hash
        elif self.synthetic is not None:
            hashes["masks"] = self.synthetic.synthesizer.masks.content_hash
        return hashes

    @property
    def used_stores(self) -> list[UsedStore]:
        used = [UsedStore("original", self.original.path, self.original.contents)]
        used += [
            UsedStore(name, spikes.path, spikes.contents, is_test=True)
            for name, spikes in self.tests.items()
        ]
        if isinstance(self.synthetic, StorePart):
            spikes = self.synthetic.spikes
            used.append(UsedStore(SYNTHETIC, spikes.path, spikes.contents))
        elif self.synthetic is not None:
            masks = self.synthetic.synthesizer.masks
            used.append(UsedStore("masks", masks.path, "noise masks"))
        return used

    @property
    def facts(self) -> dict:
        """What the store says of its windows; completes the model's settings."""
        facts = {
            "classes": list(self.original.classes),
            "n_samples": self.original.n_samples,
            "rate_hz": self.original.rate_hz,
        }
        if self.weigh == "classes":
            facts["class_weights"] = self._class_weights()
        return facts

    @property
    def holds_cells_out(self) -> bool:
        """Whether validation and test are of cells that are not trained on."""
        return self.split != "spike"

    @property
    def val_sets(self) -> list[str]:
        """The names of what is validated on, in the order of `val_dataloader`."""
        return ["val"]

    @property
    def test_cell_ids(self) -> dict[str, list[str]]:
        """The ids of each test set's cells by their index, in the order of `test_dataloader`."""
        stores = {"test": self.original, **self.tests}
        return {name: [cell.cell_id for cell in spikes.cells] for name, spikes in stores.items()}

    @property
    def note(self) -> str:
        return f"{self.original.note} {self.note_of_tests}".strip()

    @property
    def note_of_networks(self) -> str:
        """What stands beside every verdict of networks that were trained on these data, or ""."""
        return f"{note_of_networks(self.original.note)} {self.note_of_tests}".strip()

    @property
    def note_of_tests(self) -> str:
        """What stands beside the figures of the tests for what the test sets are, or ""."""
        synthetic = [name for name, spikes in self.tests.items() if spikes.is_synthetic]
        return f"The spikes of {listed(synthetic)} are synthetic." if synthetic else ""

    def setup(self, stage: str | None = None) -> None:
        split = self.spike_split
        of_cell = split.of_cell if split.per_class is None else None
        self.parts = {
            name: StorePart(self.original, split.part, number, of_cell)
            for number, name in enumerate(PARTS)
        }
        self._require_classes_in_parts()
        if self.split != "spike":
            self._refuse_shared_cells()
        self._refuse_trained_spikes()

    def train_dataloader(self) -> Loader:
        parts: list[StorePart | OnlinePart] = [self.parts["train"]]
        counts = [len(self.parts["train"])]
        if self.synthetic is not None:
            parts.append(self.synthetic)
            counts.append(max(1, round(self.synthetic_ratio * counts[0])))
        batches = SpikeBatches(parts, counts, self.batch_size, self.seed, self._current_epoch)
        device = self._device()
        keep = fits_resident(batches, device) if self.resident is None else self.resident
        return ResidentBatches(batches, device) if keep else batches

    def val_dataloader(self) -> list[Loader]:
        """What chooses the epoch, and what is scored on the way."""
        return [_in_order(self.parts["val"])]

    def test_dataloader(self) -> list[Loader]:
        whole = [StorePart(spikes) for spikes in self.tests.values()]
        return [_in_order(part) for part in (self.parts["test"], *whole)]

    def _device(self) -> torch.device:
        """Where the batches go."""
        return torch.device("cpu") if self.trainer is None else self.trainer.strategy.root_device

    def _current_epoch(self) -> int:
        return self.trainer.current_epoch if self.trainer is not None else 0

    def _class_weights(self) -> list[float]:
        """Of a training spike of each class, 1 on average; 0 of a class that has none."""
        counts = self.original.per_class(self.spike_split.counts)[:, PARTS.index("train")]
        present = counts > 0
        weights = counts.sum() / present.sum() / np.maximum(counts, 1)
        return np.where(present, weights, 0.0).tolist()

    @property
    def class_shares(self) -> np.ndarray:
        """Of each class in what the loss counts, weights included: (C,)."""
        counts = self.original.per_class(self.spike_split.counts)[:, PARTS.index("train")]
        shares = counts / counts.sum()
        if self.weigh == "classes":
            shares = shares * self._class_weights()
        if self.synthetic is not None:
            shares = shares + self.synthetic_ratio * self.synthetic.class_shares
        return shares / shares.sum()

    @property
    def mix(self) -> Mix:
        """That which the network's probabilities are for before they are calibrated."""
        return Mix(tuple(self.class_shares.tolist()), self._source_of_mix)

    @property
    def _source_of_mix(self) -> str:
        if self.weigh == "classes":
            return "as the training weighed them"
        kinds = "original and synthetic spikes" if self.synthetic is not None else "spikes"
        return f"as among the {kinds} of training"

    def _require_both_classes(self) -> None:
        held = self.original.per_class(self.original.counts)
        missing = [name for name, n in zip(self.original.classes, held, strict=True) if n == 0]
        if missing:
            raise StoreError(
                f"{self.original.path}: expected spikes of {' and '.join(self.original.classes)}, "
                f"got none of {', '.join(missing)}; add recordings of that class and extract again"
            )

    def _require_classes_in_parts(self) -> None:
        if self.spike_split.folds is not None:
            return  # a fold may lack a class, as that of one cell does
        held = self.original.per_class(self.spike_split.counts)  # (classes, parts)
        for name, of_part in zip(PARTS, held.T, strict=True):
            if not of_part.all():
                raise SplitError(
                    f"{self.original.path}: the {name} part of {of_part.sum()} spikes lacks a "
                    "class; add spikes, or set data.split=cell"
                )

    def _refuse_shared_cells(self) -> None:
        trained = self._cells("train") + self._cells("val")
        for name, spikes in self.tests.items():
            shared = {cell.cell_id for cell in trained} & {cell.cell_id for cell in spikes.cells}
            what = "cells"
            if not shared and self.split != "cell":
                trained_on, tested_on = (
                    {getattr(cell, self.split) for cell in cells} - {""}
                    for cells in (trained, spikes.cells)
                )
                shared, what = trained_on & tested_on, f"{self.split}s"
            if shared:
                raise SplitError(
                    f"data.test_stores.{name}: {len(shared)} of its {what} are trained on (first: "
                    f"{min(shared)}); take them out of {spikes.path} or of {self.original.path}"
                )

    def _refuse_trained_spikes(self) -> None:
        """By what the windows hold: neither another path nor other cell ids hide them."""
        for name, spikes in self.tests.items():
            what = ""
            if spikes.content_hash == self.original.content_hash:
                what = f"is {self.original.path}, which is trained on"
            elif spikes.made_from == self.original.content_hash:
                what = f"holds synthetic spikes made from {self.original.path}"
            elif n := int(np.isin(hash_store(spikes.windows), self._trained_hashes).sum()):
                what = f"holds {counted('spike', n)} that {'is' if n == 1 else 'are'} trained on"
            elif copies := self._copies_of_trained(spikes):
                cells = [*self.original.cells, *spikes.cells]
                sentence = copy_sentence(copies[0], cells, self.original.classes, None)
                n_pairs = counted("pair", len(copies))
                what = f"holds copies of cells that are trained on ({n_pairs}): {sentence}"
            if what:
                raise SplitError(
                    f"data.test_stores.{name}: {spikes.path} {what}; test on cells of their own, "
                    "or on the test part alone (leave data.test_stores out)"
                )

    def _copies_of_trained(self, spikes: SpikeSet) -> list[Copy]:
        """Pairs of a cell that is trained on and one of a test store, which is numbered after the
        original's, with the same spikes at another gain or polarity, filtered, or synthetic."""
        n_cells = len(self.original.cells)
        copies = copies_between(self.original, spikes)
        parts = [PARTS.index("train"), PARTS.index("val")]
        trained = self.spike_split.counts[:, parts].sum(axis=1) > 0
        return [
            copy
            for copy in copies
            if copy.kind not in (Kind.EQUAL, Kind.AGAIN)  # the first are of the test part
            and copy.first < n_cells <= copy.second
            and trained[copy.first]
        ]

    @cached_property
    def _trained_hashes(self) -> np.ndarray:
        """Of the windows that are trained on or choose the epoch: uint64 (n,)."""
        part = self.spike_split.part[:]
        trained = np.isin(part, [PARTS.index("train"), PARTS.index("val")])
        hashes = hash_store(self.original.windows)[trained]
        return hashes[hashes > 0]

    def _cells(self, part: str) -> list[Cell]:
        used = np.flatnonzero(self.spike_split.counts[:, PARTS.index(part)])
        return [self.original.cells[index] for index in used]

    def _synthetic_part(
        self, synthetic: str | Path | None, masks: str | Path | None, recipe: Recipe | None
    ) -> StorePart | OnlinePart | None:
        if synthetic is None:
            return None
        if str(synthetic) == ONLINE:
            if masks is None:
                raise SettingError(
                    "data.synthetic=online needs noise masks: cut them with `raphe masks "
                    "RECORDINGS MASKS` and set data.masks=MASKS"
                )
            return OnlinePart(
                Synthesizer(self.original, open_masks(Path(masks)), self.spike_split, recipe)
            )
        spikes = open_spikes(Path(synthetic))
        require_split(spikes, self.spike_split, self.original)
        part = StorePart(spikes, spikes.part, PARTS.index("train"), self.spike_split.of_cell)
        if not len(part):
            raise StoreError(
                f"{spikes.path}: no spike of its {spikes.n} has a parent in the training part; "
                "make more with raphe synthesize --per-class"
            )
        return part


def _in_order(part: StorePart) -> SpikeBatches:
    return SpikeBatches([part], [len(part)], EVALUATION_BATCH)


def _require_same_facts(original: SpikeSet, other: SpikeSet, name: str) -> None:
    for fact in ("n_samples", "rate_hz", "unit", "classes"):
        expected, got = getattr(original, fact), getattr(other, fact)
        same = same_rate if fact == "rate_hz" else eq
        if not same(expected, got):
            raise StoreError(
                f"{other.path} ({name}): expected {fact} {expected} as in {original.path}, got "
                f"{got}; cut both stores alike"
            )

"""One test set and what a network result, as tables and figures see it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from raphe.core.sentences import counted
from raphe.core.statistics.cell_probability import Pooling
from raphe.core.statistics.decision import Decision
from raphe.tasks.celltype.metrics.cell_level import Groups, group_cells
from raphe.tasks.celltype.metrics.predictions import Predictions
from raphe.tasks.celltype.stores.spike_set import Cell


@dataclass(frozen=True)
class SetResult:
    """A network's predictions for a set. n cells, C classes."""

    name: str
    spikes: Predictions
    classes: Sequence[str]
    known_cells: Sequence[Cell] = ()  # by the index that `spikes.cell` has, where known
    pooling: Pooling = "mean"
    decision: Decision | None = None  # settled on cells that are neither trained on nor in this set
    split: str | None = None  # by what the cells were held out; None for those of another store

    @cached_property
    def cells(self) -> Predictions:
        return self.spikes.per_cell(self.pooling)

    @property
    def one_window_each(self) -> bool:
        """Whether each cell has one window, its mean spike, so that its spikes are the cells."""
        return len(self.spikes.label) == len(self.cells.label)

    @property
    def levels(self) -> dict[str, Predictions]:
        """What is counted, "cells" and "spikes", each once."""
        return {"cells": self.cells} | ({} if self.one_window_each else {"spikes": self.spikes})

    def size_of(self, level: str) -> str:
        """ "40 cells", "1461 spikes", "60 cells, one window each"."""
        size = counted(level.removesuffix("s"), len(self.levels[level].label))
        return f"{size}, one window each" if self.one_window_each else size

    @cached_property
    def groups(self) -> Groups:
        return group_cells(self.cells, self.known_cells, split=self.split)

    def compared_within(self, predictions: Predictions) -> np.ndarray | None:
        """The fold of each row of its cells or spikes (n,), where only rows of one fold can be
        compared in an AUROC; else None."""
        return None

    @cached_property
    def stated(self) -> np.ndarray:
        """Each cell's probability as it would be told, calibrated where it can be: (n, C)."""
        probability = self.cells.probability
        return self.decision.calibration(probability) if self.decision else probability

    @cached_property
    def right(self) -> np.ndarray:
        """Whether the class with the largest stated probability is a cell's own: bool (n,)."""
        return self.stated.argmax(axis=1) == self.cells.label

    @cached_property
    def decided(self) -> np.ndarray | None:
        """Which cells are called, not "not sure": bool (n,). None without a decision."""
        return self.decision.not_sure.decided(self.stated) if self.decision else None

    @property
    def calibrated(self) -> bool:
        return self.decision is not None and self.decision.calibrated

    @property
    def decided_how(self) -> str:
        """Of a set with a decision, in sentences."""
        assert self.decision is not None
        return (
            f"Verdicts, {self.decision.calibration_statement()}; called at P ≥ "
            f"{self.decision.not_sure.threshold:.3f}."
        )

    def cell_name(self, index: int) -> str:
        """Of the cell with this index in its store."""
        return self.spikes.cell_ids[index] if self.spikes.cell_ids else str(index)

"""The test cells of all folds of a cross-validation as one set.

n cells of a fold or of all, C classes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from raphe.core.statistics.calibration import FEWEST_ITEMS, items_wanted
from raphe.tasks.celltype.evaluation.baseline_cells import BaselineCells
from raphe.tasks.celltype.metrics.cell_level import Groups, group_cells
from raphe.tasks.celltype.metrics.fold_auroc import FoldComparison
from raphe.tasks.celltype.metrics.predictions import Predictions
from raphe.tasks.celltype.metrics.set_result import SetResult

POOLED = "pooled"  # its name
SEED = 0  # of the simulated chance level


@dataclass(frozen=True)
class Fold:
    """What the chosen networks of one fold say of its test cells."""

    number: int
    chosen: Mapping[str, int]  # what tells each chosen network, and how often it counts
    monitored: float  # metric on the validation part, mean over the chosen
    n_validation: int  # cells
    spikes: Predictions  # by the index of the cell in the store
    cells: Predictions
    stated: np.ndarray  # calibrated where there were validation cells enough, (n, C)
    decided: np.ndarray  # bool (n,)
    baselines: BaselineCells | None

    @property
    def right(self) -> np.ndarray:
        """As SetResult.right: bool (n,)."""
        return self.stated.argmax(axis=1) == self.cells.label


@dataclass(frozen=True)
class PooledResult(SetResult):
    """Each cell is in the test part of one fold, and called by what that fold chose."""

    folds: Sequence[Fold] = ()
    group_by: Sequence[str] = ("day", "animal")

    @classmethod
    def of(cls, folds: Sequence[Fold], group_by: Sequence[str], **facts) -> "PooledResult":
        """`facts` are the classes, the known cells and the pooling."""
        ids = [cell.cell_id for cell in facts["known_cells"]]
        spikes = _joined([fold.spikes for fold in folds], ids)
        return cls(POOLED, spikes, folds=folds, group_by=group_by, **facts)

    @cached_property
    def by_index(self) -> np.ndarray:
        """Rows of the folds' cells, one fold after the other, by the cell's index: (n,)."""
        return np.argsort(np.concatenate([fold.cells.cell for fold in self.folds]))

    @cached_property
    def cells(self) -> Predictions:
        return _joined([fold.cells for fold in self.folds], self.spikes.cell_ids, self.by_index)

    @cached_property
    def groups(self) -> Groups:
        return group_cells(self.cells, self.known_cells, self.group_by, self.split)

    @cached_property
    def stated(self) -> np.ndarray:
        """(n, C), see SetResult."""
        return np.concatenate([fold.stated for fold in self.folds])[self.by_index]

    @cached_property
    def decided(self) -> np.ndarray:
        """bool (n,), see SetResult."""
        return np.concatenate([fold.decided for fold in self.folds])[self.by_index]

    @property
    def calibrated(self) -> bool:
        """Of any fold."""
        return any(not items_wanted(fold.n_validation) for fold in self.folds)

    @property
    def decided_how(self) -> str:
        sizes = sorted(fold.n_validation for fold in self.folds)
        n = f"{sizes[0]} to {sizes[-1]}" if sizes[0] < sizes[-1] else f"{sizes[0]}"
        chosen = f"The band was chosen in each fold on its own {n} validation cells."
        wanted = items_wanted(sizes[0])
        if not wanted:
            return f"Verdicts are calibrated. {chosen}"
        if self.calibrated:
            return f"{chosen} Verdicts are calibrated in folds of {FEWEST_ITEMS} of them or more."
        return f"Verdicts are not calibrated: that takes {wanted} more validation cells. {chosen}"

    @property
    def fold_of_cell(self) -> np.ndarray:
        """(n,)"""
        numbers = [np.full(len(fold.cells.cell), fold.number) for fold in self.folds]
        return np.concatenate(numbers)[self.by_index]

    def compared_within(self, predictions: Predictions) -> np.ndarray | None:
        """See SetResult; None too where most cells are in folds of one class."""
        if not self.comparison.stands_for_all:
            return None
        return self.fold_of_cell[np.searchsorted(self.cells.cell, predictions.cell)]

    @cached_property
    def comparison(self) -> FoldComparison:
        """The AUROC within folds, and what it is by chance over all of them."""
        group = self.groups.of_cell[self.cells.cell]
        rng = np.random.default_rng(SEED)
        return FoldComparison.of(self.cells, self.fold_of_cell, group, rng)

    @cached_property
    def baselines(self) -> BaselineCells | None:
        """Those that every fold has; None where one has none at all."""
        parts = [fold.baselines for fold in self.folds if fold.baselines is not None]
        if len(parts) < len(self.folds):
            return None
        names = [name for name in parts[0].names if all(name in part.names for part in parts)]
        rows = [[part.names.index(name) for name in names] for part in parts]
        probability = [part.probability[row] for part, row in zip(parts, rows, strict=True)]
        order = np.argsort(np.concatenate([part.cell for part in parts]))
        facts = {
            name: np.concatenate([getattr(part, name) for part in parts])[order]
            for name in ("cell", "label", "n_spikes")
        }
        return BaselineCells(
            names, probability=np.concatenate(probability, axis=1)[:, order], **facts
        )


def _joined(
    parts: Sequence[Predictions], cell_ids: Sequence[str], order: np.ndarray | slice = slice(None)
) -> Predictions:
    arrays = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts])[order]
        for field in fields(Predictions)
        if field.name != "cell_ids"
    }
    return Predictions(**arrays, cell_ids=cell_ids)

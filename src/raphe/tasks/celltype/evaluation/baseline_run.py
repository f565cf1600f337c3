"""The baselines on a data module's own split, with predictions like the network's."""

from collections.abc import Iterator

import numpy as np

from raphe.core.statistics.splits import PARTS
from raphe.tasks.celltype.evaluation.baselines import (
    KINDS,
    MOST_SPIKES,
    Baseline,
    Columns,
    columns_of,
)
from raphe.tasks.celltype.features.firing import firing_of_cells
from raphe.tasks.celltype.metrics.predictions import Predictions
from raphe.tasks.celltype.stores.spike_set import SpikeSet, baseline_of
from raphe.tasks.celltype.stores.subsampling import balanced_subsample_of_blocks
from raphe.tasks.celltype.training.data import CellTypeData
from raphe.tasks.celltype.training.parts import StorePart

SPIKES_AT_ONCE = 8192
MOST_TIMED = 2**22  # spikes of a store whose times are looked at: 0.2 GB for so many


class TrainedBaselines:
    """Every baseline that the spikes allow, trained on the training part's own spikes.

    Those that look at firing are left out where no cell's spike times are known, the one that
    looks at sources where these are not. A test set's firing is that of each whole cell, also where
    its spikes are split.
    """

    def __init__(self, data: CellTypeData, seed: int = 42) -> None:
        self.data, self.seed = data, seed
        spikes, train = data.original, _part(data, "train")
        self._firing = {"test": _firing(spikes)}
        drawn = self._drawn(train, MOST_SPIKES)
        self._sources = sorted({cell.source for cell in spikes.cells} - {""})
        columns = self._read(spikes, drawn, self._firing["test"])
        available = {
            "firing": np.isfinite(self._firing["test"]).any(),
            "source": len(self._sources) > 0,
        }
        self._trained = {
            name: Baseline(name, len(spikes.classes), seed).fit(columns, spikes.label[drawn])
            for name, kind in KINDS.items()
            if available.get(kind.columns, True)
        }
        self.facts: dict[str, float] = {
            "n_train_spikes": len(drawn),
            "n_train_spikes_available": len(train),
            "n_train_cells": len(np.unique(spikes.cell[drawn])),
            "seed": seed,
        }
        if len(spikes.classes) == 2:
            self.facts["udi_threshold_ms"] = self._trained["udi_threshold"].threshold()

    def predictions(self, most_a_cell: int | None = None) -> dict[str, dict[str, Predictions]]:
        """Each baseline's answer for each test set, in the order of the network's spikes.

        `most_a_cell`: so many spikes a cell on average at most; None: all of them.
        """
        of_sets = {name: self._ask(part, name, most_a_cell) for name, part in self._tests().items()}
        return {
            name: {test_set: predictions[name] for test_set, predictions in of_sets.items()}
            for name in self._trained
        }

    def of_validation(self, most_a_cell: int | None = None) -> dict[str, Predictions]:
        """Each baseline's answer for the validation part, as above."""
        return self._ask(_part(self.data, "val"), "test", most_a_cell)

    def _ask(
        self, part: StorePart, firing_of: str, most_a_cell: int | None
    ) -> dict[str, Predictions]:
        spikes = part.spikes
        if firing_of not in self._firing:
            self._firing[firing_of] = _firing(spikes)
        n_most = None if most_a_cell is None else most_a_cell * len(spikes.cells)
        rows = part.rows if n_most is None else self._drawn(part, n_most)
        parts: dict[str, list[np.ndarray]] = {name: [] for name in self._trained}
        for start in range(0, len(rows), SPIKES_AT_ONCE):
            block = rows[start : start + SPIKES_AT_ONCE]
            columns = self._read(spikes, block, self._firing[firing_of])
            for name, baseline in self._trained.items():
                parts[name].append(baseline.predict(columns))
        return {
            name: _predictions(np.concatenate(probability), spikes, rows)
            for name, probability in parts.items()
        }

    def _read(self, spikes: SpikeSet, rows: np.ndarray, firing: np.ndarray) -> Columns:
        """What every kind may look at, of these rows; `firing` is of the cells."""
        baseline_ms, cell = baseline_of(spikes.facts), spikes.cell[rows]
        columns = columns_of(spikes.read(rows), spikes.rate_hz, baseline_ms, firing[cell])
        source = [[cell.source == name for name in self._sources] for cell in spikes.cells]
        columns["source"] = np.array(source, float).reshape(len(spikes.cells), -1)[cell]
        return columns

    def _tests(self) -> dict[str, StorePart]:
        whole = {name: StorePart(spikes) for name, spikes in self.data.tests.items()}
        return {"test": _part(self.data, "test"), **whole}

    def _drawn(self, part: StorePart, n_most: int) -> np.ndarray:
        """Rows of a part, evenly over its cells: ascending int64."""
        spikes, column = part.spikes, part.column
        counts = spikes.counts
        if column is not None:
            counts = self.data.spike_split.counts[:, part.number]
        rng = np.random.default_rng(self.seed)
        return balanced_subsample_of_blocks(_rows_and_cells(part), counts, n_most, rng)


def _part(data: CellTypeData, name: str) -> StorePart:
    return StorePart(data.original, data.spike_split.part, PARTS.index(name))


def _rows_and_cells(part: StorePart) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The part's rows and their cells, block by block."""
    for start, cell in part.spikes.cell.blocks():
        in_part = np.arange(len(cell))
        if part.column is not None:
            in_part = np.flatnonzero(part.column[start : start + len(cell)] == part.number)
        yield start + in_part, cell[in_part]


def _firing(spikes: SpikeSet) -> np.ndarray:
    if spikes.n > MOST_TIMED:
        return np.full((len(spikes.cells), 2), np.nan)
    return firing_of_cells(spikes)


def _predictions(probability: np.ndarray, spikes: SpikeSet, rows: np.ndarray) -> Predictions:
    return Predictions(
        probability=probability,
        sigmoid=probability,
        label=spikes.label[rows].astype(np.int64),
        cell=spikes.cell[rows].astype(np.int64),
        cell_ids=[cell.cell_id for cell in spikes.cells],
    )

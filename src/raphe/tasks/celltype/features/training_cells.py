"""The cells of training in statistics: each of all its spikes, and of its first few alone.

N spikes, T samples a window, n cells.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from raphe.core.files.store import open_store
from raphe.tasks.celltype.features.cell_statistics import (
    SPIKES_OF_A_CELL,
    baseline_samples,
    cell_statistics,
)
from raphe.tasks.celltype.features.firing import first_spikes, trains_of_cells
from raphe.tasks.celltype.features.spike_shapes import mean_spike
from raphe.tasks.celltype.stores.spike_set import Cell, SpikeSet, baseline_of
from raphe.tasks.celltype.stores.subsampling import evenly_spaced

FEWEST_GROUPS = 5  # days or animals that can be left out in turn; with fewer, cells are
MOST_FOLDS = 20
FOLD_SEED = 42


@dataclass(frozen=True)
class DescribedCell:
    """A cell in its statistics and its mean spike."""

    statistics: dict[str, float]
    spike: np.ndarray  # float64 (T,), see `mean_spike`


@dataclass(frozen=True)
class TrainingCells:
    """All cells of training; `few` by how many of their first spikes they are described."""

    cells: list[Cell]
    n_spikes: np.ndarray  # int64 (n,)
    described: list[DescribedCell]
    few: dict[int, list[DescribedCell]]

    def __len__(self) -> int:
        return len(self.cells)


def training_cells(spikes: SpikeSet, rows: np.ndarray, few: Sequence[int]) -> TrainingCells:
    """Describe the cells of these rows, int64 (N,), also from so `few` of their spikes each.

    The waveforms are those of the rows; the times are of all the cell's spikes in the store, as a
    row that is left out leaves no gap in how a cell fires.
    """
    cell = spikes.cell[rows]
    order = np.argsort(cell, kind="stable")
    rows_of_cells = np.split(rows[order], np.flatnonzero(np.diff(cell[order])) + 1)
    indices = np.unique(cell)
    baseline_ms = baseline_of(spikes.facts)
    n_baseline = baseline_samples(spikes.n_samples, spikes.rate_hz, baseline_ms)
    trains, recorded_hz = trains_of_cells(spikes), recorded_rates(spikes)
    cells = [spikes.cells[index] for index in indices]
    described: dict[int | None, list[DescribedCell]] = {n: [] for n in (None, *few)}
    for index, of_cell, rows_of_cell in zip(indices, cells, rows_of_cells, strict=True):
        windows = spikes.read(rows_of_cell[evenly_spaced(len(rows_of_cell), SPIKES_OF_A_CELL)])
        for n in described:
            some = windows[:n]
            statistics = cell_statistics(
                some,
                spikes.rate_hz,
                spikes.unit,
                baseline_ms,
                trains[index] if n is None else first_spikes(trains[index], n),
                recorded_hz.get(of_cell.cell_id),
            )
            described[n].append(DescribedCell(statistics, mean_spike(some, n_baseline)))
    counts = np.array([len(rows_of_cell) for rows_of_cell in rows_of_cells])
    return TrainingCells(cells, counts, described[None], {n: described[n] for n in few})


def folds(cells: Sequence[Cell]) -> tuple[str, np.ndarray]:
    """How cells are left out in turn: by day, animal or cell, and the fold of each, int64 (n,).

    Days where FEWEST_GROUPS or more are known, else animals, else each cell by itself; at most
    MOST_FOLDS folds.
    """
    rng = np.random.default_rng(FOLD_SEED)
    for kind in ("day", "animal"):
        names = np.array([getattr(cell, kind) for cell in cells])
        known, group = np.unique(names, return_inverse=True)
        if len(known) >= FEWEST_GROUPS and (names != "").all():
            return kind, (rng.permutation(len(known)) % MOST_FOLDS)[group]
    return "cell", rng.permutation(len(cells)) % MOST_FOLDS


def recorded_rates(spikes: SpikeSet) -> Mapping[str, float]:
    """The rate that each cell was recorded at, the lowest of several; none where unknown."""
    rates: dict[str, float] = {}
    if "recordings" in spikes.facts.get("tables", {}):
        for row in open_store(spikes.path).tables["recordings"]:
            rate_hz = float(row["rate_hz"])
            rates[row["cell_id"]] = min(rate_hz, rates.get(row["cell_id"], rate_hz))
    return rates

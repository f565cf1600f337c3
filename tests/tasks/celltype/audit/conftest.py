"""Stores of few cells, and a trainer that trains nothing: what its networks say is planted."""

from collections.abc import Callable, Sequence
from types import SimpleNamespace

import numpy as np
import pytest

from raphe.core.protocol import FitSettings
from raphe.core.statistics.splits import PARTS
from raphe.tasks.celltype.metrics.predictions import Predictions
from raphe.tasks.celltype.stores.spike_set import Cell
from raphe.tasks.celltype.stores.spike_store import SpikeStoreWriter
from raphe.tasks.celltype.training.data import CellTypeData

CLASSES = ("SER", "NSER")
PER_CELL, N_SAMPLES = 6, 16

# Of a cell, those trained on, and a generator: how far it is called its class, in SD of noise.
Knows = Callable[[Cell, Sequence[Cell], np.random.Generator], float]


class PlantedFit:
    """A `Fit` whose networks know of a test cell what `knows` says.

    Raises KeyboardInterrupt in the training numbered `interrupted_in`.
    """

    def __init__(self, knows: Knows, interrupted_in: int | None = None) -> None:
        self.knows, self.interrupted_in = knows, interrupted_in
        self.names: list[str] = []

    def __call__(
        self, name: str, build_model: Callable, data: CellTypeData, settings: FitSettings
    ) -> SimpleNamespace:
        self.names.append(name)
        if len(self.names) == self.interrupted_in:
            raise KeyboardInterrupt
        rng = np.random.default_rng(len(self.names))
        spikes, rows = data.original, data.spike_split.rows("test")
        trained = [
            spikes.cells[index]
            for index in np.flatnonzero(data.spike_split.counts[:, PARTS.index("train")])
        ]
        towards_first = {
            index: (1 - 2 * cell.label) * self.knows(cell, trained, rng) + rng.normal()
            for index, cell in enumerate(spikes.cells)
        }
        cell = spikes.cell[rows]
        first = 1 / (1 + np.exp(-np.array([towards_first[index] for index in cell])))
        probability = np.stack([first, 1 - first], axis=1)
        ids = [of_store.cell_id for of_store in spikes.cells]
        label = spikes.label[rows].astype(np.int64)
        return SimpleNamespace(
            predictions={"test": Predictions(probability, probability, label, cell, ids)}
        )


@pytest.fixture
def make_store(tmp_path):
    """A store of such cells, PER_CELL spikes of noise each."""

    def make(cells: Sequence[Cell], name: str = "store", note: str = ""):
        rng = np.random.default_rng(1)
        with SpikeStoreWriter(tmp_path / name, CLASSES, N_SAMPLES) as writer:
            for number, cell in enumerate(cells):
                windows = rng.normal(size=(PER_CELL, N_SAMPLES)).astype(np.float32)
                writer.add(cell, windows, 10_000 * number + np.arange(PER_CELL))
            return writer.finish(40_000.0, "pA", {"note": note})

    return make


def _day(number: int) -> str:
    return f"2026-{1 + number // 28:02d}-{1 + number % 28:02d}"


@pytest.fixture
def cells_on_days():
    """Cells of the two classes in turn, on days that hold both, or each class on its own."""

    def make(n_cells: int, n_days: int, *, of_one_class: bool = False) -> list[Cell]:
        cells = []
        for i in range(n_cells):
            label, rank = i % 2, i // 2
            on = label * (n_days // 2) + rank % (n_days // 2) if of_one_class else rank % n_days
            cells.append(Cell(f"c{i:02d}", label, _day(on)))
        return cells

    return make


@pytest.fixture
def planted_fit():
    return PlantedFit

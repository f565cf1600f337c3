"""Write a store of labelled spike windows.

N spikes, T samples a window.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.errors import StoreError
from raphe.core.files.store import StoreWriter
from raphe.tasks.celltype.stores.spike_set import Cell
from raphe.tasks.celltype.stores.stored_spikes import KIND, cell_rows


class SpikeStoreWriter:
    """Write a spike store cell by cell, in constant memory; see StoreWriter for what a kill does.

    Cells of one id are one cell. Raises StoreError when they differ in class.
    """

    def __init__(
        self,
        path: Path,
        classes: Sequence[str],
        n_samples: int,
        overwrite: bool = False,
    ):
        self.classes = tuple(classes)
        self.cells: dict[str, Cell] = {}
        self.counts: list[int] = []
        self._index: dict[str, int] = {}
        self._writer = StoreWriter(
            path,
            {
                "spikes": ((n_samples,), "float32"),
                "label": ((), "uint8"),
                "cell": ((), "int32"),
                "trigger": ((), "int64"),
                "sweep": ((), "int32"),
            },
            overwrite,
        )

    def __enter__(self) -> "SpikeStoreWriter":
        return self

    def __exit__(self, *exception: Any) -> None:
        self._writer.__exit__(*exception)

    @property
    def n(self) -> int:
        return self._writer.n

    def add(
        self,
        cell: Cell,
        waveforms: np.ndarray,
        trigger: np.ndarray,
        sweep: np.ndarray | None = None,
    ) -> None:
        """Append spikes of one cell: (n, T), (n,), (n,). A cell without spikes is left out."""
        self.add_mixed([cell], np.zeros(len(waveforms), np.int32), waveforms, trigger, sweep)

    def add_mixed(
        self,
        cells: Sequence[Cell],
        cell: np.ndarray,
        waveforms: np.ndarray,
        trigger: np.ndarray,
        sweep: np.ndarray | None = None,
    ) -> None:
        """Append spikes of several cells; `cell` (n,) says which of `cells` each belongs to."""
        own = np.zeros(len(cells), np.int32)
        for used, count in zip(*np.unique(cell, return_counts=True), strict=True):
            own[used] = self._register(cells[used], int(count))
        label = np.array([one.label for one in cells], np.uint8)
        self._writer.append(
            spikes=waveforms,
            label=label[cell],
            cell=own[cell],
            trigger=trigger,
            sweep=np.zeros(len(cell), np.int32) if sweep is None else sweep,
        )

    def _register(self, cell: Cell, n_spikes: int) -> int:
        known = self.cells.setdefault(cell.cell_id, cell)
        if known.label != cell.label:
            raise StoreError(
                f"cell {cell.cell_id} is {self.classes[known.label]} in one place and "
                f"{self.classes[cell.label]} in another; a cell has one class, rename or remove one"
            )
        index = self._index.setdefault(cell.cell_id, len(self._index))
        if index == len(self.counts):
            self.counts.append(0)
        self.counts[index] += n_spikes
        return index

    def per_class(self) -> dict[str, tuple[int, int]]:
        """Cells and spikes of each class so far."""
        totals = dict.fromkeys(self.classes, (0, 0))
        for cell, count in zip(self.cells.values(), self.counts, strict=True):
            n_cells, n_spikes = totals[self.classes[cell.label]]
            totals[self.classes[cell.label]] = (n_cells + 1, n_spikes + count)
        return totals

    def finish(
        self,
        rate_hz: float,
        unit: str,
        facts: dict[str, Any],
        tables: dict[str, list[dict[str, Any]]] | None = None,
    ) -> Path:
        rows = cell_rows(self.cells.values(), self.classes, self.counts)
        manifest = {
            "kind": KIND,
            "classes": list(self.classes),
            "rate_hz": rate_hz,
            "unit": unit,
            **facts,
        }
        return self._writer.finish(manifest, {"cells": rows, **(tables or {})})

"""Labelled spike windows as every reader sees them, wherever they lie.

N spikes, T samples a window.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from raphe.core.sentences import counted
from raphe.tasks.celltype.spikes.time_axis import TimeAxis
from raphe.tasks.celltype.stores.lazy_array import LazyArray, LookedUp

# The published windows begin 1 ms before the threshold is crossed, the earliest of their spikes
# 0.36 ms before its trough.
BASELINE_MS = 0.5
OnCopies = Literal["refuse", "join"]  # where two cells hold the same spikes
SYNTHETIC_FACT = "synthetic"  # of a store whose spikes have the names of synthetic ones
SYNTHETIC_NOTE = (
    "These spikes are synthetic: many were made from each recorded one, so figures on them say "
    "little about recorded spikes."
)
BASELINE_FACT = "baseline_ms"  # of a store whose windows ask for another


@dataclass(frozen=True)
class Cell:
    """One recorded cell; `day` (YYYY-MM-DD), `animal` and `source` are "" where not known.

    Cells of one `group` hold the same spikes, and no split divides them; "" of a cell without copy.
    """

    cell_id: str
    label: int  # index into the classes
    day: str = ""
    animal: str = ""
    source: str = ""  # the laboratory, rig or set that it comes from
    group: str = ""  # id of the first of its copies


@dataclass
class SpikeSet:
    """Labelled windows, all of which stay on disk; a pickled set opens them anew.

    Of the authors' arrays, `content_hash` covers labels, cells, and 64 blocks of each file of
    observations, and begins with "sampled-" to say so.
    """

    path: Path
    classes: tuple[str, ...]
    rate_hz: float
    unit: str
    windows: LazyArray  # float32 (N, T) in `unit`
    cell: LazyArray  # int (N,), index into cells
    trigger: LazyArray  # int64 (N,), crossing's sample in the recording; -1 unknown
    cells: list[Cell]
    counts: np.ndarray  # int64 (cells,): spikes of each
    content_hash: str
    facts: dict[str, Any] = field(repr=False)  # the manifest
    reopen: tuple[Callable[..., "SpikeSet"], tuple[Any, ...]] = field(repr=False)
    part: LazyArray | None = None  # uint8 (N,) of synthetic spikes: the parent's, index into PARTS

    def __post_init__(self) -> None:
        assert len(self.windows) == len(self.cell) == self.counts.sum()
        self.label_of_cell = np.array([cell.label for cell in self.cells], np.uint8)  # (cells,)
        self.label = LazyArray(LookedUp(self.cell, self.label_of_cell))  # uint8 (N,)

    @property
    def n(self) -> int:
        return len(self.windows)

    def __len__(self) -> int:
        return self.n

    @property
    def n_samples(self) -> int:
        return self.windows.shape[1]

    @property
    def is_synthetic(self) -> bool:
        """Whether its spikes were made from recorded ones."""
        return self.part is not None or self.facts.get(SYNTHETIC_FACT, False)

    @property
    def made_from(self) -> str | None:
        """The content hash of the store whose spikes were the parents of synthetic ones."""
        return self.facts.get("made_from", {}).get("spikes")

    @property
    def note(self) -> str:
        """What must stand beside every result from these spikes, or ""."""
        note = self.facts.get("note", "")
        return f"{SYNTHETIC_NOTE} {note}".strip() if self.is_synthetic else note

    @property
    def time_axis(self) -> TimeAxis:
        return TimeAxis(self.rate_hz, self.facts.get("cut", {}).get("pre_ms"))

    @property
    def contents(self) -> str:
        """What it holds in words: "60 cells (30 SER, 30 NSER), 4321 spikes"."""
        n_cells = self.per_class(np.ones(len(self.cells), np.int64))
        of_class = ", ".join(f"{n} {name}" for n, name in zip(n_cells, self.classes, strict=True))
        return f"{counted('cell', len(self.cells))} ({of_class}), {counted('spike', self.n)}"

    def per_class(self, counts: np.ndarray) -> np.ndarray:
        """Sums over the cells of each class: int64 (classes, …) of counts (cells, …)."""
        sums = np.zeros((len(self.classes), *counts.shape[1:]), np.int64)
        np.add.at(sums, self.label_of_cell, counts)
        return sums

    def read(self, rows: np.ndarray | slice) -> np.ndarray:
        """Waveforms of these rows, in their order: float32 (len(rows), T) in `unit`."""
        return self.windows[rows]

    def __reduce__(self) -> tuple[Any, ...]:
        return self.reopen


def baseline_of(facts: Mapping[str, Any]) -> float:
    """How much of each window's start is baseline, in ms, for windows of a store with such facts.

    0 for windows whose own zero is their baseline, as of high-passed voltages.
    """
    return float(facts.get(BASELINE_FACT, BASELINE_MS))

"""Labelled spike windows as every reader sees them, wherever they lie.

N spikes, T samples a window.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np


@dataclass(frozen=True)
class Cell:
    """One recorded cell; `day` (YYYY-MM-DD) and `animal` are "" where they are not known."""

    cell_id: str
    label: int  # index into the classes
    day: str = ""
    animal: str = ""


class Windows(Protocol):
    """Waveforms that stay on disk until they are read."""

    def __len__(self) -> int: ...

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Waveforms of these rows, in their order: float32 (len(rows), T)."""


@dataclass(frozen=True)
class StoredWaveforms:
    """The waveforms of a store, memory-mapped."""

    waveforms: np.ndarray  # float32 (N, T)

    def __len__(self) -> int:
        return len(self.waveforms)

    def read(self, rows: np.ndarray) -> np.ndarray:
        return np.asarray(self.waveforms[rows])


class Joined:
    """Arrays on disk, one after the other; `[rows]` reads those rows alone."""

    def __init__(self, parts: Sequence[Any], read: Callable[[Any, np.ndarray], np.ndarray]):
        self._parts, self._read = parts, read
        self._stops = np.cumsum([len(part) for part in parts])

    def __len__(self) -> int:
        return int(self._stops[-1])

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """Items of these rows (n,), in their order: (n, …)."""
        rows = np.asarray(rows)
        which = np.searchsorted(self._stops, rows, side="right")
        out = None
        for number in np.unique(which).tolist():
            here, part = np.flatnonzero(which == number), self._parts[number]
            items = self._read(part, rows[here] - (self._stops[number] - len(part)))
            if out is None:
                out = np.empty((len(rows), *items.shape[1:]), items.dtype)
            out[here] = items
        return self._read(self._parts[0], rows) if out is None else out


@dataclass
class SpikeSet:
    """Labelled windows. The waveforms stay on disk until `read`; a pickled set opens them anew.

    Of the authors' arrays, `content_hash` covers labels, cells, and 64 blocks of each file of
    observations, and begins with "sampled-" to say so.
    """

    path: Path
    classes: tuple[str, ...]
    rate_hz: float
    unit: str
    n_samples: int  # T
    label: np.ndarray  # uint8 (N,)
    cell: np.ndarray  # int32 (N,), index into cells
    trigger: np.ndarray | Joined  # int64 (N,), crossing's sample in the recording; -1 unknown
    cells: list[Cell]
    content_hash: str
    facts: dict[str, Any] = field(repr=False)  # the manifest
    parts: Sequence[Windows] = field(repr=False)  # one after the other
    reopen: tuple[Callable[..., "SpikeSet"], tuple[Any, ...]] = field(repr=False)
    side: np.ndarray | None = None  # uint8 (N,) of synthetic spikes: the parent's part, in PARTS

    def __post_init__(self) -> None:
        self._windows = Joined(self.parts, lambda part, rows: part.read(rows))
        assert len(self._windows) == self.n

    @property
    def n(self) -> int:
        return len(self.label)

    def __len__(self) -> int:
        return self.n

    @property
    def note(self) -> str:
        """A sentence that must stand beside every result from these spikes, or ""."""
        return self.facts.get("note", "")

    def read(self, rows: np.ndarray | slice) -> np.ndarray:
        """Waveforms of these rows, in their order: float32 (len(rows), T) in `unit`."""
        if isinstance(rows, slice):
            rows = np.arange(*rows.indices(self.n))
        rows = np.asarray(rows)
        if rows.size and not 0 <= rows.min() <= rows.max() < self.n:
            raise IndexError(f"rows {rows.min()} to {rows.max()} asked of {self.n} spikes")
        return self.parts[0].read(rows) if len(self.parts) == 1 else self._windows[rows]

    def __reduce__(self) -> tuple[Any, ...]:
        return self.reopen

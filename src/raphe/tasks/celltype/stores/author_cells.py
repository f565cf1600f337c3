"""What the names of the authors' spikes tell: the cell and the trigger of each.

N spikes, n of them at once.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np

from raphe.core.errors import StoreError
from raphe.tasks.celltype.recordings.names import parse_window_name
from raphe.tasks.celltype.stores.columns import Column

NAMES_KEPT = 2**16  # synthetic spikes of one parent share its name


class Triggers:
    """The triggers that the names of spikes tell: int64 (N,), -1 unknown."""

    def __init__(self, names: Column) -> None:
        self.names, self.dtype, self.shape = names, np.dtype(np.int64), names.shape[:1]

    def __len__(self) -> int:
        return len(self.names)

    def read(self, starts: np.ndarray, stops: np.ndarray, out: np.ndarray) -> None:
        out[:] = self._parse(self.names.read(starts, stops))

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        return self._parse(self.names[rows])

    def _parse(self, names: np.ndarray) -> np.ndarray:
        return np.array([parse_window_name(name)[1] for name in texts_of(names)], np.int64)


class CellIndex:
    """The cells that names tell, numbered as they come, and their classes; block by block.

    A cell of two classes is refused.
    """

    def __init__(self, labels: Path, cellulars: Path, n: int) -> None:
        self.labels, self.cellulars = labels, cellulars
        self.cell = np.empty(n, np.uint16)
        self.label_of_cell = np.empty(0, np.uint8)
        self._numbers: dict[str, int] = {}
        self._first: list[tuple[int, str]] = []  # row and name of each cell's first spike
        self._parse = lru_cache(NAMES_KEPT)(parse_window_name)

    @property
    def cell_ids(self) -> list[str]:
        return list(self._numbers)

    def add(self, start: int, label: np.ndarray, names: np.ndarray) -> None:
        """Take the labels uint8 (n,) and names of the rows from `start` on. Raises StoreError."""
        texts = texts_of(names)
        here = np.array([self._number(name) for name in texts], np.uint32)
        found, at = np.unique(here, return_index=True)
        new = at[found >= len(self._first)]
        self._first += [(start + row, texts[row]) for row in new.tolist()]
        self.label_of_cell = np.append(self.label_of_cell, label[new])
        wrong = np.flatnonzero(label != self.label_of_cell[here])
        if len(wrong):
            self._refuse(start, int(wrong[0]), here, label, texts)
        if len(self._first) > np.iinfo(self.cell.dtype).max:
            self.cell = self.cell.astype(np.uint32)
        self.cell[start : start + len(here)] = here

    def _number(self, name: str) -> int:
        return self._numbers.setdefault(self._parse(name)[0], len(self._numbers))

    def _refuse(
        self, start: int, row: int, cell: np.ndarray, label: np.ndarray, texts: list[str]
    ) -> None:
        first_row, first_name = self._first[cell[row]]
        raise StoreError(
            f"{self.cellulars}: {first_name!r} (row {first_row}, label "
            f"{self.label_of_cell[cell[row]]}) and {texts[row]!r} (row {start + row}, label "
            f"{label[row]}) are spikes of one cell, {self.cell_ids[cell[row]]}, but differ in "
            f"class; correct {self.labels.name}"
        )


def texts_of(names: np.ndarray) -> list[str]:
    return names.reshape(-1).astype(str).tolist()

"""What the validation cells of a split are exchangeable with, and so what they can promise."""

from collections.abc import Iterable, Sequence

import numpy as np

from raphe.core.statistics.abstention import HeldOut
from raphe.tasks.celltype.stores.spike_set import Cell


def held_out_units(split: str, cells: Sequence[Cell]) -> HeldOut:
    """Of a part's cells (n,) held out by cell, day, animal or source.

    Split by cell, held-out cells are of the same days as those trained on, where days are known:
    what is promised holds for more cells of these, copies of one counting as one. Split otherwise,
    it holds for new days, animals or sources.
    """
    if split not in ("cell", "spike"):
        return HeldOut(unit=split, unit_of_item=_numbered(getattr(cell, split) for cell in cells))
    copied = any(cell.group for cell in cells)
    units = _numbered(cell.group or cell.cell_id for cell in cells) if copied else None
    shared = next((noun for noun in ("day", "animal") if _known(noun, cells)), "")
    of_item = _numbered(getattr(cell, shared) for cell in cells) if shared else None
    return HeldOut(unit_of_item=units, shared=shared, shared_of_item=of_item)


def _numbered(names: Iterable[str]) -> np.ndarray:
    return np.unique(list(names), return_inverse=True)[1]


def _known(noun: str, cells: Sequence[Cell]) -> bool:
    return bool(cells) and all(getattr(cell, noun) for cell in cells)

"""What the validation cells of a split are exchangeable with, and so what they can promise."""

from collections.abc import Sequence

import numpy as np

from raphe.core.statistics.abstention import HeldOut
from raphe.tasks.celltype.stores.spike_set import Cell


def held_out_units(split: str, cells: Sequence[Cell]) -> HeldOut:
    """Of a part's cells (n,) held out by cell, day, animal or source.

    Split by cell, held-out cells are of the same days as those trained on, where days are known:
    what is promised holds for more cells of these. Split otherwise, it holds for new days, animals
    or sources.
    """
    if split not in ("cell", "spike"):
        names = [getattr(cell, split) for cell in cells]
        return HeldOut(unit=split, unit_of_item=np.unique(names, return_inverse=True)[1])
    shared = next((noun for noun in ("day", "animal") if _known(noun, cells)), "")
    return HeldOut(shared=shared)


def _known(noun: str, cells: Sequence[Cell]) -> bool:
    return bool(cells) and all(getattr(cell, noun) for cell in cells)

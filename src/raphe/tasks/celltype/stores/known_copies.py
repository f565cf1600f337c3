"""Copies of one store in another, looked for once in a process: each member of a sweep asks."""

import numpy as np

from raphe.tasks.celltype.stores.copies import Copy, find_copies
from raphe.tasks.celltype.stores.lazy_array import InMemory, LazyArray
from raphe.tasks.celltype.stores.spike_set import SpikeSet

_found: dict[tuple[str, str], list[Copy]] = {}  # by the content hashes of both


def copies_between(first: SpikeSet, second: SpikeSet) -> list[Copy]:
    """Pairs of cells that hold the same spikes, see find_copies; the second's cells are numbered
    after the first's. A store never changes: what has its content has its copies."""
    key = first.content_hash, second.content_hash
    if key not in _found:
        numbers = np.asarray(second.cell[:]) + len(first.cells)
        _found[key] = find_copies(
            LazyArray(first.windows, second.windows),
            LazyArray(first.cell, InMemory(numbers)),
            LazyArray(first.trigger, second.trigger),
        )
    return _found[key]

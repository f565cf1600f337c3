"""Copies in a store, which stand on both sides of every split that does not know of them."""

from collections.abc import Iterator, Sequence

from raphe.core.sentences import counted
from raphe.tasks.celltype.stores.copied_cells import copy_sentence
from raphe.tasks.celltype.stores.copies import Copy, Kind, find_copies
from raphe.tasks.celltype.stores.spike_set import Cell, SpikeSet


def copies_told(spikes: SpikeSet) -> list[str]:
    """Sentences about cells that hold the same spikes, and about those that may be one cell.

    Those that were joined when the store was made are on one side of every split: not told.
    """
    found = find_copies(spikes.windows, spikes.cell, spikes.trigger)
    apart = [copy for copy in found if not _are_joined(spikes.cells, copy)]
    return list(_sentences(apart, spikes))


def _are_joined(cells: Sequence[Cell], copy: Copy) -> bool:
    group = cells[copy.first].group
    return bool(group) and group == cells[copy.second].group


def _sentences(copies: Sequence[Copy], spikes: SpikeSet) -> Iterator[str]:
    def is_torn(copy: Copy) -> bool:
        return spikes.cells[copy.first].label != spikes.cells[copy.second].label

    shared = [copy for copy in copies if copy.kind is not Kind.AGAIN]
    again = [copy for copy in copies if copy.kind is Kind.AGAIN]
    if shared:
        shared.sort(key=is_torn, reverse=True)
        n_torn = sum(map(is_torn, shared))
        torn = f", {n_torn} of them of two classes" if n_torn else ""
        yield (
            f"{copy_sentence(shared[0], spikes.cells, spikes.classes, None)} "
            f"({counted('such pair', len(shared))} in the store{torn}): what is tested on is "
            "trained on; leave one of each out, or make the store again with --copies join"
        )
    if again:
        yield (
            f"{copy_sentence(again[0], spikes.cells, spikes.classes, None)} "
            f"({counted('such pair', len(again))} in the store); if they are one cell, give both "
            "recordings one id"
        )

"""What becomes of copies among the cells of a store that is being made: refused, or kept together.

A group is named after its first cell; no split divides it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from raphe.core.errors import StoreError
from raphe.core.sentences import counted
from raphe.tasks.celltype.stores.copies import Copy, Kind
from raphe.tasks.celltype.stores.spike_set import Cell, OnCopies


def copy_sentence(
    copy: Copy, cells: Sequence[Cell], classes: Sequence[str], whence: Mapping[str, str] | None
) -> str:
    """What two cells have in common, without a full stop; `whence` is a cell id → its file."""
    pair = [cells[copy.first], cells[copy.second]]
    labels = [classes[cell.label] for cell in pair]
    places = [(whence or {}).get(cell.cell_id) for cell in pair]
    first, second = (
        f"{cell.cell_id} ({label}{f', {place}' if place else ''})"
        for cell, label, place in zip(pair, labels, places, strict=True)
    )
    of_all = f"{copy.n_alike} of {copy.n_compared}"
    what = {
        Kind.EQUAL: f"hold the same spikes: {of_all} windows are equal",
        Kind.NEAR: f"hold the same spikes: {of_all} windows looked at differ by less than noise "
        "lets two spikes differ",
        Kind.SHIFTED: f"hold the same spikes: {of_all} windows looked at begin some samples later "
        "and else differ by less than noise lets two spikes differ",
        Kind.TIMES: f"hold the same spikes: {of_all} runs of intervals between them are equal, so "
        "that one was cut, filtered or synthesised from the other",
        Kind.PARENTS: "hold the same spikes: those of one were made from those of the other, "
        "smoothed or with other noise, as synthetic spikes are",
        Kind.AGAIN: "look like one cell recorded again under another id, or like synthetic spikes "
        "of it: their mean spikes differ by no more than noise",
    }
    return f"cells {first} and {second} {what[copy.kind]}"


def settle_copies(
    copies: Sequence[Copy],
    cells: Sequence[Cell],
    classes: Sequence[str],
    on_copies: OnCopies,
    where: object,
    whence: Mapping[str, str] | None = None,
) -> tuple[list[Cell], list[str]]:
    """The cells, those that are copies in groups, and a sentence about each pair to look at.

    `where` is what the cells were read from. Raises StoreError for copies that are to be refused,
    and always for two of different classes.
    """
    shared = [copy for copy in copies if copy.kind is not Kind.AGAIN]
    torn = [copy for copy in shared if cells[copy.first].label != cells[copy.second].label]
    refused = torn or (shared if on_copies == "refuse" else [])
    if refused:
        more = f" (and {counted('such pair', len(refused) - 1)} more)" if refused[1:] else ""
        remedy = (
            "which class is right? Correct one label, or leave one of them out"
            if torn
            else "leave one of them out, or pass --copies join to keep both on one side of every "
            "split"
        )
        sentence = copy_sentence(refused[0], cells, classes, whence)
        raise StoreError(f"{where}: {sentence}{more}; {remedy}")
    told = []
    for copy in copies:
        sentence = copy_sentence(copy, cells, classes, whence)
        again = copy.kind is Kind.AGAIN
        told.append(f"{sentence}; {'if so, give both one id' if again else 'joined'}")
    return _joined(shared, cells), told


def together(pairs: np.ndarray, n: int) -> np.ndarray:
    """Numbers of n items, the same for those that pairs (k, 2) link: int32 (n,)."""
    links = coo_array((np.ones(len(pairs), np.int8), tuple(pairs.T)), shape=(n, n))
    return connected_components(links, directed=False)[1]


def _joined(copies: Sequence[Copy], cells: Sequence[Cell]) -> list[Cell]:
    if not copies:
        return list(cells)
    pairs = np.array([(copy.first, copy.second) for copy in copies])
    group = together(pairs, len(cells))
    _, first, size = np.unique(group, return_index=True, return_counts=True)
    return [
        replace(cell, group=cells[first[number]].cell_id) if size[number] > 1 else cell
        for cell, number in zip(cells, group, strict=True)
    ]

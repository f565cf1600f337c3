"""Draw spikes so that every cell counts alike."""

from collections.abc import Iterable

import numpy as np

MOST_SPIKES = 20_000  # that a baseline is trained on: some seconds for all of them


def draw_evenly(group: np.ndarray, n_most: int, rng: np.random.Generator) -> np.ndarray:
    """At most `n_most` of the rows of `group` (n,), as equally many a group as there are.

    Returns ascending int64.
    """
    if len(group) <= n_most:
        return np.arange(len(group))
    order = rng.permutation(len(group))
    order = order[np.argsort(group[order], kind="stable")]  # shuffled within each group
    start = np.flatnonzero(np.diff(group[order], prepend=group[order[0]] - 1))
    turn = np.arange(len(group)) - np.repeat(start, np.diff(start, append=len(group)))
    first = np.lexsort((rng.random(len(group)), turn))[:n_most]
    return np.sort(order[first])


def draw_in_blocks(
    blocks: Iterable[tuple[np.ndarray, np.ndarray]],
    counts: np.ndarray,
    n_most: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """As `draw_evenly`, of rows that come block by block, in memory for those drawn and a block.

    No group gives more than it would take for `n_most` in all, but each gives at least one.

    Args:
        blocks: rows (n,) and the group of each (n,).
        counts: (groups,) rows of each group in all blocks together.
    """
    most = _most_of_each(counts, n_most)
    row, group, key = np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
    for own, its_group in blocks:
        row, group = np.append(row, own), np.append(group, its_group)
        key = np.append(key, rng.random(len(own)))
        order = np.lexsort((key, group))
        start = np.flatnonzero(np.diff(group[order], prepend=-1))
        turn = np.arange(len(order)) - np.repeat(start, np.diff(start, append=len(order)))
        kept = order[turn < most]
        row, group, key = row[kept], group[kept], key[kept]
    return np.sort(row)


def _most_of_each(counts: np.ndarray, n_most: int) -> int:
    """The largest number that keeps the sum of min(count, number) within `n_most`, at least 1."""
    low, high = 1, max(1, int(counts.max(initial=1)))
    while low < high:
        middle = (low + high + 1) // 2
        if np.minimum(counts, middle).sum() <= n_most:
            low = middle
        else:
            high = middle - 1
    return low

"""Subsamples of spikes: evenly spaced, or such that every cell counts alike."""

from collections.abc import Iterable

import numpy as np


def evenly_spaced(n: int, n_most: int) -> np.ndarray:
    """At most `n_most` of n rows, the first and the last among them: ascending int64."""
    return np.unique(np.linspace(0, n - 1, min(n, n_most)).astype(np.int64))


def balanced_subsample(group: np.ndarray, n_most: int, rng: np.random.Generator) -> np.ndarray:
    """At most `n_most` of the rows of `group` int (n,), as equally many a group as there are.

    Returns the rows, ascending int64.
    """
    if len(group) <= n_most:
        return np.arange(len(group))
    order = rng.permutation(len(group))
    order = order[np.argsort(group[order], kind="stable")]  # shuffled within each group
    rank = _rank_in_group(group[order])
    first = np.lexsort((rng.random(len(group)), rank))[:n_most]
    return np.sort(order[first])


def balanced_subsample_of_blocks(
    blocks: Iterable[tuple[np.ndarray, np.ndarray]],
    counts: np.ndarray,
    n_most: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """As `balanced_subsample`, of rows that come block by block.

    In memory are the rows drawn and one block. No group gives more than it would take for `n_most`
    in all, but each gives at least one.

    Args:
        blocks: rows int64 (n,) and the group of each, int (n,).
        counts: int (groups,), rows of each group in all blocks together.

    Returns the rows, ascending int64.
    """
    most = _most_of_each(counts, n_most)
    row, group, key = np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
    for block_row, block_group in blocks:
        row, group = np.append(row, block_row), np.append(group, block_group)
        key = np.append(key, rng.random(len(block_row)))
        order = np.lexsort((key, group))
        kept = order[_rank_in_group(group[order]) < most]
        row, group, key = row[kept], group[kept], key[kept]
    return np.sort(row)


def _rank_in_group(group: np.ndarray) -> np.ndarray:
    """The place of each row within its group, of `group` int (n,) in order: int64 (n,), from 0."""
    start = np.flatnonzero(np.diff(group, prepend=group[:1] - 1))
    return np.arange(len(group)) - np.repeat(start, np.diff(start, append=len(group)))


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

"""Draw spikes so that every cell counts alike."""

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

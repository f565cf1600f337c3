"""Units that share a branch to the last digit, as one unit that was sorted or exported twice."""

from collections.abc import Iterator

import numpy as np

from raphe.core.sentences import counted, listed
from raphe.tasks.units.recordings.unit_set import WORDS, UnitSet

DIGITS = 5  # that two rows, scaled to 1 at their largest, share
FEWEST_FILLED = 10  # bins of a histogram that are not 0: the intervals of few spikes may be alike


def copies_told(units: UnitSet) -> Iterator[str]:
    """A sentence on each kind of sharing; whole copies were taken once by the import."""
    branches_of: dict[tuple[int, int], list[str]] = {}
    for branch, array in units.arrays.items():
        for pair in _pairs(array, branch):
            branches_of.setdefault(pair, []).append(branch)
    by_branches: dict[tuple[str, ...], list[tuple[int, int]]] = {}
    for pair, branches in branches_of.items():
        by_branches.setdefault(tuple(branches), []).append(pair)
    for shared, pairs in by_branches.items():
        torn = [pair for pair in pairs if len({units.facts[row].label for row in pair}) > 1]
        first, second = (units.facts[row] for row in (torn or pairs)[0])
        of_two = f", {len(torn)} of them of two classes" if torn else ""
        yield (
            f"units {first.unit_id} ({first.label}) and {second.unit_id} ({second.label}) have the "
            f"same {listed(WORDS[branch] for branch in shared)} "
            f"({counted('such pair', len(pairs))} in the store{of_two}): if they are one cell, "
            "what is tested on is trained on; leave one of each out"
        )


def _pairs(array: np.ndarray, branch: str) -> Iterator[tuple[int, int]]:
    """Each row with the first that is equal to it."""
    first: dict[bytes, int] = {}
    for row, values in enumerate(array.astype(np.float64)):
        if not values.size or not np.isfinite(values).all():
            continue
        if branch != "waveform" and np.count_nonzero(values) < FEWEST_FILLED:
            continue
        key = np.round(values / np.abs(values).max(), DIGITS).tobytes()
        if key in first:
            yield first[key], row
        else:
            first[key] = row

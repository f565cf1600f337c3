"""When spikes are enough: one rule, for a cell at the rig and for the cells of a test.

Enough is when more spikes would leave the verdict, a class or "not sure", as it is in 95 of 100
cases. Of a single cell this is told from its own spikes, drawn again in blocks; of a test's cells
from verdicts on few of their spikes beside those on all. Fewer than `FEWEST_SPIKES` are never
enough, as so few cannot tell how much they vary. R resamples, C classes, K numbers of spikes.
"""

from collections.abc import Sequence

import numpy as np

from raphe.core.statistics.abstention import NotSure
from raphe.core.statistics.decision import Decision
from raphe.tasks.celltype.metrics.recorded_again import resampled

SAME_VERDICT = 0.95
# Of simulated cells' verdicts told enough at 2 spikes up to 4 % (95 % interval to 7 %) are another
# on all of a minute's, at the worst threshold of the band, from 5 on up to 2 % (to 5 %):
# benchmarks/results/again.md. With another calibration it was 4 % (to 8 %) at 3 still.
FEWEST_SPIKES = 5
NO_CLASS = -1
# Spikes, tried one after the other. Of 25 times that simulated cells' first 6 to 36 spikes were not
# enough, 13 were told that up to three times as many would be: in the middle half of these the rule
# had enough at 0.9 to 1.7 times what was told. Where more were told, it was a third (median of 12),
# so nothing is told then.
TIMES_AS_MANY = (1.25, 1.5, 2, 3)
MOST_TRIED = 5000  # spikes


def verdict_of(probability: np.ndarray, not_sure: NotSure | None) -> np.ndarray:
    """The class called of each calibrated probability (…, C), int64 (…); -1 for "not sure"."""
    called = probability.argmax(axis=-1)
    if not_sure is None:
        return called
    return np.where(probability.max(axis=-1) >= not_sure.threshold, called, NO_CLASS)


def enough_for_cell(
    probability: np.ndarray,
    resamples: np.ndarray,
    n_spikes: int,
    not_sure: NotSure,
    fewest: int = FEWEST_SPIKES,
) -> bool:
    """Whether more spikes of a cell would hardly change its verdict.

    Args:
        probability: the cell's, calibrated, (C,).
        resamples: the same from its spikes drawn again, see `recorded_again.resampled`, (R, C).
        n_spikes: of the cell.
        fewest: no fewer are enough; another than the rule's only to measure what fewer would do.
    """
    if n_spikes < fewest:
        return False
    same = verdict_of(resamples, not_sure) == verdict_of(probability, not_sure)
    return bool(same.mean() >= SAME_VERDICT)


def spikes_wanted(decision: Decision, members: np.ndarray, times: Sequence[int]) -> int | None:
    """How many further spikes of a cell would be enough, if they are like those that there are.

    From its spikes drawn again in blocks, more than there are, by the same rule. None where it
    cannot be told: from fewer than `FEWEST_SPIKES`, and of many times as many as there are.

    Args:
        members: what each member says of each of the cell's spikes, in order, (M, N, C).
        times: how often each member counts, (M,).
    """
    n = members.shape[1]
    if n < FEWEST_SPIKES:
        return None
    verdict = verdict_of(decision.of_cell(members, times), decision.not_sure)
    for factor in TIMES_AS_MANY:
        wanted = round(factor * n)
        if wanted > MOST_TRIED:
            return None
        drawn = resampled(decision, members, times, wanted)
        if (verdict_of(drawn, decision.not_sure) == verdict).mean() >= SAME_VERDICT:
            return wanted - n
    return None


def enough_for_cells(counts: np.ndarray, same: np.ndarray) -> int | None:
    """The fewest spikes from which on 95 % of verdicts are as with all; None where none are.

    Args:
        counts: numbers of spikes, ascending, (K,).
        same: the share of verdicts on so many spikes that are as with all, (K,).
    """
    reached = (same >= SAME_VERDICT) & (counts >= FEWEST_SPIKES)
    from_here_on = np.logical_and.accumulate(reached[::-1])[::-1]
    return int(counts[from_here_on][0]) if from_here_on.any() else None

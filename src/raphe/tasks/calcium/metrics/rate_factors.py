"""By what the mean rate that networks say of a cell may be off, from cells that they had not seen.

G cells of a data set.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

TRUE_OVER_SAID = "true_over_said"  # the measure's name in tables
SCALE = "scale"  # by what the networks' rates were multiplied, as the other data sets ask for
COVERED = 0.9
FEWEST_SETS = 8  # data sets, of which ends can be told


class RateFactors(NamedTuple):
    """By what a said mean rate is multiplied for one that may be the true one."""

    low: float
    middle: float
    high: float


def rate_factors(ratios: Sequence[np.ndarray]) -> RateFactors | None:
    """Ends that hold the true mean rate over the said one of COVERED of the cells.

    Args:
        ratios: of each data set, said over true mean rate of its cells (G,), NaN where there is
            none. Every data set counts alike.

    Returns:
        None of fewer than FEWEST_SETS data sets with a ratio.
    """
    known = _with_a_ratio(ratios)
    if len(known) < FEWEST_SETS:
        return None
    factors = 1 / np.concatenate(known)
    share = np.concatenate([np.full(len(each), 1 / len(each) / len(known)) for each in known])
    order = np.argsort(factors)
    reached = np.cumsum(share[order]) - share[order] / 2
    at = (1 - COVERED) / 2, 0.5, (1 + COVERED) / 2
    return RateFactors(*np.exp(np.interp(at, reached, np.log(factors[order]))).tolist())


def middle_factor(ratios: Sequence[np.ndarray]) -> float:
    """By what said rates must be multiplied to be right in the median of data sets, each by the
    median of its cells; `ratios` as in rate_factors. 1 where no cell has a ratio."""
    middles = [np.median(np.log(of_set)) for of_set in _with_a_ratio(ratios)]
    return float(np.exp(-np.median(middles))) if middles else 1.0


def _with_a_ratio(ratios: Sequence[np.ndarray]) -> list[np.ndarray]:
    known = [of_set[of_set > 0] for of_set in ratios]
    return [of_set for of_set in known if len(of_set)]

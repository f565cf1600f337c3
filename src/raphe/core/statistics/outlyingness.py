"""How far an item lies from those that were learned from, and how far is too far.

n items, k numbers of each.
"""

from math import ceil

import numpy as np

LEVELS = np.array([0.841, 0.95, 0.99])  # at which a normal distribution is SDS away from its median
SDS = np.array([1.0, 1.645, 2.326])
NARROWER_SIDE = 0.25  # at least so much of the wider side's spread
WINSORISED = 3.5  # SD: what lies farther out weighs no more in the covariance
NO_SPREAD = 1e12  # of what is the same in every item, and so tells none apart
RIDGE = 1e-3  # of a variance of about 1: two numbers may say the same
USUAL_SCORE = 0.95  # quantile of held-out scores: its distance from their median weighs a part
LEAST_DISTANCE = 1.0  # of the two, in SD: a part that is the same in every item has none


def sides(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Median, and the spread below and above it, (k,) each, of values (n, k), NaN where missing."""
    centre = np.nanmedian(values, axis=0)
    below, above = _spread(centre - values), _spread(values - centre)
    wider = np.maximum(below, above)
    below, above = (np.maximum(side, NARROWER_SIDE * wider) for side in (below, above))
    below, above = (np.where(wider > 0, side, NO_SPREAD) for side in (below, above))
    return centre, below, above


def in_spreads(
    values: np.ndarray, centre: np.ndarray, below: np.ndarray, above: np.ndarray
) -> np.ndarray:
    """Values (…, k) in spreads from the median: of the same shape, NaN where missing."""
    return (values - centre) / np.where(values > centre, above, below)


def mean_and_covariance(scaled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of values (n, k) in spreads, what is missing at the median: mean (k,), covariance (k, k)."""
    scaled = np.nan_to_num(scaled.clip(-WINSORISED, WINSORISED))
    mean = scaled.mean(axis=0)
    return mean, _shrunken(scaled - mean)


def deviate(away: np.ndarray, covariance: np.ndarray) -> float:
    """The squared Mahalanobis distance of `away` (k,) as a normal deviate (Wilson & Hilferty 1931).

    So however many numbers an item has, it means the same. 0 of none.
    """
    n = len(away)
    if not n:
        return 0.0
    squared = away @ np.linalg.solve(covariance, away)
    return float((np.cbrt(squared / n) - 1 + 2 / (9 * n)) / np.sqrt(2 / (9 * n)))


def limits(scores: np.ndarray, beyond: float) -> np.ndarray:
    """What each part may come to, (p,), from scores (n, p) of items that a test had not seen; NaN
    where an item lacks a part, and no limit where all do.

    Each part's scores are taken from their median, in units of how far USUAL_SCORE is from it: what
    was left out as a group, such as a day, raises every item's score of one part, and counted from
    0, as far again would be allowed it as single odd items need. One number of units for all parts,
    so that a share `beyond` of these items, counted as a conformal prediction counts them, are
    beyond any: the parts share the false alarms.
    """
    scores = np.where(np.isfinite(scores).any(axis=0), scores, 0.0)
    median, usual = np.nanquantile(scores, (0.5, USUAL_SCORE), axis=0)
    distance = np.maximum(usual - median, LEAST_DISTANCE)
    farthest = np.sort(np.nanmax((scores - median) / distance, axis=1))
    rank = min(ceil((len(scores) + 1) * (1 - beyond)), len(scores))
    return (median + distance * farthest[rank - 1]).round(4)


def _spread(beyond: np.ndarray) -> np.ndarray:
    """The SD (k,) of the normal distribution that reaches as far out at each of LEVELS, at least.

    Of how far values (n, k) are beyond their median on one side; negative ones lie on the other.
    """
    return (np.nanquantile(beyond, LEVELS, axis=0) / SDS[:, None]).max(axis=0)


def _shrunken(centred: np.ndarray) -> np.ndarray:
    """Covariance (k, k) of values (n, k), shrunken to its diagonal as oracle approximation has it.

    Chen, Wiesel, Eldar and Hero 2010.
    """
    n, k = centred.shape
    sample = centred.T @ centred / n
    trace, squares = np.trace(sample), (sample**2).sum()
    over = (n + 1 - 2 / k) * (squares - trace**2 / k)
    share = min(1.0, ((1 - 2 / k) * squares + trace**2) / over) if over > 0 else 1.0
    return (1 - share) * sample + share * np.diag(np.diag(sample)) + RIDGE * np.eye(k)

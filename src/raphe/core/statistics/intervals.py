"""Intervals: Wilson's for a proportion, and its like for every figure with two ends.

A figure of n items that is as sure as a proportion of m items has Wilson's interval of m, its
effective number: fewer than there are, as cells of one day are alike (Kish 1965; Franco, Little,
Louis & Slud 2019), with the quantile of t where few groups tell by how much. At an end of its range
a figure has the exact bound of Clopper & Pearson (1934), never none. A mean of scores without ends
has the interval of t.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from raphe.core.metric_names import Estimate
from raphe.core.statistics.clusters import Clusters, Variance

CONFIDENCE = 0.95
ROUNDING = 1e-12  # of a share, and of scores as a share of the largest


@dataclass(frozen=True)
class Difference(Estimate):
    """First less second, and the two-sided p that there is none."""

    p: float


def interval_of_share(
    share: float, n_effective: float, degrees_of_freedom: float = np.inf
) -> tuple[float, float]:
    """Ends of the interval of a share of 0 to 1 that is as sure as one of `n_effective` items.

    Wilson's with the quantile of t. Of 0 and of 1 the exact bound, or Wilson's where few degrees of
    freedom make that the wider one.
    """
    if np.isnan(share) or not n_effective > 0:
        return float("nan"), float("nan")
    quantile = t_quantile((1 + CONFIDENCE) / 2, degrees_of_freedom)
    weight = n_effective / (n_effective + quantile**2)
    centre = weight * share + (1 - weight) / 2
    half = weight * quantile / n_effective
    half *= np.sqrt(n_effective * share * (1 - share) + quantile**2 / 4)
    low, high = float(centre - half), float(centre + half)
    if min(share, 1 - share) > ROUNDING:
        return low, high
    exact = ((1 - CONFIDENCE) / 2) ** (1 / n_effective)
    if not np.isfinite(degrees_of_freedom):
        low, high = exact, 1 - exact
    return (min(low, exact), 1.0) if share > 0.5 else (0.0, max(high, 1 - exact))


def mean_of(scores: np.ndarray, strata: np.ndarray | None = None) -> Estimate:
    """The mean of scores (G,) less NaN, or given strata (G,) the mean of theirs, with t's interval.

    Groups are taken to be drawn anew, as many of each stratum as there are.
    """
    return mean_with_interval(*_mean(scores, strata))


def mean_with_interval(value: float, variance: Variance) -> Estimate:
    """A mean with the interval of t, none where nothing varies, and its standard error."""
    reach = _reach(variance)
    error = float(np.sqrt(variance.value)) if variance.value > 0 else None
    return Estimate(value, value - reach, value + reach, se=error)


def mean_difference(
    first: np.ndarray, second: np.ndarray, strata: np.ndarray | None = None
) -> Difference:
    """How much larger scores (G,) are for one method than for another on the same groups.

    Of groups that have a score by both, so that what makes a group hard for both cancels; the
    interval and p are those of t.
    """
    value, variance = _mean(first - second, strata)
    reach = _reach(variance)
    if value == 0 and variance.value == 0:
        p = 1.0
    elif np.isnan(reach):
        p = float("nan")
    else:
        p = float(t_p(value / np.sqrt(variance.value), variance.degrees_of_freedom))
    return Difference(value, value - reach, value + reach, p)


def _mean(scores: np.ndarray, strata: np.ndarray | None) -> tuple[float, Variance]:
    scores = np.asarray(scores, float)
    strata = np.zeros(len(scores)) if strata is None else np.asarray(strata)
    names, stratum = np.unique(strata, return_inverse=True)
    defined = ~np.isnan(scores)
    n = np.bincount(stratum[defined], minlength=len(names))
    if not n.all() or not len(names):
        return float("nan"), Variance(float("nan"), 0.0)
    means = np.bincount(stratum[defined], scores[defined], len(names)) / n
    of_groups = Clusters(np.arange(defined.sum()), stratum[defined])
    weight = 1 / (len(names) * n[stratum[defined]])
    variance = of_groups.variance((scores[defined] - means[stratum[defined]]) * weight, weight)
    if np.sqrt(variance.value) <= ROUNDING * np.abs(scores[defined]).max():
        variance = Variance(0.0, variance.degrees_of_freedom)
    return float(means.mean()), variance


def _reach(variance: Variance) -> float:
    if not variance.value > 0:
        return float("nan")
    quantile = t_quantile((1 + CONFIDENCE) / 2, variance.degrees_of_freedom)
    return float(quantile * np.sqrt(variance.value))


# Without scipy.stats, which is slower to load than a cell is judged.


def t_quantile(probability: ArrayLike, degrees_of_freedom: ArrayLike) -> np.ndarray:
    """Below which a share of Student's distribution lies; normal where the degrees are infinite."""
    df = np.asarray(degrees_of_freedom, float)
    finite = stdtrit(np.where(np.isinf(df), 1.0, df), probability)
    return np.where(np.isinf(df), ndtri(probability), finite)[()]


def t_p(statistic: ArrayLike, degrees_of_freedom: ArrayLike) -> np.ndarray:
    """How probable a statistic as far from 0 is on either side."""
    df, far = np.asarray(degrees_of_freedom, float), -np.abs(np.asarray(statistic, float))
    finite = stdtr(np.where(np.isinf(df), 1.0, df), far)
    return 2 * np.where(np.isinf(df), ndtr(far), finite)[()]


def rank_correlation_p(x: np.ndarray, y: np.ndarray) -> float:
    """Of no monotonous relation between x (n,) and y (n,), neither constant: Spearman's, by t."""
    r = np.clip(np.corrcoef(_ranks(x), _ranks(y))[0, 1], -1, 1)
    freedom = len(x) - 2
    with np.errstate(divide="ignore"):
        return float(t_p(r * np.sqrt(freedom / ((1 - r) * (1 + r))), freedom))


def _ranks(values: np.ndarray) -> np.ndarray:
    """From 1, equal values their mean one."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[place]

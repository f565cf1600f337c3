"""A figure over repeated trainings: each fold of the data by each seed of the training.

F folds, S seeds; NaN where a training has no figure. Leading axes are of whatever is compared.
"""

from dataclasses import dataclass

import numpy as np

from raphe.core.statistics.intervals import CONFIDENCE, ROUNDING, t_p, t_quantile


@dataclass(frozen=True)
class OverRepeats:
    """The mean over folds of the mean over seeds, float64 (…) each, NaN where there is none."""

    mean: np.ndarray
    low: np.ndarray  # ends of its interval of t
    high: np.ndarray
    error: np.ndarray  # its standard error
    p: np.ndarray  # two-sided, that the mean is 0


def over_repeats(scores: np.ndarray) -> OverRepeats:
    """The mean of scores (…, F, S) with its interval; of a difference of scores the paired test.

    Of several folds the interval is over folds. Their trainings share most of their cells, so that
    folds vary less than new data would: the variance of the mean counts as 1/F + 1/(F - 1) of that
    of a fold, not 1/F (Nadeau & Bengio 2003). Of one fold it is over seeds: what other seeds would
    come to on the same data.
    """
    n_folds = scores.shape[-2]
    units = scores[..., 0, :] if n_folds == 1 else _means(scores)
    shared = 0.0 if n_folds == 1 else 1 / (n_folds - 1)
    there = ~np.isnan(units)
    n, mean = there.sum(-1), _means(units)
    deviation = np.where(there, units - mean[..., None], 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = (deviation**2).sum(-1) / np.where(n > 1, n - 1, np.nan)
        error = np.sqrt(variance * (1 / n + shared))
        largest = np.where(there, np.abs(units), 0.0).max(-1)
        error = np.where(error > ROUNDING * largest, error, np.nan)  # none where nothing varies
        reach = t_quantile((1 + CONFIDENCE) / 2, n - 1) * error
        p = t_p(mean / error, n - 1)
    p = np.where((mean == 0) & np.isnan(error), 1.0, p)
    return OverRepeats(mean, mean - reach, mean + reach, error, p)


def spread_of_seeds(scores: np.ndarray) -> np.ndarray:
    """How much seeds differ within a fold, of scores (…, F, S): a standard deviation (…), NaN where
    no fold has two."""
    there = ~np.isnan(scores)
    n = there.sum(-1)
    deviation = np.where(there, scores - _means(scores)[..., None], 0.0)
    variance = (deviation**2).sum(-1) / np.where(n > 1, n - 1, np.nan)
    return np.sqrt(_means(variance))


def holm(p: np.ndarray) -> np.ndarray:
    """The p of several comparisons (n,), corrected for their number (Holm 1979); NaN stays."""
    order = np.argsort(p)  # NaN last
    n = int((~np.isnan(p)).sum())
    corrected = np.full(len(p), np.nan)
    stepped = p[order[:n]] * np.arange(n, 0, -1)
    corrected[order[:n]] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return corrected


def _means(values: np.ndarray) -> np.ndarray:
    """Over the last axis, of those that are there."""
    there = ~np.isnan(values)
    n = there.sum(-1)
    return np.where(there, values, 0.0).sum(-1) / np.where(n > 0, n, np.nan)

"""How well an inferred rate tells the spikes: the Spikefinder challenge's score and others.

The challenge (Berens et al. 2018) sums both trains in bins of four samples, 100 Hz → 25 Hz, and
correlates them. N samples at 100 Hz, n bins, K support points.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d
from scipy.optimize import minimize
from scipy.special import xlogy
from torchmetrics.functional import pearson_corrcoef, spearman_corrcoef
from torchmetrics.functional.classification import binary_auroc

from raphe.tasks.calcium.recordings.sampling import RATE_HZ, SAMPLES_PER_BIN, binned

SMOOTHING_S = 0.2  # standard deviation, Rupprecht et al. 2021
SUPPORT_PERCENTILES = np.arange(0, 101, 10)  # Theis et al. 2016
LOWEST_COUNT = 1e-8  # expected in a bin: a spike where none was expected costs much, not all


@dataclass(frozen=True)
class InferredRecording:
    """What a network says of one recording, and how well."""

    index: int  # of the recording in its store
    rate: np.ndarray  # float32 (N,), a z-score
    rate_per_s: np.ndarray | None  # float32 (N,), where its scale is known
    scores: dict[str, float]


def score(prediction: np.ndarray, spikes: np.ndarray) -> dict[str, float]:
    """Score one recording by the organisers' measures; none depends on the prediction's scale.

    Args:
        prediction: (N,) at 100 Hz, in any unit: larger where spikes are likelier.
        spikes: (N,) action potentials in each sample.

    Returns:
        `correlation` (Pearson's, the challenge's score), `rank_correlation` (Spearman's), `auc`
        (bins with a spike against bins without), `gain_bits_per_s` (see log_likelihood_gain), all
        of bins of 40 ms; samples where either is NaN are left out. NaN where the recording has no
        spikes or the prediction is constant.
    """
    predicted, count = binned(*_both_known(prediction, spikes))
    if len(count) < 2 or np.ptp(predicted) == 0 or np.ptp(count) == 0:
        return dict.fromkeys(("correlation", "rank_correlation", "auc", "gain_bits_per_s"), np.nan)
    fired = count > 0
    x, y = torch.from_numpy(predicted), torch.from_numpy(count)
    share = (x - x.min()) / (x.max() - x.min())  # of what is not, torchmetrics takes a sigmoid
    return {
        "correlation": float(pearson_corrcoef(x, y)),
        "rank_correlation": float(spearman_corrcoef(x, y)),
        "auc": np.nan if fired.all() else float(binary_auroc(share, torch.from_numpy(fired).int())),
        "gain_bits_per_s": log_likelihood_gain(predicted, count),
    }


def rate_error(rate_per_s: np.ndarray, spikes: np.ndarray) -> dict[str, float]:
    """Score one recording's rate in spikes per second as CASCADE does (Rupprecht et al. 2021).

    Rate and spikes (N,) at 100 Hz are smoothed alike. Returns `error`, the spikes invented or
    missed for each true one, and `bias`, those invented less those missed; NaN without spikes.
    """
    rate, spikes = _both_known(rate_per_s, spikes)
    if not spikes.any():
        return {"error": np.nan, "bias": np.nan}
    sigma = SMOOTHING_S * RATE_HZ
    truth = gaussian_filter1d(spikes * RATE_HZ, sigma)
    difference = gaussian_filter1d(rate, sigma) - truth
    return {
        "error": float(np.abs(difference).sum() / truth.sum()),
        "bias": float(difference.sum() / truth.sum()),
    }


def mean_score(scores: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Mean of each measure over recordings; those without a value are left out of it."""
    columns = {name: np.array([row[name] for row in scores]) for name in scores[0]}
    return {
        name: float(np.nanmean(values)) if not np.isnan(values).all() else np.nan
        for name, values in columns.items()
    }


def log_likelihood_gain(predicted: np.ndarray, count: np.ndarray) -> float:
    """Bits per second by which the prediction tells the counts better than their mean does.

    The counts (n,) of bins are taken as Poisson, their expectation as the best function of the
    prediction (n,) that never falls and is linear between its deciles, fitted to this recording
    (Theis et al. 2016; there predictions below 0 are cut off, here a z-score keeps its sign).
    """
    expected = _best_expectation(predicted, count)
    gain = np.mean(xlogy(count, expected / count.mean()) - expected + count.mean())
    return float(gain / np.log(2) * RATE_HZ / SAMPLES_PER_BIN)


def _best_expectation(predicted: np.ndarray, count: np.ndarray) -> np.ndarray:
    support = np.unique(np.percentile(predicted, SUPPORT_PERCENTILES))  # (K,)
    left = np.clip(np.searchsorted(support, predicted, "right") - 1, 0, len(support) - 2)
    share = (predicted - support[left]) / (support[left + 1] - support[left])  # of the right one

    def expectation(steps: np.ndarray) -> np.ndarray:
        height = np.cumsum(steps)  # (K,)
        return height[left] * (1 - share) + height[left + 1] * share + LOWEST_COUNT

    def loss(steps: np.ndarray) -> tuple[float, np.ndarray]:
        expected = expectation(steps)
        slope = (1 - count / expected) / len(count)  # (n,)
        of_height = np.bincount(left, slope * (1 - share), len(support))
        of_height += np.bincount(left + 1, slope * share, len(support))
        return np.mean(expected - xlogy(count, expected)), of_height[::-1].cumsum()[::-1]

    start = np.full(len(support), count.mean() / len(support))
    best = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(support))
    return expectation(best.x)


def _both_known(prediction: np.ndarray, spikes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    prediction, spikes = np.asarray(prediction, np.float64), np.asarray(spikes, np.float64)
    assert prediction.shape == spikes.shape and prediction.ndim == 1
    present = ~(np.isnan(prediction) | np.isnan(spikes))
    return prediction[present], spikes[present]

"""How well inferred rates tell a cell's spikes: the Spikefinder challenge's score and CASCADE's.

A cell is scored as a whole. Its recordings stand one after the other, each binned and smoothed by
itself, so that a recording counts by its length, and differences between them count, too. (A mean
over recordings gives those of a few seconds, often without a spike, as much weight as the others.)

The challenge (Berens et al. 2018) sums both trains in bins of four samples, 100 Hz → 25 Hz, and
correlates them. N samples of one recording at 100 Hz, n bins of all, K support points.
"""

from collections.abc import Sequence

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
OF_BINS = ("correlation", "rank_correlation", "auc", "gain_bits_per_s")

Trains = Sequence[np.ndarray]  # of each recording of a cell: (N,) at 100 Hz


def score(predictions: Trains, spikes: Trains) -> dict[str, float]:
    """Score one cell by measures that do not depend on the predictions' scale.

    Args:
        predictions: of each recording (N,), in any unit: larger where spikes are likelier.
        spikes: of each recording (N,), action potentials in each sample.

    Returns:
        `correlation` (Pearson's, the challenge's score), `rank_correlation` (Spearman's), `auc`
        (bins with a spike against bins without) and `gain_bits_per_s` (see log_likelihood_gain) of
        bins of 40 ms; `correlation_smoothed`, Pearson's of both smoothed over 0.2 s. Samples where
        either is NaN are left out. NaN where the cell has no spikes or the prediction is constant.
    """
    predictions, spikes = _both_known(predictions, spikes)
    bins = [binned(*both) for both in zip(predictions, spikes, strict=True)]
    predicted, count = (np.concatenate(trains) for trains in zip(*bins, strict=True))
    smooth = {"correlation_smoothed": _pearson(_smoothed(predictions), _smoothed(spikes))}
    if len(count) < 2 or np.ptp(predicted) == 0 or np.ptp(count) == 0:
        return dict.fromkeys(OF_BINS, np.nan) | smooth
    fired = count > 0
    x, y = torch.from_numpy(predicted), torch.from_numpy(count)
    share = (x - x.min()) / (x.max() - x.min())  # of what is not, torchmetrics takes a sigmoid
    of_bins = (
        float(pearson_corrcoef(x, y)),
        float(spearman_corrcoef(x, y)),
        np.nan if fired.all() else float(binary_auroc(share, torch.from_numpy(fired).int())),
        log_likelihood_gain(predicted, count),
    )
    return dict(zip(OF_BINS, of_bins, strict=True)) | smooth


def rate_error(rates_per_s: Trains, spikes: Trains) -> dict[str, float]:
    """Score one cell's rates in spikes per second by CASCADE's formulas (Rupprecht et al. 2021).

    The error is the sum of |rate − spikes| over the sum of the spikes, which are smoothed over
    0.2 s. CASCADE takes its rate as its network gives it; another comes out more even or less, and
    the error with it, so that the rate is smoothed alike, too, to compare networks.

    Args:
        rates_per_s: of each recording (N,) at 100 Hz.
        spikes: of each recording (N,), action potentials in each sample.

    Returns:
        `error_both_smoothed`; `error_spikes_smoothed`, of the rate as it is, CASCADE's own; `bias`,
        the sum of rate − spikes over that of the spikes, the same by either; `rate_ratio`, the mean
        rate over the spikes' own, bias + 1. NaN without spikes.
    """
    rates, spikes = _both_known(rates_per_s, spikes)
    n_spikes = sum(train.sum() for train in spikes)
    if not n_spikes:
        names = ("error_both_smoothed", "error_spikes_smoothed", "bias", "rate_ratio")
        return dict.fromkeys(names, np.nan)
    truth = _smoothed(spikes) * RATE_HZ  # reflected at its ends: no spike is lost
    total = n_spikes * RATE_HZ
    ratio = float(sum(rate.sum() for rate in rates) / total)
    return {
        "error_both_smoothed": float(np.abs(_smoothed(rates) - truth).sum() / total),
        "error_spikes_smoothed": float(np.abs(np.concatenate(rates) - truth).sum() / total),
        "bias": ratio - 1,
        "rate_ratio": ratio,
    }


def log_likelihood_gain(predicted: np.ndarray, count: np.ndarray) -> float:
    """Bits per second by which the prediction tells the counts better than their mean does.

    The counts (n,) of bins are taken as Poisson, their expectation as the best function of the
    prediction (n,) that never falls and is linear between its deciles, fitted to this cell
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


def _smoothed(trains: Trains) -> np.ndarray:
    """Each train (N,) through a Gaussian of 0.2 s, all one after the other."""
    sigma = SMOOTHING_S * RATE_HZ
    return np.concatenate(
        [gaussian_filter1d(train, sigma) if len(train) else train for train in trains]
    )


def _pearson(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a, b)[0, 1]) if len(a) > 1 and np.ptp(a) and np.ptp(b) else np.nan


def _both_known(predictions: Trains, spikes: Trains) -> tuple[list[np.ndarray], list[np.ndarray]]:
    known: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for pair in zip(predictions, spikes, strict=True):
        trains = [np.asarray(train, np.float64) for train in pair]
        assert trains[0].shape == trains[1].shape and trains[0].ndim == 1
        present = ~np.isnan(trains).any(axis=0)
        for kept, train in zip(known, trains, strict=True):
            kept.append(train[present])
    return known

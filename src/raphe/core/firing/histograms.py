"""From spike times to what is known of a cell's firing: intervals and autocorrelogram.

A cell's times come as trains, one for each unbroken stretch: no interval and no pair of spikes
spans two of them. K spikes of a train, N cells, B bins of intervals, A bins of an autocorrelogram,
E edges; bins are of 1 ms.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

BIN_S = 1e-3
ISI_BINS, ACG_BINS = 100, 201  # of every source of spike times, so that all fit each other
FEWEST_SPIKES = 2  # that make an interval
# Times are often whole samples or ms, and binary fractions of them lie on either side of an edge:
# what is as near to it is on it, and belongs to the bin that begins there.
ROUNDING_S = 1e-9
LOG_BINS = 22  # edges, evenly spaced in the logarithm, of which those below 1 ms are one


def interval_shares(trains_s: Sequence[np.ndarray], n_bins: int = ISI_BINS) -> np.ndarray:
    """The share of all intervals in each bin from 0 on: float32 (B,), NaN without an interval.

    Times (K,) in s of each train need not be in order. Longer intervals count, so that the sum is
    below 1.
    """
    gaps = [np.diff(np.sort(np.asarray(times_s, np.float64))) for times_s in trains_s]
    intervals = np.concatenate([np.empty(0), *gaps]) + ROUNDING_S
    if not len(intervals):
        return np.full(n_bins, np.nan, np.float32)
    edges = np.arange(n_bins + 1) * BIN_S
    return (np.histogram(intervals, edges)[0] / len(intervals)).astype(np.float32)


def autocorrelogram(trains_s: Sequence[np.ndarray], n_bins: int = ACG_BINS) -> np.ndarray:
    """The rate in spikes/s around a spike: float32 (A,), A odd, NaN without an interval.

    Bin (A − 1) / 2 holds what is nearer than half a bin, less the spike itself.
    """
    assert n_bins % 2
    if max(map(len, trains_s), default=0) < FEWEST_SPIKES:
        return np.full(n_bins, np.nan, np.float32)
    half = n_bins // 2
    pairs = [_pairs(np.sort(np.asarray(times_s, np.float64)), half) for times_s in trains_s]
    rates = np.sum(pairs, axis=0) / (sum(map(len, trains_s)) * BIN_S)
    rates[0] *= 2  # both sides fall into the one bin
    return np.concatenate([rates[:0:-1], rates]).astype(np.float32)


def _pairs(times_s: np.ndarray, half: int) -> np.ndarray:
    """How many later spikes each bin from 0 to `half` after a spike holds: int64 (half + 1,)."""
    counts = np.zeros(half + 1, np.int64)
    reach_s = (half + 0.5) * BIN_S
    shift = 1
    while shift < len(times_s):  # to the shift-th next spike, until no pair is near enough
        gaps = times_s[shift:] - times_s[:-shift] + ROUNDING_S
        near = gaps[gaps < reach_s]
        if not len(near):
            break
        counts += np.bincount(np.floor(near / BIN_S + 0.5).astype(int), minlength=half + 1)
        shift += 1
    return counts


def firing(times_s: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Intervals and autocorrelograms of N cells, by each one's unbroken times: (N, B), (N, A)."""
    return (
        np.stack([interval_shares([train]) for train in times_s]),
        np.stack([autocorrelogram([train]) for train in times_s]),
    )


def log_edges(n_bins: int) -> np.ndarray:
    """Edges (E,) in bins of 1 ms, evenly spaced in the logarithm where that is wider than a bin."""
    if not n_bins:
        return np.empty(0, int)
    return np.unique(np.round(np.geomspace(1, n_bins + 1, LOG_BINS)).astype(int)) - 1


def log_binned(histogram: np.ndarray, mean: bool = False) -> np.ndarray:
    """Sums, or means, of histograms (N, B) between `log_edges`: (N, E − 1)."""
    edges = log_edges(histogram.shape[1])
    parts = [histogram[:, low:high] for low, high in pairwise(edges)]
    return np.stack([part.mean(axis=1) if mean else part.sum(axis=1) for part in parts], axis=1)


def edge_names(prefix: str, n_bins: int) -> list[str]:
    """Of the numbers that `log_binned` gives: "isi_0_to_1_ms", …"""
    return [f"{prefix}_{low}_to_{high}_ms" for low, high in pairwise(log_edges(n_bins))]

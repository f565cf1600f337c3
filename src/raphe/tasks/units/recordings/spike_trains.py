"""From spike times to what is known of a unit's firing: intervals and autocorrelogram.

K spikes of a unit, B bins of intervals, A bins of an autocorrelogram; bins are of 1 ms.
"""

from collections.abc import Sequence

import numpy as np

BIN_S = 1e-3
ISI_BINS, ACG_BINS = 100, 201  # of what is computed where no bundle says otherwise
FEWEST_SPIKES = 2  # that make an interval


def interval_shares(times_s: np.ndarray, n_bins: int = ISI_BINS) -> np.ndarray:
    """The share of all intervals in each bin from 0 on: float32 (B,), NaN for fewer than 2 spikes.

    `times_s` (K,) need not be in order. Longer intervals count, so that the sum is below 1.
    """
    if len(times_s) < FEWEST_SPIKES:
        return np.full(n_bins, np.nan, np.float32)
    intervals = np.diff(np.sort(np.asarray(times_s, np.float64)))
    edges = np.arange(n_bins + 1) * BIN_S
    return (np.histogram(intervals, edges)[0] / len(intervals)).astype(np.float32)


def autocorrelogram(times_s: np.ndarray, n_bins: int = ACG_BINS) -> np.ndarray:
    """The rate in spikes/s around a spike: float32 (A,), A odd, NaN for fewer than 2 spikes.

    Bin (A − 1) / 2 holds what is nearer than half a bin, less the spike itself.
    """
    assert n_bins % 2
    if len(times_s) < FEWEST_SPIKES:
        return np.full(n_bins, np.nan, np.float32)
    times = np.sort(np.asarray(times_s, np.float64))
    half = n_bins // 2
    counts = np.zeros(half + 1, np.int64)
    reach_s = (half + 0.5) * BIN_S
    shift = 1
    while shift < len(times):  # to the shift-th next spike, until no pair is near enough
        gaps = times[shift:] - times[:-shift]
        near = gaps[gaps < reach_s]
        if not len(near):
            break
        counts += np.bincount(np.floor(near / BIN_S + 0.5).astype(int), minlength=half + 1)
        shift += 1
    rates = counts / (len(times) * BIN_S)
    rates[0] *= 2  # both sides fall into the one bin
    return np.concatenate([rates[:0:-1], rates]).astype(np.float32)


def firing(trains_s: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Intervals and autocorrelograms of N units, by their spike times: (N, B) and (N, A)."""
    return (
        np.stack([interval_shares(train) for train in trains_s]),
        np.stack([autocorrelogram(train) for train in trains_s]),
    )

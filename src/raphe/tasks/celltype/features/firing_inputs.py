"""A cell's firing as a network takes it: a branch for its intervals, one for its autocorrelogram.

The same function makes them for training and for new cells. Only what does not grow with the
length of a recording is in them: no count, no entropy and no largest bin. D numbers a cell.
"""

from collections.abc import Sequence

import numpy as np

from raphe.core.firing.features import ISI_FEATURES, interval_features
from raphe.core.firing.histograms import (
    autocorrelogram,
    edge_names,
    interval_shares,
    log_binned,
)
from raphe.tasks.celltype.features.firing import trains_of_cells
from raphe.tasks.celltype.stores.spike_set import SpikeSet

BRANCHES = ("intervals", "autocorrelogram")
FEWEST_INTERVALS = 10  # of which a histogram says anything; fewer: both branches are missing
# Serotonergic cells fire about once a second (Vandermaelen & Aghajanian 1983), so that their
# intervals need seconds, where units of the cortex need tenths.
ISI_BINS = 4000  # of 1 ms
ACG_HALF = 1000  # bins of 1 ms on either side
OF_INTERVALS = ("cv", "log_mean", "log_sd", "q05", "q50", "q90")
_COLUMNS = [ISI_FEATURES.index(name) for name in OF_INTERVALS]
NAMES = (
    *edge_names("isi", ISI_BINS),
    *(f"isi_{name}" for name in OF_INTERVALS),
    *edge_names("acg", ACG_HALF),
)
_N_OF_ACG = len(edge_names("acg", ACG_HALF))
DIMS = (len(NAMES) - _N_OF_ACG, _N_OF_ACG)  # numbers of each branch, D in sum


def n_intervals(trains: Sequence[np.ndarray]) -> int:
    """Between neighbouring spikes of the same unbroken sweep."""
    return sum(max(len(train) - 1, 0) for train in trains)


def firing_inputs(trains: Sequence[np.ndarray]) -> np.ndarray:
    """Of one cell, by the times in s of its unbroken sweeps: float32 (D,), NaN where missing.

    Rates of the autocorrelogram are relative to their own mean, shares of the intervals to all.
    """
    if n_intervals(trains) < FEWEST_INTERVALS:
        return np.full(sum(DIMS), np.nan, np.float32)
    shares = interval_shares(trains, ISI_BINS)[None].astype(np.float64)
    within = shares.sum()
    of_intervals = np.full((1, DIMS[0]), np.nan)
    if within > 0:  # else all are longer than 4 s
        named = interval_features(shares)[:, _COLUMNS]
        of_intervals = np.hstack([np.sqrt(log_binned(shares)), named])
    rates = autocorrelogram(trains, 2 * ACG_HALF + 1)[None, ACG_HALF + 1 :].astype(np.float64)
    of_rates = np.full((1, DIMS[1]), np.nan)
    if mean := rates.mean():  # else no two spikes are within 1 s
        of_rates = np.log1p(log_binned(rates / mean, mean=True))
    return np.hstack([of_intervals, of_rates])[0].astype(np.float32)


def firing_of_set(spikes: SpikeSet) -> np.ndarray:
    """Of each cell of a store: float32 (n_cells, D), NaN where its spikes' times are not known."""
    rows = [firing_inputs(trains) for trains in trains_of_cells(spikes)]
    return np.array(rows, np.float32).reshape(-1, sum(DIMS))

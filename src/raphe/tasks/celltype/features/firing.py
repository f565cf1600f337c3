"""How regularly and how fast each cell of a store fires, from the times of its spikes."""

from collections.abc import Iterable

import numpy as np

from raphe.core.files.store import open_store
from raphe.tasks.celltype.recordings.file_names import UNKNOWN_TRIGGER
from raphe.tasks.celltype.stores.spike_set import SpikeSet

FEWEST_INTERVALS = 2  # of a coefficient of variation


def firing_features(trains: Iterable[np.ndarray]) -> tuple[float, float]:
    """Firing rate in Hz and CV of the intervals of one cell; NaN with too few spikes.

    `trains` holds ascending times in s, an array (n,) for each unbroken sweep: an interval never
    spans two of them.
    """
    intervals_s = np.concatenate([np.empty(0), *(np.diff(train) for train in trains)])
    if not intervals_s.sum():
        return float("nan"), float("nan")
    rate_hz = 1 / intervals_s.mean()
    if len(intervals_s) < FEWEST_INTERVALS:
        return float(rate_hz), float("nan")
    return float(rate_hz), float(intervals_s.std() * rate_hz)


def firing_of_cells(spikes: SpikeSet) -> np.ndarray:
    """Firing rate in Hz and CV of the intervals of each cell: float64 (n_cells, 2).

    NaN where a spike's time is unknown, as in imported windows, or does not count, as of synthetic
    spikes. Spikes that were dropped when the store was cut are missed: their intervals are sums.
    """
    firing = np.full((len(spikes.cells), 2), np.nan)
    if spikes.part is not None:
        return firing
    trigger, cell = spikes.trigger[:], spikes.cell[:]
    times_s, sweep = _times(spikes, trigger)
    order = np.lexsort((times_s, sweep, cell))
    for rows in _runs(order, cell[order]):
        if (trigger[rows] != UNKNOWN_TRIGGER).all():
            trains = [times_s[train] for train in _runs(rows, sweep[rows])]
            firing[cell[rows[0]]] = firing_features(trains)
    return firing


def _times(spikes: SpikeSet, trigger: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each spike's time in s and the number of its sweep, over all recordings: both (N,)."""
    if "recordings" not in spikes.facts.get("tables", {}):  # one unbroken recording a cell
        return trigger / spikes.rate_hz, np.zeros(spikes.n, np.int64)
    store = open_store(spikes.path)
    recordings = store.tables["recordings"]  # whose spikes stand one after the other
    kept = [int(row["kept"]) for row in recordings]
    rate_hz = np.repeat([float(row["rate_hz"]) for row in recordings], kept)
    sweep = np.asarray(store.arrays["sweep"], np.int64)
    n_sweeps = int(sweep.max(initial=0)) + 1
    return trigger / rate_hz, sweep + n_sweeps * np.repeat(np.arange(len(kept)), kept)


def _runs(rows: np.ndarray, value: np.ndarray) -> list[np.ndarray]:
    """`rows` (n,) cut where `value` (n,) changes."""
    return np.split(rows, np.flatnonzero(np.diff(value)) + 1) if len(rows) else []

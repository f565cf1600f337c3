"""How regularly and how fast each cell of a store fires, from the times of its spikes."""

from collections.abc import Iterable, Sequence

import numpy as np

from raphe.core.files.store import open_store
from raphe.tasks.celltype.recordings.file_names import UNKNOWN_TRIGGER
from raphe.tasks.celltype.stores.spike_set import SpikeSet

FEWEST_INTERVALS = 2  # of a coefficient of variation
FEWEST_FOR_SHORTEST = 4
SHORTEST_QUANTILE = 0.05
MAINS_HZ = (50.0, 60.0, 100.0, 120.0)  # artefacts come once a cycle, or with either half of it
# Far fewer seconds than the mains take to drift by half a cycle: 10 s at a deviation of 0.05 Hz.
MAINS_LAG_S = 2.0
FEWEST_FOR_MAINS = 3
SPIKES_FOR_MAINS = 3000  # of a train; 30 s of artefacts that come 100 times a second


def firing_features(trains: Iterable[np.ndarray]) -> tuple[float, float]:
    """Firing rate in Hz and CV of the intervals of one cell; NaN with too few spikes.

    `trains` holds ascending times in s, an array (n,) for each unbroken sweep: an interval never
    spans two of them.
    """
    intervals_s = _intervals(trains)
    if not intervals_s.sum():
        return float("nan"), float("nan")
    rate_hz = 1 / intervals_s.mean()
    if len(intervals_s) < FEWEST_INTERVALS:
        return float(rate_hz), float("nan")
    return float(rate_hz), float(intervals_s.std() * rate_hz)


def shortest_interval(trains: Iterable[np.ndarray]) -> float:
    """The interval in s that a twentieth of them stay below; NaN with too few spikes."""
    intervals_s = _intervals(trains)
    if len(intervals_s) < FEWEST_FOR_SHORTEST:
        return float("nan")
    return float(np.quantile(intervals_s, SHORTEST_QUANTILE))


def mains_locking(trains: Iterable[np.ndarray]) -> float:
    """How far the spikes keep to a phase of the mains, in SDs of what chance gives.

    The mean of cos(2π f Δt) over pairs of spikes at most MAINS_LAG_S apart is 1 where all of them
    come at one phase; times √(2 pairs) it has SD 1 for a cell that ignores the mains. The largest
    over MAINS_HZ. Pairs, not phases against a clock, as the mains themselves drift.
    """
    total, n_pairs = np.zeros(len(MAINS_HZ)), 0
    for train in trains:
        time_s = train[:SPIKES_FOR_MAINS]
        n = len(time_s)
        after = np.arange(1, n + 1)
        end = np.maximum(np.searchsorted(time_s, time_s + MAINS_LAG_S), after)
        n_pairs += int((end - after).sum())
        phase = np.exp(2j * np.pi * np.outer(MAINS_HZ, time_s))  # (frequencies, n)
        summed = np.concatenate([np.zeros((len(MAINS_HZ), 1)), phase.cumsum(axis=1)], axis=1)
        total += (phase.conj() * (summed[:, end] - summed[:, after])).real.sum(axis=1)
    if n_pairs < FEWEST_FOR_MAINS:
        return float("nan")
    return float(total.max() / np.sqrt(n_pairs / 2))


def firing_of_cells(spikes: SpikeSet) -> np.ndarray:
    """Firing rate in Hz and CV of the intervals of each cell: float64 (n_cells, 2).

    NaN where a spike's time is unknown, as in imported windows, or does not count, as of synthetic
    spikes. Spikes that were dropped when the store was cut are missed: their intervals are sums.
    """
    firing = [firing_features(trains) for trains in trains_of_cells(spikes)]
    return np.array(firing, np.float64).reshape(-1, 2)


def trains_of_cells(spikes: SpikeSet) -> list[list[np.ndarray]]:
    """For each cell its unbroken sweeps' spike times in s, ascending; none where unknown."""
    trains: list[list[np.ndarray]] = [[] for _ in spikes.cells]
    if spikes.part is not None:
        return trains
    trigger, cell = spikes.trigger[:], spikes.cell[:]
    times_s, sweep = spike_times(spikes, trigger)
    order = np.lexsort((times_s, sweep, cell))
    for rows in _runs(order, cell[order]):
        if (trigger[rows] != UNKNOWN_TRIGGER).all():
            trains[cell[rows[0]]] = [times_s[train] for train in _runs(rows, sweep[rows])]
    return trains


def first_spikes(trains: Sequence[np.ndarray], n: int) -> list[np.ndarray]:
    """The trains as far as their first `n` spikes reach."""
    kept = []
    for train in trains:
        kept.append(train[:n])
        n -= len(kept[-1])
    return kept


def _intervals(trains: Iterable[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.empty(0), *(np.diff(train) for train in trains)])


def spike_times(spikes: SpikeSet, trigger: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each spike's time in s and the number of its sweep, over all recordings: both (N,).

    The time is of no meaning where the trigger is not known.
    """
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

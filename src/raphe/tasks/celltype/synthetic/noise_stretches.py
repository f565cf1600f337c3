"""Where a sweep has nothing but noise, how strong the noise is, and places for masks there.

A stretch is a pair of samples, its first and the one past its last. n stretches of a sweep.
"""

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from raphe.tasks.celltype.spikes.cutting import CHUNK_SAMPLES
from raphe.tasks.celltype.spikes.resampling import ResampledSweep


def quiet_stretches(
    sweep: ResampledSweep,
    low: float | None,
    high: float | None,
    n_guard: int,
    n_least: int,
    chunk: int = CHUNK_SAMPLES,
) -> tuple[np.ndarray, int]:
    """The stretches of at least `n_least` samples, and the length of the longest of any size.

    Every sample of a stretch lies at least `n_guard` samples from one below `low`, above `high` or
    suspect, and from either end of the sweep, beyond which a spike could be.

    Returns int64 (n, 2), and the longest length in samples.
    """
    stretches, longest, last_loud = [np.empty((0, 2), np.int64)], 0, -1
    for start in range(0, sweep.n_samples, chunk):
        stop = min(start + chunk, sweep.n_samples)
        samples = sweep.read(start, stop)
        is_loud = sweep.suspect(start, stop)
        if low is not None:
            is_loud |= samples < low
        if high is not None:
            is_loud |= samples > high
        loud = start + np.flatnonzero(is_loud)
        if stop == sweep.n_samples:
            loud = np.append(loud, stop)
        if len(loud):
            first = np.r_[last_loud, loud[:-1]] + 1 + n_guard
            length = loud - n_guard - first
            longest = max(longest, int(length.max()))
            stretches.append(np.stack([first, first + length], axis=1)[length >= n_least])
            last_loud = int(loud[-1])
    return np.concatenate(stretches), longest


def count_places(stretches: np.ndarray, n_mask: int) -> np.ndarray:
    """How many masks of `n_mask` samples each stretch (n, 2) holds side by side: int64 (n,)."""
    return (stretches[:, 1] - stretches[:, 0]) // n_mask


def noise_level(
    sweeps: Sequence[ResampledSweep], stretches: Sequence[np.ndarray], n_mask: int
) -> float:
    """Root of the mean variance of all pieces of `n_mask` samples that the stretches hold.

    `stretches` has those of each sweep, (n, 2), as `quiet_stretches` gives them. Returns the SD in
    the sweeps' unit.
    """
    total, n_pieces = 0.0, 0
    for sweep, of_sweep in zip(sweeps, stretches, strict=True):
        n_places = count_places(of_sweep, n_mask)
        nth = np.arange(n_places.sum()) - np.repeat(np.cumsum(n_places) - n_places, n_places)
        first = np.repeat(of_sweep[:, 0], n_places) + n_mask * nth
        n_pieces += len(first)
        # Read by the chunk: to open the file takes longer than to read a stretch.
        chunks = np.arange(CHUNK_SAMPLES, sweep.n_samples, CHUNK_SAMPLES)
        for together in np.split(first, np.searchsorted(first, chunks)):
            if len(together):
                start = int(together[0])
                samples = sweep.read(start, int(together[-1]) + n_mask)
                pieces = sliding_window_view(samples, n_mask)[together - start]
                total += float(pieces.var(axis=1, dtype=np.float64).sum())
    return float(np.sqrt(total / n_pieces))


def draw_places(
    stretches: np.ndarray, n_mask: int, count: int, rng: np.random.Generator
) -> np.ndarray:
    """First samples of `count` masks at random in stretches (n, 2), none over another.

    Each set of places within a stretch is as likely as any other. Returns int64 (count,).
    """
    n_places = count_places(stretches, n_mask)
    drawn = rng.choice(int(n_places.sum()), count, replace=False)
    stretch_of_mask = np.searchsorted(np.cumsum(n_places), drawn, side="right")
    n_masks = np.bincount(stretch_of_mask, minlength=len(stretches))
    places = [np.empty(0, np.int64)]
    for (first, stop), n in zip(stretches.tolist(), n_masks.tolist(), strict=True):
        spare = stop - first - n * n_mask
        places.append(first + np.sort(rng.integers(0, spare + 1, n)) + np.arange(n) * n_mask)
    return np.concatenate(places)


def share_evenly(total: int, capacity: np.ndarray) -> np.ndarray:
    """Divide `total` as evenly as each one's capacity (n,) allows: int64 (n,).

    The first get one more; what exceeds all capacity is left over.
    """
    share = np.zeros(len(capacity), np.int64)
    total = min(total, int(capacity.sum()))
    while total:
        not_full = np.flatnonzero(share < capacity)
        each = total // len(not_full)
        if not each:
            share[not_full[:total]] += 1
            break
        given = np.minimum(each, (capacity - share)[not_full])
        share[not_full] += given
        total -= int(given.sum())
    return share

"""Where a sweep has nothing but noise, how strong the noise is, and places for masks there."""

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

    Returns int64 (n, 2), each from its first sample to past its last, and the longest length.
    """
    found, longest, last = [np.empty((0, 2), np.int64)], 0, -1
    for start in range(0, sweep.n_samples, chunk):
        stop = min(start + chunk, sweep.n_samples)
        samples = sweep.read(start, stop)
        loud = sweep.suspect(start, stop)
        if low is not None:
            loud |= samples < low
        if high is not None:
            loud |= samples > high
        places = start + np.flatnonzero(loud)
        if stop == sweep.n_samples:
            places = np.append(places, stop)
        if len(places):
            first = np.r_[last, places[:-1]] + 1 + n_guard
            length = places - n_guard - first
            longest = max(longest, int(length.max()))
            long = length >= n_least
            found.append(np.stack([first, first + length], axis=1)[long])
            last = int(places[-1])
    return np.concatenate(found), longest


def count_places(stretches: np.ndarray, n_mask: int) -> np.ndarray:
    """How many masks each stretch holds one beside the other: int64 (n,)."""
    return (stretches[:, 1] - stretches[:, 0]) // n_mask


def draw_places(
    stretches: np.ndarray, n_mask: int, count: int, rng: np.random.Generator
) -> np.ndarray:
    """First samples of `count` masks at random in the stretches, none over another: (count,).

    Each set of places within a stretch is as likely as any other.
    """
    held = count_places(stretches, n_mask)
    chosen = rng.choice(int(held.sum()), count, replace=False)
    wanted = np.bincount(
        np.searchsorted(np.cumsum(held), chosen, side="right"), minlength=len(held)
    )
    places = [np.empty(0, np.int64)]
    for (first, stop), n in zip(stretches.tolist(), wanted.tolist(), strict=True):
        spare = stop - first - n * n_mask
        places.append(first + np.sort(rng.integers(0, spare + 1, n)) + np.arange(n) * n_mask)
    return np.concatenate(places)


def share_evenly(total: int, capacity: np.ndarray) -> np.ndarray:
    """Divide `total` as evenly as what each can take allows; the first get one more: int64 (n,)."""
    share = np.zeros(len(capacity), np.int64)
    total = min(total, int(capacity.sum()))
    while total:
        open_ones = np.flatnonzero(share < capacity)
        each = total // len(open_ones)
        if not each:
            share[open_ones[:total]] += 1
            break
        given = np.minimum(each, (capacity - share)[open_ones])
        share[open_ones] += given
        total -= int(given.sum())
    return share


def noise_level(
    sweeps: Sequence[ResampledSweep], stretches: Sequence[np.ndarray], n_mask: int
) -> float:
    """Root of the mean variance of all pieces of `n_mask` samples that the stretches hold.

    `stretches` has those of each sweep, (n, 2), as `quiet_stretches` finds them.
    """
    total, n_pieces = 0.0, 0
    for sweep, found in zip(sweeps, stretches, strict=True):
        held = count_places(found, n_mask)
        nth = np.arange(held.sum()) - np.repeat(np.cumsum(held) - held, held)  # in its stretch
        first = np.repeat(found[:, 0], held) + n_mask * nth
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

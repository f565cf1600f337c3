"""Exact median and median absolute deviation of a trace of any length, in bounded memory."""

from collections.abc import Callable, Iterable

import numpy as np

Chunks = Callable[[], Iterable[np.ndarray]]  # each call starts again from the beginning

HALF = 16  # bits of a float32 that one pass over the trace settles


def median_and_mad(chunks: Chunks) -> tuple[float, float]:
    """Median of all samples, and median of their distances to it, in the samples' unit.

    Reads the float32 chunks (n,), which no NaN may be in, four times. Of an even number of samples
    the lower middle one is taken. (nan, nan) of no samples at all.
    """
    median = _lower_median(chunks)
    return median, _lower_median(lambda: (np.abs(chunk - np.float32(median)) for chunk in chunks()))


def _lower_median(chunks: Chunks) -> float:
    """Radix selection: the first pass finds the high half of the median's bits, the second the low.

    The bits of finite float32 numbers, with the sign bit turned or all bits of a negative number
    turned, are in the order of the numbers.
    """
    high_counts = _histogram(key >> HALF for key in map(_ordered_bits, chunks()))
    if not high_counts.any():
        return float("nan")
    rank = (int(high_counts.sum()) - 1) // 2
    high, rank = _bin_of(rank, high_counts)
    low_counts = _histogram(
        key[key >> HALF == high] & 0xFFFF for key in map(_ordered_bits, chunks())
    )
    low, _ = _bin_of(rank, low_counts)
    key = np.uint32(high << HALF | low)
    bits = key ^ np.uint32(0x80000000) if key & 0x80000000 else ~key
    return float(np.array(bits, np.uint32).view(np.float32))


def _ordered_bits(samples: np.ndarray) -> np.ndarray:
    bits = np.ascontiguousarray(samples, np.float32).view(np.uint32)
    return np.where(bits & 0x80000000, ~bits, bits | 0x80000000)


def _histogram(blocks: Iterable[np.ndarray]) -> np.ndarray:
    counts = np.zeros(1 << HALF, np.int64)
    for block in blocks:
        counts += np.bincount(block, minlength=1 << HALF)
    return counts


def _bin_of(rank: int, counts: np.ndarray) -> tuple[int, int]:
    """The bin that holds the item of this rank, and the item's rank within the bin."""
    total = np.cumsum(counts)
    index = int(np.searchsorted(total, rank, side="right"))
    return index, rank - int(total[index] - counts[index])

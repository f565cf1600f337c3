"""What shows that a trace, or some of its frames, is no fluorescence as a detector gives it.

Frames: a shutter was closed, the detector saturated, one is an outlier. The whole trace: its noise
was taken out, by a model of spikes and decay (CaImAn's C) or by smoothing. T frames at the file's
rate. The limits were set on 1089 recordings of 23 data sets, of which one has no noise, one a held
stretch and one an outlier by them (Rupprecht et al. 2021, Theis et al. 2016). About ninety, most of
zebrafish, have one dark frame, nearly always among the first.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.signal import butter, sosfiltfilt

from raphe.core.sentences import counted

SHORTEST, SHORTEST_HELD = 2, 5  # frames of one value: far outside the others, or within them
SHORTEST_HELD_S = 0.2
SHORTEST_FROZEN_S, MOST_FROZEN = 2.0, 3  # stretches that stand still, while others have noise
# The 5th percentile of the others above what stands still, by their range: below, that is the flat
# baseline from which transients without noise rise.
TOUCHING = 0.1
MOST_HELD = 0.2  # of the frames: beyond, a trace is made of steps
TIES = 0.01  # of the other frames at most have their neighbour's value where a held one is told
OUTLIER = 10.0  # ranges of 98 % of the frames, from those to a frame that no calcium explains
LONE = 2.4  # times from the median to the 1st percentile, from that to a single blanked frame
# At the largest number so many times the frames of each of the next below: a detector saturated.
CLIPPED, NEXT_BELOW = 4.0, 10
AROUND = 2  # frames to each side of an outlier that are none
FEWEST = 20  # frames that tell what the others are like
JUDGED_S, JUDGED_FRAMES = 120.0, 2**14  # of a trace, at most
# What two frames say of the next, in ranges of 99 % of the frames: the median of what is left, and
# that by the largest. Recordings have 1.7e-3 and 2.5e-3 or more, CaImAn's C less than 1e-4.
UNFORESEEN, UNFORESEEN_BY_LARGEST = 1e-3, 1e-3
RIDGE = 1e-14  # of their sum, on the diagonal of what is solved
STEPS = 10  # of the fit of least absolute deviations, weight by weight
NOISE_HZ = (2.0, 3.5)  # above most of the calcium
NOISE_OF_RATE = (0.25, 0.45)  # where frames are too slow for that
LEAST_NOISE = 2e-4  # of the range, the median there: recordings have 5.6e-4 or more


class Screened(NamedTuple):
    """A trace without the frames that are none, and what was wrong with them."""

    samples: np.ndarray  # float64 (T,), NaN where a frame was taken out
    remarks: tuple[str, ...]  # a phrase each
    is_denoised: bool


def screened(trace: np.ndarray, rate_hz: float) -> Screened:
    """Take blanked frames and outliers out of a trace (T,); NaN stay, infinite samples, too.

    Of a denoised one none are: it is flat where nothing happens.
    """
    samples = np.array(trace, dtype=np.float64)
    known = np.flatnonzero(np.isfinite(samples))
    if len(known) < FEWEST:
        return Screened(samples, (), False)
    values = samples[known]
    frozen = _frozen(values, rate_hz)
    moving = np.where(frozen, np.nan, values)
    remarks = [_standing_still(values[frozen])] if frozen.any() else []
    blanked = np.zeros(len(values), dtype=bool)
    found = _no_fluorescence(values[~frozen], rate_hz)
    if found is None:
        return Screened(samples, (), True)
    blanked[~frozen], value = found
    outliers = _outliers(np.where(blanked, np.nan, moving))
    if blanked.any():
        how = "saturated" if value == values.max() else "blanked"
        remarks.append(f"{counted('frame', int(blanked.sum()))} {how} at {value:g}, bridged")
    if outliers.any():
        furthest = values[outliers][np.abs(values[outliers]).argmax()]
        remarks.append(
            f"{counted('frame', int(outliers.sum()))} far from all others, up to {furthest:.4g}, "
            "bridged"
        )
    samples[known[frozen | blanked | outliers]] = np.nan
    return Screened(samples, tuple(remarks), False)


def _standing_still(values: np.ndarray) -> str:
    levels, counts = np.unique(values, return_counts=True)
    level = f"{levels[counts.argmax()]:g}" + " and others" * (len(levels) > 1)
    return f"{counted('frame', len(values))} standing still at {level}, taken as missing"


def _no_fluorescence(values: np.ndarray, rate_hz: float) -> tuple[np.ndarray, float] | None:
    """Which of (n,) numbers were blanked, bool (n,), and their value; None of a denoised trace."""
    judged = min(int(JUDGED_S * rate_hz), JUDGED_FRAMES)
    if not _is_denoised(values[:judged], rate_hz):
        return _blanked(values, rate_hz)
    blanked, value = _under_shutter(values)
    if not blanked.any() or _is_denoised(values[~blanked][:judged], rate_hz):
        return None
    return blanked, value


def _frozen(values: np.ndarray, rate_hz: float) -> np.ndarray:
    """Which of (n,) numbers stand still while others have noise: bool (n,).

    Where an acquisition hung, or shorter recordings of a matrix were filled up, for any share of
    the frames.
    """
    _, lengths = _runs(values)
    long = lengths >= max(SHORTEST_HELD, SHORTEST_FROZEN_S * rate_hz)
    chosen = np.repeat(long, lengths)
    others, rest = values[~chosen], lengths[~long]
    few = np.count_nonzero(long) <= MOST_FROZEN and len(others) >= FEWEST
    if not (few and long.any()) or rest.sum() - len(rest) > TIES * rest.sum():
        return np.zeros(len(values), dtype=bool)
    judged = min(int(JUDGED_S * rate_hz), JUDGED_FRAMES)
    if _is_baseline(values[chosen], others) or _is_denoised(others[:judged], rate_hz):
        return np.zeros(len(values), dtype=bool)
    return chosen


def _is_baseline(still: np.ndarray, others: np.ndarray) -> bool:
    """Whether numbers that stand still are one value, from which all others (m,) rise."""
    level, (low, high) = still.min(), np.percentile(others, [5, 99.5])
    return bool(still.max() == level <= others.min() and low - level < TOUCHING * (high - level))


def _runs(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where (n,) numbers change to another value, and for how many each stays: (runs,) each."""
    begins = np.concatenate([[0], np.flatnonzero(np.diff(values)) + 1])
    return begins, np.diff(np.append(begins, len(values)))


def _is_denoised(values: np.ndarray, rate_hz: float) -> bool:
    """Whether (n,) numbers have no noise above their signal's band."""
    if len(values) < FEWEST:
        return False
    low, middle, high = np.percentile(values, [0.5, 50, 99.5])
    scale = high - low if high > low else np.ptp(values)
    if not 0 < scale < np.inf:
        return False
    values = np.clip((values - middle) / scale, -OUTLIER, OUTLIER)
    unforeseen = _unforeseen(values)
    typical = np.median(unforeseen)
    if typical < UNFORESEEN and typical < UNFORESEEN_BY_LARGEST * unforeseen.max():
        return True
    band = [min(hz, share * rate_hz) for hz, share in zip(NOISE_HZ, NOISE_OF_RATE, strict=True)]
    noise = sosfiltfilt(_bandpass(*band, rate_hz), values, padtype=None)
    return bool(np.median(np.abs(noise)) < LEAST_NOISE)


@lru_cache
def _bandpass(low_hz: float, high_hz: float, rate_hz: float) -> np.ndarray:
    """A filter in sections, for every trace of a rate."""
    return butter(3, (low_hz, high_hz), "bandpass", fs=rate_hz, output="sos")


def _unforeseen(values: np.ndarray) -> np.ndarray:
    """What the two samples before leave of each sample, by least absolute deviations: (n − 2,)."""
    before = np.stack([values[1:-1], values[:-2], np.ones(len(values) - 2)])  # (3, n − 2)
    weight = np.ones(len(values) - 2)
    for _ in range(STEPS):  # without BLAS, whose threads wait for each other beside other traces'
        weighted = before * weight
        products = np.einsum("in,jn->ij", weighted, before)
        products += RIDGE * np.trace(products) * np.eye(3)
        share = np.linalg.solve(products, np.einsum("in,n->i", weighted, values[2:]))
        left = np.abs(values[2:] - np.einsum("i,in->n", share, before))
        weight = 1 / np.maximum(left, 1e-7)
    return left


def _blanked(values: np.ndarray, rate_hz: float) -> tuple[np.ndarray, float]:
    """Which of (n,) numbers are a run of one value that is no signal: bool (n,); the value."""
    begins, lengths = _runs(values)
    run = np.repeat(np.arange(len(begins)), lengths)  # to which each number belongs
    least = values == values.min()
    is_lone = np.count_nonzero(least) < SHORTEST  # single frames may be blanked again and again
    most = values == values.max()
    most &= _is_clipped(values)
    others = values[(lengths[run] < SHORTEST) & ~least & ~most]
    nothing = np.zeros(len(values), dtype=bool), np.nan
    if len(others) < FEWEST:
        return nothing
    low, middle, high = np.percentile(others, [1, 50, 99])
    if is_lone and not low - OUTLIER * (high - low) <= values.min() < low - LONE * (middle - low):
        least[:] = False
    level = values[begins]
    below = ((lengths >= SHORTEST) | least[begins]) & (level < low - (middle - low))
    above = (lengths >= SHORTEST) & (level > high) & (level >= values.max()) | most[begins]
    long = lengths >= max(SHORTEST_HELD, SHORTEST_HELD_S * rate_hz)
    rest = lengths[~(below | above | long)]
    is_rare = rest.sum() - len(rest) <= TIES * rest.sum()
    within = long & is_rare & (lengths[long].sum() <= MOST_HELD * len(values))
    chosen = below | (above & (is_rare | most[begins])) | within
    if not chosen.any():
        return nothing
    longest = np.flatnonzero(chosen)[lengths[chosen].argmax()]
    return chosen[run], float(level[longest])


def _is_clipped(values: np.ndarray) -> bool:
    """Whether the largest of (n,) numbers is far more frequent than any of the next below it."""
    if np.count_nonzero(values == values.max()) < SHORTEST_HELD:
        return False
    levels, counts = np.unique(values, return_counts=True)
    if len(levels) < FEWEST:
        return False
    return bool(counts[-1] >= CLIPPED * counts[-1 - NEXT_BELOW : -1].max())


def _under_shutter(values: np.ndarray) -> tuple[np.ndarray, float]:
    """Which of (n,) numbers are the least one, if it lies far below stretches of all others."""
    least = values == values.min()
    others = values[~least]
    nothing = np.zeros(len(values), dtype=bool), np.nan
    if len(others) < FEWEST or len(others) > (1 - MOST_HELD) * len(values):
        return nothing
    low, middle = np.percentile(others, [1, 50])
    n_stretches = np.count_nonzero(np.diff(least)) // 2 + 1
    if values.min() >= low - (middle - low) or len(others) < SHORTEST_HELD * n_stretches:
        return nothing
    return least, float(values.min())


def _outliers(values: np.ndarray) -> np.ndarray:
    """Which of (n,) lie far outside all others, one or two at a time: bool (n,)."""
    low, high = np.nanpercentile(values, [1, 99])
    reach = OUTLIER * (high - low)
    far = (values < low - reach) | (values > high + reach)
    begins = np.flatnonzero(far & ~np.concatenate([[False], far[:-1]]))
    ends = np.flatnonzero(far & ~np.concatenate([far[1:], [False]])) + 1
    outliers = np.zeros(len(values), dtype=bool)
    near = (values >= low - (high - low)) & (values <= high + (high - low))
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        around = [*range(max(begin - AROUND, 0), begin), *range(end, min(end + AROUND, len(far)))]
        if end - begin <= AROUND and near[around].any() and high > low:
            outliers[begin:end] = True
    return outliers

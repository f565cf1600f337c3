"""What a careful eye would remark on a cell's spikes before trusting a verdict on them.

N spikes, T samples a window.
"""

import numpy as np

from raphe.core.sentences import counted, number, typographic, whole
from raphe.core.statistics.intervals import rank_correlation_p
from raphe.tasks.celltype.spikes.cut_settings import Cut, GivenWindows
from raphe.tasks.celltype.verdicts.verdict import share

DRIFT_SHARE = 0.3  # of the amplitude, from the recording's start to its end
DRIFT_P = 0.01
FEWEST_FOR_DRIFT = 20
FLAT_SAMPLES = 3  # equal ones in a row at the peak: no converter gives them by chance
CLIPPED_SHARE = 0.1
SEPARATION = 4.5  # Ashman's D; halves of one normal distribution have 2.7, of a uniform one 3.5
SMALLER_SHARE = 0.1
FEWEST_FOR_TWO = 30
MIXED_RUNS = 0.5  # of the runs that two groups in random order have
ROUGHLY = 2  # by which factor the number of spikes still wanted may be off: it is drawn from few
NEAR_THRESHOLD, NEAR_SHARE = 0.1, 0.1  # of the threshold to either side, and of the spikes there
DOUBLET_MS = 10.0
DOUBLET_SHARE = 0.05
FEWEST_FOR_DOUBLETS = 20
SPEAKS_FOR = "its firing speaks for"
FIRING_KEPT = (
    "How the cell fires was taken to stay as it is: how it would differ is not in these intervals, "
    "nor in how many spikes are enough."
)


def remarks_on(waveforms: np.ndarray, time_s: np.ndarray, unit: str) -> list[str]:
    """Sentences on spikes (N, T) in `unit` at times (N,) in s, NaN where unknown; none on none.

    Spikes given twice, clipped ones, drift of the amplitude, two cells in one recording, doublets.
    """
    if not len(waveforms):
        return []
    amplitude = np.abs(waveforms).max(axis=1)
    remarks = [
        _given_twice(waveforms),
        _clipped(waveforms),
        _drift(amplitude, time_s, unit),
        _two_cells(amplitude, time_s, unit),
        _doublets(time_s),
    ]
    return [remark for remark in remarks if remark]


def too_few(n_spikes: int, more_spikes: int | None) -> str:
    """Of a cell whose spikes are not enough, with how many more would be, where that is known: see
    `metrics.enough_spikes`.

    >>> too_few(12, 6).partition("; ")[2]
    'roughly 3 to 12 more may settle it if they are like these'
    """
    return (
        f"{counted('spike', n_spikes)} {'is' if n_spikes == 1 else 'are'} not yet enough: more may "
        f"change the verdict, record longer; {settled_by(more_spikes)}"
    )


def settled_by(more_spikes: int | None) -> str:
    """How many further spikes may be enough, in words."""
    if more_spikes is None:
        return "how many would settle it cannot be told from these"
    return f"{roughly_more(more_spikes)} may settle it if they are like these"


def roughly_more(more_spikes: int) -> str:
    """An estimate of further spikes, with how far it may be off.

    >>> roughly_more(1), roughly_more(25)
    ('roughly 1 to 2 more', 'roughly 12 to 50 more')
    """
    least = max(1, more_spikes // ROUGHLY)
    return f"roughly {whole(least)} to {whole(ROUGHLY * more_spikes)} more"


def fewer_windows(n_windows: int, usual: float) -> str:
    """Of a cell whose windows, cut elsewhere, are not enough; training's have `usual` on average.

    >>> fewer_windows(1, 12.4)
    "1 window is not yet enough: more may change the verdict; training's cells have 12 on average"
    """
    return (
        f"{counted('window', n_windows)} {'is' if n_windows == 1 else 'are'} not yet enough: more "
        f"may change the verdict; training's cells have {usual:.0f} on average"
    )


def firing_unseen(n_intervals: int, fewest: int) -> str:
    """Of a cell whose firing networks could not look at, which they otherwise do."""
    known = counted("interval", n_intervals)
    reason = (
        f"{known} between spikes of one unbroken sweep {'is' if n_intervals == 1 else 'are'} "
        f"known, {fewest} are needed"
    )
    if n_intervals >= fewest:
        reason = f"all of its {known} are longer than those that networks look at"
    return f"its firing was not looked at, its spikes alone were: {reason}"


def firing_seen(n_intervals: int, leading: str, probability: float, alone: float) -> str:
    """What firing did to the probability of the leading class, which `alone` is of spikes alone.

    >>> firing_seen(212, "SER", 0.93, 0.71).partition(": ")[2]
    'from its spikes alone the probability of SER would be 0.71, not 0.93'
    """
    way = SPEAKS_FOR if probability >= alone else "its firing speaks against"
    said = share(alone), share(probability)
    would = "would be the same" if said[0] == said[1] else f"would be {said[0]}, not {said[1]}"
    return (
        f"{way} {leading} ({counted('interval', n_intervals)}): from its spikes alone the "
        f"probability of {leading} {would}"
    )


def beside_threshold(waveforms: np.ndarray, cut: Cut | GivenWindows, cut_before: bool) -> list[str]:
    """A sentence on spikes (N, T) that never reach the cut's threshold, or hardly do.

    Of windows that were cut before, at a threshold that is not known, nothing is told of others
    that it may have missed.
    """
    if not isinstance(cut, Cut) or cut.threshold_pa is None:
        return []
    sides = {"down": -waveforms, "up": waveforms, "both": np.abs(waveforms)}
    peak = sides[cut.polarity].max(axis=1)
    size = abs(cut.threshold_pa)
    below = peak < (1 - NEAR_THRESHOLD) * size
    near = ~below & (peak < (1 + NEAR_THRESHOLD) * size)
    level = f"{typographic(f'{cut.threshold_pa:g}')} {cut.unit}"
    if below.mean() >= NEAR_SHARE:
        return [
            f"{whole(int(below.sum()))} of {counted('spike', len(peak))} "
            f"{'does' if below.sum() == 1 else 'do'} not reach the threshold, {level}, that "
            "training's were cut at: wrong unit or sign?"
        ]
    if cut_before or near.mean() < NEAR_SHARE:
        return []
    peaks = "peak" if near.sum() == 1 else "peaks"
    return [
        f"the {peaks} of {whole(int(near.sum()))} of {counted('spike', len(peak))} "
        f"{'is' if near.sum() == 1 else 'are'} within {100 * NEAR_THRESHOLD:g} % of the "
        f"threshold, {level}: smaller ones were probably missed; compare with a threshold nearer "
        "to 0"
    ]


def _given_twice(waveforms: np.ndarray) -> str:
    """Noise makes no two spikes alike in every sample."""
    n_more = len(waveforms) - len({waveform.tobytes() for waveform in waveforms})
    if not n_more:
        return ""
    return (
        f"{whole(n_more)} of {counted('spike', len(waveforms))} "
        f"{'is' if n_more == 1 else 'are'} equal to another in every sample: given twice, and "
        "counted as often; leave them out"
    )


def _clipped(waveforms: np.ndarray) -> str:
    size = np.abs(waveforms)
    at_peak = size == size.max(axis=1, keepdims=True)  # (N, T)
    run = at_peak.copy()
    for shift in range(1, FLAT_SAMPLES):
        run[:, :-shift] &= at_peak[:, shift:]
        run[:, -shift:] = False
    share = run.any(axis=1).mean()
    if share < CLIPPED_SHARE:
        return ""
    return (
        f"{100 * share:.0f} % of the spikes have a flat peak: the amplifier or converter clipped "
        "them"
    )


def _drift(amplitude: np.ndarray, time_s: np.ndarray, unit: str) -> str:
    timed = np.isfinite(time_s)
    if timed.sum() < FEWEST_FOR_DRIFT:
        return ""
    amplitude, time_s = amplitude[timed], time_s[timed]
    if (
        not np.ptp(amplitude)
        or not np.ptp(time_s)
        or rank_correlation_p(time_s, amplitude) > DRIFT_P
    ):
        return ""
    slope, start = np.polynomial.Polynomial.fit(time_s, amplitude, 1).convert().coef[::-1]
    first, last = start + slope * time_s[[0, -1]]
    change = (last - first) / first
    if abs(change) < DRIFT_SHARE:
        return ""
    return (
        f"the peak drifts from {number(first)} to {number(last)} {unit} over the recording "
        f"({typographic(f'{100 * change:+.0f}')} %): the seal or the cell changed"
    )


def _two_cells(amplitude: np.ndarray, time_s: np.ndarray, unit: str) -> str:
    if len(amplitude) < FEWEST_FOR_TWO:
        return ""
    boundary, separation = split_in_two(amplitude)
    larger = amplitude > boundary
    share = min(larger.mean(), 1 - larger.mean())
    if separation < SEPARATION or share < SMALLER_SHARE or not _mixed(larger, time_s):
        return ""
    small, large = amplitude[~larger].mean(), amplitude[larger].mean()
    return (
        f"the peaks have two sizes, about {number(small)} and {number(large)} {unit}, that take "
        f"turns ({100 * share:.0f} % have the rarer one): these may be two cells"
    )


def split_in_two(values: np.ndarray) -> tuple[float, float]:
    """The boundary that divides values (n,) into the two groups of least variance, and Ashman's D.

    D is the distance of the groups' means over the root of their mean variance (Ashman et al.
    1994).
    """
    ascending = np.sort(np.asarray(values, np.float64))
    n = len(ascending)
    below = np.arange(1, n)
    total, squares = np.cumsum(ascending), np.cumsum(ascending**2)
    means = total[:-1] / below, (total[-1] - total[:-1]) / (n - below)
    within = (
        squares[:-1] - below * means[0] ** 2,
        squares[-1] - squares[:-1] - (n - below) * means[1] ** 2,
    )
    best = int(np.argmin(within[0] + within[1]))
    variance = [
        max(part[best] / count, 0.0)
        for part, count in zip(within, (below[best], n - below[best]), strict=True)
    ]
    spread = np.sqrt(np.mean(variance))
    distance = means[1][best] - means[0][best]
    boundary = (ascending[best] + ascending[best + 1]) / 2
    if not spread:
        return float(boundary), float("inf") if distance else 0.0
    return float(boundary), float(distance / spread)


def _mixed(group: np.ndarray, time_s: np.ndarray) -> bool:
    """Whether the two groups (N,) take turns: one after the other is a step, not a second cell."""
    in_order = group[np.argsort(time_s, kind="stable")]
    n_runs = 1 + np.count_nonzero(np.diff(in_order))
    larger = int(group.sum())
    expected = 1 + 2 * larger * (len(group) - larger) / len(group)  # Wald and Wolfowitz 1940
    return bool(n_runs > MIXED_RUNS * expected)


def _doublets(time_s: np.ndarray) -> str:
    intervals_ms = 1000 * np.diff(np.sort(time_s[np.isfinite(time_s)]))
    if len(intervals_ms) < FEWEST_FOR_DOUBLETS:
        return ""
    share = (intervals_ms < DOUBLET_MS).mean()
    if share < DOUBLET_SHARE:
        return ""
    return (
        f"{100 * share:.0f} % of the spikes follow another within {DOUBLET_MS:g} ms: doublets of "
        "this cell, or a second one"
    )

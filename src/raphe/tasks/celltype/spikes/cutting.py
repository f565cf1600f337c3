"""Cut spikes from a recording: the one function that does so, for training and for prediction.

N windows, T samples a window.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.recordings.recording import Recording
from raphe.core.recordings.units import unit_factor
from raphe.tasks.celltype.spikes.cut_settings import MIN_RATE_HZ, Cut, Polarity
from raphe.tasks.celltype.spikes.median_absolute_deviation import median_and_mad
from raphe.tasks.celltype.spikes.resampling import ResampledSweep, rate_ratio

CHUNK_SAMPLES = 2**20
DROPS = ("dead time", "edge", "suspect samples")


@dataclass
class CutSpikes:
    """What was cut from one recording, and what was not."""

    waveforms: np.ndarray  # float32 (N, T), in the cut's unit
    trigger: np.ndarray  # int64 (N,): the crossing's sample in its sweep, at the recording's rate
    sweep: np.ndarray  # int32 (N,)
    found: int = 0
    dropped: dict[str, int] = field(default_factory=lambda: dict.fromkeys(DROPS, 0))

    def __post_init__(self) -> None:
        assert len(self.waveforms) == len(self.trigger) == len(self.sweep)
        assert self.found == len(self) + sum(self.dropped.values())

    def __len__(self) -> int:
        return len(self.trigger)


def find_crossings(
    samples: np.ndarray, threshold: float, polarity: Polarity = "down"
) -> np.ndarray:
    """Indices of the first sample beyond the threshold whose predecessor is not: int64 (n,).

    "both" takes crossings of -|threshold| downward and of +|threshold| upward. A trace that
    starts beyond the threshold does not cross it there, nor does it after a NaN.
    """
    if polarity == "both":
        size = abs(threshold)
        return _crossings(samples, low=-size, high=size)
    return _crossings(samples, **{"low" if polarity == "down" else "high": threshold})


def cut_spikes(recording: Recording, cut: Cut, chunk: int = CHUNK_SAMPLES) -> CutSpikes:
    """Cut every sweep in chunks of `chunk` samples; the result does not depend on their size.

    Raises RecordingError for a rate too slow to show a spike or a unit that is not the cut's.
    """
    scale = recording_scale(recording, cut)
    ratio = rate_ratio(cut.rate_hz, recording.rate_hz)
    parts = [
        (np.empty((0, cut.n_samples), np.float32), np.empty(0, np.int64), np.empty(0, np.int32))
    ]
    dropped = Counter(dict.fromkeys(DROPS, 0))
    for number, trace in enumerate(recording.sweeps):
        sweep = ResampledSweep(trace, ratio, scale)
        low, high = threshold_levels(recording, number, sweep, cut, chunk)
        last = None
        for start in range(0, sweep.n_samples, chunk):
            stop = min(start + chunk, sweep.n_samples)
            crossings = _crossings(sweep.read(max(start - 1, 0), stop), low, high)
            events, last = _outside_dead_time(crossings + max(start - 1, 0), last, cut.n_dead)
            dropped["dead time"] += len(crossings) - len(events)
            windows, kept, drops = _cut_events(sweep, events, cut)
            dropped.update(drops)
            parts.append((windows, sweep.own_index(kept), np.full(len(kept), number, np.int32)))
    waveforms, trigger, sweeps = map(np.concatenate, zip(*parts, strict=True))
    found = len(trigger) + sum(dropped.values())
    return CutSpikes(waveforms, trigger, sweeps, found, dict(dropped))


def recording_scale(recording: Recording, cut: Cut) -> float:
    """What to multiply the recording by to have it in the cut's unit. Raises RecordingError."""
    where = recording.path or recording.cell_id
    if recording.rate_hz < MIN_RATE_HZ:
        raise RecordingError(
            f"{where}: sampled at {recording.rate_hz:g} Hz, a spike needs {MIN_RATE_HZ:g} Hz or "
            "more (its peak lasts 0.1 ms); leave this recording out"
        )
    scale = unit_factor(recording.unit, cut.unit)
    if scale is None:
        raise RecordingError(
            f"{where}: expected {cut.unit}, got {recording.unit}; choose another channel, or let "
            f"raphe extract take the numbers as {recording.unit} (--accept-unit {recording.unit})"
        )
    return scale


def threshold_levels(
    recording: Recording, number: int, sweep: ResampledSweep, cut: Cut, chunk: int
) -> tuple[float | None, float | None]:
    """The levels whose crossing downward and upward begins a spike."""
    if cut.mad_factor is None:
        centre, distance = 0.0, abs(cut.threshold_pa)
    else:
        centre, mad = median_and_mad(lambda: _sound_samples(sweep, chunk))
        distance = cut.mad_factor * mad
        if distance == 0:
            raise RecordingError(
                f"{recording.path or recording.cell_id}: more than half of sweep {number} is one "
                "value, so its MAD is 0 and gives no threshold; give one in pA"
            )
    low = centre - distance if cut.polarity != "up" else None
    high = centre + distance if cut.polarity != "down" else None
    return low, high


def _sound_samples(sweep: ResampledSweep, chunk: int) -> Iterator[np.ndarray]:
    for start in range(0, sweep.n_samples, chunk):
        stop = min(start + chunk, sweep.n_samples)
        yield sweep.read(start, stop)[~sweep.suspect(start, stop)]


def _crossings(
    samples: np.ndarray, low: float | None = None, high: float | None = None
) -> np.ndarray:
    crosses = np.zeros(max(len(samples) - 1, 0), bool)
    if low is not None:
        crosses |= (samples[1:] < low) & (samples[:-1] >= low)
    if high is not None:
        crosses |= (samples[1:] > high) & (samples[:-1] <= high)
    return np.flatnonzero(crosses) + 1


def _outside_dead_time(
    crossings: np.ndarray, last: int | None, n_dead: int
) -> tuple[np.ndarray, int | None]:
    """The crossings at least `n_dead` samples after the last one taken, and the new last one."""
    taken = []
    for crossing in crossings.tolist():
        if last is None or crossing - last >= n_dead:
            taken.append(crossing)
            last = crossing
    return np.array(taken, np.int64), last


def _cut_events(
    sweep: ResampledSweep, events: np.ndarray, cut: Cut
) -> tuple[np.ndarray, np.ndarray, Counter]:
    """Windows around the events that have whole and sound ones: float32 (n, T), and the events."""
    first = events - cut.n_before
    whole = (first >= 0) & (first + cut.n_samples <= sweep.n_samples)
    first = first[whole]
    if not len(first):
        return (
            np.empty((0, cut.n_samples), np.float32),
            np.empty(0, np.int64),
            Counter(edge=len(events)),
        )
    start, stop = int(first[0]), int(first[-1]) + cut.n_samples
    rows = (first - start)[:, None] + np.arange(cut.n_samples)  # (n, T)
    sound = ~sweep.suspect(start, stop)[rows].any(axis=1)
    windows = sweep.read(start, stop)[rows[sound]].astype(np.float32, copy=False)
    drops = Counter({"edge": len(events) - len(first), "suspect samples": int((~sound).sum())})
    return windows, events[whole][sound], drops

"""Cut spikes from a recording: the one function that does so, for training and for prediction.

`cut_spikes` reads as it works, sweep by sweep: the samples in the cut's unit and at its rate, the
level whose crossing begins a spike, the crossings, those outside the dead time, and the window
around each. `Cut` holds the settings.

N windows, n of them at once, T samples a window.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from raphe.core.command_line import printed_command
from raphe.core.errors import RecordingError
from raphe.core.files.left_out import Failure
from raphe.core.recordings.rates import rate_ratio
from raphe.core.recordings.recording import Recording
from raphe.core.recordings.units import unit_factor
from raphe.tasks.celltype.spikes.cut_settings import MIN_RATE_HZ, Cut
from raphe.tasks.celltype.spikes.median_absolute_deviation import median_and_mad
from raphe.tasks.celltype.spikes.resampling import ResampledSweep

CHUNK_SAMPLES = 2**20
DEAD_TIME, EDGE, SUSPECT = DROPS = ("dead time", "edge", "suspect samples")


@dataclass
class CutSpikes:
    """What was cut from one recording, and what was not."""

    waveforms: np.ndarray  # float32 (N, T), in the cut's unit
    trigger: np.ndarray  # int64 (N,): the crossing's sample in its sweep, at the recording's rate
    sweep: np.ndarray  # int32 (N,)
    n_crossings: int = 0
    dropped: dict[str, int] = field(default_factory=lambda: dict.fromkeys(DROPS, 0))

    def __post_init__(self) -> None:
        assert len(self.waveforms) == len(self.trigger) == len(self.sweep)
        assert self.n_crossings == len(self) + sum(self.dropped.values())

    def __len__(self) -> int:
        return len(self.trigger)


def cut_spikes(recording: Recording, cut: Cut, chunk: int = CHUNK_SAMPLES) -> CutSpikes:
    """Cut every sweep in chunks of `chunk` samples; the result does not depend on their size.

    Raises RecordingError for a rate too slow to show a spike or a unit that is not the cut's.
    """
    waveforms = [np.empty((0, cut.n_samples), np.float32)]
    trigger, sweep_number = [np.empty(0, np.int64)], [np.empty(0, np.int32)]
    dropped = Counter(dict.fromkeys(DROPS, 0))
    for number, sweep in enumerate(resampled_sweeps(recording, cut)):
        low, high = threshold_levels(recording, number, sweep, cut, chunk)
        last_spike = None
        for crossings in _crossings_by_chunk(sweep, low, high, chunk):
            spikes, last_spike = _outside_dead_time(crossings, last_spike, cut.n_dead)
            windows, kept, drops = _cut_windows(sweep, spikes, cut)
            dropped.update({DEAD_TIME: len(crossings) - len(spikes), **drops})
            waveforms.append(windows)
            trigger.append(sweep.index_in_trace(kept))
            sweep_number.append(np.full(len(kept), number, np.int32))
    n_crossings = sum(map(len, trigger)) + dropped.total()
    return CutSpikes(
        np.concatenate(waveforms),
        np.concatenate(trigger),
        np.concatenate(sweep_number),
        n_crossings,
        dict(dropped),
    )


def resampled_sweeps(recording: Recording, cut: Cut) -> list[ResampledSweep]:
    """The sweeps in the cut's unit and at its rate, still on disk. Raises RecordingError."""
    scale = recording_scale(recording, cut)
    ratio = rate_ratio(cut.rate_hz, recording.rate_hz)
    return [ResampledSweep(trace, ratio, scale) for trace in recording.sweeps]


class OtherUnitError(RecordingError):
    """A recording whose unit is no multiple of the cut's."""

    def __init__(self, where: Path | str, expected: str, unit: str) -> None:
        super().__init__(
            f"{where}: expected {expected}, got {unit}; choose another channel, if there is one"
        )
        self.unit = unit


def cut_failure(path: Path, error: Exception) -> Failure:
    """Why a recording is left out by a command that could also accept its unit."""
    if isinstance(error, OtherUnitError):
        accept = printed_command("--accept-unit", error.unit)
        return Failure(path, f"{error}, or take the numbers as they are ({accept})")
    return Failure.of(path, error)


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
        raise OtherUnitError(where, cut.unit, recording.unit)
    return scale


def threshold_levels(
    recording: Recording, number: int, sweep: ResampledSweep, cut: Cut, chunk: int
) -> tuple[float | None, float | None]:
    """The levels, in the cut's unit, whose crossing downward and upward begins a spike.

    `sweep` is the recording's sweep `number`, of which a MAD needs every sample. None for a side
    that the cut's polarity leaves out. Raises RecordingError where the MAD is 0.
    """
    if cut.mad_factor is None:
        assert cut.threshold_pa is not None  # a Cut has one or the other
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


def _crossings_by_chunk(
    sweep: ResampledSweep, low: float | None, high: float | None, chunk: int
) -> Iterator[np.ndarray]:
    """The crossings of a sweep, counted in its samples: int64 (n,) of each chunk."""
    for start in range(0, sweep.n_samples, chunk):
        before = max(start - 1, 0)  # a crossing shows in a sample and the one before it
        stop = min(start + chunk, sweep.n_samples)
        yield before + find_crossings(sweep.read(before, stop), low, high)


def find_crossings(
    samples: np.ndarray, low: float | None = None, high: float | None = None
) -> np.ndarray:
    """Indices of the samples below `low` or above `high` whose predecessor is not: int64 (n,).

    Of samples (N,) in the unit of the levels. A trace that starts beyond a level does not cross it
    there, nor does it after a NaN.
    """
    crosses = np.zeros(max(len(samples) - 1, 0), bool)
    with np.errstate(over="ignore"):  # a level beyond float32 is infinite there: nothing crosses it
        if low is not None:
            crosses |= (samples[1:] < low) & (samples[:-1] >= low)
        if high is not None:
            crosses |= (samples[1:] > high) & (samples[:-1] <= high)
    return np.flatnonzero(crosses) + 1


def _outside_dead_time(
    crossings: np.ndarray, last_spike: int | None, n_dead: int
) -> tuple[np.ndarray, int | None]:
    """The crossings at least `n_dead` samples after the last spike's, and the new last one."""
    spikes = []
    for crossing in crossings.tolist():
        if last_spike is None or crossing - last_spike >= n_dead:
            spikes.append(crossing)
            last_spike = crossing
    return np.array(spikes, np.int64), last_spike


def _cut_windows(
    sweep: ResampledSweep, spikes: np.ndarray, cut: Cut
) -> tuple[np.ndarray, np.ndarray, dict[str, int]]:
    """Windows float32 (n, T) around the crossings that have whole and sound ones.

    With these crossings int64 (n,), and how many others were dropped for what.
    """
    first = spikes - cut.n_before
    whole = (first >= 0) & (first + cut.n_samples <= sweep.n_samples)
    first = first[whole]
    if not len(first):
        no_windows = np.empty((0, cut.n_samples), np.float32)
        return no_windows, np.empty(0, np.int64), {EDGE: len(spikes)}
    start, stop = int(first[0]), int(first[-1]) + cut.n_samples
    rows = (first - start)[:, None] + np.arange(cut.n_samples)  # (n, T)
    sound = ~sweep.suspect(start, stop)[rows].any(axis=1)
    windows = sweep.read(start, stop)[rows[sound]].astype(np.float32, copy=False)
    drops = {EDGE: len(spikes) - len(first), SUSPECT: int((~sound).sum())}
    return windows, spikes[whole][sound], drops

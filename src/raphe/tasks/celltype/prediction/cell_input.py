"""A cell's spikes, read from what a user gives for a verdict: recordings, or spikes cut before.

N spikes, T samples a window.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.files.path import file_status
from raphe.core.recordings.recording import Recording
from raphe.tasks.celltype.prediction.window_arrays import ArrayCell
from raphe.tasks.celltype.recordings.file_names import UNKNOWN_TRIGGER, parse_window_name
from raphe.tasks.celltype.recordings.read_recording import read_recording
from raphe.tasks.celltype.spikes.cut_settings import Cut, GivenWindows
from raphe.tasks.celltype.spikes.cutting import DROPS, cut_spikes
from raphe.tasks.celltype.stores.spike_csv import (
    check_step,
    in_s,
    in_unit,
    parse_columns,
    rising_columns,
)

ARRAY = ".npy"
MOST_CURRENT = 1e15  # in pA a thousand amperes; its squares overflow nowhere in float32


@dataclass(frozen=True)
class Reading:
    """How files are read: the cut of the training, and the options of `read_recording`.

    An ensemble of windows that were cut elsewhere takes no recordings.
    """

    cut: Cut | GivenWindows
    channel: int | str | None = None
    unit: str | None = None
    growing: bool = False


@dataclass(frozen=True)
class CellSpikes:
    """One cell's spikes and the recordings, if any, that they were cut from.

    Raises RecordingError for windows of which nothing could be computed.
    """

    cell_id: str
    paths: tuple[Path, ...]
    waveforms: np.ndarray  # float32 (N, T), in the cut's unit
    time_s: np.ndarray  # float64 (N,): of the crossing, one recording after the other; NaN unknown
    recordings: tuple[Recording, ...] = ()
    dropped: dict[str, int] = field(default_factory=lambda: dict.fromkeys(DROPS, 0))
    sweep: np.ndarray | None = None  # int (N,): the unbroken sweep of each; None: all of one

    def __post_init__(self) -> None:
        if not np.abs(self.waveforms).max(initial=0) <= MOST_CURRENT:  # nor is NaN
            where = self.paths[0] if self.paths else self.cell_id
            is_finite = np.isfinite(self.waveforms).all()
            raise RecordingError(
                f"{where}: expected numbers, got "
                f"{f'some beyond {MOST_CURRENT:g}' if is_finite else 'NaN or infinity'} in its "
                "spikes"
            )

    def __len__(self) -> int:
        return len(self.waveforms)

    def first(self, n: int) -> "CellSpikes":
        """The cell as its first n spikes show it; the recordings stay whole."""
        sweep = None if self.sweep is None else self.sweep[:n]
        return replace(self, waveforms=self.waveforms[:n], time_s=self.time_s[:n], sweep=sweep)

    @property
    def trains(self) -> list[np.ndarray]:
        """Each sweep's spike times in s, ascending; none where one of them is unknown."""
        if not np.isfinite(self.time_s).all():
            return []
        if self.sweep is None:
            return [np.sort(self.time_s)]
        return [np.sort(self.time_s[self.sweep == number]) for number in np.unique(self.sweep)]

    @property
    def recorded_hz(self) -> float | None:
        """The recordings' rate, the lowest of several; None where it is not known."""
        return min((recording.rate_hz for recording in self.recordings), default=None)

    @property
    def duration_s(self) -> float | None:
        return (
            sum(recording.duration_s for recording in self.recordings) if self.recordings else None
        )


@dataclass(frozen=True)
class CellInput:
    """A cell in the files given; `read` reads it, and raises RapheError where it cannot."""

    cell_id: str
    paths: tuple[Path, ...]
    read: Callable[[Reading], CellSpikes] = field(repr=False)


def read_recordings(cell_id: str, paths: tuple[Path, ...], reading: Reading) -> CellSpikes:
    """Cut the spikes of a cell's recordings, one after the other. Raises RecordingError."""
    cut = _recordings_cut(paths[0], reading.cut)
    recordings = (
        read_recording(path, reading.channel, reading.unit, cut.accept_unit, reading.growing)
        for path in paths
    )
    return cut_recordings(cell_id, paths, recordings, cut)


def cut_recordings(
    cell_id: str, paths: tuple[Path, ...], recordings: Iterable[Recording], cut: Cut | GivenWindows
) -> CellSpikes:
    """Cut the spikes of a cell's recordings, which follow one another. Raises RecordingError."""
    cut = _recordings_cut(cell_id, cut)
    cut_from, waveforms, time_s, sweep = [], [], [], []
    dropped = dict.fromkeys(DROPS, 0)
    begun_s, n_sweeps = 0.0, 0
    for recording in recordings:
        spikes = cut_spikes(recording, cut)
        cut_from.append(recording)
        waveforms.append(spikes.waveforms)
        starts_s = np.array([sweep.start_s for sweep in recording.sweeps])
        time_s.append(begun_s + starts_s[spikes.sweep] + spikes.trigger / recording.rate_hz)
        sweep.append(n_sweeps + spikes.sweep)
        n_sweeps += len(recording.sweeps)
        begun_s += starts_s[-1] + recording.sweeps[-1].n_samples / recording.rate_hz
        dropped = {drop: count + spikes.dropped[drop] for drop, count in dropped.items()}
    return CellSpikes(
        cell_id,
        paths,
        np.concatenate(waveforms),
        np.concatenate(time_s),
        tuple(cut_from),
        dropped,
        np.concatenate(sweep),
    )


def _recordings_cut(where: Path | str, cut: Cut | GivenWindows) -> Cut:
    """The cut, where the bundle has one. Raises RecordingError."""
    if isinstance(cut, GivenWindows):
        raise RecordingError(
            f"{where}: the bundle was trained on windows that were not cut from recordings, so "
            f"none can be cut alike; give windows of {cut.n_samples} samples ({ARRAY})"
        )
    return cut


def read_spike_files(cell_id: str, files: tuple[Path, ...], reading: Reading) -> CellSpikes:
    """Read a cell's single spikes, in the order of their triggers. Raises RecordingError."""
    cut = reading.cut
    waveforms, time_s = [], []
    for file in files:
        file_status(file, RecordingError)
        try:
            columns, names = parse_columns(file.read_bytes())
            if len(columns) != cut.n_samples:
                raise ValueError(f"expected a spike of {cut.n_samples} rows, got {len(columns)}")
            rising = rising_columns(columns)
            if len(rising) != 1:
                raise ValueError("expected one of its two columns to be the time, and to rise")
            time = int(rising[0])
            check_step(in_s(columns[:, time], names), cut.rate_hz)
            waveforms.append(in_unit(columns[:, 1 - time], names, cut.unit))
        except (OSError, ValueError) as error:
            raise RecordingError(f"{file}: {error}") from None
        trigger = parse_window_name(file.name)[1]
        time_s.append(np.nan if trigger == UNKNOWN_TRIGGER else trigger / cut.rate_hz)
    order = np.argsort(time_s, kind="stable")
    with np.errstate(over="ignore"):  # what becomes infinite is refused
        windows = np.array(waveforms, np.float32)[order]
    return CellSpikes(cell_id, files, windows, np.array(time_s)[order])


def read_array_cell(cell: ArrayCell, reading: Reading) -> CellSpikes:
    """Read a cell's rows of an array of windows. Raises RecordingError."""
    waveforms = cell.read(reading.cut)
    time_s = np.where(cell.trigger < 0, np.nan, cell.trigger / reading.cut.rate_hz)
    return CellSpikes(cell.cell_id, (cell.path,), waveforms, time_s)

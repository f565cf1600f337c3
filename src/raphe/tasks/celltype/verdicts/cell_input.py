"""A cell's spikes, read from what a user gives for a verdict: recordings, cut spikes, stores.

N spikes, T samples a window.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from raphe.core.bundles.fields import shown
from raphe.core.errors import RecordingError
from raphe.core.files.kind import kind_of
from raphe.core.files.left_out import Failure
from raphe.core.files.path import file_status
from raphe.core.recordings.rates import same_rate
from raphe.core.recordings.recording import Recording
from raphe.core.recordings.units import peak_fault, unit_factor
from raphe.core.sentences import counted
from raphe.tasks.celltype.features.firing import spike_times
from raphe.tasks.celltype.features.training_cells import recorded_rates
from raphe.tasks.celltype.recordings.file_names import UNKNOWN_TRIGGER, parse_window_name
from raphe.tasks.celltype.recordings.read_recording import read_recording
from raphe.tasks.celltype.spikes.cut_settings import Cut, GivenWindows
from raphe.tasks.celltype.spikes.cutting import DROPS, cut_spikes
from raphe.tasks.celltype.spikes.waveform_faults import waveform_faults
from raphe.tasks.celltype.stores.open_spikes import open_spikes
from raphe.tasks.celltype.stores.spike_csv import (
    WHOLE_RECORDINGS,
    check_step,
    in_s,
    in_unit,
    parse_columns,
    rising_columns,
)
from raphe.tasks.celltype.stores.spike_set import SpikeSet
from raphe.tasks.celltype.stores.spike_store import KIND, SHARDED_KIND
from raphe.tasks.celltype.verdicts.window_arrays import ArrayCell

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
    stored_hz: float | None = None  # the rate of the recordings that a store was cut from
    left_out: tuple[Failure, ...] = ()  # windows that are no waveform
    remarks: tuple[str, ...] = ()  # on how it was read
    pre_ms: float | None = None  # of the crossing, after a window's start; None where not known
    n_by_hand: int = 0  # spikes that a person left out

    def __post_init__(self) -> None:
        n = len(self.waveforms)
        windows = self.waveforms.reshape(n, self.waveforms.size // max(n, 1))
        bad = np.flatnonzero(~(np.abs(windows).max(axis=1, initial=0) <= MOST_CURRENT))  # or NaN
        if len(bad):
            where = self.paths[0] if self.paths else self.cell_id
            is_finite = np.isfinite(windows[bad[0]]).all()
            more = f" and {counted('other', len(bad) - 1)}" if len(bad) > 1 else ""
            raise RecordingError(
                f"{where}: expected numbers, got "
                f"{f'some beyond {MOST_CURRENT:g}' if is_finite else 'NaN or infinity'} in its "
                f"spike {bad[0]} (counted from 0){more}"
            )

    def __len__(self) -> int:
        return len(self.waveforms)

    def first(self, n: int) -> "CellSpikes":
        """The cell as its first n spikes show it; the recordings stay whole."""
        return self._those(slice(n))

    def accepted(self, by_hand: np.ndarray) -> "CellSpikes":
        """The cell without the spikes that a person rejected: `by_hand` bool (N,), False there."""
        return replace(self._those(by_hand), n_by_hand=int(np.count_nonzero(~by_hand)))

    def _those(self, rows: slice | np.ndarray) -> "CellSpikes":
        sweep = None if self.sweep is None else self.sweep[rows]
        return replace(self, waveforms=self.waveforms[rows], time_s=self.time_s[rows], sweep=sweep)

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
        return min((recording.rate_hz for recording in self.recordings), default=self.stored_hz)

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


def read_recordings(
    cell_id: str, paths: tuple[Path, ...], reading: Reading, channels: tuple[str, ...] = ()
) -> CellSpikes:
    """Cut the spikes of a cell's recordings, one after the other. Raises RecordingError.

    `channels` has one for each, "" for that of `reading`.
    """
    cut = _recordings_cut(paths[0], reading.cut)
    recordings = (
        read_recording(
            path, channel or reading.channel, reading.unit, cut.accept_unit, reading.growing
        )
        for path, channel in zip(paths, channels or [""] * len(paths), strict=True)
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
        pre_ms=cut.pre_ms,
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
    _require_no_channel(files[0], reading)
    waveforms, time_s = [], []
    for file in files:
        file_status(file, RecordingError)
        try:
            columns, names = parse_columns(file.read_bytes())
            if len(columns) != cut.n_samples:
                raise ValueError(
                    f"expected one spike, cut before, of {cut.n_samples} rows, got {len(columns)}; "
                    f"{WHOLE_RECORDINGS}"
                )
            rising = rising_columns(columns)
            if len(rising) != 1:
                raise ValueError("expected one of its two columns to be the time, and to rise")
            time = int(rising[0])
            check_step(in_s(columns[:, time], names), cut.rate_hz)
            waveforms.append(in_unit(columns[:, 1 - time], names, cut.unit, reading.unit))
        except (OSError, ValueError) as error:
            raise RecordingError(f"{file}: {error}") from None
        trigger = parse_window_name(file.name)[1]
        time_s.append(np.nan if trigger == UNKNOWN_TRIGGER else trigger / cut.rate_hz)
    order = np.argsort(time_s, kind="stable")
    with np.errstate(over="ignore"):  # what becomes infinite is refused
        windows = np.array(waveforms, np.float32)[order]
    return CellSpikes(cell_id, files, windows, np.array(time_s)[order])


def read_array_cell(cell: ArrayCell, reading: Reading) -> CellSpikes:
    """Read a cell's rows of an array, those that are a waveform. Raises RecordingError.

    They are in the cut's unit unless `reading` names another, for an array names none.
    """
    _require_no_channel(cell.path, reading)
    cut = reading.cut
    waveforms = converted_windows(cell.path, cell.read(cut), reading.unit, cut.unit)
    faults = [
        fault or (f"holds numbers beyond {MOST_CURRENT:g}" if largest > MOST_CURRENT else "")
        for fault, largest in zip(
            waveform_faults(waveforms), np.abs(waveforms).max(axis=1), strict=True
        )
    ]
    left_out = tuple(
        Failure(cell.path, f"window {row} (counted from 0) {fault}")
        for row, fault in zip(cell.rows, faults, strict=True)
        if fault
    )
    kept = np.array([not fault for fault in faults])
    if not kept.any():
        n_windows = len(kept)
        which = f"none of the {n_windows} windows of {cell.cell_id} is a waveform: "
        raise RecordingError(f"{cell.path}: {which if n_windows > 1 else ''}{left_out[0].message}")
    remarks = cell.remarks
    if left_out:
        words = ", ".join(failure.message for failure in left_out[:3])
        are = "is" if len(left_out) == 1 else "are"
        remarks += (f"{len(left_out)} of its {len(kept)} windows {are} left out: {words}",)
    trigger = cell.trigger[kept]
    time_s = np.where(trigger < 0, np.nan, trigger / cut.rate_hz)
    return CellSpikes(
        cell.cell_id, (cell.path,), waveforms[kept], time_s, left_out=left_out, remarks=remarks
    )


def converted_windows(
    where: Path | str, waveforms: np.ndarray, unit: str | None, target: str
) -> np.ndarray:
    """Windows that name no unit, from `unit` into `target`; as they are for None.

    Raises RecordingError for a unit that cannot be converted, or cannot be the windows'.
    """
    if unit is None:
        return waveforms
    factor = unit_factor(unit, target)
    if factor is None:
        raise RecordingError(
            f"{where}: --unit {shown(unit)}: the bundle was trained on windows in {target}, and "
            "this unit cannot be converted"
        )
    if factor == 1:
        return waveforms
    with np.errstate(over="ignore"):  # what becomes infinite is refused
        waveforms = np.asarray(waveforms * factor, np.float32)
    peak = float(np.nanmax(np.abs(waveforms), initial=0))
    if peak and (fault := peak_fault(peak, target)):
        raise RecordingError(
            f"{where}: --unit {shown(unit)}: the windows would reach {peak:.2g} {target}, and "
            f"{fault}"
        )
    return waveforms


def _require_no_channel(path: Path, reading: Reading) -> None:
    if reading.channel is not None:
        raise RecordingError(
            f"{path}: --channel {shown(reading.channel)}: holds spikes that were cut before, and "
            "no channels; leave it out"
        )


def cells_of_store(path: Path, cut: Cut | GivenWindows | None) -> list[CellInput]:
    """The cells of a store, in its order; `cut` is that of the bundle which judges them.

    Raises RecordingError for a store of something else or of other windows, StoreError for one that
    is damaged.
    """
    kind = kind_of(path)
    if kind not in (KIND, SHARDED_KIND):
        raise RecordingError(f"{path}: is a store of {kind}, expected one of {KIND}")
    spikes = open_spikes(path)
    if cut is not None:
        _require_fit(spikes, cut)
    cell, trigger = spikes.cell[:], spikes.trigger[:]
    time_s, sweep = spike_times(spikes, trigger)
    is_unknown = trigger == UNKNOWN_TRIGGER if spikes.part is None else np.ones(spikes.n, bool)
    time_s = np.where(is_unknown, np.nan, time_s)
    rates = recorded_rates(spikes)
    rows = np.split(np.argsort(cell, kind="stable"), np.cumsum(spikes.counts)[:-1])

    def read(number: int, reading: Reading) -> CellSpikes:
        _require_fit(spikes, reading.cut)
        _require_no_channel(path, reading)
        if reading.unit is not None and unit_factor(reading.unit, spikes.unit) != 1:
            raise RecordingError(
                f"{path}: --unit {shown(reading.unit)}: the store says itself that its windows are "
                f"in {spikes.unit}; leave it out"
            )
        of_cell, cell_id = rows[number], spikes.cells[number].cell_id
        return CellSpikes(
            cell_id,
            (path,),
            spikes.read(of_cell),
            time_s[of_cell],
            sweep=sweep[of_cell],
            stored_hz=rates.get(cell_id),
            pre_ms=spikes.time_axis.pre_ms,
        )

    return [
        CellInput(of_store.cell_id, (path,), partial(read, number))
        for number, of_store in enumerate(spikes.cells)
    ]


def _require_fit(spikes: SpikeSet, cut: Cut | GivenWindows) -> None:
    """Raises RecordingError for windows that are not cut as the bundle's."""
    expected = _form(cut.n_samples, cut.rate_hz, cut.unit)
    if (
        spikes.n_samples != cut.n_samples
        or not same_rate(spikes.rate_hz, cut.rate_hz)
        or unit_factor(spikes.unit, cut.unit) != 1
    ):
        form = _form(spikes.n_samples, spikes.rate_hz, spikes.unit)
        raise RecordingError(
            f"{spikes.path}: expected windows of {expected}, as the bundle takes, got {form}"
        )
    pre_ms = spikes.time_axis.pre_ms
    if isinstance(cut, Cut) and pre_ms not in (None, cut.pre_ms):
        raise RecordingError(
            f"{spikes.path}: expected spikes cut {cut.pre_ms:g} ms before the crossing, as the "
            f"bundle takes, got {pre_ms:g} ms; cut them anew with raphe extract"
        )


def _form(n_samples: int, rate_hz: float, unit: str) -> str:
    return f"{n_samples} samples at {rate_hz:g} Hz in {unit}"

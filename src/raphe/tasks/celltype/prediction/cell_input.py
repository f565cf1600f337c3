"""What a user gives for a verdict, cell by cell: recordings, or spikes that were cut before.

N spikes, T samples a window.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from raphe.core.errors import RapheError, RecordingError
from raphe.core.recordings.recording import Recording, parse_cell_id
from raphe.tasks.celltype.prediction.window_arrays import ArrayCell, cells_of_array
from raphe.tasks.celltype.recordings.file_names import TRIGGER, UNKNOWN_TRIGGER, parse_window_name
from raphe.tasks.celltype.recordings.labels import SUFFIXES, TABLE, Failure, find_recordings
from raphe.tasks.celltype.recordings.read_recording import read_recording
from raphe.tasks.celltype.spikes.cut_settings import Cut, GivenWindows
from raphe.tasks.celltype.spikes.cutting import DROPS, cut_spikes
from raphe.tasks.celltype.stores.spike_csv import check_step, parse_columns, rising_columns

SPIKE, ARRAY = ".csv", ".npy"
KNOWN = (*SUFFIXES, SPIKE, ARRAY)


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
    """One cell's spikes and the recordings, if any, that they were cut from."""

    cell_id: str
    paths: tuple[Path, ...]
    waveforms: np.ndarray  # float32 (N, T), in the cut's unit
    time_s: np.ndarray  # float64 (N,): of the crossing, one recording after the other; NaN unknown
    recordings: tuple[Recording, ...] = ()
    dropped: dict[str, int] = field(default_factory=lambda: dict.fromkeys(DROPS, 0))

    def __len__(self) -> int:
        return len(self.waveforms)

    @property
    def duration_s(self) -> float | None:
        return sum(one.duration_s for one in self.recordings) if self.recordings else None


@dataclass(frozen=True)
class CellInput:
    """A cell that was found; `read` reads it, and raises RapheError where it cannot."""

    cell_id: str
    paths: tuple[Path, ...]
    read: Callable[[Reading], CellSpikes] = field(repr=False)


def find_cells(paths: Iterable[Path | str]) -> tuple[list[CellInput], list[Failure]]:
    """The cells in these files and folders in the order found, and what was left out.

    Recordings (.abf, .nwb), one a cell unless a `cells.csv` in their folder says which belong
    together; the authors' files of single spikes, <cell>_trigger_<sample>.csv; arrays of windows
    (.npy). Raises RecordingError where nothing of these is found.
    """
    paths = [Path(path) for path in paths]
    cells: list[CellInput] = []
    failed: list[Failure] = []
    for path in paths:
        try:
            found, left_out = _in_folder(path) if path.is_dir() else _in_file(path)
        except RapheError as error:
            found, left_out = [], [Failure(path, str(error))]
        cells += found
        failed += left_out
    if not cells and not failed:
        named = ", ".join(str(path) for path in paths)
        raise RecordingError(f"{named}: there is no {' or '.join(KNOWN)} file here")
    return _refuse_second_cells(cells, failed)


def _in_file(path: Path) -> tuple[list[CellInput], list[Failure]]:
    if not path.exists():
        raise RecordingError(f"{path}: there is no such file or folder")
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        return [_recorded(parse_cell_id(path)[0], (path,))], []
    if suffix == SPIKE:
        return _of_spike_files([path]), []
    if suffix == ARRAY:
        return _of_arrays([path])
    raise RecordingError(f"{path}: expected a {', '.join(KNOWN)} file or a folder of them")


def _in_folder(folder: Path) -> tuple[list[CellInput], list[Failure]]:
    files = sorted(file for file in folder.rglob("*") if _is_visible(file.relative_to(folder)))
    cells, failed = _of_recordings(folder, files)
    cells += _of_spike_files([file for file in files if _is_spike(file)])
    of_arrays, failed_arrays = _of_arrays([file for file in files if file.suffix == ARRAY])
    return cells + of_arrays, failed + failed_arrays


def _of_recordings(folder: Path, files: list[Path]) -> tuple[list[CellInput], list[Failure]]:
    if not any(file.suffix.lower() in SUFFIXES for file in files):
        return [], []
    recorded, failed = find_recordings(folder)
    if not (folder / TABLE).exists():  # files of one name are told apart as two cells of one id
        return [_recorded(one.cell_id, (one.path,)) for one in recorded], failed
    together: dict[str, list[Path]] = {}
    for one in recorded:
        together.setdefault(one.cell_id, []).append(one.path)
    return [_recorded(cell_id, tuple(own)) for cell_id, own in together.items()], failed


def _recorded(cell_id: str, paths: tuple[Path, ...]) -> CellInput:
    return CellInput(cell_id, paths, lambda reading: _cut(cell_id, paths, reading))


def _cut(cell_id: str, paths: tuple[Path, ...], reading: Reading) -> CellSpikes:
    if isinstance(reading.cut, GivenWindows):
        raise RecordingError(
            f"{paths[0]}: the bundle was trained on windows that were not cut from recordings, so "
            f"none can be cut alike; give windows of {reading.cut.n_samples} samples ({ARRAY})"
        )
    recordings, waveforms, time_s = [], [], []
    dropped = dict.fromkeys(DROPS, 0)
    begun_s = 0.0
    for path in paths:
        recording = read_recording(
            path, reading.channel, reading.unit, reading.cut.accept_unit, reading.growing
        )
        spikes = cut_spikes(recording, reading.cut)
        recordings.append(recording)
        waveforms.append(spikes.waveforms)
        starts_s = np.array([sweep.start_s for sweep in recording.sweeps])
        time_s.append(begun_s + starts_s[spikes.sweep] + spikes.trigger / recording.rate_hz)
        begun_s += starts_s[-1] + recording.sweeps[-1].n_samples / recording.rate_hz
        dropped = {drop: count + spikes.dropped[drop] for drop, count in dropped.items()}
    return CellSpikes(
        cell_id,
        paths,
        np.concatenate(waveforms),
        np.concatenate(time_s),
        tuple(recordings),
        dropped,
    )


def _of_spike_files(files: list[Path]) -> list[CellInput]:
    together: dict[str, list[Path]] = {}
    for file in files:
        together.setdefault(parse_window_name(file.name)[0], []).append(file)
    return [_of_one_cell(cell_id, tuple(own)) for cell_id, own in together.items()]


def _of_one_cell(cell_id: str, files: tuple[Path, ...]) -> CellInput:
    return CellInput(cell_id, files, lambda reading: _read_files(cell_id, files, reading.cut))


def _read_files(cell_id: str, files: tuple[Path, ...], cut: Cut | GivenWindows) -> CellSpikes:
    waveforms, time_s = [], []
    for file in files:
        try:
            columns = parse_columns(file.read_bytes())
            if len(columns) != cut.n_samples:
                raise ValueError(f"expected a spike of {cut.n_samples} rows, got {len(columns)}")
            rising = rising_columns(columns)
            if len(rising) != 1:
                raise ValueError("expected one of its two columns to be the time, and to rise")
            check_step(columns[:, rising[0]], cut.rate_hz)
        except (OSError, ValueError) as error:
            raise RecordingError(f"{file}: {error}") from None
        waveforms.append(columns[:, 1 - rising[0]])
        trigger = parse_window_name(file.name)[1]
        time_s.append(np.nan if trigger == UNKNOWN_TRIGGER else trigger / cut.rate_hz)
    order = np.argsort(time_s, kind="stable")
    return CellSpikes(
        cell_id, files, np.array(waveforms, np.float32)[order], np.array(time_s)[order]
    )


def _of_arrays(files: list[Path]) -> tuple[list[CellInput], list[Failure]]:
    cells: list[CellInput] = []
    failed: list[Failure] = []
    for file in files:
        try:
            cells += [_of_array(file, one) for one in cells_of_array(file)]
        except RapheError as error:
            failed.append(Failure(file, str(error)))
    return cells, failed


def _of_array(file: Path, cell: ArrayCell) -> CellInput:
    def read(reading: Reading) -> CellSpikes:
        waveforms = cell.read(reading.cut)
        time_s = np.where(cell.trigger < 0, np.nan, cell.trigger / reading.cut.rate_hz)
        return CellSpikes(cell.cell_id, (file,), waveforms, time_s)

    return CellInput(cell.cell_id, (file,), read)


def _refuse_second_cells(
    cells: list[CellInput], failed: list[Failure]
) -> tuple[list[CellInput], list[Failure]]:
    """Two cells under one id would be one verdict: the later one is left out."""
    first: dict[str, CellInput] = {}
    for cell in cells:
        other = first.setdefault(cell.cell_id, cell)
        if other is not cell:
            path, earlier = cell.paths[0], other.paths[0]
            failed.append(
                Failure(
                    path,
                    f"{path}: is given twice"
                    if path == earlier
                    else f"{path}: has the id {cell.cell_id} as {earlier} has; rename one, or say "
                    f"in a {TABLE} that they are one cell",
                )
            )
    return list(first.values()), failed


def _is_spike(file: Path) -> bool:
    return file.suffix.lower() == SPIKE and TRIGGER.search(file.name) is not None


def _is_visible(path: Path) -> bool:
    return not any(part.startswith(".") for part in path.parts)

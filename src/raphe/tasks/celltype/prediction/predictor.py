"""A bundle of cell type networks as Python uses it: recordings in, verdicts out.

N spikes, T samples a window.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from raphe.core.bundles.predictor import BundlePredictor
from raphe.core.errors import RecordingError
from raphe.core.recordings.recording import Recording
from raphe.tasks.celltype.prediction.cell_input import CellSpikes, Reading, cut_recordings
from raphe.tasks.celltype.prediction.find_cells import find_cells
from raphe.tasks.celltype.prediction.judge import Judge
from raphe.tasks.celltype.prediction.verdict import CellVerdict, UnreadCell
from raphe.tasks.celltype.recordings.files import Failure

IN_MEMORY = "cell"  # the id of one that is given as windows


class CellTypePredictor(BundlePredictor):
    """An opened bundle, to predict with. `threads` of None is one a core. Raises BundleError."""

    def __init__(self, path: Path | str, threads: int | None = None) -> None:
        self._judge = Judge(path, threads)
        super().__init__(self._judge.ensemble.bundle)

    @property
    def classes(self) -> tuple[str, ...]:
        return self._judge.ensemble.classes

    @property
    def note(self) -> str:
        """What must be known beside every verdict, such as that training was simulated; or ""."""
        return self._judge.note

    def predict(
        self,
        cell: Path | str | Recording | np.ndarray,
        channel: int | str | None = None,
        unit: str | None = None,
        prevalence: Mapping[str, float] | None = None,
    ) -> CellVerdict:
        """The verdict on one cell.

        Args:
            cell: a file of one cell (.abf, .nwb, a single spike .csv, windows .npy); a Recording;
                or windows (N, T) that were cut as the bundle's manifest says, in its unit.
            channel: index, name or unit of the channel, of a file that holds several.
            unit: of the channel, for a file that leaves it blank.
            prevalence: of the classes among cells like it, as {"SER": 0.3}, of all classes but one
                at least; None: as the verdict's `prevalence` says, those of validation.

        Raises:
            RecordingError: it cannot be read, is several cells, or nothing that holds a cell.
            SettingError: windows of another length, or shares that are none.
        """
        judge = self._judge.at_prevalence(prevalence)
        if isinstance(cell, (str, Path)):
            return _of_file(Path(cell), judge, Reading(judge.cut, channel, unit))
        if isinstance(cell, Recording):
            paths = () if cell.path is None else (cell.path,)
            spikes = cut_recordings(cell.cell_id, paths, [cell], judge.cut)
        else:
            spikes = _of_windows(cell)
        return judge.judge(spikes).verdict

    def predict_all(
        self,
        paths: Path | str | Iterable[Path | str],
        channel: int | str | None = None,
        unit: str | None = None,
        prevalence: Mapping[str, float] | None = None,
    ) -> Iterator[CellVerdict | UnreadCell]:
        """A verdict on each cell in these files and folders, one after the other.

        A file that cannot be judged stops no other. What comes in its place has the `cell_id` of
        the file's name, the `verdict` "not read", a `probability` of None, 0 for `n_spikes`, and
        the `reason`, a sentence.

        Args:
            paths: files and folders, or one of them.
            channel, unit, prevalence: as in `predict`.

        Raises:
            RecordingError: the folders hold nothing that could be a cell.
            SettingError: shares that are none.
        """
        judge = self._judge.at_prevalence(prevalence)
        paths = [paths] if isinstance(paths, (str, Path)) else paths
        cells, failures = find_cells(paths)
        yield from map(_unread, failures)
        for judged in judge.judge_all(cells, Reading(judge.cut, channel, unit)):
            yield _unread(judged) if isinstance(judged, Failure) else judged.verdict


def _of_file(path: Path, judge: Judge, reading: Reading) -> CellVerdict:
    cells, failures = find_cells([path])
    if failures:
        raise RecordingError(str(failures[0]))
    if len(cells) > 1:
        raise RecordingError(f"{path}: expected one cell, got {len(cells)}; use predict_all")
    return judge.judge(cells[0].read(reading)).verdict


def _unread(failure: Failure) -> UnreadCell:
    return UnreadCell(failure.path.name or str(failure.path), (failure.path,), str(failure))


def _of_windows(cell: object) -> CellSpikes:
    """Windows (N, T) that are in memory. Raises RecordingError for what is no array of numbers."""
    try:
        waveforms = np.asarray(cell, np.float32)
        is_array = cell is not None and waveforms.ndim > 0
    except (TypeError, ValueError):
        is_array = False
    if not is_array:
        raise RecordingError(
            "predict: expected the path of one cell, a Recording or windows (N, T) of numbers, "
            f"got {type(cell).__name__}; for several paths use predict_all"
        )
    if not np.isfinite(waveforms).all():
        raise RecordingError("windows in memory: expected numbers, got NaN or infinity")
    return CellSpikes(IN_MEMORY, (), waveforms, np.full(len(waveforms), np.nan))


load = CellTypePredictor  # by which name raphe.load_bundle finds it

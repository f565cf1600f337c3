"""A bundle of cell type networks as Python uses it: recordings in, verdicts out.

N spikes, T samples a window.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from raphe.core.bundles.fields import Field, read_fields
from raphe.core.bundles.opened_file import LabelTable, OpenedFile, WatchedFolder
from raphe.core.bundles.predictor import BundlePredictor, json_values
from raphe.core.errors import RecordingError, SettingError
from raphe.core.files.left_out import Failure
from raphe.core.recordings.recording import Recording
from raphe.core.sentences import counted, printable
from raphe.core.statistics.prevalence import GRAMMAR
from raphe.tasks.celltype.prediction.held_cells import hold_cells
from raphe.tasks.celltype.prediction.opened_cells import OpenedCells
from raphe.tasks.celltype.prediction.watch import LiveFolder
from raphe.tasks.celltype.recordings.files import SUFFIXES as RECORDED
from raphe.tasks.celltype.recordings.hand_labels import HandLabels
from raphe.tasks.celltype.recordings.labels import NO_CELL
from raphe.tasks.celltype.spikes.cut_settings import GivenWindows
from raphe.tasks.celltype.verdicts.cell_input import (
    CellSpikes,
    Reading,
    converted_windows,
    cut_recordings,
)
from raphe.tasks.celltype.verdicts.find_cells import KNOWN, find_cells, require_rows
from raphe.tasks.celltype.verdicts.judge import Judge
from raphe.tasks.celltype.verdicts.verdict import CellVerdict, UnreadCell
from raphe.tasks.celltype.verdicts.window_arrays import ArrayRows

if TYPE_CHECKING:
    from raphe.core.figure_style import PaperFigure

IN_MEMORY = "cell"  # the id of one that is given as windows
OF_CELL = (
    Field("cell_id", "text", "what to call the cell in the answer"),
    Field(
        "prevalence",
        "shares",
        f"of the classes among cells like it: {GRAMMAR}",
        option="--prevalence",
    ),
)


class CellTypePredictor(BundlePredictor):
    """An opened bundle, to predict with. `threads` of None: all it may use. Raises BundleError."""

    TITLE = "Cell types from spikes"
    FIELDS = (
        Field("samples", "numbers", "one sweep of the recording, in unit; or give windows"),
        Field("rate_hz", "number", "sampling rate in Hz", option="--rate"),
        Field("unit", "text", "of the samples or windows, as pA", option="--unit"),
        Field("windows", "rows", "a list for each spike, cut as in training; without unit in its"),
        *OF_CELL,
    )
    SUFFIXES = KNOWN
    FILES_HOLD = (
        "Whole recordings: ABF or NWB. A CSV holds one spike that was cut before, in rows of time "
        "and current; an NPY such spikes, one a row."
    )
    WATCHED = RECORDED
    FILE_FIELDS = (
        Field("channel", "text", "index, name or unit, of several channels", option="--channel"),
        Field("unit", "text", "of a channel or windows whose file names none", option="--unit"),
        Field("row", "whole", "of an array of several units the one to judge, from 0"),
        *OF_CELL,
    )
    ANSWER = {  # noqa: RUF012
        "cell_id": "as it was given",
        "verdict": "a class, “not sure”, “unlike training” or “no spikes”",
        "most_probable_class": "also where it is not called",
        "probability": "of each class; calibrated where `calibrated` says so",
        "calibrated": "whether the bundle's probabilities are, which takes enough validation cells",
        "promise": "how many new cells are called wrong at most, and of which cells",
        "recorded_again": "low and high end of each class's probability, in 95 % of cases, if the "
        "cell were recorded again",
        "n_spikes": "how many spikes were found",
        "enough_spikes": "whether more spikes would hardly change the verdict",
        "more_spikes": "how many more would be enough, if they are like these; null where that "
        "cannot be told",
        "unlike": "in what the cell is unlike those of training, a sentence each",
        "remarks": "what a careful eye remarks on the spikes, a sentence each",
        "votes": "what each network alone would say, on the scale of the verdict",
        "statistics": "of the cell's spikes, noise and firing, as they are compared with training",
        "prevalence": "of the classes, where the probability holds",
        "unit": "of the windows",
        "duration_s": "of the recording",
        "firing_rate_hz": "of the cell",
        "dropped": "crossings of the threshold that were no spike, by reason",
        "note": "what must be known beside every verdict, or nothing",
    }

    def __init__(
        self, path: Path | str, threads: int | None = None, content_hash: str | None = None
    ) -> None:
        self._judge = Judge(path, threads, content_hash)
        self._live: LiveFolder | None = None
        super().__init__(self._judge.ensemble.bundle)

    @property
    def classes(self) -> tuple[str, ...]:
        """In the order of the training's store; the first is the one looked for."""
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
            unit: of the channel or the windows, where the file names none.
            prevalence: of the classes among cells like it, as {"SER": 0.3}, of all classes but one
                at least; None: those that the verdict's `prevalence` names, for which the bundle's
                probabilities hold.

        Raises:
            RecordingError: it cannot be read, is several cells, or nothing that holds a cell.
            SettingError: windows of another length, or shares that are none.
        """
        judge = self._judge.at_prevalence(prevalence)
        return _verdict(judge, cell, channel, unit)

    def figure(
        self,
        cell: Path | str | Recording | np.ndarray,
        channel: int | str | None = None,
        unit: str | None = None,
        prevalence: Mapping[str, float] | None = None,
    ) -> "PaperFigure":
        """What the verdict on one cell rests on: its recording, its spikes, what in their mean
        spoke for and against, the votes. Its `caption` explains it. Arguments as of `predict`."""
        from raphe.tasks.celltype.prediction.verdict_figure import verdict_figure

        judge = self._judge.at_prevalence(prevalence)
        spikes = _spikes_of(cell, Reading(judge.cut, channel, unit))
        return verdict_figure(judge.judge(spikes), judge)

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
        cells, failures = find_cells(paths, ArrayRows(judge.cut))
        yield from map(_unread, failures)
        for judged in judge.judge_all(cells, Reading(judge.cut, channel, unit)):
            yield _unread(judged) if isinstance(judged, Failure) else judged.verdict

    def example(self) -> dict[str, Any]:
        """Two flat windows: of no cell, but of the right length."""
        return {"windows": [[0.0] * self._judge.cut.n_samples] * 2, "cell_id": IN_MEMORY}

    def answer(self, values: Mapping[str, object]) -> dict[str, Any]:
        """The verdict on a cell as JSON has it.

        The cell is `samples` at `rate_hz` in `unit`, or `windows` that were cut before. Raises
        RapheError.
        """
        given = read_fields(values, self.FIELDS)
        cell_id = given.get("cell_id", IN_MEMORY)
        if ("samples" in given) == ("windows" in given):
            raise SettingError(
                "expected either samples, with rate_hz and unit, or windows, got "
                f"{'both' if 'samples' in given else 'neither'}"
            )
        if "windows" in given:
            if "rate_hz" in given:
                raise SettingError("rate_hz: expected none beside windows, which have the bundle's")
            cell, unit = given["windows"], given.get("unit")
        elif isinstance(self._judge.cut, GivenWindows):
            raise SettingError("samples: the bundle was trained on windows; give windows instead")
        elif missing := [name for name in ("rate_hz", "unit") if name not in given]:
            raise SettingError(f"{missing[0]}: expected it beside samples, got none")
        else:
            cell = Recording.from_array(given["samples"], given["rate_hz"], given["unit"], cell_id)
            unit = None
        judge = self._judge.at_prevalence(given.get("prevalence"))
        return _as_json(judge, _verdict(judge, cell, unit=unit), cell_id)

    def answer_file(self, path: Path, values: Mapping[str, object]) -> dict[str, Any]:
        """The verdict on a file's one cell as JSON has it. Raises RapheError."""
        given = read_fields(values, self.FILE_FIELDS)
        judge = self._judge.at_prevalence(given.get("prevalence"))
        reading = Reading(judge.cut, given.get("channel"), given.get("unit"))
        verdict = judge.judge(_of_file(path, reading, given.get("row"))).verdict
        return _as_json(judge, verdict, given.get("cell_id", IN_MEMORY))

    def open_file(
        self, path: Path, name: str, values: Mapping[str, object], beside: Mapping[str, Path]
    ) -> OpenedFile:
        """A file's cells for the page, which asks about one of them at a time.

        A recording with several channels that may be cells, and an array of units, are several. Of
        one that a watched folder tells to be growing it takes the samples there are. Raises
        RapheError.
        """
        given = read_fields(values, self.FILE_FIELDS)
        judge = self._judge.at_prevalence(given.get("prevalence"))
        growing = self._live is not None and path in self._live.growing
        reading = Reading(judge.cut, given.get("channel"), given.get("unit"), growing)
        cells = hold_cells(path, name, reading, given.get("row"), given.get("cell_id"))
        return OpenedCells(cells, judge, growing)

    def watch(self, folder: Path, values: Mapping[str, object]) -> WatchedFolder:
        read_fields(values, self.FILE_FIELDS)
        if isinstance(self._judge.cut, GivenWindows):
            raise SettingError(
                f"{folder}: the bundle was trained on windows that were cut elsewhere, so it "
                "judges no recordings of a folder"
            )
        self._live = LiveFolder(folder)
        return self._live

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes, and why a recording may be none; () where windows were cut elsewhere, whose
        labels `raphe extract` does not read."""
        cut_elsewhere = isinstance(self._judge.cut, GivenWindows)
        return () if cut_elsewhere else (*self.classes, *NO_CELL)

    def label_table(self, existing: Path | None = None) -> LabelTable:
        return HandLabels(self.classes, existing)


def _verdict(
    judge: Judge,
    cell: Path | str | Recording | np.ndarray,
    channel: int | str | None = None,
    unit: str | None = None,
) -> CellVerdict:
    return judge.judge(_spikes_of(cell, Reading(judge.cut, channel, unit))).verdict


def _as_json(judge: Judge, verdict: CellVerdict, cell_id: str) -> dict[str, Any]:
    answer = {
        **verdict.as_json(),
        "cell_id": cell_id,
        "calibrated": judge.decision.calibrated,
        "promise": judge.promise,
        "note": judge.note,
    }
    shown: dict[str, Any] = json_values({name: answer[name] for name in CellTypePredictor.ANSWER})
    return shown


def _spikes_of(cell: Path | str | Recording | np.ndarray, reading: Reading) -> CellSpikes:
    if isinstance(cell, (str, Path)):
        return _of_file(Path(cell), reading)
    if reading.channel is not None:
        raise RecordingError("channel: expected none beside what is in memory, which has one")
    if isinstance(cell, Recording):
        if reading.unit is not None:
            raise RecordingError("unit: expected none beside a Recording, which names its own")
        paths = () if cell.path is None else (cell.path,)
        return cut_recordings(cell.cell_id, paths, [cell], reading.cut)
    return _of_windows(cell, reading)


def _of_file(path: Path, reading: Reading, row: int | None = None) -> CellSpikes:
    """A file's one cell, or the one in `row` of an array of units. Raises RecordingError."""
    cells, failures = find_cells([path], ArrayRows(reading.cut))
    if failures:
        raise RecordingError(str(failures[0]))
    require_rows(path, row)
    if row is None and len(cells) > 1:
        raise RecordingError(
            f"{path}: expected one cell, got {len(cells)}; use predict_all, or send its row, from 0"
        )
    if not 0 <= (row or 0) < len(cells):
        raise RecordingError(
            f"{path}: row: expected one of its {counted('unit', len(cells))}, counted from 0, got "
            f"{row}"
        )
    return cells[row or 0].read(reading)


def _unread(failure: Failure) -> UnreadCell:
    name = printable(failure.path.name or failure.path)
    return UnreadCell(name, (failure.path,), str(failure))


def _of_windows(cell: object, reading: Reading) -> CellSpikes:
    """Windows (N, T) that are in memory. Raises RecordingError for what is no array of numbers."""
    try:
        with np.errstate(over="ignore"):  # what becomes infinite is refused
            waveforms = np.asarray(cell, np.float32)
        is_array = cell is not None and waveforms.ndim > 0
    except (TypeError, ValueError):
        is_array = False
    if not is_array:
        raise RecordingError(
            "predict: expected the path of one cell, a Recording or windows (N, T) of numbers, "
            f"got {type(cell).__name__}; for several paths use predict_all"
        )
    n = len(waveforms)
    waveforms = converted_windows("windows", waveforms, reading.unit, reading.cut.unit)
    is_joined = n > 1 and isinstance(reading.cut, GivenWindows)
    remarks = (f"the {n} windows are taken as one cell",) if is_joined else ()
    return CellSpikes(IN_MEMORY, (), waveforms, np.full(n, np.nan), remarks=remarks)


load = CellTypePredictor  # by which name raphe.load_bundle finds it

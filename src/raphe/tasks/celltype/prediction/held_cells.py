"""The cells of a file that somebody has open: read once and held, so that the file may go.

Of a recording the samples are held as they are stored, of the usual int16 two bytes each: 48 MB of
ten minutes at 40 kHz. N spikes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from raphe.core.errors import RecordingError, SettingError
from raphe.core.recordings.recording import Recording
from raphe.core.recordings.units import unit_factor
from raphe.core.sentences import counted, typographic
from raphe.tasks.celltype.prediction.trace_view import Envelope, cell_envelopes
from raphe.tasks.celltype.recordings.file_names import (
    UNKNOWN_TRIGGER,
    parse_window_name,
)
from raphe.tasks.celltype.recordings.files import is_recording
from raphe.tasks.celltype.recordings.labels import channel_cell
from raphe.tasks.celltype.recordings.read_recording import (
    channel_spelt,
    channels_of,
    names_of,
)
from raphe.tasks.celltype.spikes.cut_settings import Cut, GivenWindows
from raphe.tasks.celltype.verdicts.cell_input import (
    CellSpikes,
    Reading,
    cut_recordings,
    read_recordings,
)
from raphe.tasks.celltype.verdicts.find_cells import SPIKE, find_cells, require_rows
from raphe.tasks.celltype.verdicts.window_arrays import ArrayRows

SAMPLES_A_STRETCH = 256  # of the envelope that is held


@dataclass(frozen=True)
class HeldCell:
    """A cell as the bundle cuts it, and its recording's envelope; none of windows cut before."""

    cell: CellSpikes  # whose id names it within its file
    sweeps: tuple[Envelope, ...]
    cut: Cut | GivenWindows
    channel: str = ""  # which one of its file's, where that must be said

    @property
    def threshold(self) -> float | None:
        """The bundle's, in the cut's unit; None of windows cut before, and of a multiple of the
        MAD."""
        return self.cut.threshold_pa if isinstance(self.cut, Cut) and self.sweeps else None

    @property
    def n_bytes(self) -> int:
        traces = [sweep.stored for recording in self.cell.recordings for sweep in recording.sweeps]
        arrays = [*traces, self.cell.waveforms, *(sweep.low for sweep in self.sweeps)]
        return sum(array.nbytes for array in arrays)

    def at(self, threshold: float | None) -> tuple[CellSpikes, Cut | GivenWindows]:
        """The cell cut at another threshold, and that cut. Raises SettingError, RecordingError."""
        if threshold is None or not (cut := _moved(self, threshold)):
            return self.cell, self.cut
        cell, unit = self.cell, cut.unit
        moved = cut_recordings(cell.cell_id, cell.paths, cell.recordings, cut)
        was, is_bundles = (
            typographic(f"{level:g} {unit}") for level in (threshold, self.threshold)
        )
        remark = f"the threshold was set by hand to {was} in place of the bundle's {is_bundles}"
        return replace(moved, remarks=(*cell.remarks, remark)), cut


def without(cell: CellSpikes, rejected: frozenset[int]) -> tuple[CellSpikes, np.ndarray]:
    """The cell without some of its spikes, and which are accepted, bool (N,). Raises SettingError.

    Args:
        rejected: the spikes' places among the cell's, from 0.
    """
    n = len(cell)
    accepted = np.ones(n, bool)
    if not rejected:
        return cell, accepted
    if not 0 <= min(rejected) <= max(rejected) < n:
        raise SettingError(
            f"rejected: expected numbers of the {counted('spike', n)}, from 0 to {n - 1}, got "
            f"{max(rejected) if min(rejected) >= 0 else min(rejected)}; reject them anew where the "
            "threshold has moved"
        )
    accepted[list(rejected)] = False
    were = "was" if len(rejected) == 1 else "were"
    which = f"{len(rejected)} of {counted('spike', n)}"
    if len(rejected) == n:
        which = "the one spike" if n == 1 else f"all {counted('spike', n)}"
    remark = f"{which} {were} left out by hand"
    kept = cell.accepted(accepted)
    return replace(kept, remarks=(*cell.remarks, remark)), accepted


def hold_cells(
    path: Path, name: str, reading: Reading, row: int | None = None, cell_id: str | None = None
) -> list[HeldCell]:
    """The cells of one file; several where it is an array of units or has several channels.

    Args:
        path: of the file, which is not read again.
        name: what its sender calls it, by which cells are named.
        reading: how it is read; where no channel is given each that may be a cell is one.
        row: of an array of units, the one that is meant.
        cell_id: of a file with one cell; None: as `name` says.

    Raises:
        RecordingError: it cannot be read, or holds no such row.
        SettingError: an id for several cells.
    """
    shown = Path(name)
    require_rows(path, row)
    if is_recording(path):
        channels, cells = zip(*_of_recording(path, shown, reading), strict=True)
    else:
        cells = tuple(_of_windows(path, shown, reading, row))
        channels = ("",) * len(cells)
    if cell_id is not None and len(cells) > 1:
        raise SettingError(f"cell_id: expected none, as the file holds {len(cells)} cells")
    if cell_id is not None:
        cells = tuple(replace(cell, cell_id=cell_id) for cell in cells)
    return [
        HeldCell(cell, _envelopes(cell, reading.cut), reading.cut, channel)
        for cell, channel in zip(cells, channels, strict=True)
    ]


def _of_recording(path: Path, shown: Path, reading: Reading) -> Iterator[tuple[str, CellSpikes]]:
    """Each cell behind the name of its channel."""
    for channel, channel_name in _chosen(path, reading):
        named = channel_cell(shown, channel_name)
        cell = read_recordings(named, (path,), replace(reading, channel=channel))
        recordings = tuple(_in_memory(recording, shown) for recording in cell.recordings)
        yield channel_name, replace(cell, paths=(shown,), recordings=recordings)


def _chosen(path: Path, reading: Reading) -> list[tuple[int | str | None, str]]:
    """The channels to read, and what tells each from the others, as a table of labels may name it.

    That which `read_recording` takes by itself is the only one, unless several fit. One that is
    asked for is told from the others where by itself another would be taken, or none.
    """
    cut = reading.cut
    if isinstance(cut, GivenWindows):
        return [(reading.channel, "")]
    channels = channels_of(path, reading.growing)
    names = dict(zip(channels, names_of(channels), strict=True))
    fitting = [c for c in channels if (unit_factor(c.unit, cut.unit) if c.unit else None)]
    exact = [c for c in fitting if unit_factor(c.unit, cut.unit) == 1]
    fitting = exact or fitting
    if reading.channel is not None or reading.unit is not None:
        asked = channel_spelt(path, reading.channel, reading.unit)
        by_itself = [names[channel] for channel in fitting] or list(names.values())
        return [(reading.channel, "" if by_itself == [asked] else asked)]
    if len(fitting) < 2:
        return [(None, "")]
    return [(channel.index, names[channel]) for channel in fitting]


def _in_memory(recording: Recording, shown: Path) -> Recording:
    sweeps = tuple(
        replace(sweep, stored=np.ascontiguousarray(sweep.stored[0 : sweep.n_samples]))
        for sweep in recording.sweeps
    )
    return replace(recording, sweeps=sweeps, path=shown)


def _of_windows(path: Path, shown: Path, reading: Reading, row: int | None) -> Iterator[CellSpikes]:
    cells, failures = find_cells([path], ArrayRows(reading.cut))
    if failures:
        raise RecordingError(str(failures[0]))
    if row is not None and not 0 <= row < len(cells):
        raise RecordingError(
            f"{shown}: row: expected one of its {counted('unit', len(cells))}, counted from 0, got "
            f"{row}"
        )
    is_spike = path.suffix.lower() == SPIKE
    for found in cells if row is None else cells[row : row + 1]:
        cell = found.read(reading)
        time_s = cell.time_s
        if is_spike:
            cell_id, trigger = parse_window_name(shown.name)
            if trigger != UNKNOWN_TRIGGER:
                time_s = np.array([trigger / reading.cut.rate_hz])
        else:
            cell_id = shown.stem + cell.cell_id.removeprefix(path.stem)
        remarks = tuple(remark.replace(path.name, shown.name) for remark in cell.remarks)
        yield replace(cell, cell_id=cell_id, paths=(shown,), time_s=time_s, remarks=remarks)


def _envelopes(cell: CellSpikes, cut: Cut | GivenWindows) -> tuple[Envelope, ...]:
    if not cell.recordings or not isinstance(cut, Cut):
        return ()
    n_samples = sum(recording.n_samples for recording in cell.recordings)
    return tuple(cell_envelopes(cell, cut, max(1, n_samples // SAMPLES_A_STRETCH)))


def _moved(held: HeldCell, threshold: float) -> Cut | None:
    """The cut at another threshold; None where it is the same. Raises SettingError."""
    cut = held.cut
    if not held.cell.recordings or not isinstance(cut, Cut):
        raise SettingError(
            "threshold: these spikes were cut before they came here, so no threshold cuts them anew"
        )
    if cut.threshold_pa is None:
        raise SettingError(
            f"threshold: the bundle cuts at {cut.mad_factor:g} times the median absolute deviation "
            "of each sweep, which is no one threshold to be moved; reject spikes instead"
        )
    side = {"down": "below", "up": "above"}.get(cut.polarity)
    if threshold == 0 or (side == "below" and threshold > 0) or (side == "above" and threshold < 0):
        expected = f"a value {side} 0" if side else "a value other than 0"
        raise SettingError(
            f"threshold: expected {expected} {cut.unit}, as the bundle's spikes are crossings "
            f"{'either way' if side is None else cut.polarity + 'ward'}, got "
            f"{typographic(f'{threshold:g}')} {cut.unit}"
        )
    return None if threshold == cut.threshold_pa else replace(cut, threshold_pa=threshold)

"""A file of cells that somebody has open in the page of `raphe serve`."""

from collections.abc import Sequence

from raphe.core.bundles.opened_file import Changes, OpenedFile, Taken
from raphe.core.bundles.view import Plot, View
from raphe.core.errors import SettingError
from raphe.core.sentences import listed
from raphe.tasks.celltype.prediction.cell_plots import (
    PEAKS,
    RECORDING,
    SPIKES,
    VOTES,
    recording_plot,
    spikes_plot,
    votes_plot,
)
from raphe.tasks.celltype.prediction.cell_takes import taken
from raphe.tasks.celltype.prediction.cell_view import view_of
from raphe.tasks.celltype.prediction.changed_cell import ChangedCell
from raphe.tasks.celltype.prediction.held_cells import HeldCell
from raphe.tasks.celltype.recordings.labels import channel_cell
from raphe.tasks.celltype.verdicts.judge import Judge


class OpenedCells(OpenedFile):
    """The cells of one file, each with the answer to the last changes asked for.

    Args:
        cells: at least one.
        judge: who judges them.
        growing: the file was read while it was being written.
    """

    def __init__(self, cells: Sequence[HeldCell], judge: Judge, growing: bool = False) -> None:
        self._cells = {held.cell.cell_id: held for held in cells}
        self._judge, self._growing = judge, growing
        self._answered: dict[str, ChangedCell] = {}

    def view(self, item: str | None, changes: Changes) -> View:
        return view_of(self._changed(item, changes), tuple(self._cells), self._growing)

    def plot(
        self, name: str, item: str | None, changes: Changes, span: tuple[float, float], points: int
    ) -> Plot:
        changed = self._changed(item, changes)
        if name in (RECORDING, PEAKS):
            return recording_plot(changed, span, points)
        if name == SPIKES and changed.verdict.n_spikes:
            return spikes_plot(changed)
        if name == VOTES and changed.verdict.votes:
            return votes_plot(changed)
        known = listed((RECORDING, SPIKES, VOTES))
        raise SettingError(f"name: expected a plot of this cell ({known}), got {name!r}")

    def take(self, name: str, item: str | None, changes: Changes) -> Taken:
        return taken(name, self._changed(item, changes))

    @property
    def n_bytes(self) -> int:
        return sum(held.n_bytes for held in self._cells.values())

    @property
    def part(self) -> str | None:
        (*others, held) = self._cells.values()
        if others or not held.channel:
            return None
        return channel_cell(held.cell.paths[0], held.channel)

    def _changed(self, item: str | None, changes: Changes) -> ChangedCell:
        """Raises SettingError for an item that is none."""
        item = next(iter(self._cells)) if item is None else item
        if item not in self._cells:
            raise SettingError(
                f"item: expected one of the {len(self._cells)} of this file, got {item!r}"
            )
        answered = self._answered.get(item)
        if answered is None or answered.changes != changes:
            answered = ChangedCell.of(self._cells[item], changes, self._judge)
            self._answered[item] = answered
        return answered

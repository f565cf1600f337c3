"""A cell of an opened file with what a person decided about its spikes, and the verdict then."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from raphe.core.bundles.opened_file import Changes
from raphe.core.errors import RecordingError
from raphe.core.sentences import counted
from raphe.tasks.celltype.prediction.held_cells import HeldCell, without
from raphe.tasks.celltype.spikes.cut_settings import Cut, GivenWindows
from raphe.tasks.celltype.verdicts.cell_input import CellSpikes
from raphe.tasks.celltype.verdicts.judge import Judge, JudgedCell
from raphe.tasks.celltype.verdicts.verdict import CellVerdict

UNMEASURED = (
    "The promise and the calibration were measured on cells without changes by hand, so they need "
    "not hold for this one"
)
MOST_SPIKES = 20_000  # so that an answer comes within seconds


@dataclass(frozen=True)
class ChangedCell:
    """What all panels and texts of one view are made of.

    N spikes, of which `accepted` are those that the verdict rests on.
    """

    held: HeldCell
    changes: Changes
    every: CellSpikes  # all N that the threshold cuts
    accepted: np.ndarray  # bool (N,)
    cell: CellSpikes  # with those that are accepted
    cut: Cut | GivenWindows
    judge: Judge  # with this cut

    @classmethod
    def of(cls, held: HeldCell, changes: Changes, judge: Judge) -> "ChangedCell":
        """Raises SettingError for changes that make no sense, RecordingError for too many."""
        every, cut = held.at(changes.threshold)
        if len(every) > MOST_SPIKES:
            raise RecordingError(
                f"{every.cell_id}: expected at most {counted('spike', MOST_SPIKES)}, got "
                f"{counted('spike', len(every))}; "
                + (
                    "is the threshold within the noise? Move it away from 0"
                    if changes.threshold is not None
                    else "use `raphe predict` for so many"
                )
            )
        cell, accepted = without(every, changes.rejected)
        return cls(held, changes, every, accepted, cell, cut, judge.with_cut(cut))

    @cached_property
    def judged(self) -> JudgedCell:
        return self.judge.judge(self.cell)

    @property
    def verdict(self) -> CellVerdict:
        return self.judged.verdict

    @cached_property
    def evidence(self) -> np.ndarray:
        """Grad-CAM for the most probable class over the mean spike: (T,), 0 to 1."""
        return self.judge.evidence(self.cell, self.verdict.leading)

    @property
    def cut_here(self) -> Cut | None:
        """How the spikes were cut from the recording; None of those that were cut before."""
        return self.cut if self.held.sweeps and isinstance(self.cut, Cut) else None

    @property
    def by_hand(self) -> tuple[str, ...]:
        """What a person changed, a clause each."""
        return self.cell.remarks[len(self.held.cell.remarks) :]

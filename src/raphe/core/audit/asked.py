"""One way of asking a network, what came of it, and all that an audit knows.

n items (cells or units), C classes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from raphe.core.audit.confounding import Confounding
from raphe.core.audit.words import Words
from raphe.core.sentences import listed
from raphe.core.statistics.answers import Answer, above
from raphe.core.statistics.figure_interval import Headline
from raphe.core.statistics.permutation import PermutationTest

CHANCE = 0.5  # of an AUROC, whatever the classes' shares
MARGIN = 0.1  # above it: an AUROC that is surely below 0.6 is as good as none


@dataclass(frozen=True)
class Way:
    """What is trained on, and how it is split."""

    trained_on: str
    split: str

    def __str__(self) -> str:
        return f"{self.trained_on}, split by {self.split}"


def ways_told(ways: Iterable[Way]) -> str:
    """As "units by unit (1) and by animal (1); …", of so many trainings each, in their order."""
    parts = []
    for trained_on, alike in groupby(ways, key=lambda way: way.trained_on):
        by_split = groupby(alike, key=lambda way: way.split)
        splits = [f"by {split} ({len(list(of_split))})" for split, of_split in by_split]
        parts.append(f"{trained_on} {listed(splits)}")
    return "; ".join(parts)


@dataclass(frozen=True)
class AuditRow:
    """One way of asking, and what came of it over all items."""

    way: Way
    n_trainings: int
    n_spikes: int | None  # None where a network sees no single spikes
    n_cells: int
    noun: str  # of what items are alike in: day, animal, or the item where that is not known
    n_groups: int
    n_classes: int
    figures: Mapping[tuple[str, str], Headline]  # by level (cells, spikes) and name
    majority: Mapping[str, float]  # share of the largest class among the cells, the spikes
    test: PermutationTest  # of the AUROC of cells

    @property
    def auroc(self) -> Headline:
        """Of cells."""
        return next(
            self.figures["cells", name]
            for name in ("auroc", "macro_auroc")
            if ("cells", name) in self.figures
        )

    @property
    def answer(self) -> Answer:
        """Whether the AUROC of cells is above chance, as its interval and its p agree."""
        if not self.test.can_tell:
            return Answer.CANNOT_TELL
        answer = above(self.auroc, CHANCE, MARGIN)
        agreed = answer is (Answer.YES if self.test.shows else Answer.NO)
        return answer if agreed else Answer.CANNOT_TELL


@dataclass(frozen=True)
class Audit:
    """What is known of a store: by its table, and by every way of asking."""

    store: Path
    note: str
    classes: Sequence[str]
    network: str  # what was trained, "the same network (kernel size k = 20)"
    words: Words
    copies: Sequence[str]
    confoundings: Sequence[Confounding]
    rows: Sequence[AuditRow]
    left_out: Sequence[str]

    def of(self, trained_on: str, *splits: str) -> list[AuditRow]:
        """The rows of what was trained on, of these splits or all, the finest first."""
        return [
            row
            for row in self.rows
            if row.way.trained_on == trained_on and (not splits or row.way.split in splits)
        ]

"""What a prediction says of a cell, as it is printed, written and drawn."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

UNLIKE_TRAINING = "unlike training"  # the cell is out of the domain: no class is called
NO_SPIKES = "no spikes"
NOT_READ = "not read"
RECORDED_AGAIN = "recorded again"  # names the interval in a line


@dataclass(frozen=True)
class Vote:
    """One member's opinion: its mean probability of each class over the spikes."""

    label: str  # what tells it from the others, as "k=20 seed=3"
    kernel: int
    times: int  # it counts so often in the ensemble
    probability: dict[str, float]

    @property
    def called(self) -> str:
        return max(self.probability, key=self.probability.__getitem__)


@dataclass(frozen=True)
class CellVerdict:
    """One cell's verdict.

    `verdict` is a class, NOT_SURE, UNLIKE_TRAINING or NO_SPIKES; `probability` is calibrated and
    stands there whenever there are spikes. `again` holds its 95 % predictive interval if the cell
    were recorded again, as long and on any day (None of a single spike, and from a bundle that does
    not know how much days differ). `enough`: more spikes would hardly change the verdict.
    """

    cell_id: str
    files: tuple[Path, ...]
    verdict: str
    n_spikes: int
    probability: dict[str, float]
    again: dict[str, tuple[float, float]] | None
    enough: bool = False
    votes: tuple[Vote, ...] = ()
    unlike: tuple[str, ...] = ()  # in what the cell is unlike those of training, a sentence each
    remarks: tuple[str, ...] = ()
    statistics: dict[str, float] | None = None  # see features.cell_statistics
    unit: str = ""  # of the windows, and so of the statistics
    duration_s: float | None = None
    firing_rate_hz: float | None = None
    dropped: dict[str, int] | None = None  # crossings that were no spike, by reason
    prevalence: dict[str, float] | None = None  # of the classes where `probability` holds, if known

    @property
    def called(self) -> bool:
        """Whether it names a class."""
        return self.verdict in self.probability

    @property
    def leading(self) -> str:
        """The most probable class, or "" without spikes."""
        return max(self.probability, key=self.probability.__getitem__, default="")

    @property
    def stated(self) -> str:
        """The leading class's probability, "0.93 (recorded again 0.71–0.97)"; "–" without."""
        if not self.leading:
            return "–"
        text = f"{self.probability[self.leading]:.2f}"
        if self.again is None:
            return text
        low, high = self.again[self.leading]
        return f"{text} ({RECORDED_AGAIN} {low:.2f}–{high:.2f})"

    @property
    def agreement(self) -> tuple[int, int]:
        """How many members call the leading class, and how many there are; each by its times."""
        agree = sum(vote.times for vote in self.votes if vote.called == self.leading)
        return agree, sum(vote.times for vote in self.votes)

    def as_json(self) -> dict[str, Any]:
        """JSON values under the names of the fields."""
        return {
            **vars(self),
            "files": [str(path) for path in self.files],
            "votes": [{**vars(vote), "called": vote.called} for vote in self.votes],
            "statistics": {
                name: None if value != value else float(f"{value:.5g}")  # JSON has no NaN
                for name, value in (self.statistics or {}).items()
            },
        }


@dataclass(frozen=True)
class UnreadCell:
    """What stands in a verdict's place for a file that could not be judged.

    It answers to the names that a loop over verdicts asks for; str() of it is the sentence.
    """

    cell_id: str  # the file's name: what cell it holds is not known
    files: tuple[Path, ...]
    reason: str  # a sentence: where, what was expected, what came
    verdict: str = NOT_READ
    probability: None = None
    n_spikes: int = 0

    def __str__(self) -> str:
        return self.reason

"""What a prediction says of a cell, as it is printed, written and drawn."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from raphe.core.sentences import counted, listed
from raphe.core.statistics.decision import NOT_SURE

UNLIKE_TRAINING = "unlike training"  # the cell is out of the domain: no class is called
NO_SPIKES = "no spikes"
NOT_READ = "not read"
RECORDED_AGAIN = "recorded again"  # names the interval in a line


@dataclass(frozen=True)
class Vote:
    """What one member alone would say of the cell, calibrated as the verdict is."""

    label: str  # what tells it from the others, as "k=20 seed=3"
    kernel: int  # its kernel size k, samples
    times: int  # it counts so often in the ensemble
    probability: dict[str, float]  # of each class, calibrated

    @property
    def called(self) -> str:
        """The class it finds most probable."""
        return max(self.probability, key=self.probability.__getitem__)


@dataclass(frozen=True)
class CellVerdict:
    """One cell's verdict.

    `recorded_again` is None of a single spike, and from a bundle that does not know how much days
    differ.
    """

    cell_id: str  # of a file its name without the suffix, unless a table says otherwise
    files: tuple[Path, ...]  # it was read from
    verdict: str  # a class, "not sure", "unlike training" or "no spikes"
    n_spikes: int  # that were found
    probability: dict[str, float]  # of each class, calibrated where the bundle is; {} of no spikes
    # of each class: low and high end of its probability, in 95 % of cases, if the cell were
    # recorded again, as long and on any day
    recorded_again: dict[str, tuple[float, float]] | None
    enough_spikes: bool = False  # more of them would hardly change the verdict
    more_spikes: int | None = None  # about so many more would be enough; None: that is not known
    votes: tuple[Vote, ...] = ()  # of the networks, one each
    unlike: tuple[str, ...] = ()  # in what the cell is unlike those of training, a sentence each
    remarks: tuple[str, ...] = ()  # what is suspect, a sentence each
    # of the cell's spikes, noise and firing, by name: those that the bundle's card lists
    statistics: dict[str, float] | None = None
    unit: str = ""  # of the windows, and so of the statistics
    duration_s: float | None = None  # of the recording, s
    firing_rate_hz: float | None = None  # spikes a second
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
        text = share(self.probability[self.leading])
        if self.recorded_again is None:
            return text
        low, high = self.recorded_again[self.leading]
        return f"{text} ({RECORDED_AGAIN} {span(low, high, '–')})"

    @property
    def agreement(self) -> tuple[int, int]:
        """How many members call the leading class, and how many there are; each by its times."""
        agree = sum(vote.times for vote in self.votes if vote.called == self.leading)
        return agree, sum(vote.times for vote in self.votes)

    def said_by(self, one: str, several: str) -> str:
        """How many networks have the leading class, with what one or several of them do:
        "both networks agree (20 of 20 votes)" where some count several times."""
        n = len(self.votes)
        agreeing = sum(vote.called == self.leading for vote in self.votes)
        if agreeing == n:
            who = "the network" if n == 1 else "both networks" if n == 2 else f"all {n} networks"
        else:
            who = f"{agreeing or 'none'} of {counted('network', n)}"
        text = f"{who} {one if agreeing == 1 else several}"
        agree, n_votes = self.agreement
        return text if n_votes == n else f"{text} ({agree} of {counted('vote', n_votes)})"

    def as_json(self) -> dict[str, Any]:
        """JSON values under the names of the fields, as they are written for readers."""
        values: dict[str, Any] = rounded(self.with_all_digits())
        return values

    def with_all_digits(self) -> dict[str, Any]:
        """JSON values, and NaN, under the names of the fields; `from_json` gives all back."""
        return {
            **vars(self),
            "most_probable_class": self.leading or None,
            "files": [str(path) for path in self.files],
            "votes": [{**vars(vote), "called": vote.called} for vote in self.votes],
            "statistics": self.statistics or {},
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "CellVerdict":
        """What `as_json` gave, as far as its digits go, or `with_all_digits`.

        Raises KeyError or TypeError.
        """
        again = values["recorded_again"]
        votes = (Vote(**{f.name: vote[f.name] for f in fields(Vote)}) for vote in values["votes"])
        return cls(
            **{f.name: values[f.name] for f in fields(cls)}
            | {
                "files": tuple(map(Path, values["files"])),
                "recorded_again": again and {name: tuple(ends) for name, ends in again.items()},
                "votes": tuple(votes),
                "unlike": tuple(values["unlike"]),
                "remarks": tuple(values["remarks"]),
            }
        )


@dataclass(frozen=True)
class IndexRow:
    """A verdict as the list of all cells shows it."""

    verdict: CellVerdict
    page: str = ""  # its file
    thumbnail: str = ""  # SVG of the mean spike


def share(probability: float, digits: int = 2) -> str:
    """Two digits or more, and never 0 or 1, which no evidence reaches.

    >>> share(0.934), share(0.9973), share(0.0021), share(0.9973, 3)
    ('0.93', '>0.99', '<0.01', '0.997')
    """
    least = 10.0**-digits
    if not least / 2 <= probability < 1 - least / 2:
        return f">{1 - least:.{digits}f}" if probability > 0.5 else f"<{least:.{digits}f}"
    return f"{probability:.{digits}f}"


def digits_below(threshold: float, probabilities: Iterable[float]) -> int:
    """With how many digits, 2 to 4, none of those below a threshold reads as if it reached it.

    >>> digits_below(0.74, [0.7, 0.8]), digits_below(0.7446, [0.7439]), digits_below(0.0, [0.9])
    (2, 3, 2)
    """
    below = max((p for p in probabilities if p < threshold), default=None)
    if below is None:
        return 2
    return next((n for n in (2, 3) if f"{below:.{n}f}" < f"{threshold:.{n}f}"), 4)


def span(low: float, high: float, between: str = " to ", digits: int = 2) -> str:
    """Where a probability lies.

    >>> span(0.71, 0.9712), span(0.996, 0.999)
    ('0.71 to 0.97', '>0.99')
    """
    ends = share(low, digits), share(high, digits)
    return ends[0] if ends[0] == ends[1] else between.join(ends)


def rounded(value: Any) -> Any:
    """JSON values whose numbers have the digits that mean something; NaN, which JSON lacks, None.

    >>> rounded({"share": [0.37029063509149623, float("nan")]})
    {'share': [0.37029, None]}
    """
    if isinstance(value, dict):
        return {name: rounded(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(each) for each in value]
    if isinstance(value, float):
        return float(f"{value:.5g}") if value == value else None
    return value


def counts(verdicts: Iterable[CellVerdict], classes: Sequence[str]) -> dict[str, int]:
    """How many cells have each verdict that there is: classes first, in their order."""
    number = Counter(verdict.verdict for verdict in verdicts)
    order = (*classes, NOT_SURE, UNLIKE_TRAINING, NO_SPIKES)
    return {name: number[name] for name in order if number[name]}


def counts_sentence(verdicts: Sequence[CellVerdict], classes: Sequence[str]) -> str:
    """ "6 cells: 2 SER, 3 NSER and 1 not sure"."""
    numbers = counts(verdicts, classes)
    cells = counted("cell", len(verdicts))
    if not numbers:
        return cells
    words = {NO_SPIKES: "without spikes"}
    return f"{cells}: {listed(f'{n} {words.get(name, name)}' for name, n in numbers.items())}"


@dataclass(frozen=True)
class UnreadCell:
    """What stands in a verdict's place for a file that could not be judged.

    It answers to the names that a loop over verdicts asks for; str() of it is the sentence.
    """

    cell_id: str  # the file's name: what cell it holds is not known
    files: tuple[Path, ...]  # that one
    reason: str  # a sentence: where, what was expected, what came
    verdict: str = NOT_READ  # "not read"
    probability: None = None  # there is none
    n_spikes: int = 0  # none were found

    def __str__(self) -> str:
        return self.reason

"""What an NWB file holds, whatever its version: series, and which stimulus belongs to which."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from raphe.core.nwb.regions import Regions
from raphe.core.nwb.series import ACQUIRED, STIMULUS, TEMPLATE, Series
from raphe.core.sentences import listed

MOST_TOLD = 3  # series in a sentence


@dataclass(frozen=True)
class Part:
    """Samples of a series, as a table of intracellular recordings names them."""

    place: str
    first: int
    n_samples: int


@dataclass(frozen=True)
class TableRow:
    """A response and its stimulus, from the table of intracellular recordings."""

    response: Part
    stimulus: Part | None
    sweep: int | None = None  # the simultaneous recording that it is of


@dataclass(frozen=True, eq=False)
class Contents:
    """Series of an NWB file.

    Args:
        path: the file.
        version: of NWB, as the file tells it.
        series: all columns of all series of samples.
        rows: of the table of intracellular recordings.
        left_out: series of which nothing can be read, by place the reason.
        others: series of what is no trace, by place the reason.
        regions: of which a series has the fluorescence, by its place.
    """

    path: Path
    version: str
    series: tuple[Series, ...]
    rows: tuple[TableRow, ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)
    regions: dict[str, Regions] = field(default_factory=dict)

    def acquired(self) -> list[Series]:
        """Those that were recorded, without what was made of them later."""
        return self._within(ACQUIRED)

    def presented(self) -> list[Series]:
        """Stimuli that were given."""
        return self._within(STIMULUS)

    def named(self, name: str, stimulus: bool) -> list[Series]:
        """Columns of this name or place, among stimuli (and templates) or all else."""
        return [
            series for series in self.series
            if series.place.startswith((STIMULUS, TEMPLATE)) == stimulus and name in series.names
        ]  # fmt: skip

    def why_not(self, name: str) -> str:
        """Why the series of this name or place cannot be chosen, "" where there is none."""
        for place, why in (self.left_out | self.others).items():
            if name.lstrip("/") in (place, place.rpartition("/")[2]):
                return f"{place} {why}"
        return ""

    @property
    def why_nothing(self) -> str:
        """In brackets, of what nothing can be read, and why; "" where there is nothing of this."""
        reasons = self.left_out | self.others
        return f" ({told(reasons)})" if reasons else ""

    def elsewhere(self) -> list[str]:
        """Places of the series that are neither acquired nor stimuli."""
        within = (f"{ACQUIRED}/", f"{STIMULUS}/", f"{TEMPLATE}/")
        return _places(series for series in self.series if not series.place.startswith(within))

    def _within(self, section: str) -> list[Series]:
        return [series for series in self.series if series.place.startswith(f"{section}/")]


def told(reasons: Mapping[str, str]) -> str:
    """Some places in the file, each with the reason why nothing of it can be read."""
    words = [f"{place} {why}" for place, why in reasons.items()]
    more = [f"{len(words) - MOST_TOLD} more"] if len(words) > MOST_TOLD else []
    return listed([*words[:MOST_TOLD], *more])


def _places(series: Iterable[Series]) -> list[str]:
    return list(dict.fromkeys(column.place for column in series))

"""A file that somebody has open in the page of `raphe serve`, and folders that it watches."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from raphe.core.bundles.view import Plot, View
from raphe.core.errors import SettingError


@dataclass(frozen=True)
class Changes:
    """What a person decided otherwise."""

    threshold: float | None = None  # in the unit of the plot; None: the bundle's
    rejected: frozenset[int] = frozenset()  # numbers of marks


def require_unchanged(changes: Changes, reason: str) -> None:
    """Refuse changes where nothing can be decided otherwise. Raises SettingError."""
    if changes != Changes():
        raise SettingError(f"expected no threshold and no rejected event: {reason}")


@dataclass(frozen=True)
class Taken:
    """A file to download."""

    name: str
    media_type: str
    contents: bytes


class OpenedFile(ABC):
    """One file, read once and held; its calls come one at a time. Each raises RapheError."""

    @abstractmethod
    def view(self, item: str | None, changes: Changes) -> View:
        """The item, the first for None, with an answer that heeds the changes."""

    @abstractmethod
    def plot(
        self, name: str, item: str | None, changes: Changes, span: tuple[float, float], points: int
    ) -> Plot:
        """A plot of the view between two values of x, drawn with about so many points."""

    @abstractmethod
    def take(self, name: str, item: str | None, changes: Changes) -> Taken:
        """What `View.takes` offers by this name."""

    @property
    @abstractmethod
    def n_bytes(self) -> int:
        """About how much memory it holds."""

    @property
    def part(self) -> str | None:
        """Of a file with one item: what the item is called in a table of labels, where it is not
        all that the file holds."""
        return None


@dataclass(frozen=True)
class Sighting:
    """What a watched folder shows now of one file."""

    path: Path
    state: Literal["growing", "settled", "not read"]
    sentence: str  # of the state, as "still growing: 12 spikes so far, not enough"
    n_bytes: int


class WatchedFolder(ABC):
    """A folder into which an acquisition writes. Its calls come one at a time."""

    @abstractmethod
    def poll(self) -> Sequence[Sighting]:
        """The files that are new or changed since the last call, the newest last."""


@dataclass(frozen=True)
class HandLabel:
    """What a person says of a file's cell; None where nothing is said, so that it stays."""

    file: str  # its path within the folder, with "/", or its bare name
    label: str | None  # "" takes it back
    note: str | None = None
    item: str | None = None  # of a file with several, as `View.items` has it; or `OpenedFile.part`


class LabelTable(ABC):
    """The table that `raphe extract` reads labels from: as it stands, and as a person changes it.

    What it holds beside what is said stays, in the form that a person gave it.
    """

    @abstractmethod
    def of(self, file: str, item: str | None) -> HandLabel:
        """What it says of a file, or of one of its several items; "" where nothing."""

    @abstractmethod
    def say(self, hand: HandLabel) -> None:
        """Put down what a person says of a file. Raises RapheError."""

    @property
    @abstractmethod
    def contents(self) -> bytes:
        """Of a file."""

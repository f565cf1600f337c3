"""What a task calls what its audit asks of: items, splits, the control and the shuffles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from raphe.core.figure_style import INK, METHODS

MARKERS = ("o", "s", "D", "^", "v")  # of the whole, the control, the shuffles


@dataclass(frozen=True)
class Shuffle:
    """Labels that were dealt out anew, and what it means if they are learnt, or not.

    `yes` and `no` hold {stated}, the figure; `open` {stated} and {cannot}, why it cannot be told.
    """

    named: str  # in a picture's key, after "trained on"
    in_label: str  # in its rows
    yes: str
    no: str
    open: str


@dataclass(frozen=True)
class Words:
    """Of one task. `whole`, `control` and the keys of `shuffles` are what rows are trained on."""

    item: str  # cell or unit
    splits: Sequence[str]  # finest first
    whole: str  # "spikes"
    control: str  # "noise"
    control_named: str  # in a picture's key: "noise without a spike"
    alone: str  # "noise alone"
    alone_told: str  # "noise alone, without a spike,"
    differ: str  # what a control means that no split keeps out
    shuffles: Mapping[str, Shuffle]
    new: Mapping[str, str]  # by split, what is tested: "cells of new days"
    held_out: Mapping[str, str]  # by split: "other days"
    together: str  # what the groups may be: "day or animal"
    shown: Sequence[tuple[str, str]]  # level and name of each figure in table and picture
    within: str = ""  # the split, if any, by which items that were trained on are tested
    named: Mapping[str, str] = field(default_factory=dict)  # longer nouns: "source (laboratory)"

    def title(self, level: str, name: str) -> str:
        """ "balanced accuracy of cells"."""
        of = f"{self.item}s" if level == "cells" else level
        return f"{name.replace('_', ' ').replace('auroc', 'AUROC')} of {of}"

    def looks(self, trained_on: str) -> tuple[str, str, str]:
        """Of a row in a picture: words for its key, marker, colour."""
        kinds = [self.whole, self.control, *self.shuffles]
        number = kinds.index(trained_on)
        named = [self.whole, self.control_named, *(s.named for s in self.shuffles.values())]
        colour = INK if number == 0 else METHODS[number % len(METHODS)]
        return named[number], MARKERS[number], colour

"""What the page of `raphe serve` shows of one item of a file, whatever the task: values to draw.

A task fills it, the page draws it and knows no task. All numbers are finite or None, all texts are
for a reader, without HTML. `as_json` is what goes over HTTP.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Tone = Literal["called", "unsure", "unlike", "nothing"]  # how a headline is coloured
Role = Literal["data", "faint", "mean", "answer", "spread", "truth", "training"]
# `data` what was recorded, `faint` one of many, `answer` what the bundle made of it


@dataclass(frozen=True)
class Line:
    """A curve of K points: `y`, or the band from `low` to `high`, as of a trace seen from afar."""

    name: str
    role: Role
    x: Sequence[float]  # (K,) ascending
    y: Sequence[float | None] = ()  # (K,)
    low: Sequence[float | None] = ()  # (K,)
    high: Sequence[float | None] = ()  # (K,)


@dataclass(frozen=True)
class Marks:
    """Events on a plot, such as spikes, which the page lets a person reject and accept.

    `number` names each to `Changes.rejected` and stays the same while the threshold does.
    """

    name: str  # of one: "spike"
    number: Sequence[int]  # (K,)
    x: Sequence[float]  # (K,)
    y: Sequence[float | None]  # (K,)
    accepted: Sequence[bool]  # (K,)
    can_change: bool = True


@dataclass(frozen=True)
class Plot:
    """One panel. `shade` lies behind the lines: (x, 0 to 1), as Grad-CAM over a mean spike."""

    name: str  # what it is asked for by
    title: str
    caption: str  # what it shows and how it is read, a sentence or two
    x_label: str  # with the unit
    y_label: str
    x_range: tuple[float, float]  # of all there is, which the lines may show from afar
    lines: Sequence[Line]
    marks: Marks | None = None
    threshold: float | None = None  # in units of y; the page lets a person move it
    shade: Sequence[tuple[float, float]] = ()
    shade_name: str = ""  # what it shows, for the legend
    has_detail: bool = False  # whether a part of x_range can be asked for more closely


@dataclass(frozen=True)
class Fact:
    """A value with its name: "Probability of SER", "0.93 (0.81 to 0.98)", and what that means."""

    name: str
    value: str  # with its unit
    meaning: str = ""
    warns: bool = False


@dataclass(frozen=True)
class Table:
    """`rows` of texts; a row whose number stands in `outside` is outside training's range."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    outside: Sequence[int] = ()
    caption: str = ""


@dataclass(frozen=True)
class Take:
    """A file that can be had of the item: `name` asks for it, `label` is what a button says."""

    name: str
    label: str


@dataclass(frozen=True)
class Need:
    """A second file without which there is no answer, such as the current beside a voltage."""

    role: str  # what the file is sent as
    sentence: str  # what a person is asked for
    suffixes: Sequence[str]


@dataclass(frozen=True)
class View:
    """One item (a cell, a trace) of a file."""

    item: str
    items: Sequence[str]  # of the file, in its order
    title: str
    headline: str  # a few words: "SER", "not sure", "3.2 spikes/s"
    tone: Tone
    sentences: Sequence[str]  # what the headline rests on and what speaks against it
    note: str = ""  # what must be known beside every answer
    facts: Sequence[Fact] = ()
    plots: Sequence[Plot] = ()
    tables: Sequence[Table] = ()
    takes: Sequence[Take] = ()
    need: Need | None = None
    progress: str = ""  # whether it is enough yet, told of a recording that is being made
    uncertainty: float | None = None  # 0 (certain) to 1, to sort by; None: nothing was judged
    doubt: str = ""  # why it comes early in that order, a few words, where the tone does not say it
    row: Mapping[str, str] = field(default_factory=dict)  # in the table of all cells, by column

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

"""One grammar for the name of every metric, and the table of figures that a task fills.

`<part>/<level>/<figure>`, as `test/cells/auroc`. The part is `train`, `val`, `kept/val` (the
validation of the weights that were kept and tested), `test` or the name of another test set; the
level is what is counted, each once; a figure of a part as a whole has none, as `kept/val/loss` and
`test/n_cells`. Of a run as a whole there are `epochs/trained` and `epochs/kept`, both counted from
1, and `swept/<setting>`, the number that a sweep gave a setting. A sweep's parent has
`chosen/<setting>` and each figure of its members, `over/<setting>/<metric>`.

This file imports nothing but the standard library: whatever prints a name may.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

TRAIN, VAL, TEST = "train", "val", "test"
KEPT = "kept"  # before val: of the weights that were kept
KEPT_VAL = f"{KEPT}/{VAL}"
EPOCHS_TRAINED, EPOCHS_KEPT = "epochs/trained", "epochs/kept"
SWEPT = "swept"  # before a setting
COUNT = "n_"  # before what a part holds: n_cells
CHOSEN, OVER = "chosen", "over"  # before a setting, of a sweep's parent
SYSTEM = "system"  # before what MLflow samples of the machine
OF_CLASS = " of "  # before the name of a class, in a figure that tables alone have
LEVELS = ("cells", "spikes", "recordings", "traces")  # what a figure may count, each once

Better = Literal["higher", "lower"]


@dataclass(frozen=True)
class Estimate:
    """A figure, the ends of its interval of 95 % and, where it has one, its standard error.

    `evaluate` of a task may return one in place of a number. The ends are NaN where the figure is,
    and where it is a mean of scores that are too few or do not differ.
    """

    value: float
    low: float
    high: float
    se: float | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class Figure:
    """What is said of a part, as the accuracy: how it is written for people, and what it means."""

    name: str  # in a metric's name: sensitivity_at_specificity_0.90, rms_mV
    label: str  # for people: "AUROC"
    unit: str  # "" for a number without one
    meaning: str  # one sentence
    better: Better | None = None  # None: neither, as of a count
    low: float | None = None  # ends of its axis; None: as the values need
    high: float | None = None
    levels: tuple[str, ...] = ()  # at which it is told; (): of the part as a whole
    axis: str = ""  # of an axis of a figure, where that is to say more than the label


@dataclass(frozen=True)
class Name:
    """The name of a metric in its parts."""

    part: str
    level: str  # "" where it has none
    figure: str

    @classmethod
    def of(cls, metric: str) -> "Name":
        """Split a name.

        >>> Name.of("kept/val/cells/auroc")
        Name(part='kept/val', level='cells', figure='auroc')
        >>> Name.of("test/loss")
        Name(part='test', level='', figure='loss')
        """
        *part, figure = metric.split("/")
        level = part.pop() if part and part[-1] in LEVELS else ""
        return cls("/".join(part), level, figure)

    def __str__(self) -> str:
        return "/".join(filter(None, (self.part, self.level, self.figure)))


def metric(part: str, level: str, figure: str) -> str:
    """The name of a metric; `level` is "" for a figure of a part as a whole.

    >>> metric("test", "cells", "auroc"), metric("kept/val", "", "loss")
    ('test/cells/auroc', 'kept/val/loss')
    """
    return str(Name(part, level, figure))


def kept(metric: str) -> str:
    """The name of a validation metric, of the weights that were kept.

    >>> kept("val/loss")
    'kept/val/loss'
    """
    return f"{KEPT}/{metric}"


def swept(setting: str) -> str:
    """The name under which the number that a sweep gave a setting is logged.

    >>> swept("model.kernel")
    'swept/model.kernel'
    """
    return f"{SWEPT}/{setting}"


def chosen(setting: str) -> str:
    """The name under which a sweep's parent has the number that was chosen.

    >>> chosen("model.kernel")
    'chosen/model.kernel'
    """
    return f"{CHOSEN}/{setting}"


def over(setting: str, metric: str) -> str:
    """The name under which a sweep's parent has a metric of its members over what is swept.

    >>> over("model.kernel", "test/cells/auroc")
    'over/model.kernel/test/cells/auroc'
    """
    return f"{OVER}/{setting}/{metric}"


OF_A_RUN = (
    Figure(EPOCHS_TRAINED, "epochs trained", "", "How many epochs the network was trained for."),
    Figure(EPOCHS_KEPT, "epoch kept", "", "The epoch, counted from 1, whose weights were tested."),
)


@dataclass(frozen=True)
class Names:
    """The figures of a task, looked up by the name of a metric.

    A name without its part is looked up, too, as reports list them: `cells/auroc`.

    Args:
        figures: all of them.
        each_epoch: levels at which the validation of an epoch is told, "" for a part as a whole.
    """

    figures: tuple[Figure, ...]
    each_epoch: tuple[str, ...] = ("", *LEVELS)

    @cached_property
    def _by_name(self) -> dict[tuple[str, str], Figure]:
        """By level and name."""
        return {
            (level, figure.name): figure
            for figure in self.figures
            for level in figure.levels or ("",)
        }

    @property
    def monitored(self) -> list[str]:
        """What an epoch may be judged by: every figure of its validation that is no count."""
        return [
            metric(VAL, level, name)
            for level, name in self._by_name
            if level in self.each_epoch and not name.startswith(COUNT)
        ]

    def figure(self, metric: str) -> Figure:
        """The figure that a metric is of. Raises KeyError for a name outside the table."""
        for figure in OF_A_RUN:
            if metric == figure.name:
                return figure
        if metric.startswith(f"{SWEPT}/"):
            setting = metric.removeprefix(f"{SWEPT}/")
            return Figure(metric, setting, "", f"What the sweep gave {setting}.")
        name = Name.of(metric)
        try:
            return self._by_name[name.level, name.figure]
        except KeyError:
            raise KeyError(f"{metric}: no name of this task's metrics") from None

    def label(self, metric: str) -> str:
        """For people: "AUROC, cells", "RMS error (mV), cells", "loss"."""
        figure, level = self.figure(metric), Name.of(metric).level
        unit = f" ({figure.unit})" if figure.unit else ""
        return f"{figure.label}{unit}{f', {level}' if level else ''}"

    @property
    def without_part(self) -> list[str]:
        """Every name, as reports list them."""
        return [metric("", level, name) for level, name in self._by_name]

    def __contains__(self, metric: str) -> bool:
        """Whether a run of the task may log this; of what MLflow samples of the machine, too."""
        if metric.startswith(f"{SYSTEM}/"):
            return True
        try:
            self.figure(metric)
        except KeyError:
            return False
        return bool(Name.of(metric).part)

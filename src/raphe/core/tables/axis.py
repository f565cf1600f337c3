"""The column of a table that is no trace: a time, or a number of frame or row, which rises evenly.

R rows, C columns.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from raphe.core.recordings.rates import rate_of_times
from raphe.core.tables.dialect import shown
from raphe.core.tables.number_table import NumberTable
from raphe.core.tables.text import TableFault

SAME_RATE = 0.01  # relative: 30 and 29.97 are one
LEAST_EVEN = 3  # rows in which a first column without such a name must rise to be an axis
LEAST_EVEN_ELSEWHERE = 20  # no trace rises in so many rows, one after the other
EXACTLY = 1.02  # how alike few steps must be
UNEVEN = 1.5  # of the usual step: a sample is missing
UNITS_S = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", "sek", "sekunden"), 1.0),
    **dict.fromkeys(("ms", "msec", "msecs", "millisecond", "milliseconds"), 1e-3),
    **dict.fromkeys(("us", "µs", "μs", "usec", "microsecond", "microseconds"), 1e-6),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hour", "hours"), 3600.0),
}
TIME = re.compile(
    r"(elapsed|relative|frame|imaging|recording)?"
    r"(time|times|timestamps?|zeit|temps|tiempo|tempo|seconds|secs?|msec|milliseconds|t|s|ms)"
)
COUNT = re.compile(
    r"(frame|image|slice|row|sample|scan)?(number|counter|count|index|idx|no|nr|id|#)?s?|"
    r"frames|slices|rows|samples|index"
)
BRACKETS = re.compile(r"[(\[]\s*([^)\]]*?)\s*[)\]]")


@dataclass(frozen=True)
class Axis:
    """An evenly rising column; it may tell the sampling rate."""

    name: str
    step: float  # in its own unit, on average
    rate_hz: float | None  # of a time whose name has a unit
    is_time: bool  # by its name, or because it rises by fractions
    in_s_hz: float  # the rate if it is in s

    def rate(self, rate_hz: float | None) -> float | None:
        """The rate asked for, else the axis' own. Raises TableFault where they contradict."""
        if self.rate_hz is not None:
            if rate_hz is not None and not _agree(self.rate_hz, rate_hz):
                raise TableFault(
                    f"{_called(self.name)} rises by {self.step:.6g}, which is "
                    f"{self.rate_hz:g} Hz, not {rate_hz:g}; correct --rate, or the column"
                )
            return rate_hz if rate_hz is not None else self.rate_hz
        if not self.is_time:
            return rate_hz
        in_s, in_ms = self.in_s_hz, 1000 * self.in_s_hz
        if rate_hz is None:
            raise TableFault(
                f"{_called(self.name)} rises by {self.step:.6g} in a unit that is not named; "
                f"pass --rate HZ ({in_s:.6g} if it is in s, {in_ms:.6g} if in ms)"
            )
        if not (_agree(in_s, rate_hz) or _agree(in_ms, rate_hz)):
            raise TableFault(
                f"{_called(self.name)} rises by {self.step:.6g}: {in_s:.6g} Hz if it is in s, "
                f"{in_ms:.6g} if in ms, not {rate_hz:g}; correct --rate, or take the column out"
            )
        return rate_hz

    def remark(self) -> str:
        """What became of it, in a sentence."""
        told = f", {self.rate_hz:g} Hz," if self.rate_hz is not None else ""
        return (
            f"{_called(self.name)} rises evenly by {self.step:.6g}{told} and is the axis: no trace"
        )


def without_axes(table: NumberTable) -> tuple[NumberTable, list[Axis]]:
    """The table without its axes, and these.

    The first columns are looked at by name and content, others by content alone. Raises TableFault
    for a time or a count that goes back or leaves samples out, and for a table of axes alone.
    """
    axes: list[Axis] = []
    rows = _known_rows(table)
    place = 0
    while place < len(table.names):
        axis = _axis(table, place, rows)
        place += 1
        if axis is None:
            break
        axes.append(axis)
    n_first = len(axes)
    others = {}
    for place in range(n_first, len(table.names)):
        column = table.values[rows, place]
        if len(column) >= LEAST_EVEN_ELSEWHERE and _is_even(column):
            others[place] = _measured(table.names[place], column)
    kept = [place for place in range(n_first, len(table.names)) if place not in others]
    if not kept:
        raise TableFault("expected traces, every column rises evenly, as a clock does")
    axes += others.values()
    if not axes:
        return table, axes
    first_line = table.first_line + (rows.start or 0)
    values = table.values[rows, n_first:] if not others else table.values[rows][:, kept]
    return (
        replace(
            table,
            names=tuple(table.names[place] for place in kept),
            values=values,
            status=tuple(table.status[place] for place in kept) if table.status else (),
            first_line=first_line,
            remarks=(*table.remarks, *(axis.remark() for axis in axes)),
        ),
        axes,
    )


def axis_of_names(corner: str, names: Sequence[str]) -> Axis | None:
    """The axis that stands above rows of traces, float64 (R,) as text; None for words."""
    try:
        values = np.array([float(name.replace(",", ".")) for name in names])
    except ValueError:
        return None
    return _measured(corner, values) if len(values) >= LEAST_EVEN and _is_even(values) else None


def counts_rows(values: np.ndarray) -> bool:
    """Whether values (R,) number the rows, from 0 or 1."""
    return bool(len(values)) and any(
        np.array_equal(values, np.arange(n, n + len(values))) for n in (0, 1)
    )


def time_unit_s(name: str) -> float | None:
    """The unit, in s, of a time by its name, as "Time (ms)"; None for what is none."""
    base, unit_s = _parts(name)
    return unit_s if TIME.fullmatch(base) else None


def _known_rows(table: NumberTable) -> slice:
    """The rows from the first to the last that hold any number."""
    if np.isfinite(table.values[[0, -1], 0]).all():
        return slice(0, len(table.values))
    known = np.flatnonzero(~np.isnan(table.values[:, 0]))
    if not len(known):
        return slice(0, len(table.values))
    rows = slice(int(known[0]), int(known[-1]) + 1)
    outside = (table.values[: rows.start], table.values[rows.stop :])
    blank = all(np.isnan(part).all() for part in outside)
    return rows if blank else slice(0, len(table.values))


def _axis(table: NumberTable, place: int, rows: slice) -> Axis | None:
    """The column as an axis, None for a trace."""
    name, values = table.names[place], table.values[rows, place]
    base, _ = _parts(name)
    named = bool(TIME.fullmatch(base)) or (bool(base) and bool(COUNT.fullmatch(base)))
    if not np.isfinite(values).all() or len(values) < 2:
        return None
    if not name and counts_rows(values):
        return _measured(name, values)
    if not named:
        return _measured(name, values) if len(values) >= LEAST_EVEN and _is_even(values) else None
    steps = np.diff(values)
    if len(base) < 3 and not _is_even(values):
        return None  # a trace may be called t or s
    line = table.first_line + (rows.start or 0) + 1
    if (steps < 0).any() or not steps.any():
        at = int(np.flatnonzero(steps < 0)[0]) if steps.any() else 0
        raise TableFault(
            f"{_called(name)} is called an axis and goes from {values[at]:g} to "
            f"{values[at + 1]:g}; give each recording a table of its own, or rename the column",
            line + at,
        )
    usual = float(max(np.median(steps), steps.mean()))
    rounding = 0.0 if steps.min() > usual / 2 else float(steps[steps > 0].min())
    gap = int(steps.argmax())
    if steps[gap] > UNEVEN * usual + rounding:
        raise TableFault(
            f"{_called(name)} goes from {values[gap]:g} to {values[gap + 1]:g}, usually by "
            f"{usual:.6g}: samples are missing; cut the table there in two",
            line + gap,
        )
    return _measured(name, values)


def _is_even(values: np.ndarray) -> bool:
    """Whether values (R,) rise in steps that are alike but for their rounding."""
    steps = np.diff(values)
    if not np.isfinite(steps).all() or steps.min() <= 0:
        return False
    if len(values) < LEAST_EVEN_ELSEWHERE:
        return bool(steps.max() <= EXACTLY * steps.min())
    return bool(steps.max() <= UNEVEN * np.median(steps) and steps.min() >= np.median(steps) / 2)


def _measured(name: str, values: np.ndarray) -> Axis:
    base, unit_s = _parts(name)
    step = float(values[-1] - values[0]) / (len(values) - 1)
    is_named_time = bool(TIME.fullmatch(base))
    has_unit = is_named_time and unit_s is not None
    in_s_hz = rate_of_times(values[None] * (unit_s if has_unit else 1.0))
    steps = np.diff(values)
    is_count = bool((steps == steps[0]).all() and steps[0] % 1 == 0)
    is_time = is_named_time or (not is_count and not (base and COUNT.fullmatch(base)))
    return Axis(name, step, in_s_hz if has_unit else None, is_time, in_s_hz)


def _called(name: str) -> str:
    return f"column {shown(name)}" if name else "the first column, which has no name,"


def _parts(name: str) -> tuple[str, float | None]:
    """What an axis' name says without unit and signs, and its unit in s."""
    text = name.casefold().strip()
    match = BRACKETS.search(text)
    if match:
        base, unit = text[: match.start()], match[1]
    else:
        words = re.split(r"[\s_/.,:-]+", text)
        unit = words[-1] if words[-1] in UNITS_S else ""
        base = "".join(words[:-1]) or unit if unit else text
    return re.sub(r"[^a-z0-9#µμ]", "", base), UNITS_S.get(unit)


def _agree(first_hz: float, second_hz: float) -> bool:
    return abs(first_hz - second_hz) <= SAME_RATE * second_hz

"""The column of a table that is no trace: a time, or a number of frame or row, which rises evenly.

R rows, C columns.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from raphe.core.recordings.missing_samples import missing_after
from raphe.core.recordings.rates import OFF_EVEN, off_even, rate_of_times
from raphe.core.sentences import number
from raphe.core.tables.dialect import shown
from raphe.core.tables.number_table import NumberTable
from raphe.core.tables.text import TableFault

SAME_RATE = 0.01  # relative: 30 and 29.97 are one
LEAST_EVEN = 3  # rows in which a first column without such a name must rise to be an axis
LEAST_EVEN_ELSEWHERE = 20  # no trace rises in so many rows, one after the other
EXACTLY = 1.02  # how alike few steps must be
ROUNDING = 1e-6  # of a step
WHOLE = 1e-3  # by which a multiple of what times are rounded to is off
UNEVEN = 1.5  # of the usual step: a sample is missing
# Of the steps of a column that is an axis, though samples are missing or stand twice.
MOST_FALLS, FEWEST_USUAL, FEWEST_RISES = 0.05, 0.75, 0.8
LEAST_COUNTED = 5  # rows in which a count from 0 or 1 is told in spite of a gap
MOST_TWICE = 0.1  # beyond, a time is rounded, or several rows belong to each number
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

    called: str  # in a sentence
    step: float  # in its own unit, on average
    is_time: bool  # by its name, or because it rises by fractions
    unit_s: float | None  # of a time, where its name has it
    in_s_hz: float  # the rate in that unit, or if it is in s
    first: float  # in its own unit
    off: float  # the even values that it is taken for, in its own unit; 0 within a step

    @property
    def rate_hz(self) -> float | None:
        """Of a time whose name has a unit."""
        return None if self.unit_s is None else self.in_s_hz

    def rate(self, rate_hz: float | None) -> float | None:
        """The rate asked for, else the axis' own. Raises TableFault where they contradict."""
        if self.rate_hz is not None:
            if rate_hz is not None and not _agree(self.rate_hz, rate_hz):
                raise TableFault(
                    f"{self.called} rises by {self.step:.6g}, which is "
                    f"{self.rate_hz:g} Hz, not {rate_hz:g}; correct --rate, or the column"
                )
            return rate_hz if rate_hz is not None else self.rate_hz
        if not self.is_time:
            return rate_hz
        in_s, in_ms = self.in_s_hz, 1000 * self.in_s_hz
        if rate_hz is None:
            raise TableFault(
                f"{self.called} rises by {self.step:.6g} in a unit that is not named; "
                f"pass --rate HZ ({in_s:.6g} if it is in s, {in_ms:.6g} if in ms)"
            )
        if not (_agree(in_s, rate_hz) or _agree(in_ms, rate_hz)):
            raise TableFault(
                f"{self.called} rises by {self.step:.6g}: {in_s:.6g} Hz if it is in s, "
                f"{in_ms:.6g} if in ms, not {rate_hz:g}; correct --rate, or take the column out"
            )
        return rate_hz

    def first_s(self, rate_hz: float) -> float | None:
        """Where a time begins; `rate_hz` tells a unit that is not named. None of a count."""
        if not self.is_time:
            return None
        in_s = self.unit_s or (1.0 if _agree(self.in_s_hz, rate_hz) else 1e-3)
        return self.first * in_s

    def remark(self) -> str:
        """What became of it, in a sentence."""
        return f"{self.called} {self.pace} and is the axis: no trace"

    @property
    def pace(self) -> str:
        """How it rises, a phrase."""
        told = f", {self.rate_hz:g} Hz," if self.rate_hz is not None else ""
        if not self.off:
            return f"rises evenly by {self.step:.6g}{told}"
        far = number(self.off) if self.unit_s is None else f"{number(self.off * self.unit_s)} s"
        return f"rises by {self.step:.6g}{told} on average, is {OFF_EVEN.format(far)},"


def without_axes(table: NumberTable) -> tuple[NumberTable, list[Axis]]:
    """The table without its axes, and these.

    The first columns are looked at by name and content, others by content alone. Raises TableFault
    for a time or a count that goes back or leaves samples out, and for a table of axes alone.
    """
    axes: list[Axis] = []
    rows = _known_rows(table)
    for place in range(len(table.names)):
        axis = _axis(table, place, rows)
        if axis is None:
            break
        axes.append(axis)
    n_first = len(axes)
    others = {}
    for place in range(n_first + 1, len(table.names)):
        if axis := _axis(table, place, rows, elsewhere=True):
            others[place] = axis
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
    """The axis that stands above rows of traces, float64 (R,) as text; None for words.

    Raises TableFault for one that goes back or leaves samples out.
    """
    try:
        values = np.array([float(name.replace(",", ".") or "nan") for name in names])
    except ValueError:
        return None
    if not rises_as_axis(values):
        return None
    if not _is_even(values):
        _refuse_broken("is an axis by its values", "take the line out", values, 1, False, False)
    return _measured(corner, _called(corner), values)


def rises_as_axis(values: np.ndarray) -> bool:
    """Whether values (R,) are an axis, were it one of which samples are missing or stand twice."""
    known = values[~np.isnan(values)]
    if len(known) < LEAST_EVEN or not np.isfinite(known).all():
        return False
    return _is_even(known) or _is_broken_axis(known)


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


def _axis(table: NumberTable, place: int, rows: slice, elsewhere: bool = False) -> Axis | None:
    """The column as an axis, None for a trace; `elsewhere` than first by its content alone."""
    name, values = table.names[place], table.values[rows, place]
    called = _called(name, place)
    known = values[~np.isnan(values)]
    if len(known) < 2 or not np.isfinite(known).all():
        return None
    is_whole = len(known) == len(values)
    if is_whole and not elsewhere and not name and counts_rows(values):
        return _measured(name, called, values)
    least = LEAST_EVEN_ELSEWHERE if elsewhere else LEAST_EVEN
    if is_whole and len(values) >= least and _is_even(values):
        return _measured(name, called, values)
    base, _ = _parts(name)
    is_named = bool(TIME.fullmatch(base)) or (bool(base) and bool(COUNT.fullmatch(base)))
    is_named &= len(base) >= 3 and not elsewhere  # a trace may be called t or s
    if is_named or (len(known) >= least and _is_broken_axis(known)):
        _refuse_broken(
            f"{called} is {'called an axis' if is_named else 'an axis by its values'}",
            "rename the column" if is_named else "take the column out",
            values,
            table.first_line + (rows.start or 0),
            bool(TIME.fullmatch(base)),
        )
        return _measured(name, called, values)
    return None


def _refuse_broken(
    column: str,
    remedy: str,
    values: np.ndarray,
    first_line: int,
    is_time: bool,
    is_column: bool = True,
) -> None:
    """Raise TableFault, with the line, where an axis lacks samples, has some twice or goes back.

    One that is no column stands in its first line.
    """
    blank = np.isnan(values)
    if blank.any():
        raise TableFault(
            f"{column} and has no number here; fill it in, or {remedy}",
            first_line + is_column * int(blank.argmax()),
        )
    steps = np.diff(values)
    lines = np.arange(len(steps)) * is_column + first_line + is_column
    if (steps < 0).any() or not steps.any():
        at = int(np.flatnonzero(steps < 0)[0]) if steps.any() else 0
        raise TableFault(
            f"{column} and goes from {values[at]:.10g} to {values[at + 1]:.10g}; give each "
            f"recording a table of its own, or {remedy}",
            int(lines[at]),
        )
    usual = float(max(np.median(steps), steps.mean()))
    rises = steps[steps > 0]
    multiples = rises / rises.min()
    is_rounded = steps.min() <= usual / 2 and np.abs(multiples - multiples.round()).max() < WHOLE
    rounding = float(rises.min()) if is_rounded else 0.0
    is_long = steps > UNEVEN * usual + rounding
    if is_long.any():
        step = float(steps[~is_long].mean())
        missing = missing_after(values, step) if steps.min() > 0 else np.flatnonzero(is_long)
        if len(missing):
            gap = int(missing[0])
            raise TableFault(
                f"{column} and goes from {values[gap]:.10g} to {values[gap + 1]:.10g}, usually by "
                f"{step:.6g}: samples are missing; cut the table there in two",
                int(lines[gap]),
            )
    # Times that are rounded to more than a step rise by the same, or not at all.
    is_finer = np.ptp(rises) > ROUNDING * usual or not (is_time or (values % 1).any())
    twice = np.flatnonzero(steps == 0)
    if is_finer and 0 < len(twice) <= MOST_TWICE * len(steps):
        raise TableFault(
            f"{column} and stays at {values[twice[0]]:.10g}: a sample stands twice; take one of "
            f"the rows out, or {remedy}",
            int(lines[twice[0]]),
        )


def _is_broken_axis(values: np.ndarray) -> bool:
    """Whether values (R,) rise as no trace does, but for what is missing, repeated or begun anew.

    Or fall evenly. A trace has noise, which falls as often as it rises.
    """
    steps = np.diff(values)
    if len(values) < LEAST_EVEN_ELSEWHERE:
        counts_from = values[0] in (0, 1) and len(values) >= LEAST_COUNTED
        return bool(counts_from and np.mean(steps == 1) >= FEWEST_USUAL)
    n_falls = np.count_nonzero(steps < 0)
    if n_falls == len(steps):
        return _is_even(-values)
    if n_falls > MOST_FALLS * len(steps) or not (steps > 0).any():
        return False
    usual = float(np.median(steps[steps > 0]))
    if np.mean((steps >= usual / 2) & (steps <= UNEVEN * usual)) >= FEWEST_USUAL:
        return True
    if n_falls:
        return False
    if np.mean(steps > 0) >= FEWEST_RISES and not (values % 1).any():
        return True
    levels = np.unique(values)  # of times rounded to more than a step
    return len(levels) >= LEAST_EVEN_ELSEWHERE and _is_even(levels)


def _is_even(values: np.ndarray) -> bool:
    """Whether values (R,) rise in steps that are alike but for their rounding."""
    steps = np.diff(values)
    if not np.isfinite(steps).all() or steps.min() <= 0:
        return False
    if len(values) < LEAST_EVEN_ELSEWHERE:
        return bool(steps.max() <= EXACTLY * steps.min())
    return bool(steps.max() <= UNEVEN * np.median(steps) and steps.min() >= np.median(steps) / 2)


def _measured(name: str, called: str, values: np.ndarray) -> Axis:
    base, unit_s = _parts(name)
    step = float(values[-1] - values[0]) / (len(values) - 1)
    is_named_time = bool(TIME.fullmatch(base))
    unit_s = unit_s if is_named_time else None
    in_s_hz = rate_of_times(values[None] * (1.0 if unit_s is None else unit_s))
    steps = np.diff(values)
    is_count = bool((steps == steps[0]).all() and steps[0] % 1 == 0)
    is_time = is_named_time or (not is_count and not (base and COUNT.fullmatch(base)))
    return Axis(called, step, is_time, unit_s, in_s_hz, float(values[0]), off_even(values))


def _called(name: str, place: int = 0) -> str:
    if name:
        return f"column {shown(name)}"
    return f"{f'column {place + 1}' if place else 'the first column'}, which has no name,"


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

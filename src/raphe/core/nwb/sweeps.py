"""Which series of an NWB file are sweeps of one electrode, and which are channels of their own.

The facts are electrode, unit, sweep numbers and starting times; names count where a file gives no
electrode. Series that overlap in time are never sweeps of one channel.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count

from raphe.core.nwb.series import NUMBER, Series
from raphe.core.sentences import counted

NUMBER_AT_END = re.compile(r"[_ -]*#$")


@dataclass(frozen=True, eq=False)
class SweptChannel:
    """Sweeps of one electrode in one unit, a series each, in the order in which they were recorded.

    `timed`: whether starting times tell this order; else all begin at one time, and sweep numbers
    do.
    """

    series: tuple[Series, ...]
    timed: bool = True

    @property
    def unit(self) -> str:
        return self.series[0].unit

    @property
    def name(self) -> str:
        """The series'; of several sweeps the electrode's, or what their names have in common."""
        first = self.series[0]
        if len(self.series) == 1:
            return first.name
        return first.electrode or common_name(self.series)

    @property
    def detail(self) -> str:
        """What a list of channels says beside the name."""
        first, last = self.series[0], self.series[-1]
        if len(self.series) == 1:
            return f" of {first.electrode}" if first.electrode else ""
        return f": {counted('sweep', len(self.series))}, {first.name} to {last.name}"

    @property
    def numbers(self) -> list[int | None]:
        """Of each sweep its number: the file's, else the one in its name by which they differ."""
        if any(series.sweep is not None for series in self.series):
            return [series.sweep for series in self.series]
        return list(varying_numbers(self.series))


def channels_of(series: Iterable[Series]) -> list[SweptChannel]:
    """Channels in the order in which the file lists their first series."""
    series = list(series)
    groups = _grouped(series, _may_be_one)
    channels = [channel for group in groups for channel in _split(group)]
    rank = {id(column): i for i, column in enumerate(series)}
    return sorted(channels, key=lambda channel: min(rank[id(column)] for column in channel.series))


def _may_be_one(column: Series) -> Hashable:
    """What columns of one channel have in common."""
    by = column.electrode or (None, column.pattern[0])
    return column.container, column.unit, by


def common_name(series: Sequence[Series]) -> str:
    """A name for series whose names differ in one number: without it at the end, else # for it."""
    first, field = series[0].name, varying_field(series)
    position = count()
    name = NUMBER.sub(lambda digits: "#" if next(position) == field else digits[0], first)
    return NUMBER_AT_END.sub("", name) or first


def varying_field(series: Sequence[Series]) -> int | None:
    """Which of the numbers in their names is the only one that differs, if one is."""
    patterns = [column.pattern for column in series]
    if len({text for text, _ in patterns}) > 1:
        return None
    fields = [i for i, values in enumerate(zip(*(numbers for _, numbers in patterns), strict=True))
              if len(set(values)) > 1]  # fmt: skip
    return fields[0] if len(fields) == 1 else None


def varying_numbers(series: Sequence[Series]) -> list[int | None]:
    """Of each of them the number by which their names differ."""
    field = varying_field(series)
    if field is None:
        return [None] * len(series)
    return [column.pattern[1][field] for column in series]


def _split(group: list[Series]) -> list[SweptChannel]:
    """Channels among series that may be one, by electrode or by name."""
    if group[0].electrode and (whole := _as_sweeps(group)):
        return [whole]
    channels = []
    for alike in _grouped(group, lambda column: column.pattern[0]):
        channels += _split_by_number(alike, group[0].electrode is not None)
    return channels


def _split_by_number(alike: list[Series], of_one_electrode: bool) -> list[SweptChannel]:
    """Channels among series whose names differ in numbers: only one of these numbers is a sweep's.

    Where the last can be, it is.
    """
    if of_one_electrode and (whole := _as_sweeps(alike)):
        return [whole]
    for field in reversed(range(len(alike[0].pattern[1]))):
        groups = _grouped(alike, partial(_numbers_without, field))
        swept = [_as_sweeps(group) for group in groups]
        if len(groups) < len(alike) and all(swept):
            return [channel for channel in swept if channel]
    return [SweptChannel((column,)) for column in alike]


def _numbers_without(field: int, column: Series) -> tuple[int, ...]:
    """In its name, but for one of them."""
    numbers = column.pattern[1]
    return numbers[:field] + numbers[field + 1 :]


def _as_sweeps(group: Sequence[Series]) -> SweptChannel | None:
    """The series as sweeps in their order, unless they overlap in time.

    A file may give all of them one starting time, which then tells nothing: sweep numbers do, if
    each has its own.
    """
    if len(group) == 1:
        return SweptChannel(tuple(group))
    ordered = sorted(group, key=lambda column: column.clock.start_s)
    if not any(map(_overlap, ordered, ordered[1:])):
        return SweptChannel(tuple(ordered))
    numbers = [column.sweep for column in group]
    at_one_time = len({column.clock.start_s for column in group}) == 1
    numbered = None not in numbers and len(set(numbers)) == len(group)
    if at_one_time and numbered and group[0].electrode:
        return SweptChannel(tuple(sorted(group, key=lambda column: column.sweep or 0)), timed=False)
    return None


def _overlap(earlier: Series, later: Series) -> bool:
    length_s = earlier.clock.end_s - earlier.clock.start_s
    slack_s = 0.5 * length_s / earlier.clock.n_samples  # times are rounded
    return later.clock.start_s < earlier.clock.end_s - slack_s


def _grouped(series: Iterable[Series], key: Callable[[Series], Hashable]) -> list[list[Series]]:
    groups = defaultdict(list)
    for column in series:
        groups[key(column)].append(column)
    return list(groups.values())

"""The current that was injected in a sweep: by table, electrode and number or time, names last."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from raphe.core.errors import RecordingError
from raphe.core.nwb.contents import Contents, Part
from raphe.core.nwb.reader import choose, choose_among
from raphe.core.nwb.series import Series
from raphe.core.nwb.sweeps import SweptChannel, channels_of, varying_numbers
from raphe.core.recordings.units import unit_factor
from raphe.core.sentences import listed

VOLTAGE, CURRENT = "V", "A"
NOUNS = {VOLTAGE: "voltage", CURRENT: "current"}
RESPONSES = ("VoltageClampSeries",)  # currents that were measured, not injected
MOST_LISTED = 12  # sweeps in a sentence
OPTIONS = {VOLTAGE: "--channel", CURRENT: "--stimulus-channel"}


@dataclass(frozen=True)
class Sweep:
    """Samples of a series that were recorded without a break."""

    series: Series
    part: Part
    start_s: float
    number: int | None  # the file's, or in its name
    in_table: bool = False
    stimulus: Part | None = None  # the table's

    @property
    def label(self) -> str:
        number = "" if self.number is None else f"sweep {self.number}, "
        return f"{number}{self.series.name}"


def current_of(
    contents: Contents, sweep: Sweep, alike: SweptChannel, channel: int | str | None
) -> Sweep:
    """The current that was injected in a sweep. Raises RecordingError where it has none."""
    if channel is not None:
        return _named_current(contents, sweep, alike, channel)
    if sweep.in_table:
        if sweep.stimulus is None:
            raise _no_stimulus(contents, sweep, "the table of intracellular recordings names none")
        return _part_of_table(contents, sweep.stimulus)
    pool = injected(contents.presented()) or injected(contents.acquired())
    current = _partner(contents, sweep, alike, pool)
    _require_whose(contents, sweep, current.series)
    return current


def _named_current(
    contents: Contents, sweep: Sweep, alike: SweptChannel, channel: int | str
) -> Sweep:
    """Of the channel or series that was named."""
    for is_stimulus in (True, False):
        if isinstance(channel, str) and contents.named(channel.strip(), is_stimulus):
            swept = choose(contents, channel, None, is_stimulus)
            _require_current(contents, channel, swept)
            return _aligned(contents, sweep, swept.series[0], by_name=True)
    presented = channels_of(contents.presented())
    swept = choose_among(
        contents, presented or channels_of(contents.acquired()), channel, CURRENT, CURRENT,
        OPTIONS[CURRENT],
    )  # fmt: skip
    _require_current(contents, channel, swept)
    return _partner(contents, sweep, alike, swept.series)


def _require_current(contents: Contents, channel: int | str, swept: SweptChannel) -> None:
    if unit_factor(swept.unit, CURRENT) is None:
        raise RecordingError(
            f"{contents.path}: expected {channel} to be a current, got one in "
            f"{swept.unit or 'no unit'}; choose another by {OPTIONS[CURRENT]}"
        )


def injected(series: Sequence[Series]) -> list[Series]:
    """Those that may be injected currents."""
    return [
        column for column in series
        if unit_factor(column.unit, CURRENT) is not None and column.kind not in RESPONSES
    ]  # fmt: skip


def _part_of_table(contents: Contents, part: Part) -> Sweep:
    series = next((column for column in contents.series if column.place == part.place), None)
    if series is None or unit_factor(series.unit, CURRENT) is None:
        raise RecordingError(
            f"{contents.path}: expected the stimulus {part.place} to be a current, got one in "
            f"{series.unit if series and series.unit else 'no unit'}"
        )
    return Sweep(series, part, start_of(series, part), None)


def _partner(
    contents: Contents, sweep: Sweep, alike: SweptChannel, pool: Sequence[Series]
) -> Sweep:
    """The one of these series that is the sweep's, by electrode, number or time, or name."""
    electrode, number = sweep.series.electrode, sweep.series.sweep
    fits = [column for column in pool if None in (electrode, column.electrode)
            or column.electrode == electrode]  # fmt: skip
    if not fits:
        where = f" of {electrode}" if electrode and pool else ""
        told = "" if pool else contents.why_nothing
        raise _no_stimulus(contents, sweep, f"it has no stimulus{where}{told}")
    if number is not None and any(column.sweep is not None for column in fits):
        fits = [column for column in fits if column.sweep in (number, None)]
        fits = [column for column in fits if column.sweep == number] or fits
        if not fits:
            raise _no_stimulus(contents, sweep, f"no stimulus has the sweep number {number}")
    if len(fits) > 1:
        fits = (
            [column for column in fits if _begins_with(sweep, column)]
            if len({column.clock.start_s for column in fits}) > 1
            else _same_number_in_name(contents, sweep, alike, fits) or fits
        )
    if not fits:
        raise _no_stimulus(contents, sweep, f"none begins with it at {sweep.start_s:g} s")
    if len(fits) > 1:
        fits = _same_number_in_name(contents, sweep, alike, fits) or fits
    if (n := len(fits)) > 1:
        names = listed(column.name for column in fits[:MOST_LISTED])
        raise RecordingError(
            f"{contents.path}: expected one stimulus of {sweep.label}, found {n}, {names}; choose "
            f"one by {OPTIONS[CURRENT]}"
        )
    return _aligned(contents, sweep, fits[0])


def _require_whose(contents: Contents, sweep: Sweep, stimulus: Series) -> None:
    """Refuse a stimulus of no electrode where cells of two were recorded at once."""
    if sweep.series.electrode is None or stimulus.electrode is not None:
        return
    end_s = sweep.start_s + sweep.part.n_samples / sweep.series.sampled_hz
    for other in contents.acquired():
        is_another_cell = other.electrode not in (None, sweep.series.electrode)
        if not is_another_cell or unit_factor(other.unit, VOLTAGE) is None or other.fault:
            continue
        for segment in other.clock.segments:
            other_end_s = segment.start_s + segment.n_samples / other.sampled_hz
            if segment.start_s < end_s and sweep.start_s < other_end_s:
                raise _no_stimulus(
                    contents, sweep,
                    f"{stimulus.name} names no electrode, and {other.name} of {other.electrode} "
                    "was recorded at the same time",
                )  # fmt: skip


def _same_number_in_name(
    contents: Contents, sweep: Sweep, alike: SweptChannel, stimuli: Sequence[Series]
) -> list[Series]:
    """Stimuli of the number by which the sweep's name differs.

    None where one has a number that no voltage has: both may count from another first.
    """
    of_series = zip(map(id, alike.series), varying_numbers(alike.series), strict=True)
    numbers: dict[int, Any] = dict(of_series)
    if numbers.get(id(sweep.series)) is not None:
        of_stimuli: list[Any] = varying_numbers(stimuli)
    else:  # of a series that was chosen by its name: all numbers in it
        numbers = {id(column): column.pattern[1] or None for column in contents.acquired()
                   if column.pattern[0] == sweep.series.pattern[0]}  # fmt: skip
        of_stimuli = [column.pattern[1] for column in stimuli]
    if not set(of_stimuli) <= set(numbers.values()):
        return []
    number = numbers[id(sweep.series)]
    pairs = zip(stimuli, of_stimuli, strict=True)
    return [column for column, of_stimulus in pairs if of_stimulus == number is not None]


def _begins_with(sweep: Sweep, stimulus: Series) -> bool:
    """Whether a stretch of the stimulus begins with the sweep, or holds all of it."""
    return not stimulus.fault and _stretch(sweep, stimulus) is not None


def _stretch(sweep: Sweep, stimulus: Series) -> Part | None:
    """The samples of a stimulus from the sweep's first on, by the clock."""
    rate_hz = stimulus.sampled_hz
    for segment in stimulus.clock.segments:
        late = round((sweep.start_s - segment.start_s) * rate_hz, 3)
        first = round(late)
        if abs(late) <= 1 or (late > 0 and first + sweep.part.n_samples <= segment.n_samples):
            first = max(first, 0) if abs(late) > 1 else 0
            return Part(stimulus.place, segment.first + first, segment.n_samples - first)
    return None


def _aligned(contents: Contents, sweep: Sweep, stimulus: Series, by_name: bool = False) -> Sweep:
    """The stimulus from the sweep's first sample on.

    One that begins at 0 s, as a template does, has no clock of its own; nor has one that a person
    named.
    """
    part = _stretch(sweep, stimulus)
    numbered = stimulus.sweep is not None and stimulus.sweep == sweep.series.sweep
    segments = stimulus.clock.segments
    no_clock = by_name or (numbered and 0 in (stimulus.clock.start_s, sweep.start_s))
    if part is None and no_clock and len(segments) == 1:
        part = Part(stimulus.place, 0, stimulus.clock.n_samples)
    if part is None:
        raise RecordingError(
            f"{contents.path}: expected the stimulus of {sweep.label} to begin with it at "
            f"{sweep.start_s:g} s, {stimulus.name} begins at {stimulus.clock.start_s:g} s; if it "
            f"is that sweep's, name it by {OPTIONS[CURRENT]}"
        )
    return Sweep(stimulus, part, sweep.start_s, None)


def _no_stimulus(contents: Contents, sweep: Sweep, why: str) -> RecordingError:
    return RecordingError(
        f"{contents.path}: expected a stimulus of its own for {sweep.label}, {why}; choose another "
        f"sweep (--sweep), or name the current ({OPTIONS[CURRENT]}, --stimulus)"
    )


def start_of(series: Series, part: Part) -> float:
    """When a part of a series begins, which may have no gap. Raises RecordingError."""
    for segment in series.clock.segments:
        begins = part.first - segment.first
        if begins >= 0 and begins + part.n_samples <= segment.n_samples:
            return segment.start_s + begins / series.sampled_hz
    raise RecordingError(
        f"{series.samples.path}: expected the samples {part.first} to "
        f"{part.first + part.n_samples} of {series.place}, which the table of intracellular "
        "recordings names, to be without a gap"
    )

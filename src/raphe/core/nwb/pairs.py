"""One sweep's voltage and the current that was injected in it, from one NWB file.

They belong together by the table of intracellular recordings; where it is silent, by electrode and
sweep number, or starting time; by numbers in names only where a file has none of these.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raphe.core.errors import RecordingError
from raphe.core.files.path import checked_path
from raphe.core.nwb.contents import Contents, Part
from raphe.core.nwb.reader import choose, choose_among, open_contents
from raphe.core.nwb.series import Series
from raphe.core.nwb.sweeps import SweptChannel, channels_of, varying_numbers
from raphe.core.recordings.rates import same_rate
from raphe.core.recordings.recording import Recording
from raphe.core.recordings.units import unit_factor
from raphe.core.sentences import counted, listed

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


@dataclass(frozen=True, eq=False)
class SweepPair:
    """Voltage and current of one sweep, as many samples of each, as recordings of one trace."""

    voltage: Recording
    current: Recording
    label: str


def read_pair(
    path: str | Path,
    channel: int | str | None = None,
    stimulus_channel: int | str | None = None,
    sweep: int | None = None,
) -> SweepPair:
    """Read one sweep of one electrode.

    Args:
        path: of NWB 2, or 1.0.
        channel: of the voltage, as of `read_nwb`; None takes the only one.
        stimulus_channel: of the current, likewise; None takes the one that belongs to the voltage.
        sweep: its number where the file numbers its sweeps, else its place from 0; None takes the
            first.

    Raises RecordingError, also for a voltage without a current of its own.
    """
    contents = open_contents(checked_path(path, "an NWB file"))
    return pair_of(contents, channel, stimulus_channel, sweep)


def pair_of(
    contents: Contents,
    channel: int | str | None = None,
    stimulus_channel: int | str | None = None,
    sweep: int | None = None,
) -> SweepPair:
    """As `read_pair`, of a file that was opened."""
    chosen, alike = _choose_sweep(contents, VOLTAGE, channel, sweep)
    current = _current_of(contents, chosen, alike, stimulus_channel)
    n_samples = chosen.part.n_samples
    if not same_rate(chosen.series.sampled_hz, current.series.sampled_hz):
        raise RecordingError(
            f"{contents.path}: expected {current.series.name} at the rate of {chosen.label}, "
            f"{chosen.series.sampled_hz:g} Hz, got {current.series.sampled_hz:g} Hz"
        )
    if current.part.n_samples < n_samples:
        raise RecordingError(
            f"{contents.path}: expected a stimulus as long as {chosen.label}, "
            f"{counted('sample', n_samples)}, got {current.part.n_samples} of "
            f"{current.series.name}; choose a sweep that was recorded whole (--sweep)"
        )
    return SweepPair(
        _recording(contents, chosen, n_samples),
        _recording(contents, current, n_samples),
        f"{chosen.label}, with {current.series.name}{chosen.series.bias_told}",
    )


def read_sweep(
    path: str | Path, quantity: str, channel: int | str | None = None, sweep: int | None = None
) -> Recording:
    """Read one sweep of a voltage ("V") or an injected current ("A") alone.

    Raises RecordingError.
    """
    contents = open_contents(checked_path(path, "an NWB file"))
    chosen, _ = _choose_sweep(contents, quantity, channel, sweep)
    return _recording(contents, chosen, chosen.part.n_samples)


def _recording(contents: Contents, sweep: Sweep, n_samples: int) -> Recording:
    series = sweep.series
    trace = series.trace(series.unit, sweep.part.first, n_samples, sweep.start_s)
    return Recording(
        (trace,), series.sampled_hz, series.unit, contents.path.stem, path=contents.path
    )


# --- which sweep --------------------------------------------------------------------------------


def _choose_sweep(
    contents: Contents, quantity: str, channel: int | str | None, number: int | None
) -> tuple[Sweep, SweptChannel]:
    """The sweep that is meant, and the channel that it is of."""
    swept = _choose_channel(contents, quantity, channel, number)
    sweeps = _sweeps(contents, swept)
    if number is None:
        return sweeps[0], swept
    if all(sweep.number is None for sweep in sweeps):
        if not 0 <= number < len(sweeps):
            raise RecordingError(
                f"{contents.path}: expected a sweep from 0 to {len(sweeps) - 1}, in the order of "
                f"time, got {number}"
            )
        return sweeps[number], swept
    fits = [sweep for sweep in sweeps if sweep.number == number]
    if not fits:
        numbers = [sweep.number for sweep in sweeps if sweep.number is not None]
        raise RecordingError(
            f"{contents.path}: expected one of its sweeps as the file numbers them, "
            f"{_shortened(sorted(set(numbers)))}, got {number}"
        )
    if len(fits) > 1:
        found = listed(
            f"{sweep.series.name} at {sweep.start_s:g} s" for sweep in fits[:MOST_LISTED]
        )
        raise RecordingError(
            f"{contents.path}: {len(fits)} sweeps of {swept.name} have the number {number}: "
            f"{found}; choose one by its name ({OPTIONS[quantity]}, without --sweep)"
        )
    return fits[0], swept


def _choose_channel(
    contents: Contents, quantity: str, channel: int | str | None, number: int | None
) -> SweptChannel:
    """The only channel of this quantity, or the one that was named."""
    noun, option = NOUNS[quantity], OPTIONS[quantity]
    is_stimulus = quantity == CURRENT and bool(_pool(contents.presented()))
    if isinstance(channel, str) and contents.named(channel.strip(), is_stimulus):
        swept = choose(contents, channel, None, is_stimulus)
        if unit_factor(swept.unit, quantity) is None:
            raise RecordingError(
                f"{contents.path}: expected {channel} to be a {noun}, got one in "
                f"{swept.unit or 'no unit'}; choose another by {option}"
            )
        return swept
    every = channels_of(contents.presented() if is_stimulus else contents.acquired())
    channels = [swept for swept in every if unit_factor(swept.unit, quantity) is not None]
    if not channels:
        raise RecordingError(
            f"{contents.path}: expected a {noun}, found no channel in {quantity}"
            f"{contents.why_nothing}"
        )
    if number is not None:
        meant = [swept for swept in channels if channel in (None, swept.series[0].electrode)]
        if merged := _numbered_by_name(meant):
            return merged
    return choose_among(contents, every, channel, quantity, quantity, option)


def _numbered_by_name(channels: Sequence[SweptChannel]) -> SweptChannel | None:
    """Channels of one electrode as its sweeps, where their names differ in one number alone.

    A file that gives all sweeps one starting time and none a number leaves no other fact; one
    sweep alone is read.
    """
    if len(channels) < 2 or any(len(channel.series) > 1 for channel in channels):
        return None
    series = [channel.series[0] for channel in channels]
    of_one = len({(column.electrode, column.container, column.clock.start_s) for column in series})
    if of_one > 1 or series[0].electrode is None or None in varying_numbers(series):
        return None
    return SweptChannel(tuple(series), timed=False)


def _sweeps(contents: Contents, swept: SweptChannel) -> list[Sweep]:
    """Of a channel, in the order of time, where this is known."""
    sweeps: list[Sweep] = []
    for series, number in zip(swept.series, swept.numbers, strict=True):
        rows = [row for row in contents.rows if row.response.place == series.place]
        for row in dict.fromkeys(rows):
            row_number = number if len(rows) == 1 else row.sweep
            start_s = _start_of(series, row.response)
            sweeps.append(Sweep(series, row.response, start_s, row_number, True, row.stimulus))
        if not rows:
            segments = () if series.fault else series.clock.segments
            series.sampled_hz  # noqa: B018 - raises where it cannot be read
            for segment in segments:
                part = Part(series.place, segment.first, segment.n_samples)
                alone = number if len(segments) == 1 else None
                sweeps.append(Sweep(series, part, segment.start_s, alone))
    return sorted(sweeps, key=lambda sweep: sweep.start_s) if swept.timed else sweeps


def _start_of(series: Series, part: Part) -> float:
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


def _shortened(numbers: Sequence[int]) -> str:
    return listed(numbers) if len(numbers) <= MOST_LISTED else f"{numbers[0]} … {numbers[-1]}"


# --- and its stimulus ---------------------------------------------------------------------------


def _current_of(
    contents: Contents, sweep: Sweep, alike: SweptChannel, channel: int | str | None
) -> Sweep:
    """The current that was injected in a sweep. Raises RecordingError where it has none."""
    if channel is not None:
        return _named_current(contents, sweep, alike, channel)
    if sweep.in_table:
        if sweep.stimulus is None:
            raise _no_stimulus(contents, sweep, "the table of intracellular recordings names none")
        return _part_of_table(contents, sweep.stimulus)
    pool = _pool(contents.presented()) or _pool(contents.acquired())
    return _partner(contents, sweep, alike, pool)


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


def _pool(series: Sequence[Series]) -> list[Series]:
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
    return Sweep(series, part, _start_of(series, part), None)


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

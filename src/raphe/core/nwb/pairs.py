"""One sweep's voltage and the current that was injected in it, from one NWB file.

They belong together by the table of intracellular recordings; where it is silent, by electrode and
sweep number, or starting time; by numbers in names only where a file has none of these.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.files.path import checked_path
from raphe.core.nwb.contents import Contents, Part
from raphe.core.nwb.held import held
from raphe.core.nwb.reader import choose, choose_among, open_contents
from raphe.core.nwb.stimuli import (
    CURRENT,
    MOST_LISTED,
    NOUNS,
    OPTIONS,
    VOLTAGE,
    Sweep,
    current_of,
    injected,
    start_of,
)
from raphe.core.nwb.sweeps import SweptChannel, channels_of, varying_numbers
from raphe.core.recordings.rates import same_rate
from raphe.core.recordings.recording import Recording, Trace
from raphe.core.recordings.units import unit_factor
from raphe.core.sentences import counted, listed

NO_CURRENT = "IZeroClampSeries"


@dataclass(frozen=True, eq=False)
class SweepPair:
    """Voltage and current of one sweep, as many samples of each, as recordings of one trace."""

    voltage: Recording
    current: Recording
    label: str
    bias_a: float = 0.0  # that the file states, and that is not in the current


def read_pair(
    path: str | Path,
    channel: int | str | None = None,
    stimulus_channel: int | str | None = None,
    sweep: int | None = None,
    add_bias: bool = False,
) -> SweepPair:
    """Read one sweep of one electrode.

    Args:
        path: of NWB 2, or 1.0.
        channel: of the voltage, as of `read_nwb`; None takes the only one.
        stimulus_channel: of the current, likewise; None takes the one that belongs to the voltage.
        sweep: its number where the file numbers its sweeps, else its place from 0; None takes the
            first.
        add_bias: the bias current that the file states for the sweep is added to its stimulus.

    Raises RecordingError, also for a voltage without a current of its own.
    """
    contents = open_contents(checked_path(path, "an NWB file"))
    return pair_of(contents, channel, stimulus_channel, sweep, add_bias)


def pair_of(
    contents: Contents,
    channel: int | str | None = None,
    stimulus_channel: int | str | None = None,
    sweep: int | None = None,
    add_bias: bool = False,
) -> SweepPair:
    """As `read_pair`, of a file that was opened."""
    chosen, alike = _choose_sweep(contents, VOLTAGE, channel, sweep)
    if chosen.series.kind == NO_CURRENT and stimulus_channel is None:
        return _without_current(contents, chosen)
    current = current_of(contents, chosen, alike, stimulus_channel)
    injected, told = _injected(contents, chosen, current)
    bias_a = chosen.series.bias_a
    if bias_a and add_bias:
        (trace,) = injected.sweeps
        factor = unit_factor(CURRENT, injected.unit)
        assert factor is not None  # else it were no current
        offset = trace.offset + factor * bias_a
        injected = replace(injected, sweeps=(replace(trace, offset=offset),))
        told, bias_a = f"{told} and its bias current of {1e12 * bias_a:g} pA", 0.0
    elif bias_a:
        told = f"{told}; its bias current of {1e12 * bias_a:g} pA is not added to that"
    return SweepPair(
        _recording(contents, chosen, chosen.part.n_samples), injected,
        f"{chosen.label}, with {current.series.name}{told}", bias_a,
    )  # fmt: skip


def _injected(contents: Contents, chosen: Sweep, current: Sweep) -> tuple[Recording, str]:
    """The current over the samples of a sweep, and what is to be told of it."""
    n_samples = chosen.part.n_samples
    if not same_rate(chosen.series.sampled_hz, current.series.sampled_hz):
        slower = _recording(contents, current, current.part.n_samples)
        if longer := held(slower, chosen.series.sampled_hz, n_samples):
            return longer, f", held from {slower.rate_hz:g} to {longer.rate_hz:g} Hz"
        raise RecordingError(
            f"{contents.path}: expected {current.series.name} at the rate of {chosen.label}, "
            f"{chosen.series.sampled_hz:g} Hz, got {current.series.sampled_hz:g} Hz; choose "
            f"another sweep (--sweep) or stimulus ({OPTIONS[CURRENT]})"
        )
    if current.part.n_samples < n_samples:
        raise RecordingError(
            f"{contents.path}: expected a stimulus as long as {chosen.label}, "
            f"{counted('sample', n_samples)}, got {current.part.n_samples} of "
            f"{current.series.name}; choose a sweep that was recorded whole (--sweep)"
        )
    return _recording(contents, current, n_samples), ""


def _without_current(contents: Contents, sweep: Sweep) -> SweepPair:
    """Of a sweep at I=0, in which the amplifier injects nothing whatever it is told to."""
    voltage = _recording(contents, sweep, sweep.part.n_samples)
    nothing = Trace.from_array(np.zeros(voltage.n_samples, np.float32), sweep.start_s)
    current = replace(voltage, sweeps=(nothing,), unit=CURRENT)
    return SweepPair(voltage, current, f"{sweep.label}, recorded at I=0: without a current")


def sweep_numbers(contents: Contents, channel: int | str | None = None) -> list[int]:
    """What `pair_of` calls the sweeps of a voltage by, in the order of time: the file's own
    numbers, else places from 0. Raises RecordingError."""
    sweeps = _sweeps(contents, _choose_channel(contents, VOLTAGE, channel, 0))
    own = [sweep.number for sweep in sweeps if sweep.number is not None]
    return list(dict.fromkeys(own)) or list(range(len(sweeps)))


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
    is_stimulus = quantity == CURRENT and bool(injected(contents.presented()))
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
            f"{contents.why_nothing}; a recording under current clamp has one"
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
            start_s = start_of(series, row.response)
            sweeps.append(Sweep(series, row.response, start_s, row_number, True, row.stimulus))
        if not rows:
            segments = () if series.fault else series.clock.segments
            series.sampled_hz  # noqa: B018 - raises where it cannot be read
            for segment in segments:
                part = Part(series.place, segment.first, segment.n_samples)
                alone = number if len(segments) == 1 else None
                sweeps.append(Sweep(series, part, segment.start_s, alone))
    return sorted(sweeps, key=lambda sweep: sweep.start_s) if swept.timed else sweeps


def _shortened(numbers: Sequence[int]) -> str:
    return listed(numbers) if len(numbers) <= MOST_LISTED else f"{numbers[0]} … {numbers[-1]}"

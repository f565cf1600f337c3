"""Voltages or currents among the arrays of an .npz file, by name: voltage_mv, current_pa, rate_hz.

B cells, N samples.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.recordings.arrays import load_arrays
from raphe.core.recordings.units import electrical_unit
from raphe.core.sentences import listed
from raphe.core.tables.axis import time_unit_s, without_axes
from raphe.core.tables.dialect import shown
from raphe.core.tables.number_table import NumberTable
from raphe.core.tables.text import table_faults
from raphe.tasks.glif.recordings.columns import MOST_NAMED, checked_rate, si_factor

RATES = ("rate_hz", "rate", "fs", "fs_hz", "sampling_rate", "sampling_rate_hz")
WORDS = {
    "voltage": ("voltage", "v", "vm", "v_m", "potential", "membrane_potential", "response"),
    "current": ("current", "i", "i_inj", "injected_current", "stimulus", "command"),
}
# As Python's names are written; a lone letter only behind such a word, for "cell_a" is no current.
WRITTEN_SMALL = {unit.lower(): unit for unit in ("mV", "uV", "mA", "uA", "nA", "pA")}
LETTERS = {"v": "V", "a": "A"}
SAME_RATE = 0.01  # relative, as of a table's times


def read_named(
    path: Path,
    units: Sequence[str],
    quantity: str,
    unit: str,
    channel: int | str | None,
    rate_hz: float | None,
) -> tuple[np.ndarray, float | None]:
    """The arrays of one quantity, one above the other.

    Args:
        path: of the .npz; a number called rate_hz, or an array of times (time_s), tells the rate.
        units: of the quantity, V or A first.
        quantity: voltage or current.
        unit: of an array whose name has none.
        channel: the name, or the place from 0, of the only array to take.
        rate_hz: what the user says.

    Returns:
        In V or A, of the shape in the file, or (B, N) of several; and the rate in Hz, if told.

    Raises:
        RecordingError: no such array, arrays that cannot be together, a rate that contradicts.
        SettingError: a unit of another quantity.
    """
    arrays = load_arrays(path, RecordingError)
    traces = _traces(arrays)
    names = _names(traces, units, quantity, channel)
    if not names:
        raise RecordingError(f"{path}: {_wanted(arrays, units, quantity, channel)}")
    for name in names:
        if arrays[name].dtype.kind not in "fiu" or arrays[name].ndim > 2:
            raise RecordingError(
                f"{path}, array {shown(name)}: expected numbers (samples,) or (cells, samples), "
                f"got {arrays[name].dtype} of shape {arrays[name].shape}"
            )
    if len({arrays[name].shape[-1] for name in names}) > 1:
        shapes = listed([f"{shown(name)} {arrays[name].shape}" for name in names])
        raise RecordingError(
            f"{path}: expected the arrays of the {quantity} to be alike in length, got {shapes}; "
            f"take one with {_option(quantity)}"
        )
    samples = [arrays[name] * si_factor(_unit(name) or unit, units) for name in names]
    joined = samples[0] if len(samples) == 1 else np.concatenate([*map(np.atleast_2d, samples)])
    return joined, _rate(path, arrays, rate_hz)


def holds_array(path: Path, units: Sequence[str], quantity: str) -> bool:
    """Whether an array is of the quantity by its name. Raises RecordingError."""
    return bool(_said(_traces(load_arrays(path, RecordingError)), units, quantity))


def missing_array(path: Path, units: Sequence[str], quantity: str) -> str:
    """What is wanted of a quantity, and what there is. Raises RecordingError."""
    return f"{path}: {_wanted(load_arrays(path, RecordingError), units, quantity, None)}"


def _traces(arrays: Mapping[str, np.ndarray]) -> list[str]:
    return [
        name
        for name, array in arrays.items()
        if array.size > 1 and name not in RATES and time_unit_s(name) is None
    ]


def _names(
    traces: Sequence[str], units: Sequence[str], quantity: str, channel: int | str | None
) -> list[str]:
    """The array that was chosen, else those that say so, else the only one, if it says nothing."""
    if channel is not None:
        chosen = (name for place, name in enumerate(traces) if str(channel) in (name, str(place)))
        return [*chosen][:1]
    others = [word for words in WORDS.values() for word in words]
    says_nothing = len(traces) == 1 and not _unit(traces[0]) and traces[0].casefold() not in others
    return _said(traces, units, quantity) or (list(traces) if says_nothing else [])


def _said(traces: Sequence[str], units: Sequence[str], quantity: str) -> list[str]:
    """The arrays whose names end in the quantity's unit, else those of its usual names."""
    named = [name for name in traces if _unit(name) in units]
    return named or [name for name in traces if name.casefold() in WORDS[quantity]]


def _unit(name: str) -> str | None:
    """The unit that an array's name ends in, in small letters too, as in voltage_mv."""
    stem, _, end = name.casefold().rpartition("_")
    has_word = any(stem in words for words in WORDS.values())
    small = WRITTEN_SMALL.get(end) if stem else None
    return electrical_unit(name) or small or (LETTERS.get(end) if has_word else None)


def _wanted(
    arrays: Mapping[str, np.ndarray], units: Sequence[str], quantity: str, channel: int | str | None
) -> str:
    found = [f"{shown(name)} {array.shape}" for name, array in arrays.items()]
    more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    there = f"got {', '.join(found[:MOST_NAMED])}{more}"
    if channel is not None:
        return f"expected an array called {shown(str(channel))}, {there}; correct the name"
    written = f"{quantity}_{units[-1].lower() if quantity == 'current' else units[1].lower()}"
    return (
        f"expected an array with the {quantity}, whose name ends in one of {', '.join(units)}, as "
        f"{written}, or is {quantity}, {there}; rename it, or name it with {_option(quantity)}"
        f"{' or its own file with --stimulus' if quantity == 'current' else ''}"
    )


def _option(quantity: str) -> str:
    return "--channel" if quantity == "voltage" else "--stimulus-channel"


def _rate(path: Path, arrays: Mapping[str, np.ndarray], rate_hz: float | None) -> float | None:
    told: float | None = None
    for name in (name for name in arrays if name in RATES and arrays[name].size == 1):
        if arrays[name].dtype.kind not in "fiu":
            raise RecordingError(f"{path}: expected a number of Hz in {name}, got another thing")
        told = checked_rate(path, float(arrays[name].item()), f"{name} of")
        if rate_hz is not None and abs(told - rate_hz) > SAME_RATE * rate_hz:
            raise RecordingError(
                f"{path}: {name} states {told:g} Hz, not {rate_hz:g}; correct --rate, or the file"
            )
    times = [name for name in arrays if time_unit_s(name) is not None and arrays[name].ndim == 1]
    with table_faults(path, RecordingError):
        for name in times if rate_hz is None and told is None else ():
            told = checked_rate(path, _rate_of_times(name, arrays[name]), "times of")
    return rate_hz if rate_hz is not None else told


def _rate_of_times(name: str, times: np.ndarray) -> float:
    """As of a table's column of times, beside one that is no time."""
    values = np.column_stack([times.astype(np.float64), np.zeros(len(times))])
    (axis,) = without_axes(NumberTable((name, "trace"), values, 0))[1]
    rate_hz = axis.rate(None)
    assert rate_hz is not None  # its name has a unit
    return rate_hz

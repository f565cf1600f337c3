"""Voltages or currents in a table of numbers: columns whose names end in a unit, as V_soma (mV).

B cells, N samples.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from raphe.core.errors import RecordingError, SettingError
from raphe.core.recordings.rates import ELECTRODE_RATE, MOST_RATE_HZ, check_rate
from raphe.core.recordings.units import electrical_unit, unit_factor
from raphe.core.tables.axis import without_axes
from raphe.core.tables.dialect import shown
from raphe.core.tables.numbers import read_numbers
from raphe.core.tables.text import table_faults

MOST_NAMED = 8  # columns in a sentence


def read_columns(
    path: Path,
    units: Sequence[str],
    quantity: str,
    unit: str,
    channel: int | str | None,
    rate_hz: float | None,
) -> tuple[np.ndarray, float]:
    """The columns of one quantity, a cell each.

    Args:
        path: of the table; a column of time tells the rate.
        units: of the quantity, V or A first.
        quantity: its noun.
        unit: of columns, where no name has one.
        channel: the name or number of the only column to take, counted from 0 behind the time.
        rate_hz: what the user says.

    Returns:
        float64 (B, N) in V or A, and the rate in Hz.

    Raises:
        RecordingError: no such column, no rate, or one that contradicts the time.
        SettingError: a unit of another quantity.
    """
    table = read_numbers(path, RecordingError)
    is_said = rate_hz is not None
    with table_faults(path, RecordingError):
        table, axes = without_axes(table)
        for axis in axes:
            rate_hz = axis.rate(rate_hz)
    if rate_hz is None:
        raise RecordingError(
            f"{path}: no column gives its sampling rate, as Time (s) would; name it with --rate, "
            "in Hz"
        )
    if not is_said:
        checked_rate(path, rate_hz, "times of", "the unit of their column")
    rate_hz = check_rate(rate_hz, "--rate", RecordingError)
    own = [electrical_unit(name) for name in table.names]
    if channel is None:
        places = [place for place, of in enumerate(own) if of in units]
        if not places and not any(own):
            places = list(range(len(own)))
    else:
        places = [
            place for place, name in enumerate(table.names) if str(channel) in (name, str(place))
        ][:1]
    if not places:
        wanted = f"{shown(str(channel))}" if channel is not None else f"one in {', '.join(units)}"
        there = ", ".join(shown(name) for name in table.names[:MOST_NAMED])
        raise RecordingError(
            f"{path}: expected a column with the {quantity}, {wanted}, got the columns {there}; "
            "name its unit in the header, as in Voltage (mV)"
        )
    factors = [si_factor(own[place] or unit, units) for place in places]
    return table.values[:, places].T * np.array(factors)[:, None], rate_hz


def checked_rate(path: Path, rate_hz: float, got: str, wrong: str = "it") -> float:
    """A rate that a file tells, in Hz. Raises RecordingError for one that no electrode has."""
    if not ELECTRODE_RATE.admits(rate_hz, whole=False):
        raise RecordingError(
            f"{path}: expected samples at {ELECTRODE_RATE.least:g} to {MOST_RATE_HZ:g} Hz, got "
            f"{got} {rate_hz:g} Hz; correct {wrong}"
        )
    return rate_hz


def has_column(path: Path, units: Sequence[str]) -> bool:
    """Whether the name of a column ends in one of these units. Raises RecordingError."""
    return any(electrical_unit(name) in units for name in read_numbers(path, RecordingError).names)


def si_factor(unit: str, units: Sequence[str]) -> float:
    """From one of these units to the first of them, V or A. Raises SettingError."""
    factor = unit_factor(unit, units[0])
    if factor is None or unit.replace("μ", "µ") not in units:  # a membrane in kV is a typing error
        raise SettingError(f"unit {unit}: expected one of {', '.join(units)}")
    return factor

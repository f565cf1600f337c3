"""One spike in the authors' CSV: a header and T rows of time and current, either first.

Time is in s and current in pA unless the header names another unit. Every function raises
ValueError with a sentence that lacks only the file's name.
"""

import io
from collections.abc import Sequence

import numpy as np

from raphe.core.recordings.units import electrical_unit, peak_fault, unit_factor
from raphe.core.tables.axis import time_unit_s
from raphe.core.tables.numbers import parse_numbers

WHOLE_RECORDINGS = (
    "whole recordings are taken as ABF or NWB; what another program cut, raphe import windows reads"
)
STEP_TOLERANCE = 0.01  # of the time step: the files round their times


def parse_columns(data: bytes) -> tuple[np.ndarray, tuple[str, ...]]:
    """The two columns of a file, float64 (rows, 2), and their names, "" without a header."""
    if not data.strip():
        return np.empty((0, 2)), ("", "")
    table = parse_numbers(io.BytesIO(data), numbers_are_names=False)
    if table.values.shape[1] != 2:
        raise ValueError(
            f"expected two columns, the time and the current of one spike that was cut before, got "
            f"{table.values.shape[1]}; {WHOLE_RECORDINGS}"
        )
    if not np.isfinite(table.values).all():
        raise ValueError("expected numbers, got NaN or infinity")
    return table.values, table.names


def rising_columns(columns: np.ndarray) -> np.ndarray:
    """Which of the columns (…, rows, 2) strictly increase in every spike, as a time does.

    Returns their indices, int64 (0 to 2,).
    """
    is_rising = (np.diff(columns, axis=-2) > 0).reshape(-1, columns.shape[-1])
    return np.flatnonzero(is_rising.all(axis=0))


def in_s(time: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Times (rows,) in s, by the unit that one of the columns' names has.

    Whichever has it: which column is the time is told by its numbers.
    """
    if all(map(electrical_unit, names)):
        raise ValueError(f"expected a time, the columns are {names[0]!r} and {names[1]!r}")
    return time * next(filter(None, map(time_unit_s, names)), 1.0)


def in_unit(
    values: np.ndarray, names: Sequence[str], unit: str, given: str | None = None
) -> np.ndarray:
    """A spike's samples (rows,) in `unit`, by the unit that one of the columns' names has; where
    none has, by the unit `given`."""
    named = next(filter(None, map(electrical_unit, names)), None)
    if named and given and unit_factor(given, named) != 1:
        raise ValueError(f"--unit {given}: the header names {named}; leave it out")
    of_file = named or given or unit
    factor = unit_factor(of_file, unit)
    if factor is None:
        who = "the header names" if named else "--unit names"
        raise ValueError(f"expected samples in {unit}, {who} {of_file}")
    values = values * factor
    peak = float(np.abs(values).max())
    if peak and (fault := peak_fault(peak, unit)):
        raise ValueError(
            f"expected a spike in {unit}, it reaches {peak:.2g} {unit}, and {fault}; is it in "
            "another unit? Name that in the header, as Current (A)"
        )
    return values


def check_step(time_s: np.ndarray, rate_hz: float) -> None:
    """Refuse times in s, float64 (rows,), that are not sampled at `rate_hz`."""
    step, expected = (time_s[-1] - time_s[0]) / (len(time_s) - 1), 1 / rate_hz
    if abs(step - expected) > STEP_TOLERANCE * expected:
        raise ValueError(f"expected a time step of {expected:g} s ({rate_hz:g} Hz), got {step:g}")

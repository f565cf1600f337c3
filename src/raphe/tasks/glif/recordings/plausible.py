"""Whether a voltage can be a membrane's and a current one that a cell is given.

B cells, N samples.
"""

from collections.abc import Callable, Sequence

import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.recordings.units import LIMITS
from raphe.core.sentences import counted

RESTING_V = (-0.12, -0.02)  # where a membrane's median lies
SPIKE_V = -0.01  # a membrane is above only in a spike
RELATIVE_V, MOST_RELATIVE_V = 0.05, 0.2  # relative to rest: the median, and every sample
MOST_A, LEAST_A, LEAST_V = 2e-8, 1e-12, 1e-3
CUT = "pass --cut-spikes"  # what a voltage with the course of its spikes is told


def membrane_fault(voltage_v: np.ndarray, cut: bool, if_in: Callable[[str], str]) -> str | None:
    """Why a voltage (N,) can be no membrane's, absolute and without the course of its spikes.

    `if_in` says what to do if it is in another unit, see `Signal`.
    """
    finite = voltage_v[np.isfinite(voltage_v)]
    if not finite.size:
        return "expected a voltage, got no finite sample"
    median, highest = float(np.median(finite)), finite.max()
    low, high = RESTING_V
    if not low <= median <= high:
        return (
            f"expected a membrane's absolute voltage, with a median of {1e3 * low:g} to "
            f"{1e3 * high:g} mV, got {1e3 * median:g} mV; {_hint(median, finite, if_in)}"
        )
    if np.isinf(voltage_v).any():
        return f"infinite voltage at sample {int(np.isinf(voltage_v).argmax())}"
    if np.abs(finite).max() > LIMITS["V"]:
        return (
            f"expected a membrane's voltage, got samples up to {np.abs(finite).max():.3g} V, "
            "beyond any amplifier: the file is damaged, or its scale wrong"
        )
    if not cut and highest > SPIKE_V:
        return (
            "expected a voltage without the spikes' own course (NaN there), got one up to "
            f"{1e3 * highest:.3g} mV; {CUT}"
        )
    return None


def _hint(median_v: float, finite_v: np.ndarray, if_in: Callable[[str], str]) -> str:
    """What a voltage with such a median, which is no membrane's, may be."""
    low, high = RESTING_V
    if abs(median_v) > 1000:
        return if_in("uV")
    if abs(median_v) > 1:
        return if_in("mV")
    if np.abs(finite_v).max() <= MOST_A:
        return "is it the current, in A? Give it as the current, beside the voltage"
    if np.abs(finite_v).max() < LEAST_V:
        return if_in("V")
    relative = "if it is relative to rest, pass --relative-to-rest"
    if low <= -median_v <= high:
        reversed_ = "if its sign is reversed, turn it round"
        return reversed_ if -median_v <= -RELATIVE_V else f"{relative}; {reversed_}"
    if abs(median_v) < RELATIVE_V:
        return relative
    return "correct its unit or the amplifier's gain; or is it the current?"


def missing_fault(voltage_v: np.ndarray) -> str | None:
    """Why spikes cannot be cut from a voltage (N,): samples are missing between others."""
    gaps = np.flatnonzero(np.diff(np.isnan(voltage_v), prepend=True, append=True))[1:-1]
    if not len(gaps):
        return None
    begin, end = gaps[:2].tolist()
    return (
        f"expected a recording with the course of its spikes, as --cut-spikes wants it, got "
        f"{counted('sample', end - begin)} missing (NaN) from sample {begin} on; if its spikes are "
        "cut already, leave --cut-spikes out; if not, cut the sweep there in two"
    )


def require_relative(voltage_v: np.ndarray, name: str) -> None:
    """Refuse voltages (B, N) that can be none relative to rest. Raises RecordingError."""
    finite = voltage_v[np.isfinite(voltage_v)]
    median = float(np.median(finite)) if finite.size else 0.0
    if not abs(median) < RELATIVE_V or np.abs(finite).max(initial=0) > MOST_RELATIVE_V:
        raise RecordingError(
            f"{name}: expected a voltage relative to rest, with a median near 0 and within 200 mV, "
            f"got a median of {1e3 * median:g} mV and up to {1e3 * np.abs(finite).max():g} mV; "
            "leave --relative-to-rest out, or correct --unit"
        )


def require_current(
    currents_a: Sequence[np.ndarray] | np.ndarray,
    name: str,
    remedy: str,
    may_rest: bool = False,
) -> None:
    """Refuse currents that no cell is given, or none at all.

    Args:
        currents_a: of each cell or sweep (N,).
        name: what a sentence calls them.
        remedy: for a unit that is wrong, see `Signal.if_wrong`.
        may_rest: whether all may be 0.

    Raises:
        RecordingError: a peak beyond what amplifiers give, or none.
    """
    peak = max(float(np.abs(each[np.isfinite(each)]).max(initial=0)) for each in currents_a)
    if peak > MOST_A or (peak < LEAST_A and not may_rest):
        low, high = sorted(-each for each in RESTING_V)
        if low <= peak <= high:
            remedy = "a voltage in V is so large: are voltage and current exchanged?"
        raise RecordingError(
            f"{name}: expected a current whose peak lies between 1 pA and 20 nA, got {peak:g} A; "
            f"{remedy}"
        )


def require_same_shape(voltage_v: np.ndarray, current_a: np.ndarray, name: str) -> None:
    """Refuse a current that is not of these voltages (B, N). Raises RecordingError."""
    if voltage_v.shape[1] != current_a.shape[1]:
        raise RecordingError(
            f"{name}: expected a current of {counted('sample', voltage_v.shape[1])}, as many as "
            f"the voltage has, got {counted('sample', current_a.shape[1])}"
        )
    if len(current_a) not in (1, len(voltage_v)):
        raise RecordingError(
            f"{name}: expected one current for all voltages, or one for each of the "
            f"{len(voltage_v)}, got {len(current_a)}"
        )

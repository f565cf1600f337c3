"""Samples that no cell gave: some programs fill a sweep that was stopped up with exactly 0.

No membrane stays at exactly 0 V, as AllenSDK and ipfx hold too. B cells, N samples.
"""

import numpy as np

from raphe.core.sentences import counted

LEAST_SAMPLES = 10  # at exactly 0 V; a spike may cross it in one or two


def without_zeros(
    voltage_v: np.ndarray, current_a: np.ndarray, rate_hz: float
) -> tuple[np.ndarray, np.ndarray, str]:
    """Voltages and currents (B, N) with NaN where a voltage begins or ends with exactly 0 V, and
    what is to be told of it, "" where none does. A voltage that is 0 throughout stays."""
    ends = [_ends(row) for row in voltage_v == 0]
    filled = [row for row, (first, end) in enumerate(ends) if (first, end) != (0, len(voltage_v.T))]
    if not filled:
        return voltage_v, current_a, ""
    voltage_v, current_a = voltage_v.copy(), current_a.copy()
    for row in filled:
        first, end = ends[row]
        for signal in (voltage_v, current_a):
            signal[row, :first] = signal[row, end:] = np.nan
    first, end = ends[filled[0]]
    until = f"until {first / rate_hz:g} s" if first else ""
    since = f"from {end / rate_hz:g} s on" if end < len(voltage_v.T) else ""
    where = " and ".join(filter(None, (until, since)))
    which = "" if len(voltage_v) == 1 else f" in {counted('cell', len(filled))}, the first of them"
    told = f"its voltage is exactly 0 V{which} {where}: taken for filled up, and left off"
    return voltage_v, current_a, told


def _ends(is_zero: np.ndarray) -> tuple[int, int]:
    """Where what is not filled up begins and ends, of bool (N,)."""
    other = np.flatnonzero(~is_zero)
    if not len(other):
        return 0, len(is_zero)
    first, end = int(other[0]), int(other[-1]) + 1
    return (
        first if first >= LEAST_SAMPLES else 0,
        end if len(is_zero) - end >= LEAST_SAMPLES else len(is_zero),
    )

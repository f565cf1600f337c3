"""Voltage and current of new cells as a posterior sees them, and cells that it cannot infer.

B cells, N samples of a file, T as seen.
"""

import numpy as np

from raphe.tasks.glif.neurons.simulation import SIMULATED_HZ
from raphe.tasks.glif.recordings.cell_traces import LONGEST_GAP_S, CellTraces

QUIET_S = 0.02  # before a stretch's current sets in
LEAST_PA = 1.0  # of a current that counts as one
MOST_MISSING = 0.5  # of a voltage
SHORTEST_S = 0.2  # of a trace


def network_input(cells: CellTraces, longest_s: float) -> tuple[np.ndarray, float, np.ndarray]:
    """Traces as a posterior sees them: at the model's 20 kHz or a whole part of the rate below,
    and no longer than it was trained on: the stretch from rest with most spikes, then most current.

    Returns:
        float32 (B, 2, T) in mV and pA, their rate in Hz, and where each begins (B,) in s.
    """
    keep = _thinned(cells)
    rate_hz = cells.rate_hz / keep
    voltage, current = 1e3 * cells.voltage_v[:, ::keep], 1e12 * cells.current_a[:, ::keep]
    n = min(voltage.shape[1], int(longest_s * rate_hz))
    quiet = round(QUIET_S * rate_hz)
    begins = np.array([_best_window(v, c, n, quiet) for v, c in zip(voltage, current, strict=True)])
    rows = begins[:, None] + np.arange(n)
    traces = np.stack([np.take_along_axis(x, rows, axis=1) for x in (voltage, current)], axis=1)
    return traces.astype(np.float32), rate_hz, begins / rate_hz


def _thinned(cells: CellTraces) -> int:
    """Of so many samples one is read."""
    return max(1, int(np.ceil(cells.rate_hz / SIMULATED_HZ - 1e-9)))


def cell_faults(cells: CellTraces, least_samples: int) -> dict[int, str]:
    """Cells that cannot be inferred by a network that needs so many samples, and why."""
    shortest_s = max(SHORTEST_S, least_samples * _thinned(cells) / cells.rate_hz)
    faults = dict(cells.faults)
    for row, (voltage, current) in enumerate(zip(cells.voltage_v, cells.current_a, strict=True)):
        recorded = cells.recorded(row)
        if row not in faults and (
            fault := _fault(voltage, current, recorded, cells.rate_hz, shortest_s)
        ):
            faults[row] = fault
    return faults


def _fault(
    voltage_v: np.ndarray,
    current_a: np.ndarray,
    recorded: slice,
    rate_hz: float,
    shortest_s: float,
) -> str | None:
    """Why a cell cannot be inferred from what was recorded of its voltage and current (N,)."""
    voltage_v, current_a = voltage_v[recorded], current_a[recorded]
    missing = np.isnan(voltage_v)
    if np.isinf(voltage_v).any():
        return f"infinite voltage at sample {recorded.start + int(np.isinf(voltage_v).argmax())}"
    if missing.mean() > MOST_MISSING:
        return f"{100 * missing.mean():.0f} % of its voltage is NaN"
    if not np.isfinite(current_a).all():
        at = recorded.start + int((~np.isfinite(current_a)).argmax())
        return f"the current is not finite at sample {at}"
    if np.nanstd(voltage_v) == 0:
        return "its voltage is constant"
    if (gap_s := _longest_gap(missing) / rate_hz) > LONGEST_GAP_S:
        return f"{1e3 * gap_s:.0f} ms of its voltage are NaN in one stretch; cut it there"
    if (length_s := len(voltage_v) / rate_hz) < shortest_s:
        return f"{1e3 * length_s:.0f} ms are too short, {1e3 * shortest_s:.0f} ms are needed"
    return None


def _longest_gap(missing: np.ndarray) -> int:
    """Samples of the longest stretch that is missing, of bool (N,)."""
    edges = np.flatnonzero(np.diff(missing, prepend=False, append=False))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def _best_window(voltage: np.ndarray, current: np.ndarray, n: int, quiet: int) -> int:
    """Where n samples begin: at the beginning, or `quiet` samples before a current sets in, for
    every trace that was trained on begins at rest."""
    silent = np.abs(current) < LEAST_PA
    onsets = np.flatnonzero(silent[:-1] & ~silent[1:]) + 1
    held = np.concatenate([[0], np.cumsum(silent)])
    starts = [0] + [
        int(at) - quiet
        for at in onsets
        if quiet <= at <= len(voltage) - n + quiet and held[at] - held[at - quiet] == quiet
    ]
    spikes = np.concatenate([[0], np.cumsum(np.diff(np.isnan(voltage).astype(int)) > 0)])
    power = np.concatenate([[0], np.cumsum(np.nan_to_num(current) ** 2)])
    return max(starts, key=lambda s: (spikes[s + n - 1] - spikes[s], power[s + n] - power[s], -s))

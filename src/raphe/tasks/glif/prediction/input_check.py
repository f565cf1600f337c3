"""Voltage and current of new cells as a posterior reads them, and cells that it cannot read.

B cells, N samples of a file, T as read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from raphe.tasks.glif.network.reader import least_samples
from raphe.tasks.glif.synthetic.experiments import SIMULATED_HZ

QUIET_S = 0.02  # before a stretch's current sets in
LEAST_PA = 1.0  # of a current that counts as one
LONGEST_GAP_S = 0.05  # no dead time is so long
SHORTEST_S = 0.2


@dataclass(frozen=True, eq=False)
class CellTraces:
    """Of B cells under one rate."""

    voltage_v: np.ndarray  # float64 (B, N), absolute; NaN in dead time
    current_a: np.ndarray  # float64 (B, N)
    rate_hz: float
    rest_added_v: float = 0.0  # to a voltage that was told from rest
    wrong: Mapping[int, str] = field(default_factory=dict)  # cells whose voltage can be none's

    def __len__(self) -> int:
        return len(self.voltage_v)


def as_read(cells: CellTraces, longest_s: float) -> tuple[np.ndarray, float, np.ndarray]:
    """Traces as a posterior reads them: at the model's 20 kHz or a whole part of the rate below,
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


def faults(cells: CellTraces) -> dict[int, str]:
    """Cells that cannot be inferred, and why."""
    found = dict(cells.wrong)
    for row, (voltage, current) in enumerate(zip(cells.voltage_v, cells.current_a, strict=True)):
        if row in found:
            continue
        if np.isinf(voltage).any():
            found[row] = f"infinite voltage at sample {int(np.isinf(voltage).argmax())}"
        elif np.isnan(voltage).mean() > 0.5:
            found[row] = f"{100 * np.isnan(voltage).mean():.0f} % of its voltage is NaN"
        elif not np.isfinite(current).all():
            found[row] = (
                f"the current is not finite at sample {int((~np.isfinite(current)).argmax())}"
            )
        elif np.nanstd(voltage) == 0:
            found[row] = "its voltage is constant"
        elif (gap_s := _longest_gap(voltage) / cells.rate_hz) > LONGEST_GAP_S:
            found[row] = f"{1e3 * gap_s:.0f} ms of its voltage are NaN in one stretch; cut it there"
        elif len(voltage) < max(SHORTEST_S * cells.rate_hz, least_samples() * _thinned(cells)):
            found[row] = (
                f"{1e3 * len(voltage) / cells.rate_hz:.0f} ms are too short, {1e3 * SHORTEST_S:g} "
                f"ms and {least_samples()} samples are needed"
            )
    return found


def _longest_gap(voltage: np.ndarray) -> int:
    """Samples of the longest stretch of NaN."""
    edges = np.flatnonzero(np.diff(np.isnan(voltage), prepend=False, append=False))
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

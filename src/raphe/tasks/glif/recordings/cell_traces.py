"""What is measured of cells: voltage and the current that was injected.

B cells, N samples.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

LONGEST_GAP_S = 0.05  # no dead time is so long


@dataclass(frozen=True, eq=False)
class CellTraces:
    """Of B cells under one rate."""

    voltage_v: np.ndarray  # float64 (B, N), absolute; NaN in dead time
    current_a: np.ndarray  # float64 (B, N)
    rate_hz: float
    rest_added_v: float = 0.0  # to a voltage that was relative to rest
    faults: Mapping[int, str] = field(default_factory=dict)  # cells with a voltage of no membrane
    read_from: str = ""  # of an NWB file which sweep, and its series; what was taken for what
    spikes_cut: bool = False  # out of a real recording
    bias_a: float = 0.0  # of a sweep, that its NWB file states and that the current lacks

    def __len__(self) -> int:
        return len(self.voltage_v)

    def recorded(self, row: int) -> slice:
        """The samples of a cell between a beginning and an end that are missing, as acquisition
        programs fill sweeps up; where nobody cut the spikes here, an end may be the last one's
        dead time."""
        known = ~np.isnan(self.current_a[row])
        there = np.flatnonzero(known & ~np.isnan(self.voltage_v[row]))
        if not len(there):
            return slice(0, len(known))
        first, last = int(there[0]), int(there[-1]) + 1
        end = int(np.flatnonzero(known)[-1]) + 1
        longest = 0 if self.spikes_cut else round(LONGEST_GAP_S * self.rate_hz)
        return slice(first, last if end - last > longest else end)

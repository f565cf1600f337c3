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
    read_from: str = ""  # of an NWB file which sweep, and its series

    def __len__(self) -> int:
        return len(self.voltage_v)

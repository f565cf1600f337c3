"""Sweeps of one cell behind one another, and the stretches between their spikes.

N samples of all sweeps, S stretches.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from raphe.core.errors import SettingError
from raphe.tasks.glif.neurons.simulation import SIMULATED_HZ


@dataclass(frozen=True, eq=False)
class PooledSweeps:
    """What was measured of one cell at one rate, mV and nA."""

    voltage_mv: np.ndarray  # float64 (N,), NaN in dead time
    current_na: np.ndarray  # float64 (N,)
    fed_na: np.ndarray  # float64 (N,): mean current of the step to each sample
    rate_hz: float
    sweep: np.ndarray  # int64 (S,): first sample of each stretch's sweep
    starts: np.ndarray  # int64 (S,)
    stops: np.ndarray  # int64 (S,): the first sample that is missing, or of the next sweep
    after_spike: np.ndarray  # bool (S,)
    fires: np.ndarray  # bool (S,): whether a spike ends it
    sweep_starts: np.ndarray  # int64 (W,)

    @property
    def dt_s(self) -> float:
        return 1 / self.rate_hz

    @property
    def n_spikes(self) -> int:
        return int(self.fires.sum())

    @property
    def places(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of stretches, as the compiled loops take them."""
        return self.sweep, self.starts, self.stops

    def dead_samples(self) -> np.ndarray:
        """Lengths of the dead times that end, int64 (D,)."""
        follow = np.flatnonzero(self.after_spike)
        return self.starts[follow] - self.stops[follow - 1]


def pool_sweeps(
    voltages_mv: Sequence[np.ndarray], currents_pa: Sequence[np.ndarray], rate_hz: float
) -> PooledSweeps:
    """Put sweeps (n,) of any lengths behind one another; a voltage is NaN in dead time.

    Raises SettingError where no sweep has a voltage.
    """
    step_s = 1 / SIMULATED_HZ
    newest = 0.5 * (1 + min(step_s * rate_hz, 1))  # the currents in between lie in a line
    fed, sweeps, starts, stops, after, fires, begins = [], [], [], [], [], [], []
    begin = 0
    for voltage, current in zip(voltages_mv, currents_pa, strict=True):
        current = 1e-3 * np.asarray(current, np.float64)
        before = np.concatenate([current[:1], current[:-1]])
        fed.append(newest * current + (1 - newest) * before)
        there = np.isfinite(voltage)
        edges = np.flatnonzero(np.diff(there, prepend=False, append=False))
        own_starts, own_stops = edges[::2], edges[1::2]
        begins.append(begin)
        sweeps.append(np.full(len(own_starts), begin))
        starts.append(own_starts + begin)
        stops.append(own_stops + begin)
        after.append(np.arange(len(own_starts)) > 0)
        fires.append(own_stops < len(voltage))
        begin += len(voltage)
    if not sum(map(len, starts)):
        raise SettingError("sweeps: expected a voltage, got none that is a number")
    return PooledSweeps(
        voltage_mv=np.concatenate(voltages_mv).astype(np.float64),
        current_na=1e-3 * np.concatenate(currents_pa).astype(np.float64),
        fed_na=np.concatenate(fed),
        rate_hz=rate_hz,
        sweep=np.concatenate(sweeps),
        starts=np.concatenate(starts),
        stops=np.concatenate(stops),
        after_spike=np.concatenate(after),
        fires=np.concatenate(fires),
        sweep_starts=np.array(begins),
    )

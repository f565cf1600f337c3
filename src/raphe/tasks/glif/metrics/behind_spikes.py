"""Whether a fitted membrane is where the voltage is just behind spikes.

A spike that is cut to its trough leaves the beginning of its repolarisation: there a voltage rests
while a membrane rises. What it is off by is the same behind each spike, as noise is not. N samples.
"""

import numpy as np

from raphe.tasks.glif.features.pooled_sweeps import PooledSweeps
from raphe.tasks.glif.features.subthreshold_fit import SubthresholdFit
from raphe.tasks.glif.synthetic.quantities import REST

BIN_S, BEHIND_S, REFERENCE_S = 0.25e-3, 3e-3, 5e-3  # what is compared, and with what behind it
FEWEST = 5  # spikes
SURELY = 5.0  # standard errors
MUCH_MV = 0.1


def off_behind_spikes_mv(sweeps: PooledSweeps, below: SubthresholdFit) -> float | None:
    """How far the voltage is off its fit within 3 ms behind spikes, on average, where it is most;
    None where that is little, or what noise makes."""
    off = _profiles(sweeps, below)  # (S, bins)
    if len(off) < FEWEST:
        return None
    mean, error = off.mean(axis=0), off.std(axis=0, ddof=1) / np.sqrt(len(off))
    sure = np.where(np.abs(mean) > SURELY * error, mean, 0.0)
    most = float(sure[np.abs(sure).argmax()])
    return most if abs(most) > MUCH_MV else None


def _profiles(sweeps: PooledSweeps, below: SubthresholdFit) -> np.ndarray:
    """What the voltage is off behind each spike, less what it is a little later: (S, bins), mV."""
    fitted = below.course_mv + 1e3 * below.place[REST] + below.bridge_mohm * sweeps.current_na
    residual = sweeps.voltage_mv - fitted
    width = max(1, round(BIN_S * sweeps.rate_hz))
    n_bins = max(1, round(BEHIND_S * sweeps.rate_hz / width))
    behind, later = n_bins * width, round(REFERENCE_S * sweeps.rate_hz)
    rows = []
    for start, stop in zip(sweeps.starts, sweeps.stops, strict=True):
        own = residual[start : min(stop, start + behind + later)]
        if sweeps.after_spike[np.searchsorted(sweeps.starts, start)] and len(own) >= 2 * behind:
            rows.append(own[:behind].reshape(n_bins, width).mean(axis=1) - own[behind:].mean())
    return np.array(rows).reshape(-1, n_bins)

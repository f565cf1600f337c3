"""Spikes cut out of a real recording, from their threshold to the trough, as models are fitted.

N samples.
"""

import numpy as np

UPSTROKE_V_PER_S = 20.0  # mV/ms; Teeter et al. 2018 find a spike's threshold by its rise
SLOPE_OVER_S = 0.2e-3  # long enough that noise is no upstroke
PEAK_WITHIN_S, TROUGH_WITHIN_S = 3e-3, 10e-3
LEAST_RISE_V = 0.02  # from threshold to peak


def cut_spikes(voltage_v: np.ndarray, rate_hz: float) -> np.ndarray:
    """A voltage (N,) with NaN from each spike's threshold to the trough behind it."""
    cut = voltage_v.copy()
    over = max(1, round(SLOPE_OVER_S * rate_hz))
    slope = (voltage_v[over:] - voltage_v[:-over]) * rate_hz / over
    at = 0
    fast = np.flatnonzero(slope > UPSTROKE_V_PER_S)
    for n in fast.tolist():
        if n < at:
            continue
        peak = n + int(np.nanargmax(voltage_v[n : n + round(PEAK_WITHIN_S * rate_hz) + 1]))
        if not voltage_v[peak] - voltage_v[n] >= LEAST_RISE_V:
            continue
        later = np.searchsorted(fast, peak, side="right")
        next_rise = int(fast[later]) if later < len(fast) else len(cut)
        end = min(peak + round(TROUGH_WITHIN_S * rate_hz), next_rise)
        trough = peak + int(np.nanargmin(voltage_v[peak : end + 1]))
        cut[n:trough] = np.nan
        at = trough
    return cut

"""Spikes cut out of a real recording, from their threshold to the trough, as models are fitted.

A spike is where the voltage rises by more than 20 mV/ms and by 20 mV in all. Its threshold is where
it still rose by 5 % of what the recording's spikes rise at most, on average: the rule of the Allen
Institute (Teeter et al. 2018), without which a slow spike's own upswing would be left.

N samples, S spikes.
"""

import numpy as np

UPSTROKE_V_PER_S = 20.0  # mV/ms; Teeter et al. 2018 find a spike by its rise
THRESHOLD_SHARE = 0.05  # of the mean steepest upstroke
SLOPE_OVER_S = 0.2e-3  # long enough that noise is no upstroke
PEAK_WITHIN_S, TROUGH_WITHIN_S = 3e-3, 10e-3
THRESHOLD_WITHIN_S = 10e-3  # of the upstroke
LEFT = 2  # samples between two spikes
LEAST_RISE_V = 0.02  # from where it is found to the peak


def cut_spikes(voltage_v: np.ndarray, rate_hz: float) -> np.ndarray:
    """A voltage (N,) with NaN from each spike's threshold to the trough behind it."""
    cut = voltage_v.copy()
    over = max(1, round(SLOPE_OVER_S * rate_hz))
    slope = (voltage_v[over:] - voltage_v[:-over]) * rate_hz / over
    spikes = _found(voltage_v, slope, rate_hz)
    if not spikes:
        return cut
    steepest = [n + int(np.nanargmax(slope[n : peak + 1])) for n, peak, _ in spikes]
    low = THRESHOLD_SHARE * float(np.mean(slope[steepest]))
    at = 0
    for (n, _, trough), upstroke in zip(spikes, steepest, strict=True):
        begin = max(at, upstroke - round(THRESHOLD_WITHIN_S * rate_hz))
        slow = np.flatnonzero(~(slope[begin : upstroke + 1] > low))
        threshold = min(n, begin + int(slow[-1]) + 1) if len(slow) else begin
        cut[threshold:trough] = np.nan
        at = trough
    return cut


def cut_longer(voltage_v: np.ndarray, n: int) -> np.ndarray:
    """A voltage (N,) each of whose missing stretches lasts n samples longer, so that a fast
    afterhyperpolarisation is cut; LEFT samples before the next spike stay, for it is one more."""
    cut = voltage_v.copy()
    edges = np.flatnonzero(np.diff(np.isnan(voltage_v), prepend=False, append=False))
    ends, begins = edges[1::2], np.append(edges[2::2], len(voltage_v))
    for end, begin in zip(ends.tolist(), begins[: len(ends)].tolist(), strict=True):
        cut[end : max(end, min(end + n, begin - LEFT))] = np.nan
    return cut


def _found(
    voltage_v: np.ndarray, slope_v_per_s: np.ndarray, rate_hz: float
) -> list[tuple[int, int, int]]:
    """Of each spike the sample where it is found, its peak and its trough."""
    spikes, at = [], 0
    fast = np.flatnonzero(slope_v_per_s > UPSTROKE_V_PER_S)
    for n in fast.tolist():
        if n < at:
            continue
        peak = n + int(np.nanargmax(voltage_v[n : n + round(PEAK_WITHIN_S * rate_hz) + 1]))
        if not voltage_v[peak] - voltage_v[n] >= LEAST_RISE_V:
            continue
        later = np.searchsorted(fast, peak, side="right")
        next_rise = int(fast[later]) if later < len(fast) else len(voltage_v)
        end = min(peak + round(TROUGH_WITHIN_S * rate_hz), next_rise)
        trough = peak + int(np.nanargmin(voltage_v[peak : end + 1]))
        spikes.append((n, peak, trough))
        at = trough
    return spikes

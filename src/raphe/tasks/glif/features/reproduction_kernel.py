"""The compiled part of `reproduction`: a neuron of level 1 that fires when the recorded cell did.

B traces, N samples.
"""

import numpy as np
from numba import njit, prange

N_KNOWN = 3  # of what may be added to a residual: series resistance, first and last, and a start


@njit(parallel=True, cache=True, error_model="numpy")
def followed(voltage, current, keep, newest, since, resistance, rest, threshold):
    """The neuron of each trace, put back to rest at the end of each recorded dead time.

    Args:
        voltage, current: (B, N) in mV and nA; the voltage is NaN in dead time.
        keep: (B,) share of a voltage that is left after a sample.
        newest: share of a sample's own current in what acts on it, see `membrane_kernel.grams`.
        since: (B,) share of the way to a steady voltage that a neuron has gone when its dead time
            is first seen to be over.
        resistance, rest, threshold: (B,) in MOhm and mV, the threshold above rest.

    Returns:
        The recorded voltage less the neuron's (B, N), NaN in dead time; sums of products of what
        may be added to it with one another (B, 3, 3) and with it (B, 3); and (B, 2) the sum of
        squares of how far, at spikes and behind the last, the neuron was off its threshold, and of
        how many that is.
    """
    n_traces, n_samples = voltage.shape
    residual = np.full((n_traces, n_samples), np.nan)
    gram, onto = np.zeros((n_traces, N_KNOWN, N_KNOWN)), np.zeros((n_traces, N_KNOWN))
    off = np.zeros((n_traces, 2))
    for b in prange(n_traces):
        above, highest, start, inside, begun = 0.0, -np.inf, 1.0, False, False
        known = np.empty(N_KNOWN)
        for n in range(n_samples):
            if inside:
                mean = (1 - newest) * current[b, n - 1] + newest * current[b, n]
                above = keep[b] * above + (1 - keep[b]) * resistance[b] * mean
                start *= keep[b]
            if np.isnan(voltage[b, n]):
                if inside:
                    missed = max(threshold[b] - above, highest - threshold[b], 0.0)
                    off[b, 0] += missed * missed
                    off[b, 1] += 1
                    start = 0.0
                inside = False
                continue
            if not inside:
                above = since[b] * resistance[b] * current[b, n] if begun else 0.0
                highest, start = -np.inf, 0.0 if begun else 1.0
            inside = begun = True
            highest = max(highest, above)
            late, fed = n / n_samples, np.float64(current[b, n])
            known[0], known[1], known[2] = fed * (1 - late), fed * late, start
            value = voltage[b, n] - rest[b] - above
            residual[b, n] = value
            for i in range(N_KNOWN):
                onto[b, i] += known[i] * value
                for j in range(N_KNOWN):
                    gram[b, i, j] += known[i] * known[j]
        if inside and highest > threshold[b]:
            off[b, 0] += (highest - threshold[b]) ** 2
            off[b, 1] += 1
    return residual, gram, onto, off


@njit(parallel=True, cache=True, error_model="numpy")
def covariances(residual, current, keep, weights, lag):
    """Sums of squares of what is left of a residual, and of its products with itself `lag` samples
    later, without the known parts of these weights (B, 3): (B, 2), and how many of each (B, 2)."""
    n_traces, n_samples = residual.shape
    sums, counts = np.zeros((n_traces, 2)), np.zeros((n_traces, 2))
    for b in prange(n_traces):
        start, gone = 1.0, False
        left = np.full(n_samples, np.nan)
        for n in range(n_samples):
            if np.isnan(residual[b, n]):
                gone = gone or (n > 0 and not np.isnan(residual[b, n - 1]))
                continue
            late = n / n_samples
            series = weights[b, 0] * (1 - late) + weights[b, 1] * late
            left[n] = residual[b, n] - series * current[b, n]
            if not gone:
                left[n] -= weights[b, 2] * start
                start *= keep[b]
            sums[b, 0] += left[n] ** 2
            counts[b, 0] += 1
            if n >= lag and not np.isnan(left[n - lag]):
                sums[b, 1] += left[n] * left[n - lag]
                counts[b, 1] += 1
    return sums, counts

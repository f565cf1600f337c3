"""The compiled part of `membrane_fit`: least squares for many time constants in one pass.

W time constants lie side by side, so that each sample is SIMD. Of every stretch between two dead
times the value it starts from is unknown, whatever a level's reset rule is: it decays with the
time constant, and that exponential is projected out. B traces, N samples, K regressors.
"""

import numpy as np
from numba import njit, prange

LANES = 16  # time constants of a pass
FILTERED, CONSTANT, SERIES_FIRST, SERIES_LAST = range(4)  # regressors; the voltage follows
K = 4
FADED = 1e-30  # below, an exponential is 0: denormal numbers are slow


# Rows of the one small array whose lanes are the time constants: rows that do not overlap let the
# compiler vectorise.
KEEP, FEED, STATE, DECAY, NORM, ON_DECAY, GRAM = 0, 1, 2, 3, 4, 5, 10
N_ROWS = GRAM + K + 1


@njit(inline="always", error_model="numpy")
def project_out(x, gram):
    """Take off what a stretch's own exponential explains, and begin the next one."""
    for j in range(LANES):
        if x[NORM, j] > 0:
            for a in range(K + 1):
                share = x[ON_DECAY + a, j] / x[NORM, j]
                for b in range(a, K + 1):
                    gram[a, b, j] -= share * x[ON_DECAY + b, j]
        x[NORM, j] = x[STATE, j] = 0.0
        x[DECAY, j] = 1.0
        for a in range(K + 1):
            x[ON_DECAY + a, j] = 0.0


@njit(inline="always", error_model="numpy")
def advance(x, mean):
    """Filter a sample's current, and let a stretch's exponential decay by a sample."""
    for j in range(LANES):
        x[STATE, j] = x[KEEP, j] * x[STATE, j] + x[FEED, j] * mean
        faded = x[DECAY, j] * x[KEEP, j]
        x[DECAY, j] = faded if faded > FADED else 0.0


@njit(inline="always", error_model="numpy")
def add(x, first, last, y):
    """Add a sample's products with the filtered current and with the exponential."""
    for j in range(LANES):
        f, g = x[STATE, j], x[DECAY, j]
        x[GRAM, j] += f * f
        x[GRAM + 1, j] += f
        x[GRAM + 2, j] += f * first
        x[GRAM + 3, j] += f * last
        x[GRAM + 4, j] += f * y
        x[ON_DECAY, j] += g * f
        x[ON_DECAY + 1, j] += g
        x[ON_DECAY + 2, j] += g * first
        x[ON_DECAY + 3, j] += g * last
        x[ON_DECAY + 4, j] += g * y
        x[NORM, j] += g * g


@njit(error_model="numpy")
def gram_of(voltage, current, origin, keep, newest, gram):
    """Fill the upper half of gram (K + 1, K + 1, W), the voltage last; return samples used."""
    x = np.zeros((N_ROWS, LANES))
    x[KEEP], x[FEED] = keep, 1 - keep
    n_samples, n_used, inside = len(voltage), 0, False
    s_1 = s_2 = s_11 = s_12 = s_22 = s_y = s_1y = s_2y = s_yy = 0.0
    gram[:] = 0.0
    project_out(x, gram)
    for n in range(n_samples):
        if np.isnan(voltage[n]):
            if inside:
                project_out(x, gram)
            inside = False
            continue
        y, late, fed = voltage[n] - origin, n / n_samples, np.float64(current[n])
        first, last = fed * (1 - late), fed * late
        if inside:
            advance(x, (1 - newest) * current[n - 1] + newest * fed)
        inside = True
        n_used += 1
        s_1 += first
        s_2 += last
        s_11 += first * first
        s_12 += first * last
        s_22 += last * last
        s_y += y
        s_1y += first * y
        s_2y += last * y
        s_yy += y * y
        add(x, first, last, y)
    project_out(x, gram)
    gram[0] += x[GRAM:]
    gram[1, 1:] += np.array([n_used, s_1, s_2, s_y]).reshape(-1, 1)
    gram[2, 2:] += np.array([s_11, s_12, s_1y]).reshape(-1, 1)
    gram[3, 3:] += np.array([s_22, s_2y]).reshape(-1, 1)
    gram[4, 4] += s_yy
    return n_used


@njit(parallel=True, cache=True, error_model="numpy")
def grams(voltage, current, origin, keep, newest):
    """Sums of products of regressors and voltage, for each time constant of each trace.

    Args:
        voltage, current: (B, N); the voltage is NaN in dead time.
        origin: (B,) a voltage to subtract.
        keep: (B, W) exp(-interval / time constant).
        newest: share of a sample's own current in what acts on it; the rest is the one before.

    Returns:
        float64 (B, K + 1, K + 1, W), its upper half, and samples used (B,).
    """
    n_traces = len(voltage)
    gram, n_used = np.zeros((n_traces, K + 1, K + 1, LANES)), np.zeros(n_traces, np.int64)
    for b in prange(n_traces):
        n_used[b] = gram_of(voltage[b], current[b], origin[b], keep[b], newest, gram[b])
    return gram, n_used


@njit(parallel=True, cache=True, error_model="numpy")
def brackets(voltage, current, keep, newest, fitted):
    """Between which voltages above rest each trace fires.

    The fitted membrane, without noise and series resistance, goes on from what each stretch starts
    at, as measured there.

    Args:
        voltage, current: (B, N); the voltage is NaN in dead time.
        keep: (B,) exp(-interval / time constant).
        newest: as in grams.
        fitted: (B, K) weights of the regressors.

    Returns:
        float64 (B, 4): the highest that did not fire and the lowest that did, in the whole trace;
        the same until the first spike; infinite where there is none. Spikes (B,), and samples
        in dead times that end (B, 2): how many samples, and dead times.
    """
    n_traces, n_samples = voltage.shape
    bounds = np.empty((n_traces, 4))
    n_spikes, dead = np.zeros(n_traces, np.int64), np.zeros((n_traces, 2), np.int64)
    for b in prange(n_traces):
        weight, rest = fitted[b, FILTERED], fitted[b, CONSTANT]
        highest, lowest = -np.inf, np.inf
        above, inside, waited = 0.0, False, 0
        bounds[b] = np.array([-np.inf, np.inf, -np.inf, np.inf])
        for n in range(n_samples):
            if inside:
                mean = (1 - newest) * current[b, n - 1] + newest * current[b, n]
                above = keep[b] * above + (1 - keep[b]) * weight * mean
            if np.isnan(voltage[b, n]):
                if inside:
                    lowest = min(lowest, above)
                    if n_spikes[b] == 0:
                        bounds[b, 2], bounds[b, 3] = highest, above
                    n_spikes[b] += 1
                    waited = 0
                inside = False
                waited += 1
                continue
            if not inside:
                late = n / n_samples
                series = fitted[b, SERIES_FIRST] * (1 - late) + fitted[b, SERIES_LAST] * late
                above = voltage[b, n] - rest - series * current[b, n]
                if n_spikes[b]:
                    dead[b, 0] += waited
                    dead[b, 1] += 1
            inside = True
            highest = max(highest, above)
        bounds[b, 0], bounds[b, 1] = highest, lowest
        if n_spikes[b] == 0:
            bounds[b, 2] = highest
    return bounds, n_spikes, dead

"""The compiled part of `threshold_fit`: how likely a cell's spikes are under a moving threshold,
and draws of what they leave open.

Each stretch between spikes has a threshold that is off by a normal amount, so that a spike at
sample n has the probability that the amount lies between the highest overshoot before n and the
one at n. A spike below what did not fire is not impossible, only less probable the further it lies
below: fitted voltages are never exact. K samples that matter, S stretches, P places of the
subthreshold fit.
"""

import math

import numpy as np
from numba import njit

ROOT_HALF = math.sqrt(0.5)
FAR = 25.0  # deviations, beyond which a tail is taken by its expansion
HALF_LOG_TAU = 0.5 * math.log(2 * math.pi)
SOFT = 0.25  # of a stretch's deviation: a spike so far below what did not fire is possible
NEVER = -1e300


@njit(cache=True, error_model="numpy")
def log_tail(x):
    """log of the normal distribution's share above x."""
    if x < FAR:
        return math.log(0.5 * math.erfc(x * ROOT_HALF))
    return -0.5 * x * x - math.log(x * math.sqrt(2 * math.pi)) - 1 / (x * x)


@njit(cache=True, error_model="numpy")
def log_between(low, high):
    """log of the normal distribution's share between two values, low < high."""
    if low + high < 0:  # in the upper half, where tails keep their digits
        low, high = -high, -low
    first = log_tail(low)
    gap = log_tail(high) - first
    return first + (math.log(-math.expm1(gap)) if gap < 0 else NEVER)


@njit(cache=True, error_model="numpy")
def threshold_parts(
    course, sweep, starts, stops, after_spike, fires, keep, share, chosen, raised, followed
):
    """Fill what a threshold has by its spikes and by the voltage at some samples, for G decays.

    Args:
        course: (N,) voltage above rest, mV.
        sweep, starts, stops, after_spike, fires: (S,), see PooledSweeps.
        keep, share: (G,) what each decay keeps over a sample, and takes of the voltage.
        chosen: (K,) rising samples, in stretches or at the spikes that end them.
        raised: (G, K) to fill, per mV that a spike adds; the part decays in dead time, too.
        followed: (G, K) to fill, mV per 1/s of gain; the part rests in dead time.
    """
    for g in range(len(keep)):
        spikes = voltage = 0.0
        first, at, k = -1, 0, 0
        for s in range(len(starts)):
            if sweep[s] != first:
                first = at = sweep[s]
                spikes = voltage = 0.0
            spikes *= keep[g] ** (starts[s] - at)
            if after_spike[s]:
                spikes += 1.0
            end = stops[s] + 1 if fires[s] else stops[s]
            for n in range(starts[s], end):
                if n > starts[s]:
                    spikes *= keep[g]
                    middle = 0.5 * (course[n - 1] + course[n])
                    voltage = keep[g] * voltage + share[g] * middle
                if k < len(chosen) and chosen[k] == n:
                    raised[g, k], followed[g, k] = spikes, voltage
                    k += 1
            at = end - 1


@njit(cache=True, error_model="numpy")
def interpolated(table, place, k):
    """A table (G, K) between two of its rows."""
    row = int(place)
    share = place - row
    return (1 - share) * table[row, k] + share * table[row + 1, k]


@njit(cache=True, error_model="numpy")
def log_likelihood(course, slopes, first, last, fires, raised, followed, moved, threshold):
    """Of all stretches.

    Args:
        course: (K,) fitted voltage above rest, mV, and slopes (K, P) by each place.
        first, last: (S,) each stretch's first sample, and its last, which is the spike where
            it `fires` (S,).
        raised, followed: (G, K) what one spike's mV, and one 1/s of gain, add to the threshold,
            for each of G decays.
        moved: (P,) of places, off the fit.
        threshold: (6,) resting threshold in mV; jump in mV and the place of its decay in the
            table; gain in 1/s and its decay's place; deviation in mV of a stretch's threshold.
    """
    rest, jump, jump_place, gain, gain_place, deviation = threshold
    total = 0.0
    for s in range(len(first)):
        highest, at_end = -1e30, 0.0
        for k in range(first[s], last[s] + 1):
            over = course[k] - rest
            for p in range(len(moved)):
                over += slopes[k, p] * moved[p]
            if jump > 0:
                over -= jump * interpolated(raised, jump_place, k)
            if gain != 0:
                over -= gain * interpolated(followed, gain_place, k)
            if fires[s] and k == last[s]:
                at_end = over
            elif over > highest:
                highest = over
        low = highest / deviation
        if not fires[s]:
            total += log_tail(low)
        else:
            width = (at_end - highest) / deviation / SOFT
            if width < -FAR:  # a spike far below what did not fire
                total += -0.5 * low * low - HALF_LOG_TAU + math.log(SOFT) + width
            else:
                width = width if width > FAR else math.log1p(math.exp(width))
                total += log_between(low, low + SOFT * width)
    return total


@njit(cache=True, error_model="numpy")
def threshold_of(place, mean, spread, decays):
    """Values that `log_likelihood` takes, of standardised places (…,): log threshold, and log jump,
    log decay, and gain, log decay where there are; log deviation last.

    Args:
        place: (T + 1,).
        mean, spread: (T,) of the prior, on the scales of `quantities`.
        decays: (2,) log of the table's first decay, and its step.
    """
    found = np.zeros(6)
    n = len(mean)
    found[0] = 1e3 * math.exp(mean[0] + spread[0] * place[0])
    if n > 1:
        found[1] = 1e3 * math.exp(mean[1] + spread[1] * place[1])
        found[2] = (mean[2] + spread[2] * place[2] - decays[0]) / decays[1]
    if n > 3:
        found[3] = mean[3] + spread[3] * place[3]
        found[4] = (mean[4] + spread[4] * place[4] - decays[0]) / decays[1]
    found[5] = math.exp(place[n])
    return found


@njit(cache=True, error_model="numpy")
def log_density(place, given, prior, tables):
    """Of a place (P + T + 1,): that of the subthreshold fit in its own deviations, the
    threshold's in the prior's, and the log deviation of a stretch's threshold.

    Args:
        given: factor (P, P) of the fit's covariance, (T, P) the prior's regression on it, the
            precision (T, T) of what is left, and (T,) what the prior expects at the fit.
        prior: mean and spread (T,), the table's decays (2,), its rows, and the range (2,) of
            the log deviation.
        tables: see `log_likelihood`.
    """
    factor, regression, precision, expected = given
    mean, spread, decays, n_rows, range_ = prior
    n_places, n_own = len(factor), len(mean)
    own = place[n_places:]
    if not range_[0] <= own[n_own] <= range_[1]:
        return NEVER
    threshold = threshold_of(own, mean, spread, decays)
    for at in (2, 4):
        if not 0 <= threshold[at] < n_rows - 1:
            return NEVER
    moved = factor @ place[:n_places]
    off = own[:n_own] - expected - regression @ moved
    value = -0.5 * (off @ (precision @ off))
    for p in range(n_places):
        value -= 0.5 * place[p] * place[p]
    return value + log_likelihood(*tables, moved, threshold)


@njit(cache=True, error_model="numpy")
def walk(start, factor, steps, chances, given, prior, tables, out):
    """Metropolis' walk: fill `out` (n, D) and return the share of steps taken.

    Args:
        start: (D,).
        factor: (D, D) of the steps' covariance.
        steps, chances: (n, D) standard normal and (n,) uniform numbers.
    """
    place = start.copy()
    value = log_density(place, given, prior, tables)
    taken = 0
    for n in range(len(steps)):
        tried = place + factor @ steps[n]
        tried_value = log_density(tried, given, prior, tables)
        if tried_value > NEVER and math.log(chances[n]) < tried_value - value:
            place, value = tried, tried_value
            taken += 1
        out[n] = place
    return taken / len(steps)

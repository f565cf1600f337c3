"""The compiled part of `subthreshold_fit`: a membrane's course between spikes, and how well its
regressors explain a voltage under noise that remembers.

Between spikes the voltage is linear in the filtered current, in one decaying current started at
each spike (per afterspike current) and in what a stretch starts from. Noise is white noise and two
Ornstein-Uhlenbeck processes, one fast, one slow; a Kalman filter whitens by it, over dead times,
too. What a stretch starts from is a third, nearly unbounded state of that filter, begun anew at
each stretch: that projects its exponential out.

N samples of all sweeps behind one another, S stretches, J afterspike currents, Q columns.
"""

import numpy as np
from numba import njit

UNBOUNDED_MV2 = 1e4  # variance of what a stretch starts from
FADED = 1e-30  # below, an exponential is 0: denormal numbers are slow
DRIVEN, OF_KEEP, FILTERED, FIRST_CURRENT = range(4)  # columns of `courses`


@njit(cache=True, error_model="numpy")
def courses(fed, sweep, starts, stops, after_spike, keep, decay, weight, begun, out):
    """Fill the course of the voltage and what it depends on, between spikes and at them.

    Args:
        fed: (N,) mean current of each step, nA.
        sweep: (S,) first sample of the stretch's sweep.
        starts, stops: (S,) of stretches; a stop is the first sample that is missing, at which the
            membrane is followed, too, as the spike is there.
        after_spike: (S,) whether a stretch follows a spike.
        keep: of the membrane over a step.
        decay: (J,) of the afterspike currents over a step.
        weight: (1 + J,) resistance in MOhm, and times the amplitude of each current, in mV.
        begun: (S,) above rest, mV, what each stretch starts from.
        out: (N, 3 + 2 J) to fill: the course above rest; its derivative by `keep`; the filtered
            current; the filtered afterspike currents of amplitude 1; their derivatives by `decay`.
    """
    n_currents = len(decay)
    current, moved = np.zeros(n_currents), np.zeros(n_currents)  # and its derivative
    filtered, slope = np.zeros(n_currents), np.zeros(n_currents)
    share = 1 - keep
    at = first = -1
    for s in range(len(starts)):
        if sweep[s] != first:
            first, at = sweep[s], sweep[s]
            current[:] = 0.0
            moved[:] = 0.0
        for _ in range(at, starts[s] + 1):  # of the dead time
            for j in range(n_currents):
                moved[j] = decay[j] * moved[j] + current[j]
                current[j] *= decay[j]
        at = starts[s]
        if after_spike[s]:
            current += 1.0
        course, by_keep, plain = begun[s], 0.0, 0.0
        filtered[:] = 0.0
        slope[:] = 0.0
        end = min(stops[s] + 1, len(fed))
        for n in range(at, end):
            if n > at:
                drive = weight[0] * fed[n]
                for j in range(n_currents):
                    drive += weight[1 + j] * current[j]
                    filtered[j] = keep * filtered[j] + share * current[j]
                    slope[j] = keep * slope[j] + share * moved[j]
                    moved[j] = decay[j] * moved[j] + current[j]
                    faded = current[j] * decay[j]
                    current[j] = faded if faded > FADED else 0.0
                by_keep = keep * by_keep + course - drive
                course = keep * course + share * drive
                plain = keep * plain + share * fed[n]
            out[n, DRIVEN], out[n, OF_KEEP], out[n, FILTERED] = course, by_keep, plain
            for j in range(n_currents):
                out[n, FIRST_CURRENT + j] = filtered[j]
                out[n, FIRST_CURRENT + n_currents + j] = slope[j]
        at = end


@njit(cache=True, error_model="numpy")
def whitened(columns, sweep, starts, stops, keep, noise, every, out, begun):
    """Columns whitened to variance 1, without what the stretches' exponentials explain.

    Args:
        columns: (N, Q), the voltage among them, mV.
        sweep, starts, stops: (S,), see `courses`.
        keep: of the membrane over a sample.
        noise: (5,) variance of the white noise in mV²; of each other process its variance and
            what it keeps over a sample.
        every: of so many samples one is read; N, S and `keep` count samples that are there.
        out: (N, Q) to fill from its beginning, a row for each sample that is read.
        begun: (S, Q) to fill: what each stretch starts from by each column.

    Returns:
        The log of the determinant of the noise's covariance, and how many samples were read.
    """
    n_columns = columns.shape[1]
    fast, slow, start = np.zeros(n_columns), np.zeros(n_columns), np.zeros(n_columns)
    white_variance, fast_variance, fast_keep, slow_variance, slow_keep = noise
    fast_keep, slow_keep, keep = fast_keep**every, slow_keep**every, keep**every
    log_det, n_used = 0.0, 0
    first = at = -1
    p_ff = p_fs = p_ss = p_fw = p_sw = p_ww = 0.0
    for s in range(len(starts)):
        n = starts[s]
        if sweep[s] != first:
            first = sweep[s]
            fast[:] = 0.0
            slow[:] = 0.0
            p_ff, p_ss, p_fs = fast_variance, slow_variance, 0.0
        else:
            steps = (n - at) / every
            f, g = fast_keep**steps, slow_keep**steps
            fast *= f
            slow *= g
            p_ff = f * f * p_ff + (1 - f * f) * fast_variance
            p_ss = g * g * p_ss + (1 - g * g) * slow_variance
            p_fs *= f * g
        start[:] = 0.0
        p_fw = p_sw = 0.0
        p_ww = UNBOUNDED_MV2
        h = 1.0
        at = n
        for n in range(starts[s], stops[s], every):
            if n > starts[s]:
                for q in range(n_columns):
                    fast[q] *= fast_keep
                    slow[q] *= slow_keep
                p_ff = fast_keep * fast_keep * (p_ff - fast_variance) + fast_variance
                p_ss = slow_keep * slow_keep * (p_ss - slow_variance) + slow_variance
                p_fs *= fast_keep * slow_keep
                p_fw *= fast_keep
                p_sw *= slow_keep
                h = h * keep if h > FADED else 0.0
            at = n
            to_f = p_ff + p_fs + h * p_fw
            to_s = p_fs + p_ss + h * p_sw
            to_w = p_fw + p_sw + h * p_ww
            variance = to_f + to_s + h * to_w + white_variance
            scale = 1 / np.sqrt(variance)
            gain_f, gain_s, gain_w = to_f / variance, to_s / variance, to_w / variance
            for q in range(n_columns):
                off = columns[n, q] - fast[q] - slow[q] - h * start[q]
                fast[q] += gain_f * off
                slow[q] += gain_s * off
                start[q] += gain_w * off
                out[n_used, q] = off * scale
            p_ff -= gain_f * to_f
            p_fs -= gain_f * to_s
            p_ss -= gain_s * to_s
            p_fw -= gain_f * to_w
            p_sw -= gain_s * to_w
            p_ww -= gain_w * to_w
            log_det += np.log(variance)
            n_used += 1
        begun[s] = start
    return log_det, n_used

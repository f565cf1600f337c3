"""The compiled loop over samples: neurons in blocks side by side, so that each step is SIMD.

The rules are those of Teeter et al. 2018 as AllenSDK's GlifNeuron has them. Whether a neuron rests
in its dead time is arithmetic in each step, only the rare spike is a branch. The lanes of a block
share one small array, whose rows do not overlap: that lets the compiler vectorise.

What a level does not have is None, for which Numba compiles nothing; `record` likewise.

B neurons, N samples, S the most spikes that a neuron can fire, W lanes.
"""

import numpy as np
from numba import njit, prange

from raphe.tasks.glif.neurons.coefficients import ROWS

LANES = 16  # neurons of a block
TILE = 128  # samples that are kept time-major, in the cache, before they are written row by row
LINE = 8  # samples that are written to a row at a time, 64 bytes of float64
AFTER_STOP = 5  # samples that repeat the reset state of a neuron that stops

# Rows of a block's state, above those of coefficients.ROWS.
(
    VOLTAGE, WAIT, FIRED, BEFORE, THRESHOLD, THRESHOLD_BEFORE, SPIKE, FOLLOWS, ASC_1, ASC_2, FED,
) = range(11)  # fmt: skip
STATE = 11
(
    GAIN, CONDUCTANCE, LEAK, RESTING_THRESHOLD, ASC_KEEP_1, ASC_KEEP_2, SPIKE_KEEP, VOLTAGE_KEEP,
    STEADY, TRANSIENT, RESISTANCE, RESET_SLOPE, RESET_OFFSET, SPIKE_JUMP, SPIKE_KEEP_CUT, ASC_AMP_1,
    ASC_AMP_2, ASC_KEEP_CUT_1, ASC_KEEP_CUT_2, CUT, INIT_VOLTAGE, INIT_THRESHOLD, INIT_ASC_1,
    INIT_ASC_2,
) = range(STATE, STATE + len(ROWS))  # fmt: skip
N_ROWS = STATE + len(ROWS)


@njit(inline="always", error_model="numpy")
def advance(x, zero, one, currents, rule, follows):
    """Advance every lane by a sample; count those that fire."""
    n_fired = 0
    for j in range(LANES):
        wait, v, th = x[WAIT, j], x[VOLTAGE, j], x[THRESHOLD, j]
        held = wait > zero
        asc_1, asc_2 = x[ASC_1, j], x[ASC_2, j]
        drive = x[FED, j] + (asc_1 + asc_2)
        moved = v + x[GAIN, j] * (drive - x[CONDUCTANCE, j] * (v - x[LEAK, j]))
        threshold = x[RESTING_THRESHOLD, j]
        if rule is not None:
            old = x[SPIKE, j]
            spike = old * x[SPIKE_KEEP, j]
            x[SPIKE, j] = old if held else spike
            threshold = threshold + spike
        if follows is not None:
            old = x[FOLLOWS, j]
            steady = drive * x[RESISTANCE, j]
            followed = (
                old * x[VOLTAGE_KEEP, j]
                + x[STEADY, j] * steady
                + x[TRANSIENT, j] * (v - x[LEAK, j] - steady)
            )
            x[FOLLOWS, j] = old if held else followed
            threshold = threshold + followed
        if currents is not None:
            kept_1, kept_2 = asc_1 * x[ASC_KEEP_1, j], asc_2 * x[ASC_KEEP_2, j]
            x[ASC_1, j] = asc_1 if held else kept_1
            x[ASC_2, j] = asc_2 if held else kept_2
        fired = (moved > threshold) & (wait <= zero)
        x[BEFORE, j] = v
        x[THRESHOLD_BEFORE, j] = th
        x[VOLTAGE, j] = v if held else moved
        x[THRESHOLD, j] = th if held else threshold
        x[WAIT, j] = wait - one if held else zero
        x[FIRED, j] = one if fired else zero
        n_fired += 1 if fired else 0
    return n_fired


@njit(inline="always", error_model="numpy")
def note(x, j, neuron, n, dt, index, moments, counts):
    """Write down the spike of lane j at sample n, and where voltage and threshold cross."""
    v, th = x[BEFORE, j], x[THRESHOLD_BEFORE, j]
    dv, dth = x[VOLTAGE, j] - v, x[THRESHOLD, j] - th
    after = dt * (th - v) / (dv - dth)
    count = counts[neuron]
    index[neuron, count] = n
    moments[0, neuron, count] = n * dt + after
    # One step behind the crossing, as AllenSDK has it.
    moments[1, neuron, count] = v + dv * (after + dt) / dt
    moments[2, neuron, count] = th + dth * (after + dt) / dt
    counts[neuron] = count + 1


@njit(inline="always", error_model="numpy")
def reset(x, j, currents, rule):
    """Put lane j after its spike; tell whether it lies above its own threshold there."""
    x[WAIT, j] = x[CUT, j]
    if rule is not None:
        x[VOLTAGE, j] = x[RESET_SLOPE, j] * x[VOLTAGE, j] + x[RESET_OFFSET, j]
        x[SPIKE, j] = x[SPIKE, j] * x[SPIKE_KEEP_CUT, j] + x[SPIKE_JUMP, j]
        x[THRESHOLD, j] = x[RESTING_THRESHOLD, j] + x[SPIKE, j] + x[FOLLOWS, j]
    else:
        x[VOLTAGE, j] = 0
        x[THRESHOLD, j] = x[RESTING_THRESHOLD, j]
    if currents is not None:
        x[ASC_1, j] = x[ASC_AMP_1, j] + x[ASC_1, j] * x[ASC_KEEP_CUT_1, j]
        x[ASC_2, j] = x[ASC_AMP_2, j] + x[ASC_2, j] * x[ASC_KEEP_CUT_2, j]
    return x[VOLTAGE, j] > x[THRESHOLD, j]


@njit(inline="always", error_model="numpy")
def feed(fed, n_tile, current, first, n_lanes, start):
    """Lay the current of a tile's samples out time-major."""
    if current.shape[0] == 1:
        for t in range(n_tile):
            shared = current[0, start + t]
            for j in range(LANES):
                fed[t, j] = shared
    else:
        for j in range(LANES):
            row = first + min(j, n_lanes - 1)
            for t in range(n_tile):
                fed[t, j] = current[row, start + t]


@njit(inline="always", error_model="numpy")
def write_rows(tile, n_tile, voltage, first, n_lanes, start):
    """Transpose a tile to its neurons' rows, a cache line at a time."""
    whole = n_tile - n_tile % LINE
    for t in range(0, whole, LINE):
        for j in range(n_lanes):
            for k in range(LINE):
                voltage[first + j, start + t + k] = tile[t + k, j]
    for j in range(n_lanes):
        for t in range(whole, n_tile):
            voltage[first + j, start + t] = tile[t, j]


@njit(error_model="numpy")
def simulate_block(
    first, n_lanes, current, coefficients, dt, levels, voltage, record, spikes, counts, stopped
):
    """Simulate the neurons from `first` on."""
    currents, rule, follows = levels
    index, moments = spikes
    n_samples = voltage.shape[1]
    zero, one = coefficients.dtype.type(0), coefficients.dtype.type(1)
    nan = coefficients.dtype.type(np.nan)
    x = np.zeros((N_ROWS, LANES), coefficients.dtype)
    tile = np.empty((TILE, LANES), coefficients.dtype)
    fed = np.empty((TILE, LANES), coefficients.dtype)
    for j in range(LANES):
        neuron = first + min(j, n_lanes - 1)  # idle lanes repeat the last neuron
        for k in range(len(ROWS)):
            x[STATE + k, j] = coefficients[k, neuron]
        x[VOLTAGE, j], x[THRESHOLD, j] = x[INIT_VOLTAGE, j], x[INIT_THRESHOLD, j]
        x[ASC_1, j], x[ASC_2, j] = x[INIT_ASC_1, j], x[INIT_ASC_2, j]
    for start in range(0, n_samples, TILE):
        n_tile = min(TILE, n_samples - start)
        feed(fed, n_tile, current, first, n_lanes, start)
        for t in range(n_tile):
            n = start + t
            for j in range(LANES):
                x[FED, j] = fed[t, j]
            if advance(x, zero, one, currents, rule, follows):
                for j in range(n_lanes):
                    if x[FIRED, j] > zero:
                        note(x, j, first + j, n, dt, index, moments, counts)
                        if reset(x, j, currents, rule):
                            stopped[first + j] = n + int(x[CUT, j])
                            x[WAIT, j] = 2 * n_samples  # for ever
            if n == 0 and currents is None:  # those of the start acted once
                x[ASC_1] = zero
                x[ASC_2] = zero
            for j in range(LANES):
                value = x[VOLTAGE, j]
                tile[t, j] = nan if x[WAIT, j] > zero else value
            if record is not None:
                for j in range(n_lanes):
                    waits = x[WAIT, j] > zero
                    record[0][first + j, n] = nan if waits else x[THRESHOLD, j]
                    record[1][first + j, n, 0] = nan if waits else x[ASC_1, j]
                    record[1][first + j, n, 1] = nan if waits else x[ASC_2, j]
        write_rows(tile, n_tile, voltage, first, n_lanes, start)
    for j in range(n_lanes):
        at = stopped[first + j]
        for n in range(at, min(at + 1 + AFTER_STOP, n_samples) if at >= 0 else at):
            voltage[first + j, n] = x[VOLTAGE, j]
            if record is not None:
                record[0][first + j, n] = x[THRESHOLD, j]
                record[1][first + j, n, 0] = x[ASC_1, j]
                record[1][first + j, n, 1] = x[ASC_2, j]


@njit(parallel=True, cache=True, error_model="numpy")
def simulate_blocks(current, coefficients, dt, levels, voltage, record, spikes, counts, stopped):
    """Simulate every neuron, one block a thread at a time.

    Args:
        current: (1 or B, N) in A.
        coefficients: (K, B), see coefficients.ROWS; their dtype is that of all arithmetic.
        dt: of a step in s.
        levels: whether there are afterspike currents, a reset rule with a spike component of the
            threshold, and a voltage component: 1 or None each.
        voltage: (B, N) to fill.
        record: threshold (B, N) and currents (B, N, 2) to fill, or None.
        spikes: samples (B, S), and times, voltages and thresholds (3, B, S), to fill.
        counts: (B,) of spikes, zeros.
        stopped: (B,), -1; gets the sample at which a neuron stops.
    """
    n_neurons = voltage.shape[0]
    for i in prange((n_neurons + LANES - 1) // LANES):
        first = i * LANES
        n_lanes = min(LANES, n_neurons - first)
        simulate_block(
            first, n_lanes, current, coefficients, dt, levels, voltage, record, spikes, counts,
            stopped,
        )  # fmt: skip

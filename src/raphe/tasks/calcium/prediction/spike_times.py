"""Discrete spikes from a rate: as many as it holds, each where the rate has brought it about.

T samples, K spikes.
"""

import numpy as np


def spike_times_s(rate_per_s: np.ndarray, rate_hz: float) -> np.ndarray:
    """Times of the spikes that a rate (T,) tells, ascending, in seconds from its start: (K,).

    The k-th spike falls where the rate's integral reaches k − 1/2, so that any stretch holds its
    integral's number of spikes to within one. Where the rate is unsure, so are the times: a burst
    that is smeared over half a second is spread over it.
    """
    reached = np.concatenate([[0.0], np.cumsum(np.asarray(rate_per_s, dtype=np.float64))]) / rate_hz
    wanted = np.arange(0.5, reached[-1], 1.0)
    rising = np.concatenate([[True], np.diff(reached) > 0])  # one place for each value
    return np.interp(wanted, reached[rising], np.arange(len(reached))[rising]) / rate_hz

"""Whether the voltage of a cell goes against its current, as where the sign of one is reversed.

A membrane follows its current some milliseconds later. N samples.
"""

import numpy as np

from raphe.core.sentences import number

FOLLOWS_S = 0.02  # a membrane's time constant, about
EVERY_S = 1e-3  # so far apart are the samples that are compared
LEAST_S = 0.1  # of a voltage between spikes
AGAINST = -0.5  # correlation of a voltage with what its current does to a membrane


def sign_sentences(voltage_v: np.ndarray, current_a: np.ndarray, rate_hz: float) -> list[str]:
    """A sentence for a voltage (N,), NaN where it is missing, that goes against its current."""
    found = _correlation(voltage_v, current_a, rate_hz)
    if not found < AGAINST:
        return []
    return [
        "the voltage falls where the current rises, and rises where it falls (correlation "
        f"{number(found, 2)}), as where the sign of one of them is reversed"
    ]


def _correlation(voltage_v: np.ndarray, current_a: np.ndarray, rate_hz: float) -> float:
    """Of the voltage with the low-passed current; 0 where one of them does not change."""
    every = max(1, round(EVERY_S * rate_hz))
    voltage, fed = voltage_v[::every], np.nan_to_num(current_a[::every])
    keep = float(np.exp(-every / rate_hz / FOLLOWS_S))
    follows, state = np.empty(len(fed)), float(fed[0])
    for n, each in enumerate(fed.tolist()):
        state = keep * state + (1 - keep) * each
        follows[n] = state
    there = np.isfinite(voltage)
    if there.sum() * every < LEAST_S * rate_hz:
        return 0.0
    pair = np.stack([voltage[there], follows[there]])
    pair -= pair.mean(axis=1, keepdims=True)
    size = np.sqrt((pair**2).sum(axis=1))
    return float(pair[0] @ pair[1] / (size[0] * size[1])) if size.all() else 0.0

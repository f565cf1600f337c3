"""Whether a neuron of level 1 does what a trace shows: two misfits, each in mV.

The neuron follows the trace: driven by its current, it is put back to rest at the end of each dead
time that was recorded. What the voltage then differs by, beyond a series resistance and the first
stretch's start, is white noise if the trace is such a neuron's; noise is not like itself a
millisecond later, so that the covariance over that time is the square of the misfit. And a neuron
of level 1 fires whenever it gets to one threshold, and only then.

B traces, N samples.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from raphe.core.sentences import number
from raphe.tasks.glif.features.membrane_fit import (
    MODEL_STEP_MS,
    SERIES_MOHM,
    SERIES_SPREAD_MOHM,
)
from raphe.tasks.glif.features.reproduction_kernel import N_KNOWN, covariances, followed
from raphe.tasks.glif.synthetic.quantities import CAPACITANCE, RESISTANCE, REST, THRESHOLD

LEVEL = 1  # whose rules these are
LATER_MS = 1.0  # behind the noise of amplifiers and their filters
BEYOND = 3.0  # deviations of a covariance of white noise, which are no misfit
OF_TRAINING = 99.5  # per cent of training traces that fired have less of each misfit
LEAST_LIMIT_MV = 0.01
MISFITS = ("voltage", "threshold")
START_SPREAD_MV = 20.0  # of where the first stretch starts
FARTHEST = 2.0  # deviations of what is known of it that a series resistance is from the mean

# By name of a misfit points of a line: interval between samples in ms, rising, and limit in mV.
Limits = Mapping[str, Sequence[Sequence[float]]]


def misfits(traces: np.ndarray, rate_hz: float, values: np.ndarray) -> np.ndarray:
    """How far neurons are off traces, float64 (B, 2) in mV, see MISFITS.

    The first is the root mean square of what lasts in the residual, 0 where that is noise; the
    second that of how far the neuron was below its threshold when the cell fired, or above when it
    did not; 0 where that never was.

    Args:
        traces: float32 (B, 2, N): voltage in mV, NaN in dead time, and current in pA.
        values: float64 (B, P), quantities of level 1 in SI units.
    """
    voltage, current = traces[:, 0], traces[:, 1] * 1e-3  # pA → nA, so that mV = MOhm × nA
    interval_ms = 1e3 / rate_hz
    newest = 0.5 * (1 + min(MODEL_STEP_MS / interval_ms, 1))
    tau_ms = 1e3 * values[:, CAPACITANCE] * values[:, RESISTANCE]
    step_ms = min(MODEL_STEP_MS, interval_ms)
    # In forward Euler steps, as the model has it.
    kept = np.maximum(1 - step_ms / tau_ms, 0.0)
    n_steps = interval_ms / step_ms
    keep, since = kept**n_steps, 1 - kept ** (0.5 * (n_steps - 1))
    residual, gram, onto, off = followed(
        voltage, current, keep, newest, since, 1e-6 * values[:, RESISTANCE], 1e3 * values[:, REST],
        1e3 * values[:, THRESHOLD],
    )  # fmt: skip
    counted = np.isfinite(residual).sum(axis=1)
    variance = np.nansum(residual**2, axis=1) / np.maximum(counted, 1)
    weights = _weights(gram, onto, np.maximum(variance, 1e-9))
    lag = max(1, round(LATER_MS / interval_ms))
    sums, counts = covariances(residual, current, keep, weights, lag)
    power, shared = (sums / np.maximum(counts, 1)).T
    surely = shared - BEYOND * power / np.sqrt(np.maximum(counts[:, 1], 1))
    threshold = np.sqrt(off[:, 0] / np.maximum(off[:, 1], 1))
    return np.stack([np.sqrt(np.maximum(surely, 0.0)), threshold], axis=1)


def limits(found: np.ndarray, rates_hz: np.ndarray) -> Limits:
    """What nearly no training trace exceeds of its misfits (N, 2), at each of the rates (N,):
    between samples that lie apart neither a current nor the end of a dead time is known."""
    by_name: dict[str, list[list[float]]] = {name: [] for name in MISFITS}
    for rate_hz in np.unique(rates_hz)[::-1]:
        high = np.percentile(found[rates_hz == rate_hz], OF_TRAINING, axis=0)
        for name, limit_mv in zip(MISFITS, np.maximum(high, LEAST_LIMIT_MV), strict=True):
            by_name[name].append([1e3 / float(rate_hz), float(limit_mv)])
    return by_name


def limits_at(limits: Limits, rate_hz: float) -> dict[str, float]:
    """By name the limit in mV at a rate; between those of training in a line over the interval."""
    at = {}
    for name, points in limits.items():
        intervals_ms, limits_mv = np.array(points).T
        at[name] = float(np.interp(1e3 / rate_hz, intervals_ms, limits_mv))
    return at


def not_reproduced(found: Mapping[str, float], limits_mv: Mapping[str, float]) -> list[str]:
    """What of a trace its own neuron does not do: a sentence for each misfit beyond its limit."""
    said = {
        "voltage": "between spikes its voltage is off that of the inferred neuron by {} mV beyond "
        "white noise, {} mV at most in simulated traces of that rate",
        "threshold": "its spikes do not begin at the one threshold of the inferred neuron but "
        "{} mV off it, {} mV at most in simulated traces of that rate",
    }
    return [
        said[name].format(number(misfit), number(limits_mv[name]))
        for name, misfit in found.items()
        if misfit > limits_mv.get(name, np.inf)
    ]


def _weights(gram: np.ndarray, onto: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Series resistances and start (B, 3) by least squares, with what is known of them."""
    spread = np.array([SERIES_SPREAD_MOHM, SERIES_SPREAD_MOHM, START_SPREAD_MV])
    expected = np.array([SERIES_MOHM, SERIES_MOHM, 0.0])
    precision = variance[:, None] / spread**2  # (B, 3)
    left = gram + precision[:, None] * np.eye(N_KNOWN)
    weights = np.linalg.solve(left, (onto + precision * expected)[..., None])[..., 0]
    return np.clip(weights, expected - FARTHEST * spread, expected + FARTHEST * spread)

"""A passive membrane fitted to everything between a trace's spikes, and where it fires.

V = rest + R (current, low-pass filtered with the time constant RC) + series resistance × current,
anew after each dead time. For each time constant the rest is linear least squares; the time
constant is looked for on a grid, then on a finer one, and between its points by a parabola.
The series resistance, which compensation left, drifts in a line and is known to be small.

B traces, N samples, W time constants, K regressors.
"""

from dataclasses import dataclass

import numpy as np

from raphe.tasks.glif.features.membrane_kernel import (
    CONSTANT,
    FILTERED,
    LANES,
    SERIES_FIRST,
    SERIES_LAST,
    K,
    brackets,
    grams,
)
from raphe.tasks.glif.neurons.simulation import SIMULATED_HZ

TAU_MS = (0.7, 400.0)  # where the time constant is looked for
SERIES_MOHM, SERIES_SPREAD_MOHM = 2.5, 1.5  # what is known of it: mean and deviation
RESISTANCE_SPREAD_MOHM = 1000.0  # and of R: next to nothing
LEAST_NOISE_MV = 1e-3
# Of the fitted models: forward Euler, a sample's current acts on its own step.
MODEL_STEP_MS = 1e3 / SIMULATED_HZ
UNKNOWN = 3.0  # deviation of the logarithm of what a trace does not tell
CLOSEST = 0.999  # correlation of two estimates


@dataclass(frozen=True, eq=False)
class MembraneFit:
    """What B traces say of their membranes; each a float64 (B,) but for `bounds_mv`.

    Deviations are those of the estimates, of logarithms where so named, under white noise.
    """

    tau_ms: np.ndarray
    resistance_mohm: np.ndarray
    rest_mv: np.ndarray
    series_mohm: np.ndarray  # (B, 2): at the beginning and at the end
    noise_mv: np.ndarray  # deviation of the residuals
    log_resistance_sd: np.ndarray
    log_capacitance_sd: np.ndarray
    correlation: np.ndarray  # of these two estimates' errors
    rest_sd_mv: np.ndarray
    bounds_mv: np.ndarray  # (B, 4), above rest, see membrane_kernel.brackets
    n_spikes: np.ndarray
    dead_time_ms: np.ndarray  # mean of the dead times that end; NaN where there is none
    n_dead_times: np.ndarray

    @property
    def capacitance_pf(self) -> np.ndarray:
        return 1e3 * self.tau_ms / self.resistance_mohm


def fit_membranes(traces: np.ndarray, rate_hz: float) -> MembraneFit:
    """Fit traces float32 (B, 2, N): voltage in mV, NaN in dead time, and current in pA.

    A trace without a voltage has resistance and capacitance that nothing is known of.
    """
    voltage, current = traces[:, 0], traces[:, 1] * 1e-3  # pA → nA, so that mV = MOhm × nA
    interval_ms = 1e3 / rate_hz
    # Of the currents in between, in a line.
    newest = 0.5 * (1 + min(MODEL_STEP_MS / interval_ms, 1))
    with np.errstate(all="ignore"):
        first = np.isfinite(voltage).argmax(axis=1)
        origin = np.nan_to_num(voltage[np.arange(len(voltage)), first].astype(np.float64))
        shortest, longest = np.log(TAU_MS)
        log_taus = np.tile(np.linspace(shortest, longest, LANES), (len(traces), 1))
        solved = _solve(voltage, current, origin, log_taus, interval_ms, newest)
        best = np.clip(solved.rss.argmin(axis=1), 1, LANES - 2)
        step = log_taus[0, 1] - log_taus[0, 0]
        around = np.linspace(-1, 1, LANES) * step
        log_taus = np.take_along_axis(log_taus, best[:, None], axis=1) + around
        solved = _solve(voltage, current, origin, log_taus, interval_ms, newest)
    return _between(solved, log_taus, voltage, current, origin, interval_ms, newest)


@dataclass(frozen=True, eq=False)
class _Solved:
    """Least squares of each time constant: (B, W, …)."""

    weights: np.ndarray  # (B, W, K)
    covariance: np.ndarray  # (B, W, K, K)
    rss: np.ndarray  # (B, W), with what is known of the weights
    n_used: np.ndarray  # (B,)


def _solve(
    voltage: np.ndarray,
    current: np.ndarray,
    origin: np.ndarray,
    log_taus: np.ndarray,
    interval_ms: float,
    newest: float,
) -> _Solved:
    gram, n_used = grams(voltage, current, origin, np.exp(-interval_ms / np.exp(log_taus)), newest)
    gram = gram.transpose(0, 3, 1, 2)  # (B, K + 1, K + 1, W) → (B, W, K + 1, K + 1)
    gram = np.triu(gram) + np.swapaxes(np.triu(gram, 1), 2, 3)
    left, right, power = gram[..., :K, :K], gram[..., :K, K], gram[..., K, K]
    precision = np.zeros(K)  # of what is known of the weights
    precision[FILTERED] = 1 / RESISTANCE_SPREAD_MOHM**2
    precision[[SERIES_FIRST, SERIES_LAST]] = 1 / SERIES_SPREAD_MOHM**2
    expected = np.zeros(K)
    expected[[SERIES_FIRST, SERIES_LAST]] = SERIES_MOHM
    tiny = np.zeros(K)
    tiny[CONSTANT] = 1e-6
    plain = power - np.einsum(
        "bwk,bwk->bw", right, _inverse_times(left + np.diag(precision), right)
    )
    noise = np.maximum(plain.min(axis=1) / np.maximum(n_used, 1), LEAST_NOISE_MV**2)  # (B,)
    penalty = noise[:, None, None, None] * np.diag(precision) + np.diag(tiny)
    moment = right + noise[:, None, None] * precision * expected
    covariance = np.linalg.inv(left + penalty)
    weights = np.einsum("bwkl,bwl->bwk", covariance, moment)
    off = weights - expected
    rss = (
        power
        - 2 * np.einsum("bwk,bwk->bw", weights, right)
        + np.einsum("bwk,bwkl,bwl->bw", weights, left, weights)
        + noise[:, None] * np.einsum("bwk,k->bw", off**2, precision)
    )
    return _Solved(weights, covariance * noise[:, None, None, None], rss, n_used)


def _inverse_times(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.linalg.solve(left + 1e-9 * np.eye(K), right[..., None])[..., 0]


def _between(
    solved: _Solved,
    log_taus: np.ndarray,
    voltage: np.ndarray,
    current: np.ndarray,
    origin: np.ndarray,
    interval_ms: float,
    newest: float,
) -> MembraneFit:
    """The least sum of squares between the points of a grid, and what follows from it."""
    rows = np.arange(len(log_taus))
    at = np.clip(solved.rss.argmin(axis=1), 1, LANES - 2)
    low, middle, high = (solved.rss[rows, at + d] for d in (-1, 0, 1))
    step = log_taus[:, 1] - log_taus[:, 0]
    bend = low - 2 * middle + high
    shift = np.where(bend > 0, 0.5 * (low - high) / np.where(bend > 0, bend, 1), 0).clip(-1, 1)
    weights = solved.weights[rows, at]
    slope = 0.5 * (solved.weights[rows, at + 1] - solved.weights[rows, at - 1])  # (B, K) a step
    weights = weights + slope * shift[:, None]
    log_tau = log_taus[rows, at] + shift * step
    variance = solved.covariance[rows, at]  # (B, K, K)
    noise2 = np.maximum(middle / np.maximum(solved.n_used, 1), LEAST_NOISE_MV**2)
    tau_sd = np.sqrt(np.where(bend > 0, 2 * noise2 * step**2 / np.where(bend > 0, bend, 1), 9))
    tau_sd = np.minimum(tau_sd, UNKNOWN)
    resistance = np.maximum(weights[:, FILTERED], 1.0)
    log_slope = slope[:, FILTERED] / step / resistance  # d log R / d log tau
    given_tau = np.sqrt(variance[:, FILTERED, FILTERED]) / resistance
    by_tau = np.stack([log_slope * tau_sd, (1 - log_slope) * tau_sd])  # of log R and of log C
    log_sd = np.hypot(given_tau, by_tau)
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = (by_tau.prod(axis=0) - given_tau**2) / log_sd.prod(axis=0)
    keep = np.exp(-interval_ms / np.exp(log_tau))
    bounds, n_spikes, dead = brackets(voltage, current, keep, newest, weights + _origin(origin))
    with np.errstate(invalid="ignore", divide="ignore"):
        dead_time_ms = interval_ms * dead[:, 0] / dead[:, 1]
    return MembraneFit(
        tau_ms=_of_euler(np.exp(log_tau), min(interval_ms, MODEL_STEP_MS)),
        resistance_mohm=resistance,
        rest_mv=weights[:, CONSTANT] + origin,
        series_mohm=weights[:, [SERIES_FIRST, SERIES_LAST]],
        noise_mv=np.sqrt(noise2),
        log_resistance_sd=np.minimum(log_sd[0], UNKNOWN),
        log_capacitance_sd=np.minimum(log_sd[1], UNKNOWN),
        correlation=np.nan_to_num(correlation).clip(-CLOSEST, CLOSEST),
        rest_sd_mv=np.hypot(
            np.sqrt(variance[:, CONSTANT, CONSTANT]), slope[:, CONSTANT] / step * tau_sd
        ),
        bounds_mv=bounds,
        n_spikes=n_spikes,
        dead_time_ms=dead_time_ms,
        n_dead_times=dead[:, 1],
    )


def _origin(origin: np.ndarray) -> np.ndarray:
    """What brings fitted weights back to absolute voltages, (B, K)."""
    moved = np.zeros((len(origin), K))
    moved[:, CONSTANT] = origin
    return moved


def _of_euler(tau_ms: np.ndarray, step_ms: float) -> np.ndarray:
    """The time constant that decays in forward Euler steps as this one does in truth."""
    return -step_ms / np.expm1(-step_ms / tau_ms)

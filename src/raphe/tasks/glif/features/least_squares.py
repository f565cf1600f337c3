"""What least squares says of a trace, as numbers that a network can begin from.

Quantities are standardised: on their own scale, less the prior's mean, over its deviation. The
fit's estimates are drawn towards 0 as far as they are uncertain, as a normal prior would; what the
fit cannot see keeps centre 0 and spread 1. B traces, P quantities, F features.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from raphe.tasks.glif.features.membrane_fit import MODEL_STEP_MS, MembraneFit, fit_membranes
from raphe.tasks.glif.neurons.models import WITH_CURRENTS, WITH_RESET_RULE, WITH_VOLTAGE_THRESHOLD
from raphe.tasks.glif.synthetic.prior_scaler import PriorScaler
from raphe.tasks.glif.synthetic.quantities import (
    ALL_LEVELS,
    CAPACITANCE,
    DEAD_TIME,
    RESISTANCE,
    REST,
    THRESHOLD,
)

LEAST_SPREAD = 1e-4  # of a standardised quantity
LEAST_THRESHOLD_MV = 0.1
MOVING_SPREAD = 0.5  # of a threshold that the voltage has moved by the time it is crossed
BLUR_MV = 0.01  # of a bracket, beyond its own width
LEAST_PA = 1.0  # of a current that counts as one
FARTHEST = 8.0  # where a feature is clipped
N_FEATURES = 25
SEEN = len(ALL_LEVELS)  # quantities that the fit tells


@dataclass(frozen=True, eq=False)
class LeastSquaresEstimate:
    """Of B traces, float32."""

    centre: np.ndarray  # (B, P) standardised
    spread: np.ndarray  # (B, P)
    features: np.ndarray  # (B, F)


def estimate_quantities(
    traces: np.ndarray, rate_hz: float, scaler: PriorScaler
) -> LeastSquaresEstimate:
    """Fit traces float32 (B, 2, T): voltage in mV, NaN in dead time, and current in pA."""
    fit = _fit(traces, rate_hz, scaler.level)
    n, n_quantities = len(traces), len(scaler.mean)
    centre, spread = np.zeros((n, n_quantities)), np.ones((n, n_quantities))

    def enter(at: int, number: np.ndarray, sd: np.ndarray) -> None:
        """A quantity's estimate (B,) and its deviation, shrunk towards the prior's mean."""
        z = (number - scaler.mean[at]) / scaler.deviation[at]
        s = np.maximum(sd / scaler.deviation[at], LEAST_SPREAD)
        finite = np.isfinite(z) & np.isfinite(s)
        z, s = np.where(finite, z, 0.0), np.where(finite, s, 1e3)
        centre[:, at], spread[:, at] = z / (1 + s**2), s / np.sqrt(1 + s**2)

    enter(CAPACITANCE, np.log(1e-12 * fit.capacitance_pf), fit.log_capacitance_sd)
    enter(RESISTANCE, np.log(1e6 * fit.resistance_mohm), fit.log_resistance_sd)
    enter(REST, 1e-3 * fit.rest_mv, 1e-3 * fit.rest_sd_mv)
    interval_ms = 1e3 / rate_hz
    sd_ms = np.hypot(MODEL_STEP_MS, interval_ms / np.sqrt(np.maximum(fit.n_dead_times, 1)))
    enter(DEAD_TIME, np.log(1e-3 * fit.dead_time_ms), sd_ms / np.sqrt(12) / fit.dead_time_ms)
    bounds = _standardised_bounds(fit, scaler)
    centre[:, THRESHOLD], spread[:, THRESHOLD] = _threshold(fit, bounds, scaler)
    features = _features(fit, bounds, centre, spread, traces, rate_hz, scaler)
    return LeastSquaresEstimate(*(array.astype(np.float32) for array in (centre, spread, features)))


def _fit(traces: np.ndarray, rate_hz: float, level: int) -> MembraneFit:
    """Afterspike currents are none of the fit's: where a level has them it ends at the first spike,
    and of the rest only spikes and dead times count."""
    whole = fit_membranes(traces, rate_hz)
    if level not in WITH_CURRENTS:
        return whole
    silent = traces.copy()
    silent[:, 0][np.maximum.accumulate(np.isnan(traces[:, 0]), axis=1)] = np.nan
    fired = whole.n_spikes > 0
    first = fit_membranes(silent, rate_hz)
    return replace(
        first,
        n_spikes=whole.n_spikes,
        dead_time_ms=whole.dead_time_ms,
        n_dead_times=whole.n_dead_times,
        bounds_mv=np.where(fired[:, None], first.bounds_mv[:, [2, 3, 2, 3]], first.bounds_mv),
    )


def _standardised_bounds(fit: MembraneFit, scaler: PriorScaler) -> np.ndarray:
    """The four voltages between which a trace fires, (B, 4); infinite where none is known."""
    log_v = np.log(1e-3 * np.maximum(fit.bounds_mv, LEAST_THRESHOLD_MV))
    return (log_v - scaler.mean[THRESHOLD]) / scaler.deviation[THRESHOLD]


def _threshold(
    fit: MembraneFit, bounds: np.ndarray, scaler: PriorScaler
) -> tuple[np.ndarray, np.ndarray]:
    """Centre and spread (B,): between the bounds; a silent trace's is the prior's above the lower.

    A threshold that spikes raise is that of the first one.
    """
    varies = scaler.level in WITH_RESET_RULE or scaler.level in WITH_VOLTAGE_THRESHOLD
    columns = [2, 3] if varies else [0, 1]
    low_mv, high_mv = fit.bounds_mv[:, columns].T
    spiked = np.isfinite(high_mv)
    with np.errstate(invalid="ignore", over="ignore"):
        middle_mv = np.maximum(np.where(spiked, 0.5 * (low_mv + high_mv), 1.0), LEAST_THRESHOLD_MV)
        width_mv = np.where(spiked, np.abs(high_mv - low_mv), 0.0)
    deviation = scaler.deviation[THRESHOLD]
    z = (np.log(1e-3 * middle_mv) - scaler.mean[THRESHOLD]) / deviation
    sd_mv = np.hypot(width_mv / np.sqrt(12), BLUR_MV)
    least = MOVING_SPREAD if scaler.level in WITH_VOLTAGE_THRESHOLD else LEAST_SPREAD
    s = np.clip(sd_mv / middle_mv / deviation, least, 1.0)
    above = np.clip(bounds[:, columns[0]], -FARTHEST, 5.0)
    density = np.exp(-0.5 * above**2) / np.sqrt(2 * np.pi)
    ratio = density / _beyond(above)  # mean of a normal variable above
    silent_sd = np.sqrt(np.maximum(1 + above * ratio - ratio**2, 0.01))
    return np.where(spiked, z, ratio), np.where(spiked, s, silent_sd)


def _beyond(z: np.ndarray) -> np.ndarray:
    """The probability (B,) of a normal variable above z; SciPy's takes as long to load as numba."""
    return np.array([0.5 * math.erfc(each / math.sqrt(2)) for each in z.tolist()])


def _features(
    fit: MembraneFit,
    bounds: np.ndarray,
    centre: np.ndarray,
    spread: np.ndarray,
    traces: np.ndarray,
    rate_hz: float,
    scaler: PriorScaler,
) -> np.ndarray:
    """float64 (B, F): what the fit says, and how sure it is, all of about 1."""
    current = traces[:, 1]
    n = len(current)
    strongest_mv = 1e-3 * fit.resistance_mohm * np.abs(current).max(axis=1)
    columns = [
        *centre[:, :SEEN].T,
        *np.log(spread[:, :SEEN]).T / 3,
        *bounds.T,
        np.log1p(fit.n_spikes) / 2,
        np.log(fit.noise_mv),
        *fit.series_mohm.T / 3,
        np.full(n, np.log(rate_hz / 10_000)),
        np.full(n, np.log(current.shape[1] / rate_hz)),
        np.log(np.maximum(strongest_mv, 0.1) / 30),
        np.log(np.maximum(current.std(axis=1), 0.1) / 50),
        np.log(fit.tau_ms / 20),
        (np.abs(current) > LEAST_PA).mean(axis=1),
        np.arctanh(fit.correlation),
    ]
    return np.clip(np.nan_to_num(np.stack(columns, axis=1), nan=0.0), -FARTHEST, FARTHEST)

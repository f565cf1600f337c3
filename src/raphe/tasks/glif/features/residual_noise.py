"""What noise a voltage has beyond its model: its covariance, estimated from the residual.

White noise and two Ornstein-Uhlenbeck processes: a fast one, as membranes and amplifiers have,
and a slow one, as electrodes drift. Restricted maximum likelihood: regressors, and what each
stretch starts from, take their share of the residual, and that is counted.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from raphe.tasks.glif.features.pooled_sweeps import PooledSweeps
from raphe.tasks.glif.features.sweep_kernel import whitened

LEAST_MV, MOST_MV = 1e-3, 10.0  # deviations
FAST_S, SLOW_S = (0.3e-3, 40e-3), (60e-3, 10.0)  # time constants
READ = 15_000  # samples that the noise is estimated from
EVALUATIONS = 120


@dataclass(frozen=True)
class ResidualNoise:
    """Deviations in mV, time constants in s."""

    white_mv: float
    fast_mv: float = 0.0
    fast_s: float = 3e-3
    slow_mv: float = 0.0
    slow_s: float = 1.0

    def of_step(self, dt_s: float) -> np.ndarray:
        """As `whitened` takes it, (5,)."""
        fast, slow = np.exp(-dt_s / self.fast_s), np.exp(-dt_s / self.slow_s)
        return np.array([self.white_mv**2, self.fast_mv**2, fast, self.slow_mv**2, slow])


@dataclass(frozen=True, eq=False)
class Products:
    """Whitened sums of products of columns, the residual last."""

    gram: np.ndarray  # float64 (Q, Q)
    log_det: float
    n_used: int
    begun: np.ndarray  # float64 (S, Q)


def products(
    columns: np.ndarray,
    sweeps: PooledSweeps,
    keep: float,
    noise: ResidualNoise,
    every: int = 1,
) -> Products:
    """See `whitened`; of so many samples one is read."""
    columns = np.ascontiguousarray(columns)  # one layout, compiled once
    begun = np.empty((len(sweeps.starts), columns.shape[1]))
    rows = np.empty((len(columns) // every + len(begun), columns.shape[1]))
    of_step = noise.of_step(sweeps.dt_s)
    log_det, n_used = whitened(columns, *sweeps.places, keep, of_step, every, rows, begun)
    rows = rows[:n_used]
    return Products(rows.T @ rows, log_det, n_used, begun)


def estimate_noise(
    columns: np.ndarray,
    sweeps: PooledSweeps,
    keep: float,
    precision: np.ndarray,
    begin: ResidualNoise,
) -> ResidualNoise:
    """The noise of a residual, the last of columns (N, Q); the others are its regressors, whose
    weights are known to `precision` (Q - 1, Q - 1) beforehand."""
    every = max(1, len(columns) // READ)

    def loss(place: np.ndarray) -> float:
        found = products(columns, sweeps, keep, _noise_at(place), every)
        left = found.gram[:-1, :-1] + precision
        onto = found.gram[:-1, -1]
        value = found.log_det + found.gram[-1, -1] - onto @ np.linalg.solve(left, onto)
        outside = np.abs(place - np.clip(place, 0, 1)).sum()
        return float(value + np.linalg.slogdet(left)[1] + 1e4 * outside)

    start = _place_of(begin)
    simplex = np.vstack([start, start + np.diag([0.15, 0.15, 0.2, 0.15, 0.2])])
    simplex = np.where(simplex > 1, 2 * start - simplex, simplex)
    found = minimize(
        loss, start, method="Nelder-Mead",
        options={"initial_simplex": simplex, "maxfev": EVALUATIONS, "xatol": 2e-3, "fatol": 0.05},
    )  # fmt: skip
    return _noise_at(found.x)


_RANGES = np.log(
    [(LEAST_MV, MOST_MV), (LEAST_MV, MOST_MV), FAST_S, (LEAST_MV, MOST_MV), SLOW_S]
)  # (5, 2)


def _noise_at(place: np.ndarray) -> ResidualNoise:
    """Of a place in the unit cube (5,)."""
    low, high = _RANGES.T
    return ResidualNoise(*np.exp(low + np.clip(place, 0, 1) * (high - low)).tolist())


def _place_of(noise: ResidualNoise) -> np.ndarray:
    low, high = _RANGES.T
    values = [noise.white_mv, noise.fast_mv, noise.fast_s, noise.slow_mv, noise.slow_s]
    logs = np.log(np.maximum(values, 1e-12))
    return np.clip((logs - low) / (high - low), 0.01, 0.99)

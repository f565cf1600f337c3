"""What neurons there are: a distribution fitted to real cells, to draw others from.

A Gaussian copula: each quantity has the quantiles of the fitted cells, on its own scale, and the
quantities hang together as the ranks of the cells do. P quantities, Q quantiles, B neurons.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from raphe.core.errors import SettingError
from raphe.core.files.atomic import write_file
from raphe.core.files.path import file_status
from raphe.tasks.glif.neurons.models import LEVELS
from raphe.tasks.glif.synthetic.fitted_cells import FittedCells
from raphe.tasks.glif.synthetic.quantities import in_si, quantities, scaled, values_of

N_QUANTILES = 41
LEAST_SLOPE = 0.1  # of the mean one, beyond the outermost quantiles
FEWEST = 20  # cells that a distribution can be fitted to
KIND = "glif/prior"


@dataclass(frozen=True, eq=False)
class Prior:
    """The distribution of one level's quantities.

    Its scores are normal with mean 0, deviation 1 and the correlations of the ranks; each quantity
    is a monotone function of its own.
    """

    level: int
    quantiles: np.ndarray  # float64 (P, Q) at `scores_of_quantiles`, scaled
    correlation: np.ndarray  # float64 (P, P)
    n_cells: int  # that it was fitted to; 0: typical ones

    @property
    def scores_of_quantiles(self) -> np.ndarray:
        """Where the quantiles lie, float64 (Q,): evenly in probability, without 0 and 1."""
        from scipy.special import ndtri  # as long to load as numba, and inference needs none

        return ndtri((np.arange(N_QUANTILES) + 0.5) / N_QUANTILES)

    @property
    def content_hash(self) -> str:
        return hashlib.sha256(prior_json(self).encode()).hexdigest()

    def draw_scores(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Returns float64 (n, P)."""
        return (
            rng.standard_normal((n, len(self.quantiles))) @ np.linalg.cholesky(self.correlation).T
        )

    def draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Quantities of neurons that there might be, float64 (n, P) in SI units."""
        return self.values(self.draw_scores(n, rng))

    def values(self, scores: np.ndarray) -> np.ndarray:
        """Quantities (…, P) in SI units of scores (…, P)."""
        at = self.scores_of_quantiles
        numbers = [_forward(scores[..., i], at, row) for i, row in enumerate(self.quantiles)]
        return in_si(self.level, np.stack(numbers, axis=-1))


def fit_prior(cells: FittedCells) -> Prior:
    """Fit the distribution of one level's cells. Raises SettingError for too few of them."""
    from scipy.special import ndtri  # take half a second to load, and inference needs none
    from scipy.stats import rankdata

    level, n = cells.neurons.level, len(cells)
    if n < FEWEST:
        raise SettingError(f"level {level}: expected {FEWEST} fitted cells or more, got {n}")
    numbers = scaled(level, values_of(cells.neurons, cells.rest_v))  # (B, P)
    shares = (np.arange(N_QUANTILES) + 0.5) / N_QUANTILES
    quantiles = np.quantile(numbers, shares, axis=0).T
    ranks = ndtri((rankdata(numbers, axis=0) - 0.5) / n)
    return Prior(level, _rising(quantiles), np.corrcoef(ranks.T), n)


def prior_json(prior: Prior) -> str:
    """A prior as JSON, which `read_prior` reads; the quantiles on their scales."""
    facts = {
        "kind": KIND,
        "level": prior.level,
        "n_cells": prior.n_cells,
        "quantities": [quantity.name for quantity in quantities(prior.level)],
        "quantiles": np.round(prior.quantiles, 6).tolist(),
        "correlation": np.round(prior.correlation, 6).tolist(),
    }
    return json.dumps(facts, indent=1) + "\n"


def write_prior(prior: Prior, path: Path) -> None:
    """Write a prior, whole or not at all."""
    write_file(path, prior_json(prior))


def read_prior(path: Path | str) -> Prior:
    """Read what `write_prior` wrote. Raises SettingError."""
    file_status(Path(path), SettingError)
    try:
        facts = json.loads(Path(path).read_text(encoding="utf-8"))
        if facts["kind"] != KIND:
            raise SettingError(f"{path}: expected {KIND}, got {facts['kind']}")
        quantiles = np.array(facts["quantiles"], np.float64)
        correlation = np.array(facts["correlation"], np.float64)
        prior = Prior(facts["level"], quantiles, correlation, facts["n_cells"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingError(f"{path}: expected a prior (JSON), got {error!r}") from error
    if fault := _fault(prior):
        raise SettingError(
            f"{path}: expected a prior as training writes it, {fault}; fit it anew with `raphe "
            "train task=glif`"
        )
    return prior


def _fault(prior: Prior) -> str:
    """What of a prior can be none, as the rest of a sentence; "" of one that can."""
    if prior.level not in LEVELS:
        return f"got a GLIF level of {prior.level!r}"
    n = len(quantities(prior.level))
    shape, of_correlation = prior.quantiles.shape, prior.correlation.shape
    if shape != (n, N_QUANTILES) or of_correlation != (n, n):
        return (
            f"with quantiles of shape {(n, N_QUANTILES)} and a correlation of {(n, n)} at level "
            f"{prior.level}, got {shape} and {of_correlation}"
        )
    rises = (np.diff(prior.quantiles) >= 0).all() and (np.ptp(prior.quantiles, axis=1) > 0).all()
    if not (np.isfinite(prior.quantiles).all() and rises):
        return "with quantiles that are finite and rise, got others"
    try:
        np.linalg.cholesky(prior.correlation)
    except np.linalg.LinAlgError:
        return "got a correlation that no quantities can have: it is not positive definite"
    return ""


def _rising(quantiles: np.ndarray) -> np.ndarray:
    """Quantiles (P, Q) that rise strictly, where several cells share a value."""
    span = np.ptp(quantiles, axis=1, keepdims=True)
    return np.maximum.accumulate(quantiles, axis=1) + 1e-6 * span * np.linspace(
        0, 1, quantiles.shape[1]
    )


def _end_slopes(at: np.ndarray, row: np.ndarray) -> np.ndarray:
    """How a quantity goes on per score beyond its first and last quantile, float64 (2,).

    The gentler of the outer tenth's slope and the mean one: a long tail goes on no further than
    the bulk would, and a value that many cells share stays nearly what it is.
    """
    tenth = len(at) // 10
    mean = (row[-1] - row[0]) / (at[-1] - at[0])
    outer = np.array([row[tenth] - row[0], row[-1] - row[-1 - tenth]]) / (at[tenth] - at[0])
    return np.clip(outer, LEAST_SLOPE * mean, mean)


def _beyond(x: np.ndarray, knots: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """What to add to an interpolation, which stays at its ends outside the knots."""
    return slopes[0] * np.minimum(x - knots[0], 0) + slopes[1] * np.maximum(x - knots[-1], 0)


def _forward(x: np.ndarray, at: np.ndarray, row: np.ndarray) -> np.ndarray:
    return np.interp(x, at, row) + _beyond(x, at, _end_slopes(at, row))

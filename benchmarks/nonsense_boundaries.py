"""Where nonsense begins: one boundary for each kind, drawn between it and what is calcium.

n traces, M measures, P terms.
"""

import json
from collections.abc import Sequence

import numpy as np
from nonsense_kinds import TRANSPOSED

from raphe.tasks.calcium.features.unlike_calcium import MEASURES, Boundaries

KINDS = {  # of a boundary: which kinds of nonsense lie beyond it, and how often calcium may
    "wandering": (
        (
            *("random walk", "random walk in noise", "pink noise", "noise of power 1/f^1.5"),
            *("drift", "bleaching", "line artefact"),
        ),
        0.012,
    ),
    "inverted": (("inverted", "backwards"), 0.006),
    "stepping": (("steps", "steps in noise"), 0.002),
    "scattered": ((TRANSPOSED, "shuffled frames", "spikes", "deconvolved"), 0.0015),
    "fast": (("rate told ×4",), 0.001),
    "slow": (("rate told ÷4",), 0.001),
}
RIDGE = 1e-3  # of the weights, with a likelihood of all traces of 1
STEPS = 12  # of Newton's
DIGITS = 4


def drawn(
    measures: np.ndarray, kinds: Sequence[str], sets: Sequence[str], is_calcium: np.ndarray
) -> Boundaries:
    """By logistic regression, from measures (n, M) of traces that stand out of their noise.

    Each set has the same weight in each kind, and calcium as much as nonsense. A boundary lies
    where so much of the calcium is beyond it as is allowed.
    """
    kinds, sets = np.asarray(kinds), np.asarray(sets)
    _, pair, n = np.unique(kinds + "\n" + sets, return_inverse=True, return_counts=True)
    weight = 1 / n[pair]
    centre, scale = measures.mean(0), measures.std(0)
    boundaries = Boundaries(_short(centre), _short(scale), {})
    terms = boundaries.terms(measures)  # (n, P)
    weights = {}
    for name, (beyond, allowed) in KINDS.items():
        is_beyond = np.isin(kinds, beyond)
        taken = is_beyond | is_calcium
        share = np.where(is_beyond, weight / weight[is_beyond].sum(), 0)
        share += np.where(is_calcium, weight / weight[is_calcium].sum(), 0)
        slope = _short(_logistic(terms[taken], is_beyond[taken], share[taken] / 2))
        slope[0] -= _quantile((terms @ slope)[is_calcium], weight[is_calcium], 1 - allowed)
        weights[name] = slope
    return boundaries._replace(weights=weights)


def as_json(boundaries: Boundaries) -> str:
    """The text of the file that comes with raphe."""
    values = {
        "measures": MEASURES,
        "centre": boundaries.centre.tolist(),
        "scale": boundaries.scale.tolist(),
        "weights": {name: _short(w).tolist() for name, w in boundaries.weights.items()},
    }
    return json.dumps(values, indent=1) + "\n"


def _short(values: np.ndarray) -> np.ndarray:
    return np.array([float(f"{value:.{DIGITS}g}") for value in values])


def _logistic(terms: np.ndarray, is_beyond: np.ndarray, share: np.ndarray) -> np.ndarray:
    weights = np.zeros(terms.shape[1])
    ridge = np.full(len(weights), RIDGE)
    ridge[0] = 1e-6
    for _ in range(STEPS):
        probable = 1 / (1 + np.exp(-np.clip(terms @ weights, -30, 30)))
        gradient = terms.T @ (share * (is_beyond - probable)) - ridge * weights
        curvature = (terms * (share * probable * (1 - probable))[:, None]).T @ terms
        weights += np.linalg.solve(curvature + np.diag(ridge), gradient)
    return weights


def _quantile(values: np.ndarray, weight: np.ndarray, share: float) -> float:
    order = np.argsort(values)
    reached = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(reached, share * reached[-1])])

"""What a bundle says of units, moved as far as a few labelled ones ask.

The logits of a unit are slope · log p + offset + weight · features, where p is what the bundle
says. Slope, offset and weight have priors around the bundle as it is: where units are few it stays.
The features are log p itself and the numbers of each branch, every block weighing alike. Without
the bundle this is a logistic regression on the same features. N units, D numbers a unit, C
classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from raphe.core.firing.branch_scale import centre_and_scale

LOG_SLOPE_SD = 0.5  # as where probabilities are calibrated, see raphe.core.statistics.calibration
FARTHEST = 5.0  # SD: a number farther out is one so far out, as in UnitNet
LEAST_PROBABILITY = 1e-4  # that a bundle states: a smaller one is taken as this
STOPS = {"maxiter": 100, "ftol": 1e-6}


@dataclass(frozen=True)
class Freedom:
    """How far units may move the bundle: SD of the priors, in logits."""

    name: str
    offset_sd: float = 0.0  # of each class
    weight_sd: float = 0.0  # of what the features of a usual unit add
    keeps_bundle: bool = True  # False: the bundle has no say


@dataclass(frozen=True)
class Scaling:
    """Of log p and inputs: centre (C + D,), spread, and each number's weight in its block."""

    mean: np.ndarray
    spread: np.ndarray
    weight: np.ndarray

    @classmethod
    def of(cls, log_p: np.ndarray, inputs: np.ndarray, dims: Sequence[int]) -> "Scaling":
        """Of units (N, C) and (N, D), labelled or not."""
        blocks = [log_p.shape[1], *(n for n in dims if n)]
        mean, spread = centre_and_scale(np.hstack([log_p, inputs]), blocks)
        return cls(mean, spread, 1 / np.sqrt(np.repeat(blocks, blocks) * len(blocks)))

    def features(self, log_p: np.ndarray, inputs: np.ndarray) -> np.ndarray:
        """(N, C + D), their squares 1 in sum of a usual unit; 0 where a branch is missing."""
        scaled = (np.hstack([log_p, inputs]) - self.mean) / self.spread
        return np.nan_to_num(np.clip(scaled, -FARTHEST, FARTHEST)) * self.weight


@dataclass(frozen=True)
class Head:
    """What is added to a bundle."""

    scaling: Scaling
    slope: float  # 0 where the bundle has no say
    offset: np.ndarray  # (C,)
    weight: np.ndarray  # (C + D, C)

    def logits(self, log_p: np.ndarray, inputs: np.ndarray) -> np.ndarray:
        added = self.scaling.features(log_p, inputs) @ self.weight
        return self.slope * log_p + self.offset + added

    def probability(self, log_p: np.ndarray, inputs: np.ndarray) -> np.ndarray:
        """Of units that the bundle says log p (N, C) of: (N, C)."""
        return softmax(self.logits(log_p, inputs), axis=1)


def untouched(scaling: Scaling, n_classes: int) -> Head:
    """What leaves a bundle as it is."""
    return Head(scaling, 1.0, np.zeros(n_classes), np.zeros((len(scaling.mean), n_classes)))


def unit_weights(label: np.ndarray) -> np.ndarray:
    """Of each unit (N,), N in sum: each class that there is weighs alike."""
    _, row, n = np.unique(label, return_inverse=True, return_counts=True)
    return len(label) / (len(n) * n[row])


def fit_head(
    freedom: Freedom, scaling: Scaling, log_p: np.ndarray, inputs: np.ndarray, label: np.ndarray
) -> Head:
    """The most probable head, given units of these labels (N,).

    Only the classes that have labels are told from each other: of one without, no unit can say
    whether the bundle calls it too often, so that its logit stays where it is.
    """
    n_classes = log_p.shape[1]
    known = np.unique(label)
    features = scaling.features(log_p, inputs) * bool(freedom.weight_sd)
    left, sizes, right = np.linalg.svd(features, full_matrices=False)
    rank = int((sizes > 1e-9).sum())
    reduced, back = left[:, :rank] * sizes[:rank], right[:rank].T  # weights lie in the units' span
    base, truth = log_p[:, known], label[:, None] == known
    of_unit = unit_weights(label)[:, None]
    has_slope, k = freedom.keeps_bundle, len(known)

    def unpacked(x: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Slope, offset and weight of what is 0 ± 1 a priori: so the search is well scaled."""
        slope = float(np.exp(LOG_SLOPE_SD * x[0])) if has_slope else 0.0
        weight = freedom.weight_sd * x[1 + k :].reshape(rank, k)
        return slope, freedom.offset_sd * x[1 : 1 + k], weight

    def loss(x: np.ndarray) -> tuple[float, np.ndarray]:
        slope, offset, weight = unpacked(x)
        said = log_softmax(slope * base + offset + reduced @ weight, axis=1)
        excess = of_unit * (np.exp(said) - truth)
        gradient = x.copy()
        gradient[0] += LOG_SLOPE_SD * slope * (excess * base).sum()
        gradient[1 : 1 + k] += freedom.offset_sd * excess.sum(axis=0)
        gradient[1 + k :] += freedom.weight_sd * (reduced.T @ excess).ravel()
        return float(-(of_unit * said * truth).sum() + (x**2).sum() / 2), gradient

    start = np.zeros(1 + k + rank * k)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options=STOPS)
    slope, of_known, weight = unpacked(found.x)
    offset, full = np.zeros(n_classes), np.zeros((features.shape[1], n_classes))
    offset[known], full[:, known] = of_known, back @ weight
    return Head(scaling, slope, offset, full)

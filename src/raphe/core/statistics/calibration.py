"""How far a stated probability can be trusted, and how to make it so.

N items (cells, spikes), C classes, B bins.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from raphe.core.errors import SettingError

Method = Literal["temperature", "platt"]
Binning = Literal["equal width", "equal mass"]

N_BINS = 10
SMALLEST_PROBABILITY = 1e-300  # its logarithm is still finite
LEAST_SLOPE = 0.01  # a negative one, of a network worse than chance, would turn all verdicts round


@dataclass(frozen=True)
class Calibration:
    """Rescales probabilities: softmax(slope · log p + offset). As made, it changes nothing.

    A temperature T is slope 1/T without offsets (Guo et al. 2017). Platt's (1999) scaling of two
    classes is slope a and offsets (b, 0) on their log odds.
    """

    slope: float = 1.0
    offset: tuple[float, ...] = ()  # of each class; none for a temperature

    def __call__(self, probability: np.ndarray) -> np.ndarray:
        """Calibrated probabilities (N, C) of probabilities (N, C)."""
        return softmax(self._logits(np.asarray(probability, float)), axis=1)

    def _logits(self, probability: np.ndarray) -> np.ndarray:
        logits = self.slope * np.log(np.maximum(probability, SMALLEST_PROBABILITY))
        return logits + np.asarray(self.offset) if self.offset else logits


def fit_calibration(
    probability: np.ndarray, label: np.ndarray, method: Method = "temperature"
) -> Calibration:
    """Fit by maximum likelihood, on items of groups that were not trained on.

    The targets are Platt's (1999), not 0 and 1: of N_c items of a class the true class has
    (N_c + 1) / (N_c + C). Else a few held-out cells, all called right, would make every later
    verdict certain. With many items it makes no difference.

    Args:
        probability: (N, C), rows sum to 1.
        label: (N,) int, the true class.
        method: "temperature" has one parameter, and keeps every verdict; "platt" also shifts each
            class, so C parameters.
    """
    probability = np.asarray(probability, float)
    if method not in ("temperature", "platt"):
        raise SettingError(f"calibration={method}: expected temperature or platt")
    if not len(label):
        raise SettingError("calibration: expected held-out items to fit it on, got none")
    n_classes = probability.shape[1]
    target = _smoothed_targets(np.asarray(label), n_classes)
    log_p = np.log(np.maximum(probability, SMALLEST_PROBABILITY))
    n_free = n_classes - 1 if method == "platt" else 0  # the last class is the reference

    def loss_and_gradient(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        logits = parameters[0] * log_p
        logits[:, :n_free] += parameters[1:]
        log_q = log_softmax(logits, axis=1)
        excess = np.exp(log_q) - target  # (N, C)
        gradient = [(excess * log_p).sum(), *excess[:, :n_free].sum(axis=0)]
        return -(target * log_q).sum() / len(target), np.array(gradient) / len(target)

    start = np.array([1.0] + [0.0] * n_free)
    # Convex in its parameters, so the one minimum is found from anywhere.
    optimum = minimize(
        loss_and_gradient,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[(LEAST_SLOPE, None)] + [(None, None)] * n_free,
        options={"ftol": 1e-15, "gtol": 1e-9, "maxiter": 1000},
    )
    slope, *offset = (float(value) for value in optimum.x)
    return Calibration(slope, (*offset, 0.0) if method == "platt" else ())


def _smoothed_targets(label: np.ndarray, n_classes: int) -> np.ndarray:
    counts = np.bincount(label, minlength=n_classes)
    rest = 1 / (counts[label] + n_classes)
    target = np.repeat(rest[:, None], n_classes, axis=1)
    target[np.arange(len(label)), label] = (counts[label] + 1) * rest
    return target


def brier(probability: np.ndarray, label: np.ndarray) -> float:
    """Mean squared error of the probabilities (N, C), as scikit-learn has it: of two classes that
    of either, 0 to 1; of more the sum over all, 0 to 2."""
    truth = np.eye(probability.shape[1])[label]
    squared = ((probability - truth) ** 2).sum(axis=1)
    return float(squared.mean() / (2 if probability.shape[1] == 2 else 1))


@dataclass(frozen=True)
class Reliability:
    """Probabilities in bins, beside how often they were right. Empty bins are left out. (B,)"""

    binning: Binning
    stated: np.ndarray  # mean probability
    n_right: np.ndarray
    n: np.ndarray
    edges: np.ndarray  # of all bins, empty ones too

    @property
    def share_right(self) -> np.ndarray:
        return self.n_right / self.n

    @property
    def expected_error(self) -> float:
        """ECE (Naeini et al. 2015): the mean distance between the two, weighted by the counts."""
        return float((self.n * np.abs(self.share_right - self.stated)).sum() / self.n.sum())


def reliability(
    stated: np.ndarray,
    right: np.ndarray,
    binning: Binning = "equal width",
    n_bins: int = N_BINS,
) -> Reliability:
    """Compare stated probabilities (N,) with outcomes (N,) of 0 or 1.

    Bins of equal width are read most easily; bins of equal mass hold about as many items each, so
    that their errors are of one size. A value on an edge belongs to the lower bin, and 0 to the
    first.
    """
    stated, right = np.asarray(stated, float), np.asarray(right, float)
    edges = _edges(stated, binning, n_bins)
    row = np.searchsorted(edges[1:-1], stated, side="left")
    count = np.bincount(row, minlength=n_bins)
    filled = count > 0
    n = count[filled]
    return Reliability(
        binning,
        stated=np.bincount(row, stated, n_bins)[filled] / n,
        n_right=np.bincount(row, right, n_bins)[filled].astype(np.int64),
        n=n,
        edges=edges,
    )


def _edges(stated: np.ndarray, binning: Binning, n_bins: int) -> np.ndarray:
    shares: Sequence[float] = np.linspace(0, 1, n_bins + 1)
    return np.asarray(shares if binning == "equal width" else np.quantile(stated, shares))

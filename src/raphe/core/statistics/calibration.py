"""How far a stated probability can be trusted, and how to make it so.

N items (cells, spikes), C classes, B bins.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import log_softmax, softmax

from raphe.core.errors import SettingError

Method = Literal["temperature", "platt"]
Binning = Literal["equal width", "equal mass"]

N_BINS = 10
SMALLEST_PROBABILITY = 1e-300  # its logarithm is still finite
STARTS = (-3.0, 0.0, 3.0)  # log slopes: many items hardly surer than chance have two optima
STEEPEST = 7.0  # log slope at which a likelihood ends that has no prior, and so perhaps no optimum


@dataclass(frozen=True)
class Prior:
    """What is believed of a calibration before any item is seen: that it changes little.

    The log slope is normal around 0 and so is each class's offset, independently. Infinite standard
    deviations make maximum likelihood.
    """

    log_slope_sd: float = 0.5  # a slope of 0.38 to 2.7 with 95 %
    offset_sd: float = 0.5  # of each class's; of the log odds of two classes 0.7


PRIOR = Prior()  # chosen, as is the next, by benchmarks/calibration.py
# With 10 items half of the networks that are 2.5 times too sure would stay as they are (median
# slope 1.01); with 20 their median slope is 0.6 to 0.7.
FEWEST_ITEMS = 20


@dataclass(frozen=True)
class Calibration:
    """Rescales probabilities: softmax(slope · log p + offset). As made, it changes nothing.

    A temperature T is slope 1/T without offsets (Guo et al. 2017). Platt's (1999) scaling of two
    classes is slope a and offsets (b/2, -b/2): a and b on their log odds.
    """

    slope: float = 1.0
    offset: tuple[float, ...] = ()  # of each class; none for a temperature

    def __call__(self, probability: np.ndarray) -> np.ndarray:
        """Calibrated probabilities (N, C) of probabilities (N, C)."""
        return softmax(self._logits(np.asarray(probability, float)), axis=1)

    def _logits(self, probability: np.ndarray) -> np.ndarray:
        logits = self.slope * np.log(np.maximum(probability, SMALLEST_PROBABILITY))
        return logits + np.asarray(self.offset) if self.offset else logits

    def shifted(self, by: np.ndarray) -> "Calibration":
        """With more of each class's log probability, (C,)."""
        before = np.asarray(self.offset) if self.offset else np.zeros(len(by))
        return Calibration(self.slope, tuple((before + by).tolist()))


def fit_calibration(
    probability: np.ndarray,
    label: np.ndarray,
    method: Method = "temperature",
    prior: Prior = PRIOR,
) -> Calibration:
    """Fit by maximum a posteriori, on items of groups that were not trained on.

    The prior keeps a few held-out cells, all called right, from making every later verdict certain,
    and otherwise leaves a network that states its probabilities rightly as it is. With many items
    it makes no difference. Platt's (1999) smoothed targets, the usual remedy, pull the slope to
    half at 20 to 50 cells (benchmarks/results/calibration.md).

    Args:
        probability: (N, C), rows sum to 1.
        label: (N,) int, the true class.
        method: "temperature" has one parameter, and keeps every verdict; "platt" also shifts each
            class, so C parameters.
        prior: of the parameters.
    """
    probability, label = np.asarray(probability, float), np.asarray(label)
    if method not in ("temperature", "platt"):
        raise SettingError(f"calibration={method}: expected temperature or platt")
    if not len(label):
        raise SettingError("calibration: expected held-out items to fit it on, got none")
    log_p = np.log(np.maximum(probability, SMALLEST_PROBABILITY))
    truth = np.eye(probability.shape[1])[label]
    n_offsets = probability.shape[1] if method == "platt" else 0
    sd = np.array([prior.log_slope_sd, *[prior.offset_sd] * n_offsets])

    def loss_and_gradient(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        scaled = np.exp(parameters[0]) * log_p
        logits = scaled + parameters[1:] if n_offsets else scaled
        log_q = log_softmax(logits, axis=1)
        excess = np.exp(log_q) - truth  # (N, C)
        gradient = [(excess * scaled).sum(), *excess.sum(axis=0)[:n_offsets]]
        loss = -(truth * log_q).sum() + ((parameters / sd) ** 2).sum() / 2
        return loss / len(truth), (gradient + parameters / sd**2) / len(truth)

    from scipy.optimize import minimize  # half a second, that whoever only applies one can spare

    optima = [
        minimize(
            loss_and_gradient,
            np.array([start, *[0.0] * n_offsets]),
            jac=True,
            method="L-BFGS-B",
            bounds=[(-STEEPEST, STEEPEST), *[(None, None)] * n_offsets],
            options={"ftol": 1e-15, "gtol": 1e-9, "maxiter": 1000},
        )
        for start in STARTS
    ]
    log_slope, *offset = min(optima, key=lambda optimum: optimum.fun).x.tolist()
    return Calibration(float(np.exp(log_slope)), tuple(offset))


def items_wanted(n: int) -> int:
    """How many items more than n it takes to calibrate on them; 0 where they are enough."""
    return max(0, FEWEST_ITEMS - n)


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
    shares = np.linspace(0, 1, n_bins + 1)
    return np.asarray(shares if binning == "equal width" else np.quantile(stated, shares))

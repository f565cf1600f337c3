"""Ways to fit a calibration, for calibration.py: raphe's, its earlier one, and those of others.

n cells to calibrate on, C classes.
"""

from collections.abc import Callable

import numpy as np
from calibration_cells import Rescaling, of_log_odds
from scipy.optimize import minimize
from scipy.special import log_softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold

from raphe.core.statistics.calibration import Prior, fit_calibration

CERTAIN = 1e-6  # probabilities of the peers' calibrations are kept from 0 and 1 by so much

Fit = Callable[[np.ndarray, np.ndarray], Rescaling]  # of probabilities (n, C) and labels (n,)


def none(probability: np.ndarray, label: np.ndarray) -> Rescaling:
    return lambda stated: stated


def posterior(method: str, log_slope_sd: float, offset_sd: float = 0.5) -> Fit:
    prior = Prior(log_slope_sd, offset_sd)
    return lambda probability, label: fit_calibration(probability, label, method, prior)


def smoothed(method: str) -> Fit:
    """Maximum likelihood of Platt's targets, raphe's rule before the prior."""

    def fit(probability: np.ndarray, label: np.ndarray) -> Rescaling:
        n_classes = probability.shape[1]
        rest = 1 / (np.bincount(label, minlength=n_classes)[label] + n_classes)
        target = np.repeat(rest[:, None], n_classes, axis=1)
        target[np.arange(len(label)), label] = 1 - (n_classes - 1) * rest
        log_p = np.log(np.maximum(probability, 1e-300))
        n_free = n_classes - 1 if method == "platt" else 0

        def rescaled(parameters: np.ndarray, log_p: np.ndarray) -> np.ndarray:
            logits = parameters[0] * log_p
            logits[:, :n_free] += parameters[1:]
            return log_softmax(logits, axis=1)

        start, bounds = [1.0] + [0.0] * n_free, [(0.01, None)] + [(None, None)] * n_free
        best = minimize(lambda x: -(target * rescaled(x, log_p)).sum(), start, bounds=bounds).x
        return lambda stated: np.exp(rescaled(best, np.log(np.maximum(stated, 1e-300))))

    return fit


class _Network(ClassifierMixin, BaseEstimator):
    """What scikit-learn takes for a classifier: it is given its logits as features."""

    def fit(self, logits: np.ndarray, label: np.ndarray) -> "_Network":
        self.classes_ = np.unique(label)
        return self

    def predict(self, logits: np.ndarray) -> np.ndarray:
        return self.classes_[logits.argmax(axis=1)]

    def decision_function(self, logits: np.ndarray) -> np.ndarray:
        return logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits


def scikit_learn(method: str) -> Fit:
    """CalibratedClassifierCV: "temperature" or "sigmoid". The network is frozen, so that its folds
    change nothing but how few cells of a class it takes."""

    def fit(probability: np.ndarray, label: np.ndarray) -> Rescaling:
        logits = _logits(probability)
        network = FrozenEstimator(_Network().fit(logits, np.arange(probability.shape[1])))
        fitted = CalibratedClassifierCV(network, method=method, cv=KFold(2)).fit(logits, label)
        return lambda stated: fitted.predict_proba(_logits(stated))

    return fit


def beta(probability: np.ndarray, label: np.ndarray) -> Rescaling:
    """Kull et al. 2017, of two classes: logistic regression of ln p and -ln(1 - p)."""

    def features(stated: np.ndarray) -> np.ndarray:
        first = np.clip(stated[:, 0], CERTAIN, 1 - CERTAIN)
        return np.stack([np.log(first), -np.log1p(-first)], axis=1)

    fitted = LogisticRegression(C=np.inf, max_iter=1000).fit(features(probability), label == 0)
    return lambda stated: of_log_odds(fitted.decision_function(features(stated)))


def histogram(probability: np.ndarray, label: np.ndarray, n_bins: int = 5) -> Rescaling:
    """Zadrozny & Elkan 2001, of two classes: shares of the first class in bins of equal mass."""
    edges = np.quantile(probability[:, 0], np.linspace(0, 1, n_bins + 1))[1:-1]
    row = np.searchsorted(edges, probability[:, 0])
    first = np.bincount(row, label == 0, n_bins) + 0.5  # half a cell of each class beside
    share = first / (np.bincount(row, minlength=n_bins) + 1)
    return lambda stated: np.stack(
        [s := share[np.searchsorted(edges, stated[:, 0])], 1 - s], axis=1
    )


def _logits(probability: np.ndarray) -> np.ndarray:
    return np.log(np.clip(probability, CERTAIN, 1 - CERTAIN))


FITS: dict[str, Fit] = {
    "none": none,
    "smoothed targets": smoothed("temperature"),
    "smoothed targets, platt": smoothed("platt"),
    "hard targets": posterior("temperature", np.inf),
    **{f"prior {sd:g}": posterior("temperature", sd) for sd in (0.25, 0.5, 0.75, 1)},
    "platt, prior 0.5, 0.25": posterior("platt", 0.5, 0.25),
    "platt, prior 0.5, 0.5": posterior("platt", 0.5, 0.5),
    "scikit-learn's temperature": scikit_learn("temperature"),
    "scikit-learn's sigmoid": scikit_learn("sigmoid"),
    "beta": beta,
    "histogram": histogram,
}
TWO_CLASSES_ALONE = ("scikit-learn's sigmoid", "beta", "histogram")

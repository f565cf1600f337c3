"""What a network must beat: the classical criterion and two standard classifiers.

Each is trained and tested on the same spikes as the network, up to a number drawn evenly over the
cells. Classes weigh alike: probabilities are divided by the classes' shares in training. The
classical criterion is a threshold between two kinds, however many were recorded of each, and a
large group that is left out must not tell against its own class. scikit-learn is loaded only where
one is trained: of a sweep over networks by one member. n spikes, T samples a window, C classes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from raphe.core.errors import SettingError
from raphe.tasks.celltype.features.waveform_features import waveform_features

MOST_SPIKES = 20_000  # that a baseline is trained on: some seconds for all of them
LEAF_SHARE = 0.05  # of the training spikes, in a leaf of a tree at least, but never more than …
LEAF_SPIKES = 20  # … scikit-learn's default

Columns = dict[str, np.ndarray]  # name of a set of columns → float64 (n, columns)


def _logistic(n_spikes: int, seed: int) -> Any:
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    # The indicator lets "no peak in the window" speak for itself.
    fill = SimpleImputer(strategy="median", add_indicator=True)
    learn = LogisticRegression(max_iter=1000)
    return make_pipeline(fill, StandardScaler(), learn)


def _trees(n_spikes: int, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    # Early stopping would validate on spikes of the cells trained on.
    return HistGradientBoostingClassifier(
        early_stopping=False,
        min_samples_leaf=max(1, min(LEAF_SPIKES, int(LEAF_SHARE * n_spikes))),
        random_state=seed,
    )


def _only_class(n_spikes: int, seed: int) -> Any:
    from sklearn.dummy import DummyClassifier

    return DummyClassifier()


class SourceShares:
    """How large a share of each class's training spikes is at the source that a row names, one-hot.

    So classes weigh alike. At a source that training did not have, none is likelier than another.
    Exact, so that classes of one source are told apart by no rounding: what is left of that after a
    fit or a division tells which cells were left out. C classes, S sources.
    """

    def fit(self, columns: np.ndarray, label: np.ndarray) -> "SourceShares":
        """Learn from one-hot sources (n, S) and labels (n,)."""
        self.classes_, row = np.unique(label, return_inverse=True)
        one_hot = np.eye(len(self.classes_))[row]  # (n, C)
        self.share_ = columns.T @ one_hot / one_hot.sum(axis=0)  # (S, C)
        self.share_[columns.sum(axis=0) == 0] = 1
        return self

    def predict_proba(self, columns: np.ndarray) -> np.ndarray:
        """(n, S) to (n, C), which does not sum to 1."""
        in_training = columns.sum(axis=1, keepdims=True) > 0
        return np.where(in_training, columns @ self.share_, 1.0)


@dataclass(frozen=True)
class Kind:
    """What a baseline looks at and how it learns."""

    columns: str  # udi, features, firing (features and firing), window or source
    make: Callable[[int, int], Any]  # from the number of spikes and the seed
    label: str  # for people
    meaning: str
    weighs_alike: bool = False  # by itself: its probabilities are not to be divided by the shares


KINDS = {
    "udi_threshold": Kind(
        "udi", _logistic, "UDI threshold", "logistic regression on the UDI alone: a threshold"
    ),
    "logistic_features": Kind(
        "features",
        _logistic,
        "logistic on waveform",
        "logistic regression on waveform features",
    ),
    "trees_features": Kind(
        "features", _trees, "trees on waveform", "gradient-boosted trees on waveform features"
    ),
    "logistic_firing": Kind(
        "firing",
        _logistic,
        "logistic on waveform and firing",
        "logistic regression on waveform features, firing rate and ISI CV",
    ),
    "trees_firing": Kind(
        "firing",
        _trees,
        "trees on waveform and firing",
        "gradient-boosted trees on waveform features, firing rate and ISI CV",
    ),
    "logistic_window": Kind(
        "window", _logistic, "logistic on window", "logistic regression on the window's samples"
    ),
    "trees_window": Kind(
        "window", _trees, "trees on window", "gradient-boosted trees on the window's samples"
    ),
    "source_alone": Kind(
        "source",
        lambda n_spikes, seed: SourceShares(),
        "source alone",
        "which class is likeliest at that laboratory or rig, without a look at the spike",
        weighs_alike=True,
    ),
}


class Baseline:
    """One of KINDS. Fit it to what `columns_of` measured, then ask it for probabilities.

    Args:
        kind: a name in KINDS.
        n_classes: C; a class that the training spikes lack gets the probability 0.
        seed: of the trees.
    """

    def __init__(self, kind: str, n_classes: int, seed: int = 42) -> None:
        if kind not in KINDS:
            raise SettingError(f"baseline {kind}: expected one of {', '.join(KINDS)}")
        self.kind, self.n_classes, self.seed = KINDS[kind], n_classes, seed

    def fit(self, columns: Columns, label: np.ndarray) -> "Baseline":
        """Learn from what `columns_of` measured of n spikes and their labels, int64 (n,)."""
        self._unknown = np.isnan(columns[self.kind.columns]).all(axis=0)
        counts = np.unique(label, return_counts=True)[1]
        self._share = np.ones(len(counts)) if self.kind.weighs_alike else counts / len(label)
        make = _only_class if len(counts) == 1 else self.kind.make
        self.model = make(len(label), self.seed)
        with _one_thread():
            self.model.fit(self._matrix(columns), label)
        return self

    def predict(self, columns: Columns) -> np.ndarray:
        """Probability of each class for what `columns_of` measured: float64 (n, C)."""
        with _one_thread():
            # Not by class_weight, which makes the trees ten times slower.
            alike = self.model.predict_proba(self._matrix(columns)) / self._share
        probability = np.zeros((len(alike), self.n_classes))
        probability[:, self.model.classes_] = alike / alike.sum(axis=1, keepdims=True)
        return probability

    def _matrix(self, columns: Columns) -> np.ndarray:
        """What the model sees; a column that no training spike had says nothing."""
        return np.where(self._unknown, 0.0, columns[self.kind.columns])

    def threshold(self) -> float:
        """Of a logistic regression on one column between two classes: where it turns."""
        at_0, at_1 = self.model.decision_function([[0.0], [1.0]])
        turn = np.log(self._share[1] / self._share[0])
        return float((turn - at_0) / (at_1 - at_0)) if at_0 != at_1 else float("nan")


def _one_thread() -> threadpool_limits:
    """Where other work keeps the cores busy, OpenMP's threads wait for each other in every node.

    Trees on 57 windows then took 18 to 29 s instead of 0.4.
    """
    return threadpool_limits(1)


def columns_of(
    windows: np.ndarray, rate_hz: float, baseline_ms: float, firing: np.ndarray | None = None
) -> Columns:
    """Everything that a kind may look at, of windows (n, T) at `rate_hz`.

    `firing` (n, 2) is the rate in Hz and the CV of the intervals of each spike's cell, which the
    kinds that look at firing need; `baseline_ms` as in `waveform_features`.
    """
    measured = waveform_features(windows, rate_hz, baseline_ms)
    columns = {
        "udi": measured["udi"][:, None],
        "features": measured.values,
        "window": np.asarray(windows, np.float64),
    }
    if firing is not None:
        columns["firing"] = np.hstack([measured.values, firing])
    return columns

"""Simple classifiers that stand beside the network in every table, and often win.

Each is chosen among a few settings by balanced accuracy within what it is trained on, so that no
unit that it is tested on has a say. N units, D numbers a unit, C classes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.decomposition import PCA
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils.class_weight import compute_sample_weight

from raphe.core.firing.branch_scale import centre_and_scale

MOST_INNER_FOLDS = 4
LANDMARKS = 150  # units that the kernel is spanned by
COMPONENTS = 15  # of the waveforms' and histograms' principal ones
SEED = 0


class BranchScaler(TransformerMixin, BaseEstimator):
    """Centres and scales numbers so that each branch weighs alike; what is missing is the mean.

    Args:
        dims: how many numbers each branch has.
    """

    def __init__(self, dims: Sequence[int]) -> None:
        self.dims = dims

    def fit(self, x: np.ndarray, y: np.ndarray | None = None) -> "BranchScaler":
        self.mean_, self.scale_ = centre_and_scale(x, self.dims)
        widths = np.repeat(self.dims, self.dims) * len(self.dims)
        self.scale_ = self.scale_ * np.sqrt(widths / x.shape[1])
        return self

    def transform(self, x: np.ndarray) -> np.ndarray:
        return np.nan_to_num((x - self.mean_) / self.scale_)


@dataclass(frozen=True)
class Simple:
    """A classifier, what it is called, and the settings that are tried."""

    label: str
    build: Callable[..., Any]  # of (dims, n_inputs, settings)
    settings: Sequence[dict[str, float]]
    weighs: bool = False  # takes weights of units, having none of classes


def _logistic(dims: Sequence[int], n_inputs: int, c: float) -> Pipeline:
    return make_pipeline(
        BranchScaler(dims), LogisticRegression(C=c, class_weight="balanced", max_iter=300)
    )


def _kernel(dims: Sequence[int], n_inputs: int, c: float, width: float) -> Pipeline:
    return make_pipeline(
        BranchScaler(dims),
        Nystroem(gamma=width / n_inputs, n_components=LANDMARKS, random_state=SEED),
        LogisticRegression(C=c, class_weight="balanced", max_iter=300),
    )


def _boosted(dims: Sequence[int], n_inputs: int) -> Any:
    return HistGradientBoostingClassifier(
        max_iter=100, learning_rate=0.06, max_leaf_nodes=6, min_samples_leaf=8,
        l2_regularization=1.0, random_state=SEED,
    )  # fmt: skip


def _extra_trees(dims: Sequence[int], n_inputs: int) -> Pipeline:
    trees = ExtraTreesClassifier(
        300, min_samples_leaf=2, max_features=0.2, class_weight="balanced", random_state=SEED
    )
    return make_pipeline(BranchScaler(dims), trees)


def _nearest(dims: Sequence[int], n_inputs: int, k: float) -> Pipeline:
    components = PCA(min(COMPONENTS, n_inputs), random_state=SEED)
    return make_pipeline(BranchScaler(dims), components, KNeighborsClassifier(int(k)))


LOGISTIC, KERNEL = "logistic regression", "kernel logistic regression"
BOOSTED, EXTRA, NEAREST = "gradient-boosted trees", "extra trees", "nearest neighbours on PCA"
SIMPLE = {
    LOGISTIC: Simple(LOGISTIC, _logistic, [{"c": c} for c in (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)]),
    KERNEL: Simple(
        KERNEL,
        _kernel,
        [{"c": c, "width": width} for c in (3.0, 30.0) for width in (0.1, 0.3, 1.0)],
    ),
    BOOSTED: Simple(BOOSTED, _boosted, [{}], weighs=True),
    EXTRA: Simple(EXTRA, _extra_trees, [{}]),
    NEAREST: Simple(NEAREST, _nearest, [{"k": k} for k in (1, 3, 5, 10)]),
}


@dataclass(frozen=True)
class Fitted:
    """A simple classifier that was fitted, and with which settings."""

    name: str
    model: Any
    settings: dict[str, float]
    n_classes: int

    def probability(self, x: np.ndarray) -> np.ndarray:
        """Of inputs (N, D): (N, C)."""
        of_known = self.model.predict_proba(x)
        probability = np.zeros((len(x), self.n_classes))
        probability[:, self.model.classes_] = of_known
        return probability


def fit_simple(
    name: str,
    x: np.ndarray,
    label: np.ndarray,
    dims: Sequence[int],
    n_classes: int,
    settings: dict[str, float] | None = None,
) -> Fitted:
    """Fit the classifier of this name on inputs (N, D), NaN where a branch is missing.

    `settings` of None: chosen by cross-validation within these units.
    """
    simple, dims = SIMPLE[name], [n for n in dims if n]

    def build(chosen: dict[str, float]) -> Any:
        return simple.build(dims, x.shape[1], **chosen)

    if settings is None:
        settings = _best(simple, build, x, label)
    model = _fit(simple, build(settings), x, label)
    return Fitted(name, model, settings, n_classes)


def _fit(simple: Simple, model: Any, x: np.ndarray, label: np.ndarray) -> Any:
    if simple.weighs:
        return model.fit(x, label, sample_weight=compute_sample_weight("balanced", label))
    nystroem = dict(model.steps).get("nystroem") if isinstance(model, Pipeline) else None
    if nystroem is not None:
        nystroem.set_params(n_components=min(LANDMARKS, len(x)))
    neighbours = model.steps[-1][1] if isinstance(model, Pipeline) else None
    if isinstance(neighbours, KNeighborsClassifier):
        neighbours.set_params(n_neighbors=min(neighbours.n_neighbors, len(x)))
        pca = dict(model.steps)["pca"]
        pca.set_params(n_components=min(pca.n_components, len(x)))
    return model.fit(x, label)


def _best(
    simple: Simple, build: Callable[[dict[str, float]], Any], x: np.ndarray, label: np.ndarray
) -> dict[str, float]:
    """The settings of the best balanced accuracy over inner folds, of equals the first."""
    fewest = int(np.bincount(label)[np.unique(label)].min())
    if len(simple.settings) == 1 or fewest < 2:
        return simple.settings[len(simple.settings) // 2]
    folds = StratifiedKFold(min(MOST_INNER_FOLDS, fewest), shuffle=True, random_state=SEED)
    called = np.empty((len(simple.settings), len(label)), int)
    for trained, tested in folds.split(x, label):
        for number, settings in enumerate(simple.settings):
            model = _fit(simple, clone(build(settings)), x[trained], label[trained])
            called[number, tested] = model.predict(x[tested])
    scores = [balanced_accuracy_score(label, of_settings) for of_settings in called]
    return simple.settings[int(np.argmax(scores))]

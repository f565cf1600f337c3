"""What the same method reaches where the labels tell nothing: a control for leaks and luck.

N units, S shuffles.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from raphe.core.sentences import counted, number
from raphe.tasks.units.metrics.verdicts import Groups, Verdicts
from raphe.tasks.units.training.cross_fit import shuffled
from raphe.tasks.units.training.simple_classifiers import fit_simple


@dataclass(frozen=True)
class Control:
    """Balanced accuracies, means over folds: of shuffled labels (S,), and of the true ones."""

    method: str
    noun: str  # what changed labels: cell, animal or session
    scores: np.ndarray
    observed: float

    @property
    def p(self) -> float:
        """The share of shuffles that do at least as well, the true labels counted as one."""
        return float((1 + (self.scores >= self.observed).sum()) / (1 + len(self.scores)))

    def sentence(self) -> str:
        low, high = np.quantile(self.scores, (0.05, 0.95))
        return (
            f"With labels shuffled by {self.noun}, {counted('time', len(self.scores))}, "
            f"{self.method} reaches {number(self.scores.mean())} (5 to 95 % of the shuffles: "
            f"{number(low)} to {number(high)}) in place of {number(self.observed)} (p = "
            f"{number(self.p, 2)})."
        )


def control(
    method: str,
    settings: Sequence[dict[str, float]],
    inputs: np.ndarray,
    label: np.ndarray,
    fold: np.ndarray,
    dims: Sequence[int],
    groups: Groups,
    observed: float,
    n_shuffles: int,
    seed: int,
) -> Control:
    """Train a simple classifier on shuffled labels as often, with the settings of each fold."""
    rng = np.random.default_rng(seed)
    scores = np.empty(n_shuffles)
    n_classes = int(label.max()) + 1
    for number_of_shuffle in range(n_shuffles):
        mixed = shuffled(label, groups.of_unit, rng)
        probability = np.zeros((len(label), n_classes))
        for number_of_fold, of_fold in enumerate(settings):
            tested = fold == number_of_fold
            fitted = fit_simple(method, inputs[~tested], mixed[~tested], dims, n_classes, of_fold)
            probability[tested] = fitted.probability(inputs[tested])
        scores[number_of_shuffle] = Verdicts(probability, mixed, fold).fold_balanced_accuracy
    return Control(method, groups.noun, scores, observed)

"""Simple classifiers on the folds of the network, and the same on shuffled labels.

N units, D numbers a unit, C classes, K folds.
"""

from collections.abc import Sequence

import numpy as np

from raphe.tasks.units.training.simple_classifiers import Fitted, fit_simple


def cross_fitted(
    name: str,
    inputs: np.ndarray,
    label: np.ndarray,
    fold: np.ndarray,
    dims: Sequence[int],
    n_classes: int,
) -> tuple[np.ndarray, list[Fitted]]:
    """What a simple classifier says of units that it did not see, (N, C), and that of each fold."""
    probability, fitted = np.zeros((len(label), n_classes)), []
    for number in range(int(fold.max()) + 1):
        tested = fold == number
        of_fold = fit_simple(name, inputs[~tested], label[~tested], dims, n_classes)
        probability[tested] = of_fold.probability(inputs[tested])
        fitted.append(of_fold)
    return probability, fitted


def shuffled(label: np.ndarray, group: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    """Labels (N,) that tell nothing of the units, as many of each as before.

    Where each group (N,), such as an animal, carries one label, whole groups change labels, so that
    what tells groups apart still tells labels apart; where groups mix labels, units change within
    their own. Without groups units change with any other.
    """
    if group is None:
        return rng.permutation(label)
    names, row = np.unique(group, return_inverse=True)
    first = np.array([label[row == number][0] for number in range(len(names))])
    if (label == first[row]).all():
        return rng.permutation(first)[row]
    mixed = label.copy()
    for number in range(len(names)):
        here = np.flatnonzero(row == number)
        mixed[here] = label[rng.permutation(here)]
    return mixed

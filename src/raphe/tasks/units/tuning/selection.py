"""Which head: chosen by cross-validation within the units that it is fitted to, the bundle first.

N units, D numbers a unit, C classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import softmax
from scipy.stats import t

from raphe.core.statistics.folds import assign_folds
from raphe.tasks.units.tuning.anchored import (
    Freedom,
    Head,
    Scaling,
    fit_head,
    unit_weights,
    untouched,
)

KEPT = Freedom("left as it is")
SHIFTED = Freedom("its classes shifted", offset_sd=1.0)
MOVED = Freedom("moved by the units' numbers", offset_sd=1.0, weight_sd=3.0)
ANEW = Freedom("replaced by a logistic regression on these units", 1.0, 1.5, keeps_bundle=False)
LADDER = (KEPT, SHIFTED, MOVED, ANEW)
FEWEST_UNITS = 6  # fewer cannot choose anything
INNER_FOLDS = 4
CONFIDENCE = 0.8  # that the loss is less than the bundle's, one-sided: else the bundle stays
SEED = 0


@dataclass(frozen=True)
class Material:
    """Labelled units, what the bundle says of them, and the inputs of those without a label."""

    log_p: np.ndarray  # (N, C)
    inputs: np.ndarray  # (N, D), NaN where a branch is missing
    label: np.ndarray  # int (N,)
    group: np.ndarray  # int (N,): units of one are left out together
    dims: Sequence[int]
    other_log_p: np.ndarray  # (M, C) of units without a label
    other_inputs: np.ndarray  # (M, D)
    may_begin_anew: bool = True  # each class of the bundle has labels

    @property
    def ladder(self) -> Sequence[Freedom]:
        return LADDER if self.may_begin_anew else LADDER[:-1]

    def scaling(self, rows: np.ndarray) -> Scaling:
        """Of these units and of all that have no label."""
        log_p = np.vstack([self.log_p[rows], self.other_log_p])
        return Scaling.of(log_p, np.vstack([self.inputs[rows], self.other_inputs]), self.dims)

    def fit(self, freedom: Freedom, rows: np.ndarray) -> Head:
        return fit_head(
            freedom, self.scaling(rows), self.log_p[rows], self.inputs[rows], self.label[rows]
        )

    def tuned(self, rows: np.ndarray) -> tuple[Freedom, Head]:
        """What these units (numbers) choose, fitted to all of them, or the bundle untouched."""
        freedom = choose(self, rows)
        if freedom is KEPT:
            return freedom, untouched(self.scaling(rows), self.log_p.shape[1])
        return freedom, self.fit(freedom, rows)


def choose(material: Material, rows: np.ndarray) -> Freedom:
    """The one of the least loss, if it surely is less than that of the bundle as it is, and if more
    units are called right: to be surer of the same calls is nothing to be tuned for.

    The loss is Brier's, of the probabilities of the classes that have labels, each class weighing
    alike; the bundle's is that at its best temperature, which changes no call.
    """
    label, group = material.label[rows], material.group[rows]
    n_groups = len(np.unique(group))
    if len(rows) < FEWEST_UNITS or len(np.unique(label)) < 2 or n_groups < 2:
        return KEPT
    loss, right = left_out_loss(material, rows, min(INNER_FOLDS, n_groups))
    gain = _by_group(loss[0] - loss[1:], group)  # (candidates, groups)
    spread = gain.std(axis=1, ddof=1) * np.sqrt(n_groups)
    sure = gain.sum(axis=1) > t.ppf(CONFIDENCE, n_groups - 1) * spread
    sure &= (right[1:] - right[0]).sum(axis=1) > 0
    best = int(np.argmax(np.where(sure, gain.sum(axis=1), -np.inf)))
    return material.ladder[1 + best] if sure[best] else KEPT


def left_out_loss(
    material: Material, rows: np.ndarray, n_folds: int
) -> tuple[np.ndarray, np.ndarray]:
    """Of each candidate by heads that did not see a unit, and whether it is called right, each
    weighted: (candidates, len(rows))."""
    label, group = material.label[rows], material.group[rows]
    fold = assign_folds(group, label, n_folds, SEED, "group")
    known, row_of_class = np.unique(label, return_inverse=True)
    truth = np.eye(len(known))[row_of_class]
    loss, right = np.empty((2, len(material.ladder), len(rows)))
    for number in range(int(fold.max()) + 1):
        tested = fold == number
        left = rows[tested]
        for candidate, freedom in enumerate(material.ladder):
            head = material.fit(freedom, rows[~tested])
            said = softmax(head.logits(material.log_p[left], material.inputs[left])[:, known], 1)
            loss[candidate, tested] = ((said - truth[tested]) ** 2).sum(axis=1)
            right[candidate, tested] = said.argmax(axis=1) == row_of_class[tested]
    return loss * unit_weights(label), right * unit_weights(label)


def _by_group(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Sums (…, groups) of values (…, N)."""
    _, row = np.unique(group, return_inverse=True)
    return values @ np.eye(int(row.max()) + 1)[row]

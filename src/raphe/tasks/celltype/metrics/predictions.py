"""What a network says of labelled spikes, and the figures that sum it up.

Of two classes, class 0 is the one looked for: SER, the serotonergic cells. Sensitivity is the share
of its spikes that are called SER, specificity the share of the others that are not. More classes
count alike: their figures are means over the classes. n spikes, C classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import expit, log_expit, log_softmax, softmax

from raphe.tasks.celltype.metrics.cell_probability import Pooling, cell_probability, pool

SPECIFICITIES = (0.50, 0.90, 0.95)
BLOCK_SPIKES = 65_536  # worked on at once, so that millions need little memory
KERAS_SPECIFICITY = 0.50  # of the papers' figures
KERAS_THRESHOLDS = 200  # the default of tf.keras.metrics.SensitivityAtSpecificity


@dataclass(frozen=True)
class Predictions:
    """A network's answer for n spikes: float64 (n, C) and, of the truth, int64 (n,)."""

    probability: np.ndarray  # sums to 1 over the classes
    sigmoid: np.ndarray  # the outputs of two classes as published, of more the same as probability
    label: np.ndarray
    cell: np.ndarray  # index of the cell that fired
    cell_ids: Sequence[str] = ()  # the cells' names by that index, where they are known

    @classmethod
    def from_logits(
        cls,
        logits: np.ndarray,
        label: np.ndarray,
        cell: np.ndarray,
        cell_ids: Sequence[str] = (),
    ) -> "Predictions":
        """Turn logits (n, C) into outputs and probabilities, as CellTypeNet does."""
        # In float64, as float32 would round many confident spikes to one tie at 1.
        probability = np.empty(logits.shape)
        output = np.empty(logits.shape) if logits.shape[1] == 2 else probability
        for start in range(0, len(logits), BLOCK_SPIKES):
            here = slice(start, start + BLOCK_SPIKES)
            block = np.asarray(logits[here], dtype=np.float64)
            if output is not probability:
                output[here] = expit(block)
                block = log_expit(block)
            probability[here] = softmax(block, axis=1)
        return cls(probability, output, np.asarray(label), np.asarray(cell), cell_ids)

    @cached_property
    def predicted(self) -> np.ndarray:
        """The class called for each spike: int64 (n,), the one with the largest probability."""
        return self.probability.argmax(axis=1)

    @property
    def n_classes(self) -> int:
        return self.probability.shape[1]

    def per_cell(self, pooling: Pooling = "mean") -> "Predictions":
        """Pool each cell's spikes: one row a cell, in the order of their index."""
        known, row, n_spikes = np.unique(
            np.stack([self.cell, self.label]), axis=1, return_inverse=True, return_counts=True
        )
        spikes = np.split(np.argsort(row.ravel(), kind="stable"), np.cumsum(n_spikes)[:-1])
        return Predictions(
            np.stack([cell_probability(self.probability[rows], pooling) for rows in spikes]),
            np.stack([pool(self.sigmoid[rows], pooling) for rows in spikes]),
            label=known[1],
            cell=known[0],
            cell_ids=self.cell_ids,
        )

    def confusion(self) -> np.ndarray:
        """Count spikes: int64 (C, C), a row for each true class, a column for each class called."""
        counts = np.zeros((self.n_classes, self.n_classes), dtype=np.int64)
        np.add.at(counts, (self.label, self.predicted), 1)
        return counts


def macro_figures(confusion: np.ndarray) -> dict[str, float]:
    """balanced_accuracy and macro_f1 of counts (C, C), a row for each true class; NaN where a
    class is absent."""
    right, true, called = np.diagonal(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    if not true.all():
        return {"balanced_accuracy": float("nan"), "macro_f1": float("nan")}
    return {
        "balanced_accuracy": float(np.mean(right / true)),
        "macro_f1": float(np.mean(2 * right / (true + called))),
    }


def one_hot_loss(logits: np.ndarray, label: np.ndarray) -> float:
    """What the network learns by, of n spikes: see `training.module.one_hot_loss`."""
    if logits.shape[1] != 2:
        return float(-log_softmax(logits, axis=1)[np.arange(len(label)), label].mean())
    target = np.eye(logits.shape[1], dtype=bool)[label]
    return float(-log_expit(np.where(target, logits, -logits)).mean())


def operating_points(score: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Count (true positives, false positives) at every threshold that a score can cross.

    Starts with nothing called positive and ends with all; spikes with equal scores move together.
    """
    thresholds = np.unique(score)[::-1]
    counts = [
        len(group) - np.searchsorted(np.sort(group), thresholds, side="left")
        for group in (score[positive], score[~positive])
    ]
    true_positives, false_positives = (np.concatenate([[0], count]) for count in counts)
    return true_positives, false_positives


def sensitivity_at_specificity(
    score: np.ndarray, positive: np.ndarray, specificity: float
) -> float:
    """Return the largest sensitivity of any threshold whose specificity is at least this.

    Exact: every threshold is tried. NaN where there are no positives or no negatives.
    """
    positives, negatives = score[positive], np.sort(score[~positive])
    if not len(positives) or not len(negatives):
        return float("nan")
    floors = np.concatenate([[-np.inf], negatives])  # of a threshold, the next above 1 more of them
    allowed = np.arange(len(floors)) / len(negatives) >= specificity
    return float(np.mean(positives > floors[allowed.argmax()]))


def keras_sensitivity(predictions: Predictions, specificity: float = KERAS_SPECIFICITY) -> float:
    """Return what tf.keras.metrics.SensitivityAtSpecificity gives for one-hot labels.

    Keras pools the outputs as 2 n answers to "is it this class?" and tries 200 thresholds from 0
    to 1 in steps of 1/199; an answer above the threshold, not at it, is a yes. Both classes count
    as positives, so this is a figure of both together, not of SER; it is here for comparison with
    the papers. (Source: keras/src/metrics/confusion_metrics.py and its documentation.)
    """
    truth = np.eye(predictions.n_classes, dtype=bool)[predictions.label]
    thresholds = np.arange(KERAS_THRESHOLDS) / (KERAS_THRESHOLDS - 1)
    at_or_below = [
        np.searchsorted(np.sort(group), thresholds, side="right") / len(group)
        for group in (predictions.sigmoid[truth], predictions.sigmoid[~truth])
    ]
    miss_rate, true_negative_rate = at_or_below
    # No answer lies above the last threshold, 1, so at least that one is allowed.
    return float(1 - miss_rate[true_negative_rate >= specificity].min())


def auroc(score: np.ndarray, positive: np.ndarray) -> float:
    """Return how often a positive scores above a negative, a tie as half; NaN if one is absent."""
    positives, negatives = score[positive], np.sort(score[~positive])
    if not len(positives) or not len(negatives):
        return float("nan")
    below = np.searchsorted(negatives, positives, side="left").mean()
    not_above = np.searchsorted(negatives, positives, side="right").mean()
    return float((below + not_above) / 2 / len(negatives))

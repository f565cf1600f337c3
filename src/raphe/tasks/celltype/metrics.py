"""What a network says of labelled spikes, and the figures that sum it up.

Class 0 is the class looked for: SER, the serotonergic cells. Sensitivity is the share of its spikes
that are called SER, specificity the share of the others that are not. n spikes, C classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import expit, log_expit, softmax

from raphe.tasks.celltype.cell_probability import Pooling, cell_probability, pool

SPECIFICITIES = (0.50, 0.90, 0.95)
BLOCK_SPIKES = 65_536  # worked on at once, so that millions need little memory
KERAS_SPECIFICITY = 0.50  # of the papers' figures
KERAS_THRESHOLDS = 200  # the default of tf.keras.metrics.SensitivityAtSpecificity


@dataclass(frozen=True)
class Predictions:
    """A network's answer for n spikes: float64 (n, C) and, of the truth, int64 (n,)."""

    probability: np.ndarray  # sums to 1 over the classes
    sigmoid: np.ndarray  # the published outputs, each class on its own
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
        """Turn logits (n, C) into probabilities, as CellTypeNet.class_probability does."""
        # In float64, as float32 would round many confident spikes to one tie at 1.
        probability, sigmoid = np.empty(logits.shape), np.empty(logits.shape)
        for start in range(0, len(logits), BLOCK_SPIKES):
            here = slice(start, start + BLOCK_SPIKES)
            block = np.asarray(logits[here], dtype=np.float64)
            probability[here], sigmoid[here] = softmax(log_expit(block), axis=1), expit(block)
        return cls(probability, sigmoid, np.asarray(label), np.asarray(cell), cell_ids)

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


def classification_metrics(logits: np.ndarray, label: np.ndarray) -> dict[str, float]:
    """Sum up n ≥ 1 spikes in a dict of name → value.

    With two classes: loss, accuracy, sensitivity_at_specificity_0.50, _0.90 and _0.95 (exact),
    keras_sensitivity_at_specificity_0.50, auroc, f1 (of class 0) and brier. With more: loss,
    accuracy, macro_auroc and macro_f1, the means over the classes, each against the rest.

    NaN marks what is undefined: auroc and the exact sensitivities where one of the two classes is
    absent, f1 where class 0 is; macro_auroc and macro_f1 where any class is. All are NaN when a
    logit is not finite, as after a diverged training.
    """
    logits, label = np.asarray(logits, dtype=np.float64), np.asarray(label)
    predictions = Predictions.from_logits(logits, label, cell=np.zeros_like(label))
    figures = {
        "loss": one_hot_loss(logits, label),
        "accuracy": np.mean(predictions.predicted == label),
    }
    figures |= _two_classes(predictions) if predictions.n_classes == 2 else _many(predictions)
    finite = np.isfinite(logits).all()
    return {name: float(value) if finite else float("nan") for name, value in figures.items()}


def _two_classes(predictions: Predictions) -> dict[str, float]:
    score, positive = predictions.probability[:, 0], predictions.label == 0
    exact = {
        f"sensitivity_at_specificity_{s:.2f}": sensitivity_at_specificity(score, positive, s)
        for s in SPECIFICITIES
    }
    return exact | {
        f"keras_sensitivity_at_specificity_{KERAS_SPECIFICITY:.2f}": keras_sensitivity(predictions),
        "auroc": auroc(score, positive),
        "f1": f1(predictions.predicted == 0, positive),
        "brier": np.mean((score - positive) ** 2),
    }


def _many(predictions: Predictions) -> dict[str, float]:
    truth = [predictions.label == c for c in range(predictions.n_classes)]
    return {
        "macro_auroc": np.mean(
            [auroc(predictions.probability[:, c], t) for c, t in enumerate(truth)]
        ),
        "macro_f1": np.mean([f1(predictions.predicted == c, t) for c, t in enumerate(truth)]),
    }


def one_hot_loss(logits: np.ndarray, label: np.ndarray) -> float:
    """Binary cross-entropy of the sigmoids against the one-hot label, mean over all n × C."""
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


def f1(called: np.ndarray, positive: np.ndarray) -> float:
    """Return the harmonic mean of precision and sensitivity; NaN without positives."""
    if not positive.any():
        return float("nan")
    return float(2 * (called & positive).sum() / (called.sum() + positive.sum()))

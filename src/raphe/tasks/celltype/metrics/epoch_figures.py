"""The figures of an epoch, of millions of spikes too: sums over blocks, and ranks of one score.

n spikes, C classes.
"""

import numpy as np

from raphe.core.statistics.calibration import brier
from raphe.tasks.celltype.metrics.predictions import (
    BLOCK_SPIKES,
    KERAS_SPECIFICITY,
    KERAS_THRESHOLDS,
    SPECIFICITIES,
    Predictions,
    auroc,
    macro_figures,
    one_hot_loss,
    sensitivity_at_specificity,
)

TWO = 2


class FigureSums:
    """Sums that grow as predictions come, of the figures that need no ranks."""

    def __init__(self) -> None:
        self.n = 0
        self._sums: dict[str, float] = {}
        # Counts the outputs of the other classes and those of the spike's own (rows 0 and 1), by
        # the least threshold that they do not exceed.
        self._outputs = np.zeros((2, KERAS_THRESHOLDS), dtype=np.int64)
        self._confusion = np.zeros((), dtype=np.int64)  # then (C, C), a row for each true class

    def take(self, logits: np.ndarray, label: np.ndarray) -> Predictions:
        """Add logits (n, C) and labels (n,); return the predictions that they are."""
        logits = np.asarray(logits, dtype=np.float64)
        predictions = Predictions.from_logits(logits, label, cell=label)
        # An infinite logit may have a loss of 0.
        loss = one_hot_loss(logits, label) if np.isfinite(logits).all() else np.nan
        confusion = predictions.confusion()
        sums = {
            "loss": loss * len(label),
            "accuracy": np.trace(confusion),
            "brier": brier(predictions.probability, label) * len(label),
        }
        self.n += len(label)
        self._sums = {name: self._sums.get(name, 0.0) + value for name, value in sums.items()}
        self._confusion = self._confusion + confusion
        if predictions.n_classes == TWO:
            self._count_outputs(predictions)
        return predictions

    def figures(self) -> dict[str, float]:
        """The figures of n ≥ 1 spikes by name; all are NaN after a logit that is not finite."""
        figures = {name: total / self.n for name, total in self._sums.items()}
        if len(self._confusion) == TWO:
            name = f"keras_sensitivity_at_specificity_{KERAS_SPECIFICITY:.2f}"
            figures |= {name: self._keras_sensitivity(), "f1": self._f1()}
        else:
            figures |= macro_figures(self._confusion)
        finite = np.isfinite(figures["loss"])
        return {name: float(value) if finite else float("nan") for name, value in figures.items()}

    def _count_outputs(self, predictions: Predictions) -> None:
        truth = np.eye(predictions.n_classes, dtype=np.int64)[predictions.label]
        thresholds = np.arange(KERAS_THRESHOLDS) / (KERAS_THRESHOLDS - 1)
        place = np.searchsorted(thresholds, np.nan_to_num(predictions.sigmoid, nan=1.0))
        np.add.at(self._outputs, (truth, place), 1)

    def _keras_sensitivity(self) -> float:
        """See `keras_sensitivity`."""
        at_or_below = self._outputs.cumsum(axis=1) / self._outputs.sum(axis=1, keepdims=True)
        true_negative_rate, miss_rate = at_or_below
        return float(1 - miss_rate[true_negative_rate >= KERAS_SPECIFICITY].min())

    def _f1(self) -> float:
        """Of class 0: the harmonic mean of precision and sensitivity; NaN without its spikes."""
        true, called = self._confusion[0].sum(), self._confusion[:, 0].sum()
        return float(2 * self._confusion[0, 0] / (true + called)) if true else float("nan")


def classification_metrics(logits: np.ndarray, label: np.ndarray) -> dict[str, float]:
    """Sum up n ≥ 1 spikes in a dict of name → value.

    With two classes: loss, accuracy, sensitivity_at_specificity_0.50, _0.90 and _0.95 (exact),
    keras_sensitivity_at_specificity_0.50, auroc, f1 (of class 0) and brier. With more: loss,
    accuracy, balanced_accuracy (the mean of the classes' sensitivities), macro_auroc and macro_f1
    (the means over the classes, each against the rest) and brier, the sum over the classes.

    NaN marks what is undefined: auroc and the exact sensitivities where one of the two classes is
    absent, f1 where class 0 is; balanced_accuracy, macro_auroc and macro_f1 where any class is. All
    are NaN when a logit is not finite, as after a diverged training.
    """
    logits, label = np.asarray(logits), np.asarray(label)
    sums = FigureSums()
    scored = 1 if logits.shape[1] == TWO else logits.shape[1]
    score = np.empty((len(label), scored))
    for start in range(0, len(label), BLOCK_SPIKES):
        here = slice(start, start + BLOCK_SPIKES)
        score[here] = sums.take(logits[here], label[here]).probability[:, :scored]
    figures = sums.figures()
    if np.isnan(figures["loss"]):
        ranked = dict.fromkeys(_ranked(score[:0], label[:0]), float("nan"))
    else:
        ranked = _ranked(score, label)
    return figures | ranked


def _ranked(score: np.ndarray, label: np.ndarray) -> dict[str, float]:
    """Figures of scores (n, 1) of class 0, or (n, C) of as many classes."""
    areas = [auroc(of_class, label == c) for c, of_class in enumerate(score.T)]
    if len(areas) > 1:
        return {"macro_auroc": float(np.mean(areas))}
    exact = {
        f"sensitivity_at_specificity_{s:.2f}": sensitivity_at_specificity(
            score[:, 0], label == 0, s
        )
        for s in SPECIFICITIES
    }
    return {**exact, "auroc": areas[0]}

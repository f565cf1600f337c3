"""Figures of an epoch in constant memory: sums that grow as the answers come.

n spikes, C classes.
"""

import numpy as np
import torch
from torch import Tensor

from raphe.tasks.celltype.metrics import (
    KERAS_SPECIFICITY,
    KERAS_THRESHOLDS,
    Predictions,
    one_hot_loss,
)

FOLDED_AT_ONCE = 65_536  # spikes


class RunningFigures:
    """Those of `classification_metrics` that need no ranks, of any number of spikes.

    Loss and accuracy; with two classes also brier and keras_sensitivity_at_specificity_0.50. A
    step only keeps its answers: no arithmetic, no wait for the accelerator.
    """

    def __init__(self) -> None:
        self._kept: list[tuple[Tensor, Tensor]] = []
        self._n_kept = 0
        self._n = 0
        self._sums: dict[str, float] = {}
        # Counts the outputs of the other classes and those of the spike's own (rows 0 and 1), by
        # the least threshold that they do not exceed.
        self._outputs = np.zeros((2, KERAS_THRESHOLDS), dtype=np.int64)

    def __len__(self) -> int:
        return self._n + self._n_kept

    def add(self, logits: Tensor, label: Tensor) -> None:
        """Take the answers of one step: logits (n, C) and labels (n,)."""
        self._kept.append((logits.detach(), label))
        self._n_kept += len(label)
        if self._n_kept >= FOLDED_AT_ONCE:
            self._fold()

    def summed_up(self) -> dict[str, float]:
        """The figures of n ≥ 1 spikes by name; all are NaN after a logit that is not finite."""
        self._fold()
        figures = {name: total / self._n for name, total in self._sums.items()}
        if "brier" in figures:
            name = f"keras_sensitivity_at_specificity_{KERAS_SPECIFICITY:.2f}"
            figures[name] = self._keras_sensitivity()
        finite = np.isfinite(figures["loss"])
        return {name: float(value) if finite else float("nan") for name, value in figures.items()}

    def _fold(self) -> None:
        if not self._kept:
            return
        logits, label = (torch.cat(parts).cpu() for parts in zip(*self._kept, strict=True))
        self._kept, self._n, self._n_kept = [], len(self), 0
        logits, label = logits.double().numpy(), label.numpy()
        predictions = Predictions.from_logits(logits, label, cell=label)
        # An infinite logit may have a loss of 0.
        loss = one_hot_loss(logits, label) if np.isfinite(logits).all() else np.nan
        sums = {"loss": loss * len(label), "accuracy": (predictions.predicted == label).sum()}
        if predictions.n_classes == 2:
            sums["brier"] = ((predictions.probability[:, 0] - (label == 0)) ** 2).sum()
            self._count_outputs(predictions)
        self._sums = {name: self._sums.get(name, 0.0) + value for name, value in sums.items()}

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

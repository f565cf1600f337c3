"""Figures of the network as it learns, in constant memory. n spikes of a step, C classes."""

import torch
from torch import Tensor

from raphe.tasks.celltype.metrics.epoch_figures import FigureSums
from raphe.tasks.celltype.metrics.predictions import BLOCK_SPIKES


class RunningFigures:
    """Those of `classification_metrics` that need no ranks, of any number of spikes.

    A step only keeps its predictions: no arithmetic, no wait for the accelerator.
    """

    def __init__(self) -> None:
        self._kept: list[tuple[Tensor, Tensor]] = []
        self._n_kept = 0
        self._sums = FigureSums()

    def __len__(self) -> int:
        return self._sums.n + self._n_kept

    def add(self, logits: Tensor, label: Tensor) -> None:
        """Take the predictions of one step: logits (n, C) and labels (n,)."""
        self._kept.append((logits.detach(), label))
        self._n_kept += len(label)
        if self._n_kept >= BLOCK_SPIKES:
            self._fold()

    def summed_up(self) -> dict[str, float]:
        """The figures of n ≥ 1 spikes by name; all are NaN after a logit that is not finite."""
        self._fold()
        return self._sums.figures()

    def _fold(self) -> None:
        if not self._kept:
            return
        logits, label = (torch.cat(parts).cpu() for parts in zip(*self._kept, strict=True))
        self._kept, self._n_kept = [], 0
        self._sums.take(logits.double().numpy(), label.numpy())

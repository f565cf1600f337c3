"""The figures of an epoch: those that count, in constant memory, and those that rank all spikes.

torchmetrics counts and ranks. Ours are Keras' own sensitivity, which it has not, and NaN for what a
set cannot tell: torchmetrics says 0 or 1 where a class is absent or an output is NaN. n spikes, B
of a batch, C classes.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torchmetrics import MeanMetric, MeanSquaredError, MetricCollection
from torchmetrics.classification import (
    MulticlassAccuracy,
    MulticlassF1Score,
    MulticlassRecall,
    MulticlassStatScores,
)
from torchmetrics.functional.classification import (
    binary_auroc,
    binary_sensitivity_at_specificity,
    multiclass_auroc,
)

from raphe.tasks.celltype.metrics.keras_sensitivity import (
    KERAS_SPECIFICITY,
    N_THRESHOLDS,
    count_outputs,
    sensitivity_of_counts,
)
from raphe.tasks.celltype.network.net import PUBLISHED_CLASSES, CellTypeNet

EXACT = {f"sensitivity_at_specificity_{s:.2f}": s for s in (0.50, 0.90, 0.95)}
BLOCK_SPIKES = 65_536  # worked on at once, so that millions need little memory
KERAS_NAME = f"keras_sensitivity_at_specificity_{KERAS_SPECIFICITY:.2f}"
UNDEFINED = float("nan")

Loss = Callable[[Tensor, Tensor], Tensor]  # the mean of logits (n, C) against labels (n,)


def epoch_figures(logits: Tensor, label: Tensor, loss: Loss) -> dict[str, float]:
    """Sum up n ≥ 1 spikes, logits (n, C) and int64 labels (n,), in a dict of name → value.

    With two classes: loss, accuracy, sensitivity_at_specificity_0.50, _0.90 and _0.95 (of class 0,
    exact: every threshold is tried), keras_sensitivity_at_specificity_0.50, auroc, f1 (of class 0)
    and brier. With more: loss, accuracy, balanced_accuracy (the mean of the classes'
    sensitivities), macro_auroc and macro_f1 (the means over the classes, each against the rest) and
    brier, the sum over the classes.

    NaN marks what is undefined: auroc and the exact sensitivities where one of the two classes is
    absent, f1 where class 0 is; balanced_accuracy, macro_auroc and macro_f1 where any class is. All
    are NaN when a logit is not finite, as after a diverged training.
    """
    running = RunningFigures(loss)
    n_classes = logits.shape[1]
    scored = 1 if n_classes == PUBLISHED_CLASSES else n_classes
    score = torch.empty(len(label), scored, dtype=torch.float64)
    for start in range(0, len(label), BLOCK_SPIKES):
        block = slice(start, start + BLOCK_SPIKES)
        running.add(logits[block], label[block])
        # In float64, as float32 would round many confident spikes to one tie at 1.
        score[block] = CellTypeNet.class_probability(logits[block].double())[:, :scored]
    figures = running.figures()
    every_class = bool(torch.bincount(label, minlength=n_classes).all())
    if every_class and not math.isnan(figures["loss"]):
        return figures | _ranks(score, label)
    # Not asked of torchmetrics, which warns each time that a class is absent.
    ranked = ("macro_auroc",) if scored > 1 else ("auroc", *EXACT)
    return figures | dict.fromkeys(ranked, UNDEFINED)


class RunningFigures:
    """Those of `epoch_figures` that need no ranks, of any number of spikes in constant memory.

    A step only keeps its logits: no arithmetic, no wait for the accelerator.
    """

    def __init__(self, loss: Loss) -> None:
        self._loss = loss
        self._kept: list[tuple[Tensor, Tensor]] = []
        self._n_kept = self._n_counted = 0
        self._counts: _Counts | None = None  # the first logits tell the number of classes

    def __len__(self) -> int:
        return self._n_counted + self._n_kept

    def add(self, logits: Tensor, label: Tensor) -> None:
        """Take the logits of one step (B, C) and its labels (B,)."""
        self._kept.append((logits.detach(), label))
        self._n_kept += len(label)
        if self._n_kept >= BLOCK_SPIKES:
            self._count()

    def figures(self) -> dict[str, float]:
        """The figures of n ≥ 1 spikes by name; all are NaN after a logit that is not finite."""
        self._count()
        assert self._counts is not None  # n ≥ 1
        return self._counts.figures()

    def _count(self) -> None:
        if not self._kept:
            return
        logits, label = (torch.cat(parts).cpu() for parts in zip(*self._kept, strict=True))
        self._n_counted += self._n_kept
        self._kept, self._n_kept = [], 0
        if self._counts is None:
            self._counts = _Counts(logits.shape[1], self._loss)
        self._counts.update(logits.double(), label)


class _Counts:
    """Metrics that grow block by block, of C classes."""

    def __init__(self, n_classes: int, loss: Loss) -> None:
        self._n_classes, self._loss = n_classes, loss
        self._two = n_classes == PUBLISHED_CLASSES
        # Each process sums up what it has seen, as it logs for itself.
        apart = {"sync_on_compute": False}
        settings = {"num_classes": n_classes, "validate_args": False, **apart}
        self._accuracy = MulticlassAccuracy(average="micro", **settings)
        self._by_class = MetricCollection(
            {
                "recall": MulticlassRecall(average="none", **settings),
                "f1": MulticlassF1Score(average="none", **settings),
                "counts": MulticlassStatScores(average="none", **settings),
            }
        )
        # Not nan_strategy="disable", with which torchmetrics 1.9 forgets the weights.
        self._mean_loss = MeanMetric(nan_strategy="error", **apart).set_dtype(torch.float64)
        self._squared_error = MeanSquaredError(**apart).set_dtype(torch.float64)
        self._keras_counts = np.zeros((2, N_THRESHOLDS), np.int64)
        self._diverged = False

    def update(self, logits: Tensor, label: Tensor) -> None:
        """Add a block: float64 logits (B, C), int64 labels (B,)."""
        self._diverged |= not logits.isfinite().all()
        if self._diverged:
            return
        probability = CellTypeNet.class_probability(logits)
        truth = torch.nn.functional.one_hot(label, self._n_classes).to(probability)
        self._mean_loss.update(self._loss(logits, label), len(label))
        self._squared_error.update(probability, truth)
        self._accuracy.update(probability, label)
        self._by_class.update(probability, label)
        if self._two:
            outputs = CellTypeNet.probabilities(logits)
            self._keras_counts += count_outputs(outputs.numpy(), label.numpy())

    def figures(self) -> dict[str, float]:
        if self._diverged:
            rest = (KERAS_NAME, "f1") if self._two else ("balanced_accuracy", "macro_f1")
            return dict.fromkeys(("loss", "accuracy", "brier", *rest), UNDEFINED)
        # Of two classes the error of either, as scikit-learn has it; of more the sum.
        summed_over = 1 if self._two else self._n_classes
        figures = {
            "loss": self._mean_loss.compute().item(),
            "accuracy": self._accuracy.compute().item(),
            "brier": summed_over * self._squared_error.compute().item(),
        }
        by_class = self._by_class.compute()
        recall, f1, n_of_class = by_class["recall"], by_class["f1"], by_class["counts"][:, -1]
        if self._two:
            f1_of_first = f1[0].item() if n_of_class[0] else UNDEFINED
            return figures | {
                KERAS_NAME: sensitivity_of_counts(self._keras_counts),
                "f1": f1_of_first,
            }
        every_class = bool(n_of_class.all())
        return figures | {
            "balanced_accuracy": recall.mean().item() if every_class else UNDEFINED,
            "macro_f1": f1.mean().item() if every_class else UNDEFINED,
        }


def _ranks(score: Tensor, label: Tensor) -> dict[str, float]:
    """Figures of the probability of the first of two classes (n, 1), or of C classes (n, C)."""
    if score.shape[1] > 1:
        area = multiclass_auroc(score, label, score.shape[1], average="macro", validate_args=False)
        return {"macro_auroc": area.item()}
    score, first = score[:, 0], (label == 0).long()
    figures = {"auroc": binary_auroc(score, first, validate_args=False).item()}
    for name, specificity in EXACT.items():
        sensitivity, _ = binary_sensitivity_at_specificity(
            score, first, specificity, validate_args=False
        )
        figures[name] = sensitivity.item()
    return figures


class GatheredBatches:
    """Tensors that fill up along their first axis, on the device where they are made.

    In one piece of memory for each: small pieces, kept one by one among the buffers that a network
    frees after each batch, would hold those apart, and memory then grows with every batch.

    Args:
        n_batches: how many there will be at most, none larger than the first.
    """

    def __init__(self, n_batches: int) -> None:
        self._n_batches = n_batches
        self._whole: list[Tensor] = []
        self._n = 0

    def add(self, *parts: Tensor) -> None:
        """Copy what there is of one batch: (B, …) each, as many and of the same kinds each time."""
        n = len(parts[0])
        if not self._whole:
            self._whole = [part.new_empty((self._n_batches * n, *part.shape[1:])) for part in parts]
        assert self._n + n <= len(self._whole[0]), "more batches than announced"
        for whole, part in zip(self._whole, parts, strict=True):
            whole[self._n : self._n + n] = part
        self._n += n

    def joined(self) -> list[Tensor]:
        """All that was added: (n, …) each."""
        return [whole[: self._n] for whole in self._whole]

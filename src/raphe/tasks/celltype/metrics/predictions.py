"""What a network says of labelled spikes, and that as a table, one row a spike.

In NumPy: no torch, as `raphe reproduce` needs none.

Of two classes, class 0 is the one looked for: SER, the serotonergic cells. Sensitivity is the share
of its spikes that are called SER, specificity the share of the others that are not. More classes
count alike: their figures are means over the classes. n spikes, C classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy.special import expit, log_expit, logit, softmax

from raphe.core.errors import StoreError
from raphe.core.files.csv_text import csv_lines, csv_text, damage_told
from raphe.core.statistics.cell_probability import Pooling, cell_probability, pool

BLOCK_SPIKES = 65_536  # worked on at once, so that millions need little memory
CELL, CLASS, LOGIT = "cell", "true_class", "logit_"
REMEDY = "train again to have it written anew"


@dataclass(frozen=True)
class Predictions:
    """A network's outputs for n spikes, float64 (n, C), and their truth, int64 (n,)."""

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
        cells, row, n_spikes = np.unique(
            np.stack([self.cell, self.label]), axis=1, return_inverse=True, return_counts=True
        )
        spikes = np.split(np.argsort(row.ravel(), kind="stable"), np.cumsum(n_spikes)[:-1])
        return Predictions(
            np.stack([cell_probability(self.probability[rows], pooling) for rows in spikes]),
            np.stack([pool(self.sigmoid[rows], pooling) for rows in spikes]),
            label=cells[1],
            cell=cells[0],
            cell_ids=self.cell_ids,
        )

    def losses(self) -> np.ndarray:
        """The network's loss of each spike (n,), as `one_hot_loss` of training, unweighted."""
        tiny = np.finfo(float).tiny  # of an output of 0 or 1 a logarithm is no number
        if self.n_classes > 2:
            own = self.probability[np.arange(len(self.label)), self.label]
            return -np.log(np.maximum(own, tiny))
        right = np.where(np.eye(2, dtype=bool)[self.label], self.sigmoid, 1 - self.sigmoid)
        return -np.log(np.maximum(right, tiny)).mean(axis=1)

    def confusion(self) -> np.ndarray:
        """Count spikes: int64 (C, C), a row for each true class, a column for each class called."""
        counts = np.zeros((self.n_classes, self.n_classes), dtype=np.int64)
        np.add.at(counts, (self.label, self.predicted), 1)
        return counts


def sensitivity_at_specificity(
    score: np.ndarray, positive: np.ndarray, specificity: float
) -> float:
    """Return the largest sensitivity of any threshold whose specificity is at least this.

    Of scores (n,), bool `positive` (n,). Exact: every threshold is tried. NaN where there are no
    positives or no negatives. As torchmetrics has it, without torch.
    """
    positives, negatives = score[positive], np.sort(score[~positive])
    if not len(positives) or not len(negatives):
        return float("nan")
    floors = np.concatenate([[-np.inf], negatives])  # of a threshold, the next above 1 more of them
    allowed = np.arange(len(floors)) / len(negatives) >= specificity
    return float(np.mean(positives > floors[allowed.argmax()]))


def predictions_csv(predictions: Predictions, classes: Sequence[str]) -> str:
    """Columns cell, true_class, and logit_… of each class.

    Logits, as those of confident spikes would all be printed as the probability 1. Of more than
    two classes they are told up to what a spike's have in common, which a softmax does not see.
    """
    header = [CELL, CLASS, *(LOGIT + name for name in classes)]
    rows = []
    names = predictions.cell_ids or range(int(predictions.cell.max(initial=-1)) + 1)
    with np.errstate(divide="ignore"):  # a sigmoid of 1 has an infinite logit
        two = predictions.n_classes == 2
        outputs = logit(predictions.sigmoid) if two else np.log(predictions.probability)
    for cell, label, row in zip(predictions.cell, predictions.label, outputs, strict=True):
        rows.append([names[cell], classes[label], *(f"{value:.7g}" for value in row)])
    return csv_text(header, rows)


def read_predictions(path: Path) -> tuple[Predictions, list[str]]:
    """Read such a table: the predictions, and the classes in their order.

    Cells are numbered in the order in which they appear. Raises StoreError.
    """
    expected = f"a run's predictions, a table with the columns {CELL}, {CLASS} and {LOGIT}…"
    with damage_told(path, StoreError, REMEDY, expected):
        header, *rows = csv_lines(path)
        classes = [name.removeprefix(LOGIT) for name in header[2:]]
        if (
            header != [CELL, CLASS, *(LOGIT + name for name in classes)]
            or len(classes) < 2
            or not rows
        ):
            raise ValueError(f"columns {', '.join(header)} and {len(rows)} rows")
        cell_ids = list(dict.fromkeys(row[0] for row in rows))
        number = {name: index for index, name in enumerate(cell_ids)}
        label = np.array([classes.index(row[1]) for row in rows])
        logits = np.array([row[2:] for row in rows], dtype=float)
    cell = np.array([number[row[0]] for row in rows])
    return Predictions.from_logits(logits, label, cell, cell_ids), classes

"""A network's predictions as a table, one row a spike, kept with a run and read back.

Outputs are logits: those of confident spikes would all be printed as the probability 1. Of more
than two classes they are told up to what a spike's have in common, which a softmax does not see.
"""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.special import logit

from raphe.core.errors import StoreError
from raphe.core.files.csv_text import csv_text
from raphe.tasks.celltype.metrics.predictions import Predictions

CELL, CLASS, LOGIT = "cell", "true_class", "logit_"
REMEDY = "train again to have it written anew"


def predictions_csv(predictions: Predictions, classes: Sequence[str]) -> str:
    """Columns cell, true_class, and logit_… of each class."""
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
    try:
        header, *rows = csv.reader(path.read_text(encoding="utf-8").splitlines())
        classes = [name.removeprefix(LOGIT) for name in header[2:]]
        expected = [CELL, CLASS, *(LOGIT + name for name in classes)]
        if header != expected or len(classes) < 2 or not rows:
            raise ValueError(f"columns {', '.join(header)} and {len(rows)} rows")
        cell_ids = list(dict.fromkeys(row[0] for row in rows))
        number = {name: index for index, name in enumerate(cell_ids)}
        label = np.array([classes.index(row[1]) for row in rows])
        logits = np.array([row[2:] for row in rows], dtype=float)
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{path}: expected a run's predictions, a table with the columns {CELL}, {CLASS} and "
            f"{LOGIT}… of each class, got {error}; {REMEDY}"
        ) from None
    cell = np.array([number[row[0]] for row in rows])
    return Predictions.from_logits(logits, label, cell, cell_ids), classes

"""Results of a network that was never trained, for tests of what is told of results."""

import numpy as np

from raphe.core.statistics.decision import Decision
from raphe.tasks.celltype.metrics.predictions import Predictions
from raphe.tasks.celltype.metrics.set_result import SetResult

CLASSES = ("SER", "NSER")
THREE = ("SER", "GABA", "glutamate")


def random_predictions(n_cells: int = 20, n_classes: int = 2, seed: int = 0) -> Predictions:
    """Thirty spikes a cell, mostly right, with an offset of its own for each cell."""
    rng = np.random.default_rng(seed)
    cell = np.repeat(np.arange(n_cells), 30)
    label = cell % n_classes
    offset = rng.normal(size=(n_cells, n_classes))[cell]
    logits = 2 * np.eye(n_classes)[label] + offset + rng.normal(size=(len(cell), n_classes))
    return Predictions.from_logits(logits, label, cell, [f"A{i:02d}" for i in range(n_cells)])


def decision(n_classes: int = 2) -> Decision:
    cells = random_predictions(40, n_classes, seed=9).per_cell()
    return Decision.fit(cells.probability, cells.label, "mean", "temperature", 0.03)


def result_of(predictions: Predictions, classes=CLASSES, **settings) -> SetResult:
    return SetResult("test", predictions, classes, **settings)

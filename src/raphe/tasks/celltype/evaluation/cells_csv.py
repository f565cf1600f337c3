"""The verdict on each cell of a test set, as a table."""

from collections.abc import Mapping, Sequence

import numpy as np

from raphe.core.files.csv_text import csv_text
from raphe.tasks.celltype.metrics.decision import NOT_SURE
from raphe.tasks.celltype.metrics.set_result import SetResult


def cells_csv(result: SetResult, more: Mapping[str, Sequence[str]] | None = None) -> str:
    """One row a cell: its class, the class called, the probabilities, what its spikes say.

    `stated` is calibrated where there were cells enough. The verdict is the class of the largest
    one, or "not sure"; without a decision both are left out. `more` are further columns by name.
    """
    more = more or {}
    classes, cells = result.classes, result.cells
    columns = ["cell", "day", "true_class", "predicted_class", "n_spikes"]
    columns += [f"spikes_called_{name}" for name in classes]
    columns += [f"probability_{name}" for name in classes]
    if result.decided is not None:
        columns += [*(f"stated_{name}" for name in classes), "verdict"]
    header = [*columns, *more]
    rows = []
    for i, (index, label) in enumerate(zip(cells.cell, cells.label, strict=True)):
        of_cell = (result.spikes.cell == index) & (result.spikes.label == label)
        votes = np.bincount(result.spikes.predicted[of_cell], minlength=len(classes))
        day = result.known_cells[index].day if result.known_cells else ""
        row = [result.cell_name(index), day, classes[label], classes[cells.predicted[i]]]
        row += [of_cell.sum(), *votes, *_written(cells.probability[i])]
        if result.decided is not None:
            called = classes[result.stated[i].argmax()] if result.decided[i] else NOT_SURE
            row += [*_written(result.stated[i]), called]
        rows.append([*row, *(column[i] for column in more.values())])
    return csv_text(header, rows)


def _written(probability: np.ndarray) -> list[str]:
    return [f"{value:.6f}" for value in probability]

"""What networks reach on data sets that they did not see, as a table: from all folds to a card."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from raphe.core.errors import SettingError
from raphe.core.files.csv_text import csv_rows, csv_text, damage_told
from raphe.tasks.calcium.metrics.scored_cells import figure_over_cells

LEFT_OUT = "left_out.csv"
COLUMNS = ("dataset", "measure", "n", "value", "low", "high")
MEAN = "mean of data sets"

ByDataset = Mapping[str, Mapping[str, np.ndarray]]  # of each measure the score of each cell (G,)


@dataclass(frozen=True)
class LeftOut:
    """One measure of the cells of one data set, or the mean of all sets."""

    dataset: str
    measure: str
    n: int  # cells that have it
    value: float
    low: float  # NaN: of too few cells
    high: float


def left_out_csv(scores: ByDataset) -> str:
    """A row for each data set and measure, then the mean over sets, each of the same weight."""
    rows = [
        LeftOut(
            dataset, measure, int(np.count_nonzero(~np.isnan(of_cells))), *_ends(measure, of_cells)
        )
        for dataset, measures in scores.items()
        for measure, of_cells in measures.items()
    ]
    measures = dict.fromkeys(row.measure for row in rows)
    for measure in measures:
        of_sets = [row for row in rows if row.measure == measure and not np.isnan(row.value)]
        value = float(np.mean([row.value for row in of_sets])) if of_sets else np.nan
        n = sum(row.n for row in of_sets)
        rows.append(LeftOut(MEAN, measure, n, value, np.nan, np.nan))
    return csv_text(COLUMNS, [_written(row) for row in rows])


def read_left_out(path: Path) -> list[LeftOut]:
    """The rows of such a table. Raises SettingError."""
    remedy = f"name a {LEFT_OUT} that experiment=calcium_folds made"
    with damage_told(path, SettingError, remedy):
        return [
            LeftOut(
                row["dataset"],
                row["measure"],
                int(row["n"]),
                *(float(row[end] or "nan") for end in ("value", "low", "high")),
            )
            for row in csv_rows(path)
        ]


def _ends(measure: str, of_cells: np.ndarray) -> tuple[float, float, float]:
    estimate = figure_over_cells(measure, of_cells)
    return estimate.value, estimate.low, estimate.high


def _written(row: LeftOut) -> Iterable[object]:
    ends = ("" if np.isnan(end) else f"{end:.6f}" for end in (row.value, row.low, row.high))
    return (row.dataset, row.measure, row.n, *ends)

"""A tested network beside its baselines, on the same cells, with intervals.

G cells.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.files.csv_text import csv_text
from raphe.core.metric_names import Estimate, metric
from raphe.core.protocol import Draw
from raphe.tasks.calcium.evaluation.baselines import Baseline, baselines
from raphe.tasks.calcium.metrics.cell_report import cell_report
from raphe.tasks.calcium.metrics.scored_cells import (
    InferredCell,
    difference_over_cells,
    mean_over_cells,
)
from raphe.tasks.calcium.metrics.scores import score
from raphe.tasks.calcium.stores.trace_store import CalciumStore
from raphe.tasks.calcium.training.data import RateData
from raphe.tasks.calcium.training.module import RateModule

MEASURE = "correlation"
NETWORK = "network"
BY_CELL = "methods.csv"
COLUMNS = (
    "method",
    "cells",
    MEASURE,
    "low",
    "high",
    "network_less_it",
    "difference_low",
    "difference_high",
    "p",
)


class RateComparison:
    """Evaluate a RateModule; `baselines` beside it on each test set.

    Args:
        compare: compute baselines at all.
        oasis: deconvolution among them, of the package oasis-deconv.
        elephant: published weights among them, files model1.h5 …

    Raises:
        RapheError: for a baseline that cannot be had.
    """

    def __init__(
        self,
        compare: bool = True,
        oasis: bool = False,
        elephant: Sequence[str | Path] = (),
    ) -> None:
        self.baselines: Mapping[str, Baseline] = baselines(oasis, elephant) if compare else {}

    def __call__(self, model: RateModule, data: RateData) -> dict[str, Draw | str | Estimate]:
        """Of each test set `cell_report`, `comparison.csv` and, by cell, `methods.csv`.

        By metric `<set>/cells/correlation` with its interval, and of each baseline
        `<set>/cells/correlation_of_<baseline>` with its own.
        """
        results: dict[str, Draw | str | Estimate] = {}
        for name, cells in model.inferred.items():
            store = data.test_store(name)
            results |= cell_report(name, cells, store)
            results |= self._compared(name, cells, store)
        return results

    def _compared(
        self, name: str, cells: Sequence[InferredCell], store: CalciumStore
    ) -> dict[str, str | Estimate]:
        scores = {NETWORK: np.array([cell.scores[MEASURE] for cell in cells])}
        for method, predict in self.baselines.items():
            scores[method] = np.array([_by_baseline(predict, cell, store) for cell in cells])
        table = comparison(scores)
        results: dict[str, str | Estimate] = {
            f"{name}/comparison.csv": as_csv(COLUMNS, [row.values() for row in table]),
            f"{name}/{BY_CELL}": by_cell(cells, scores),
        }
        return results | estimates(name, table)


def _by_baseline(predict: Baseline, cell: InferredCell, store: CalciumStore) -> float:
    rows = [store.recordings[answer.index].rows for answer in cell.recordings]
    predictions = [predict(store.calcium[row]) for row in rows]
    return score(predictions, [store.spikes[row] for row in rows])[MEASURE]


def comparison(
    scores: Mapping[str, np.ndarray], dataset: np.ndarray | None = None
) -> list[dict[str, Any]]:
    """A row of COLUMNS for each method; the first is compared with each other one.

    Args:
        scores: of each method the score of every cell (G,), NaN where there is none.
        dataset: of each cell (G,): the mean is then that of the datasets' means.
    """
    first = next(iter(scores.values()))
    table = []
    for method, of_method in scores.items():
        mean = mean_over_cells(of_method, dataset)
        row = dict.fromkeys(COLUMNS, float("nan")) | {
            "method": method,
            "cells": int((~np.isnan(of_method)).sum()),
            MEASURE: mean.value,
            "low": mean.low,
            "high": mean.high,
        }
        if of_method is not first:
            less = difference_over_cells(first, of_method, dataset)
            values = (less.value, less.low, less.high, less.p)
            row |= dict(zip(COLUMNS[5:], values, strict=True))
        table.append(row)
    return table


def estimates(part: str, table: Sequence[Mapping[str, Any]]) -> dict[str, Estimate]:
    """The rows of a comparison by metric, of the network and of each baseline."""
    named = {
        MEASURE if row["method"] == NETWORK else f"{MEASURE}_of_{row['method'].lower()}": row
        for row in table
    }
    return {
        metric(part, "cells", figure): Estimate(row[MEASURE], row["low"], row["high"])
        for figure, row in named.items()
    }


def by_cell(cells: Sequence[InferredCell], scores: Mapping[str, np.ndarray]) -> str:
    """A table as CSV, a row a cell: name, dataset and the score by each method (G,)."""
    rows = zip(cells, *scores.values(), strict=True)
    return as_csv(
        ["cell", "dataset", *scores],
        [[cell.name, cell.dataset, *map(float, row)] for cell, *row in rows],
    )


def as_csv(columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> str:
    """A table as text."""
    written = (
        [f"{value:.6f}" if isinstance(value, float) else value for value in row] for row in rows
    )
    return csv_text(columns, written)

"""What tells the folds of a cross-validation apart: a table, a page, a figure.

n cells.
"""

import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from raphe.core.files.csv_text import csv_text
from raphe.tasks.celltype.evaluation.cells_csv import cells_csv
from raphe.tasks.celltype.evaluation.fold_figure import fold_figure
from raphe.tasks.celltype.evaluation.pooled_result import POOLED, Fold, PooledResult
from raphe.tasks.celltype.training.data import CellTypeData

LINE = 100  # characters


def fold_artifacts(
    pooled: PooledResult,
    data: CellTypeData,
    metric: str,
    unfinished: Sequence[tuple[int, str]],
    made: Mapping[str, Any],
) -> dict[str, Figure | str]:
    """In `pooled`, cells.csv with each cell's fold, folds.csv, folds.png; summary.txt of it all.

    Args:
        data: of any fold.
        metric: the monitored one.
        unfinished: fold and network of each run that did not end well.
        made: the artifacts of the pooled set, `pooled/headline.txt` among them.
    """
    chosen = {fold.number: _chosen(fold) for fold in pooled.folds}
    of_cell = pooled.fold_of_cell
    more = {"fold": of_cell.astype(str), "network": [chosen[number] for number in of_cell]}
    summary = [
        *_intro(pooled, data),
        *_missing(pooled, data, unfinished),
        "",
        *_table(pooled, data, metric),
        "",
        made[f"{POOLED}/headline.txt"].rstrip(),
    ]
    if f"{POOLED}/baselines.txt" in made:
        summary += ["", made[f"{POOLED}/baselines.txt"].rstrip()]
    return {
        f"{POOLED}/cells.csv": cells_csv(pooled, more),
        f"{POOLED}/folds.csv": _csv(pooled, data, metric),
        f"{POOLED}/folds.png": fold_figure(
            pooled, _noun(data), [_groups(data, f) for f in pooled.folds]
        ),
        "summary.txt": "\n".join(summary) + "\n",
    }


def _noun(data: CellTypeData) -> str:
    return data.split


def _intro(pooled: PooledResult, data: CellTypeData) -> list[str]:
    fold_of_cell, noun = data.spike_split.fold_of_cell, _noun(data)
    n_folds = int(fold_of_cell.max()) + 1
    how = f"leave one {noun} out" if data.spike_split.folds == "all" else f"by {noun}"
    text = (
        f"Cross-validation in {n_folds} folds, {how}: {len(pooled.cells.cell)} of "
        f"{(fold_of_cell >= 0).sum()} cells tested, each once, by a network that saw no {noun} of "
        "its fold. Intervals take the networks as they are: that the folds share most of their "
        "training cells is not in them."
    )
    never = _never_learnt(data)
    if never:
        text += (
            f" {', '.join(never)}: all cells are of one {noun}, so they are tested by networks "
            "that never learnt the class, and can only be called wrong."
        )
    return textwrap.wrap(text, LINE)


def _never_learnt(data: CellTypeData) -> list[str]:
    """Classes whose cells are all in one fold."""
    label, fold = data.original.label_of_cell, data.spike_split.fold_of_cell
    return [
        name
        for index, name in enumerate(data.original.classes)
        if len(np.unique(fold[(label == index) & (fold >= 0)])) == 1
    ]


def _missing(
    pooled: PooledResult, data: CellTypeData, unfinished: Sequence[tuple[int, str]]
) -> list[str]:
    """Folds without an answer with the cells they leave untested, and networks that are missing."""
    fold_of_cell = data.spike_split.fold_of_cell
    lines = []
    failed = dict.fromkeys(number for number, _ in unfinished)
    tested = [fold.number for fold in pooled.folds]
    for number in np.setdiff1d(fold_of_cell[fold_of_cell >= 0], tested).tolist():
        cells = [
            data.original.cells[index].cell_id for index in np.flatnonzero(fold_of_cell == number)
        ]
        why = (
            "did not finish" if number in failed else "was not asked for, or its networks diverged"
        )
        lines += textwrap.wrap(
            f"MISSING: fold {number} {why}: {len(cells)} cells are not tested: {', '.join(cells)}.",
            LINE,
        )
    lacking: dict[str, list[str]] = {}
    for number, network in unfinished:
        if number in tested:
            lacking.setdefault(network, []).append(str(number))
    for network, numbers in lacking.items():
        told = f"{network} did not finish and was not to be chosen in fold {', '.join(numbers)}."
        lines += textwrap.wrap(told, LINE)
    return ["", *lines] if lines else []


def _chosen(fold: Fold) -> str:
    """ "model.kernel=8", "model.kernel=8, model.kernel=20 (3 times)"."""
    return ", ".join(
        label if times == 1 else f"{label} ({times} times)" for label, times in fold.chosen.items()
    )


def _groups(data: CellTypeData, fold: Fold) -> list[str]:
    """The days, animals or cells that the fold tests."""
    field = "cell_id" if data.split == "cell" else data.split
    return sorted({getattr(data.original.cells[index], field) for index in fold.cells.cell})


def _rows(pooled: PooledResult, data: CellTypeData) -> list[dict[str, str]]:
    """What is told of each fold, as texts, in the order of the columns."""
    rows = []
    for fold in pooled.folds:
        right = fold.cells.predicted == fold.cells.label
        row = {"fold": str(fold.number), "cells": str(len(right))}
        for index, name in enumerate(pooled.classes):
            own = fold.cells.label == index
            row[f"{name} right"] = f"{(right & own).sum()}/{own.sum()}" if own.any() else "–"
        row["not sure"] = str(int((~fold.decided).sum()))
        row["validation cells"] = str(fold.n_validation)
        row["monitored"] = f"{fold.monitored:.4g}"
        row["network"] = _chosen(fold)
        rows.append(row)
    return rows


def _table(pooled: PooledResult, data: CellTypeData, metric: str) -> list[str]:
    rows = _rows(pooled, data)
    if not any(row["network"] for row in rows):
        rows = [{key: row[key] for key in row if key != "network"} for row in rows]
    for row in rows:
        row[metric] = row.pop("monitored")
    widths = {key: max(len(key), *(len(row[key]) for row in rows)) for key in rows[0]}
    lines = ["  ".join(key.rjust(width) for key, width in widths.items())]
    lines += ["  ".join(row[key].rjust(widths[key]) for key in widths) for row in rows]
    counted = Counter(_chosen(fold) for fold in pooled.folds)
    if any(counted):
        told = ", ".join(f"{label} in {n}" for label, n in counted.most_common())
        lines += [
            "",
            *textwrap.wrap(f"Chosen by the folds on their validation cells: {told}.", LINE),
        ]
    return lines


def _csv(pooled: PooledResult, data: CellTypeData, metric: str) -> str:
    rows = _rows(pooled, data)
    header = [*(metric if key == "monitored" else key for key in rows[0]), data.split]
    lines = []
    for row, fold in zip(rows, pooled.folds, strict=True):
        lines.append([*row.values(), " ".join(_groups(data, fold))])
    return csv_text(header, lines)

"""What tells the folds of a cross-validation apart: a table, a page, a figure.

n cells.
"""

import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from raphe.core.figure_style import COLOURS, GREY, STYLE
from raphe.core.files.csv_text import csv_text
from raphe.core.sentences import counted, listed
from raphe.tasks.celltype.evaluation.baseline_report import same_cells, short_table
from raphe.tasks.celltype.evaluation.conclusion import conclusion
from raphe.tasks.celltype.evaluation.pooled_result import POOLED, Fold, PooledResult
from raphe.tasks.celltype.evaluation.set_report import cells_csv, verdict_lines
from raphe.tasks.celltype.metrics.cell_level import share_of_cells
from raphe.tasks.celltype.training.data import CellTypeData

LINE = 100  # characters
UDI = "UDI: upstroke–downstroke interval of a spike."
MORE = ("headline.txt", "baselines.txt", "cells.csv")  # what the summary leaves out
FOLD_IN = 0.30  # width of a fold …
LEAST_IN, MOST_IN = 4.4, 11.0  # … and of the figure
WIDE_IN = 6.0  # enough for the legend in one line
SPREAD = 0.3  # of dots, of the distance between two folds
NAME_IN, MOST_CHARACTERS = 0.06, 30  # of height for the names of the folds
MOST_LABELS = 30  # folds that are named; of more, some are numbered


def fold_artifacts(
    pooled: PooledResult,
    data: CellTypeData,
    metric: str,
    unfinished: Sequence[tuple[int, str]],
    artifacts: Mapping[str, Any],
) -> dict[str, Figure | str]:
    """In `pooled`, cells.csv with each cell's fold, folds.csv, folds.png; summary.txt of it all.

    Args:
        data: of any fold.
        metric: the monitored one.
        unfinished: fold and network of each run that did not end well.
        artifacts: those of the pooled set.
    """
    chosen = {fold.number: _chosen(fold) for fold in pooled.folds}
    of_cell = pooled.fold_of_cell
    more = {"fold": of_cell.astype(str), "network": [chosen[number] for number in of_cell]}
    baselines = pooled.baselines
    if baselines is not None and not same_cells(pooled, baselines):
        baselines = None
    more_files = [f"{POOLED}/{name}" for name in MORE if f"{POOLED}/{name}" in artifacts]
    summary = [
        *textwrap.wrap(conclusion(pooled, baselines), LINE),
        "",
        *_intro(pooled, data),
        *_missing(pooled, data, unfinished),
        *textwrap.wrap(pooled.comparison.sentence(), LINE),
        "",
        *short_table(pooled, baselines),
        *([UDI] if baselines is not None else []),
        "",
        *verdict_lines(pooled),
        "",
        *_table(pooled, data, metric),
        "",
        *([f"Note: {data.note}"] if data.note else []),
        f"More in the run's files {listed(more_files)}.",
    ]
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
        reason = (
            "did not finish" if number in failed else "was not asked for, or its networks diverged"
        )
        lines += textwrap.wrap(
            f"MISSING: fold {number} {reason}: {counted('cell', len(cells))} "
            f"{'is' if len(cells) == 1 else 'are'} not tested: {', '.join(cells)}.",
            LINE,
        )
    lacking: dict[str, list[str]] = {}
    for number, network in unfinished:
        if number in tested:
            lacking.setdefault(network, []).append(str(number))
    for network, numbers in lacking.items():
        text = f"{network} did not finish and was not to be chosen in fold {', '.join(numbers)}."
        lines += textwrap.wrap(text, LINE)
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
            of_class = fold.cells.label == index
            row[f"{name} right"] = (
                f"{(right & of_class).sum()}/{of_class.sum()}" if of_class.any() else "–"
            )
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
    times_chosen = Counter(_chosen(fold) for fold in pooled.folds)
    if any(times_chosen):
        choices = ", ".join(f"{label} in {n}" for label, n in times_chosen.most_common())
        lines += [
            "",
            *textwrap.wrap(f"Chosen by the folds on their validation cells: {choices}.", LINE),
        ]
    return lines


def _csv(pooled: PooledResult, data: CellTypeData, metric: str) -> str:
    rows = _rows(pooled, data)
    header = [*(metric if key == "monitored" else key for key in rows[0]), data.split]
    lines = []
    for row, fold in zip(rows, pooled.folds, strict=True):
        lines.append([*row.values(), " ".join(_groups(data, fold))])
    return csv_text(header, lines)


def fold_figure(pooled: PooledResult, noun: str, groups: Sequence[Sequence[str]]) -> Figure:
    """A dot for each cell, above the share called right in each fold of several cells.

    Of two classes, the probability of the first; of more, that of the cell's own. `groups` are the
    cells, days or animals (`noun`) of each fold.
    """
    folds = pooled.folds
    several = any(len(fold.cells.cell) > 1 for fold in folds)
    place = np.arange(len(folds))
    with rc_context(STYLE):
        width = float(np.clip(1.6 + FOLD_IN * len(folds), LEAST_IN, MOST_IN))
        height = (4.6 if several else 3.4) + NAME_IN * _longest_name(groups)
        figure = Figure(figsize=(width, height), layout="constrained")
        panels = figure.subplots(
            1 + several, 1, sharex=True, squeeze=False, height_ratios=[2, 1][: 1 + several]
        )[:, 0]
        _dots(panels[0], pooled)
        if several:
            _shares(panels[1], pooled)
        _name_folds(panels[-1], noun, groups, [fold.number for fold in folds])
        panels[-1].set_xlim(place[0] - 0.6, place[-1] + 0.6)
        figure.legend(loc="outside upper center", ncols=2 if width < WIDE_IN else 4)
        n = len(pooled.cells.cell)
        panels[0].set_title(f"{counted('cell', n)}, each tested in one of {len(folds)} folds")
    return figure


def _dots(axes: Axes, pooled: PooledResult) -> None:
    two = len(pooled.classes) == 2
    for index, name in enumerate(pooled.classes):
        x, y = [], []
        for place, fold in enumerate(pooled.folds):
            of_class = np.flatnonzero(fold.cells.label == index)
            shown = fold.cells.probability[of_class, 0 if two else index]
            x += (place + _spread(len(of_class))).tolist()
            y += shown.tolist()
        colour = COLOURS[index % len(COLOURS)]
        axes.plot(x, y, "o", ms=3.5, alpha=0.75, mew=0, color=colour, label=f"true {name}")
    if two:
        axes.axhline(0.5, color=GREY, linewidth=0.8, linestyle=":")
    what = f"P({pooled.classes[0]})" if two else "P(own class)"
    axes.set(ylabel=f"{what} of a cell", ylim=(-0.04, 1.04))


def _spread(n: int) -> np.ndarray:
    """So many places around 0, evenly."""
    return np.linspace(-SPREAD, SPREAD, n) if n > 1 else np.zeros(n)


def _shares(axes: Axes, pooled: PooledResult) -> None:
    right = pooled.cells.predicted == pooled.cells.label
    of_folds = [
        share_of_cells("", right, pooled.fold_of_cell == fold.number, pooled.cells, pooled.groups)
        for fold in pooled.folds
    ]
    place = np.arange(len(of_folds))
    for at, share in zip(place, of_folds, strict=True):
        axes.vlines(at, share.low, share.high, color="black", linewidth=0.8)
    shares = [share.value for share in of_folds]
    axes.plot(place, shares, "o", color="black", ms=4, label="called right (95 %)")
    axes.axhline(right.mean(), color=GREY, linewidth=0.8, label="all folds")
    axes.set(ylabel="Share called right", ylim=(-0.04, 1.04))


def _longest_name(groups: Sequence[Sequence[str]]) -> int:
    """Characters of the longest name that `_name_folds` writes, or so many as there is room for."""
    named = _are_single(groups) and len(groups) <= MOST_LABELS
    return min(max(len(names[0]) for names in groups), MOST_CHARACTERS) if named else 0


def _are_single(groups: Sequence[Sequence[str]]) -> bool:
    return all(len(names) == 1 for names in groups)


def _name_folds(
    axes: Axes, noun: str, groups: Sequence[Sequence[str]], numbers: Sequence[int]
) -> None:
    """By the group that is left out where each fold has one, else by number."""
    single = _are_single(groups)
    if len(groups) > MOST_LABELS:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel(f"Fold: the {noun} left out" if single else "Fold")
        return
    labels = [names[0] for names in groups] if single else [str(number) for number in numbers]
    axes.set_xticks(range(len(labels)), labels)
    if single:
        axes.tick_params(axis="x", labelrotation=90, labelsize=7)
    axes.set_xlabel(f"{noun.capitalize()} left out" if single else "Fold")

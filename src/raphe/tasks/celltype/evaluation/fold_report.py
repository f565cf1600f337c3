"""What tells the folds of a cross-validation apart: a table, a page, a figure.

n cells.
"""

import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from raphe.core.figure_style import (
    GREY,
    INK,
    ONE_COLUMN_IN,
    TWO_COLUMNS_IN,
    LineStyle,
    PaperFigure,
    class_colour,
    house_style,
    letter,
)
from raphe.core.files.csv_text import csv_text, filled
from raphe.core.metric_names import kept
from raphe.core.protocol import Draw
from raphe.core.sentences import counted, listed
from raphe.tasks.celltype.evaluation.baseline_report import same_cells, short_table
from raphe.tasks.celltype.evaluation.conclusion import conclusion
from raphe.tasks.celltype.evaluation.figures import interval_words
from raphe.tasks.celltype.evaluation.pooled_result import POOLED, Fold, PooledResult
from raphe.tasks.celltype.evaluation.set_report import cells_csv, verdict_lines
from raphe.tasks.celltype.metrics.cell_level import share_of_cells
from raphe.tasks.celltype.metrics.names import names
from raphe.tasks.celltype.training.data import CellTypeData

LINE = 100  # characters
UDI = "UDI: upstroke–downstroke interval of a spike."
MORE = ("headline.txt", "baselines.txt", "cells.csv")  # what the summary leaves out
FOLD_IN = 0.30  # width of a fold
WIDE_IN = 6.0  # enough for the legend in one line
SPREAD = 0.38  # of a fold's classes, of the distance between two folds
TOUCHING = 0.025  # difference of two probabilities whose dots lie on one another
NAME_IN, MOST_CHARACTERS = 0.06, 30  # of height for the names of the folds
MOST_LABELS = 30  # folds that are named; of more, some are numbered


def fold_artifacts(
    pooled: PooledResult,
    data: CellTypeData,
    metric: str,
    unfinished: Sequence[tuple[int, str]],
    artifacts: Mapping[str, Any],
) -> dict[str, Draw | str]:
    """In `pooled`, cells.csv with each cell's fold, folds.csv, folds.png; summary.txt of it all.

    Args:
        data: of any fold.
        metric: the monitored one.
        unfinished: fold and network of each run that did not end well.
        artifacts: those of the pooled set.
    """
    chosen = {fold.number: _chosen(fold) for fold in pooled.folds}
    of_cell = pooled.fold_of_cell
    more = {
        "fold": of_cell.astype(str).tolist(),
        "network": [chosen[number] for number in of_cell.tolist()],
    }
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
        f"{POOLED}/folds.png": partial(
            fold_figure, pooled, _noun(data), [_groups(data, f) for f in pooled.folds]
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
        "its fold. Intervals take the networks as given; they leave out that the folds share most "
        "of their training cells."
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
            f"MISSING: fold {number + 1} {reason}: {counted('cell', len(cells))} "
            f"{'is' if len(cells) == 1 else 'are'} not tested: {', '.join(cells)}.",
            LINE,
        )
    lacking: dict[str, list[str]] = {}
    for number, network in unfinished:
        if number in tested:
            lacking.setdefault(network, []).append(str(number + 1))
    for network, numbers in lacking.items():
        text = f"{network} did not finish and could not be chosen in fold {', '.join(numbers)}."
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
    """What is told of each fold, as texts, in the order of the columns; folds count from 1."""
    rows = []
    for fold in pooled.folds:
        right = fold.cells.predicted == fold.cells.label
        row = {"fold": str(fold.number + 1), "cells": str(len(right))}
        for index, name in enumerate(pooled.classes):
            of_class = fold.cells.label == index
            row[f"{name} right"] = (
                f"{(right & of_class).sum()}/{of_class.sum()}" if of_class.any() else "–"
            )
        row["not sure"] = str(int((~fold.decided).sum()))
        row["validation cells"] = str(fold.n_validation)
        row["monitored"] = f"{fold.monitored:.3f}"
        row["network"] = _chosen(fold)
        rows.append(row)
    return rows


def _table(pooled: PooledResult, data: CellTypeData, metric: str) -> list[str]:
    rows = _rows(pooled, data)
    if not any(row["network"] for row in rows):
        rows = [{key: row[key] for key in row if key != "network"} for row in rows]
    for row in rows:
        row[f"validation {names().label(metric)}"] = row.pop("monitored")
    widths = {key: max(len(key), *(len(row[key]) for row in rows)) for key in rows[0]}
    lines = ["  ".join(key.rjust(width) for key, width in widths.items())]
    lines += ["  ".join(row[key].rjust(widths[key]) for key in widths) for row in rows]
    lines.append("Fold 1 is data.fold=0.")
    times_chosen = Counter(_chosen(fold) for fold in pooled.folds)
    if any(times_chosen):
        choices = ", ".join(f"{label} in {n}" for label, n in times_chosen.most_common())
        lines += [
            "",
            *textwrap.wrap(f"Chosen by the folds on their validation cells: {choices}.", LINE),
        ]
    return lines


def _csv(pooled: PooledResult, data: CellTypeData, metric: str) -> str:
    """One row a fold; a network that was not chosen among others has no column."""
    of_class = [f"{count}_{name}" for name in pooled.classes for count in ("n_right", "n")]
    header = ["fold", "n_cells", *of_class, "n_not_sure", "n_validation_cells", kept(metric)]
    lines = []
    for fold in pooled.folds:
        right = fold.cells.predicted == fold.cells.label
        counts = []
        for index in range(len(pooled.classes)):
            own = fold.cells.label == index
            counts += [(right & own).sum(), own.sum()]
        numbers = [fold.number, len(right), *counts, (~fold.decided).sum(), fold.n_validation]
        network_and_groups = [_chosen(fold), " ".join(_groups(data, fold))]
        lines.append([*numbers, f"{fold.monitored:.6g}", *network_and_groups])
    return csv_text(*filled([*header, "network", data.split], lines))


@house_style()
def fold_figure(pooled: PooledResult, noun: str, groups: Sequence[Sequence[str]]) -> Figure:
    """A dot for each cell, above the share called right in each fold of several cells.

    Of two classes, the stated probability of the first; of more, that of the cell's own. A cell
    that is "not sure" has an open dot. `groups` are the cells, days or animals (`noun`) of each
    fold; folds are counted from 1.
    """
    folds = pooled.folds
    several = any(len(fold.cells.cell) > 1 for fold in folds)
    width = float(np.clip(1.0 + FOLD_IN * len(folds), ONE_COLUMN_IN, TWO_COLUMNS_IN))
    height = (4.9 if several else 3.7) + NAME_IN * _longest_name(groups)
    figure = PaperFigure(width, height, _fold_caption(pooled, noun, groups, several))
    panels = figure.subplots(
        1 + several, 1, sharex=True, squeeze=False, height_ratios=[2, 1][: 1 + several]
    )[:, 0]
    _dots(panels[0], pooled)
    if several:
        _shares(panels[1], pooled)
        letter(panels)
    _name_folds(panels[-1], noun, groups, [fold.number for fold in folds])
    panels[-1].set_xlim(-0.6, len(folds) - 0.4)
    figure.legend(loc="outside lower center", ncols=2 if width < WIDE_IN else 4)
    size = counted("cell", len(pooled.cells.cell))
    panels[0].set_title(f"{size}, each tested in one of {len(folds)} folds")
    return figure


def _fold_caption(
    pooled: PooledResult, noun: str, groups: Sequence[Sequence[str]], several: bool
) -> str:
    """What dots and bars are; "fold 1" is data.fold=0."""
    two = len(pooled.classes) == 2
    of = f"of {pooled.classes[0]}" if two else "of a cell's own class"
    text = (
        f"Cross-validation by {noun}: each of {counted('cell', len(pooled.cells.cell))} is tested "
        f"by a network that was not trained on its fold. A dot is the stated probability {of}; "
        'open dots are cells that are called "not sure". Dots side by side in a fold are moved '
        "apart to be seen, a column for each class."
    )
    if several:
        text += f" Below, the share of cells called right; {interval_words(pooled)}."
    if not _are_single(groups):
        text += " Fold 1 is data.fold=0."
    return text


def _dots(axes: Axes, pooled: PooledResult) -> None:
    two, n_classes = len(pooled.classes) == 2, len(pooled.classes)
    for index, name in enumerate(pooled.classes):
        spots: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
        for place, fold in enumerate(pooled.folds):
            of_class = np.flatnonzero(fold.cells.label == index)
            shown = fold.stated[of_class, 0 if two else index]
            alone = len(of_class) == len(fold.cells.label)
            offset = 0.0 if alone else (index - (n_classes - 1) / 2)
            x = place + (offset + _apart(shown)) * 2 * SPREAD / n_classes
            for spot in zip(x, shown, fold.decided[of_class], strict=True):
                spots[bool(spot[2])].append(spot[:2])
        dots: LineStyle = {
            "marker": "o",
            "ms": 3.5,
            "ls": "",
            "mew": 0.8,
            "color": class_colour(index),
        }
        axes.plot(*_columns(spots[True]), **dots, label=f"true {name}")
        axes.plot(*_columns(spots[False]), **dots, mfc="white")
    if any(not fold.decided.all() for fold in pooled.folds):
        axes.plot([], [], "o", ms=3.5, color=GREY, mfc="white", label="not sure")
    if two:
        label = f"above: more likely {pooled.classes[0]}"
        axes.axhline(0.5, color=GREY, linewidth=0.8, linestyle=":", label=label)
    what = pooled.classes[0] if two else "the cell's own class"
    axes.set(ylabel=f"Stated probability of {what}", ylim=(-0.04, 1.04))


def _columns(spots: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in spots], [y for _, y in spots]


def _apart(heights: np.ndarray) -> np.ndarray:
    """Where dots of these heights (n,) lie across their column of width 1: 0 unless they touch."""
    across = np.zeros(len(heights))
    row: list[int] = []  # dots that touch the one before
    for index in np.argsort(heights):
        if row and heights[index] - heights[row[0]] > TOUCHING:
            row = []
        row.append(int(index))
        if len(row) > 1:
            across[row] = np.linspace(-0.4, 0.4, len(row))
    return across


def _shares(axes: Axes, pooled: PooledResult) -> None:
    right = pooled.cells.predicted == pooled.cells.label
    of_folds = [
        share_of_cells("", right, pooled.fold_of_cell == fold.number, pooled.cells, pooled.groups)
        for fold in pooled.folds
    ]
    for at, share in enumerate(of_folds):
        axes.vlines(at, 100 * share.low, 100 * share.high, color=INK, linewidth=0.8)
    shares = [100 * share.value for share in of_folds]
    axes.plot(range(len(shares)), shares, "s", color=INK, label="called right, 95 % interval")
    label = f"all folds: {100 * right.mean():.0f} %"
    axes.axhline(100 * right.mean(), color=GREY, linewidth=0.8, label=label)
    axes.set(ylabel="Called right (%)", ylim=(-4, 104))


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
        some = range(0, len(groups), -(-len(groups) // MOST_LABELS))
        axes.set_xticks(some, [str(numbers[index] + 1) for index in some])
        axes.set_xlabel(f"Fold: the {noun} left out" if single else "Fold")
        return
    labels = [names[0] for names in groups] if single else [str(number + 1) for number in numbers]
    axes.set_xticks(range(len(labels)), labels)
    if single:
        axes.tick_params(axis="x", labelrotation=90, labelsize=7)
    axes.set_xlabel(f"{noun.capitalize()} left out" if single else "Fold")

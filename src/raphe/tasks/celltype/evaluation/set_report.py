"""A test set as texts: headline figures on a page, tables of its cells and its confusion matrix."""

import json
import textwrap
from collections.abc import Mapping, Sequence

import numpy as np

from raphe.core.files.csv_text import csv_text, filled
from raphe.core.sentences import counted
from raphe.core.statistics.decision import NOT_SURE
from raphe.core.statistics.figure_interval import Headline
from raphe.core.statistics.intervals import interval_of_share
from raphe.tasks.celltype.metrics.cell_level import interval_note, share_of_cells
from raphe.tasks.celltype.metrics.names import label_of
from raphe.tasks.celltype.metrics.set_result import SetResult

AS_NUMBER = ("mcc", "auroc", "macro_auroc", "macro_f1")  # all others are percentages
LINE = 100  # characters
FEW_CELLS = 20  # of a class: the interval of half of them is 40 points wide
NOT_HELD_OUT = (
    "No calibration and no band: the split is by spike, so no cell was held out to choose them on."
)


def headline_text(result: SetResult, headlines: Sequence[Headline]) -> str:
    """Counts, every figure with its interval, and what may be said of the verdicts."""
    cells, classes = result.cells, result.classes
    sizes = np.bincount(cells.label, minlength=len(classes))
    of_class = ", ".join(f"{n} {label}" for n, label in zip(sizes, classes, strict=True))
    size, called_by = counted("cell", len(cells.label)), ""
    if result.one_window_each:
        spikes = "one window each"
    else:
        spikes = counted("spike", len(result.spikes.label))
        called_by = f"A cell is called by the {result.pooling} of its spikes' probabilities"
    looked_for = f"looked for: {classes[0]}" if len(classes) == 2 else ""
    rule = "; ".join(filter(None, (called_by, looked_for)))
    lines = [
        f"{result.name} set: {size} ({of_class}), {spikes}",
        *([f"{rule[0].upper()}{rule[1:]}."] if rule else []),
        *_small(result),
        "",
        *_matrix(cells.confusion(), classes),
        "",
        *_figures(headlines),
        "",
        *textwrap.wrap(interval_note(headlines, result.groups), LINE),
        "",
        *verdict_lines(result),
    ]
    return "\n".join(lines) + "\n"


def _small(result: SetResult) -> list[str]:
    """What few cells cannot tell, or nothing where each class of the set has enough."""
    few, fewest = [], FEW_CELLS
    for label, name in enumerate(result.classes):
        of_class = result.cells.cell[result.cells.label == label]
        if 0 < len(of_class) < FEW_CELLS:
            animals = {result.known_cells[index].animal for index in of_class if result.known_cells}
            of_animals = f" of {counted('animal', len(animals))}" if all(animals or [""]) else ""
            few.append(f"{counted('cell', len(of_class))} {name}{of_animals}")
            fewest = min(fewest, len(of_class))
    if not few:
        return []
    text = (
        f"Small: {', '.join(few)}. The 95 % interval of a share of {counted('cell', fewest)} can "
        f"be {_widest_points(fewest)} points wide, and what an animal or a laboratory has in "
        "common cannot be told from its class."
    )
    return textwrap.wrap(text, LINE)


def _widest_points(n: int) -> int:
    """Percentage points from end to end of the interval of a share of n, where it is the widest."""
    low, high = interval_of_share((n // 2) / n, n)
    return round(100 * (high - low))


def _matrix(counts: np.ndarray, classes: Sequence[str]) -> list[str]:
    """Raw counts of cells, a row for each true class."""
    rows = [f"  true {name}" for name in classes]
    columns = [f"called {name}" for name in classes]
    width = max(map(len, rows)) + 2
    lines = ["Cells".ljust(width) + "  ".join(columns)]
    for row, numbers in zip(rows, counts, strict=True):
        cells = [str(n).rjust(len(name)) for n, name in zip(numbers, columns, strict=True)]
        lines.append(row.ljust(width) + "  ".join(cells))
    return lines


def _figures(headlines: Sequence[Headline]) -> list[str]:
    table = [["", "value", "interval", "counts", "by"]]
    level = ""
    for h in headlines:
        if h.level != level:
            level = h.level
            table.append([level.capitalize(), "", "", "", ""])
        counts = f"{h.counts[0]}/{h.counts[1]}" if h.counts else ""
        table.append(
            [
                f"  {label_of(h.name)}",
                *_value_and_interval(h),
                counts,
                h.interval,
            ]
        )
    widths = [max(len(row[column]) for row in table) for column in range(5)]
    aligned = [
        (row[0].ljust(widths[0]), row[1].rjust(widths[1]), row[2].ljust(widths[2]),
         row[3].rjust(widths[3]), row[4])
        for row in table
    ]  # fmt: skip
    return ["  ".join(row).rstrip() for row in aligned]


def _value_and_interval(h: Headline) -> tuple[str, str]:
    scale, digits, unit = (1, 3, "") if h.name in AS_NUMBER else (100, 1, " %")
    value, low, high = (f"{scale * number:.{digits}f}" for number in (h.value, h.low, h.high))
    interval = "–" if np.isnan(h.low) else f"{low} to {high}"
    return ("–" if np.isnan(h.value) else value + unit), interval


def verdict_lines(result: SetResult) -> list[str]:
    """How many cells are called, how many of them wrongly, and what is promised."""
    if result.decided is None:
        return [NOT_HELD_OUT]
    decided = result.decided
    n, n_called, n_wrong = len(decided), int(decided.sum()), int((~result.right[decided]).sum())
    lines = textwrap.wrap(
        f"{result.decided_how} {counted('cell', n_called)} of {n} called, {n - n_called} not sure.",
        LINE,
    )
    if n_called:
        wrong = share_of_cells("wrong", ~result.right, decided, result.cells, result.groups)
        lines.append(
            f"Wrong among the cells called: {n_wrong}/{n_called}, {100 * wrong.value:.1f} % "
            f"({100 * wrong.low:.1f} to {100 * wrong.high:.1f}, over {wrong.interval})."
        )
    if n_called < n:
        names = [result.cell_name(index) for index in result.cells.cell[~decided]]
        lines += textwrap.wrap(f"Not sure: {', '.join(names)}.", LINE)
    if result.decision:
        mix = (
            f"{result.decision.mix_statement(result.classes)} Predictive values hold for the mix "
            "of classes in this set."
        )
        lines += textwrap.wrap(mix, LINE, break_on_hyphens=False)
        promise = result.decision.not_sure.statement()
        lines += textwrap.wrap(f"Promise: {promise}.", LINE, break_on_hyphens=False)
    return lines


def cells_csv(result: SetResult, more: Mapping[str, Sequence[str]] | None = None) -> str:
    """One row a cell: its class, the class called, the probabilities, what its spikes say.

    `stated` is calibrated where there were cells enough. The verdict is the class of the largest
    one, or "not sure"; without a decision both are left out, as is a day that no cell has. `more`
    are further columns by name.
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
    return csv_text(*filled(header, rows))


def _written(probability: np.ndarray) -> list[str]:
    return [f"{value:.6f}" for value in probability]


def confusion_json(result: SetResult) -> str:
    """Raw counts of spikes and of cells, with what each axis stands for."""
    table = {
        "classes": list(result.classes),
        "rows": "true class",
        "columns": "predicted class",
        "normalised_over": None,
        "cells": result.cells.confusion().tolist(),
        "spikes": result.spikes.confusion().tolist(),
    }
    return json.dumps(table, indent=2) + "\n"

"""The headline figures of a test set as a page of text."""

import textwrap
from collections.abc import Sequence

import numpy as np

from raphe.core.statistics import N_RESAMPLES, wilson
from raphe.tasks.celltype.answered_set import AnsweredSet
from raphe.tasks.celltype.cell_level import Headline

AS_NUMBER = ("mcc", "auroc", "macro_auroc", "macro_f1")  # all others are percentages
LINE = 100  # characters
NOT_HELD_OUT = (
    "No calibration and no band: the split is by spike, so no cell was held out to choose them on."
)


def headline_text(answered: AnsweredSet, found: Sequence[Headline]) -> str:
    """Counts, every figure with its interval, and what may be said of the verdicts."""
    cells, classes = answered.cells, answered.classes
    sizes = np.bincount(cells.label, minlength=len(classes))
    of_class = ", ".join(f"{n} {label}" for n, label in zip(sizes, classes, strict=True))
    lines = [
        f"{answered.name} set: {len(cells.label)} cells ({of_class}), "
        f"{len(answered.spikes.label)} spikes",
        f"A cell is called by the {answered.pooling} of its spikes' probabilities; "
        f"looked for: {classes[0]}.",
        "",
        *_matrix(cells.confusion(), classes),
        "",
        *_figures(found),
        "",
        f"Intervals are of 95 %. Wilson's take cells as independent; the bootstrap draws whole "
        f"{answered.groups.noun}, {N_RESAMPLES} times.",
        "– where resampling cannot tell, as without any mistake.",
        "",
        *(_verdicts(answered) if answered.decision else [NOT_HELD_OUT]),
    ]
    return "\n".join(lines) + "\n"


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


def _figures(found: Sequence[Headline]) -> list[str]:
    table = [["", "value", "interval", "counts", "by"]]
    level = ""
    for one in found:
        if one.level != level:
            level = one.level
            table.append([level.capitalize(), "", "", "", ""])
        counts = f"{one.counts[0]}/{one.counts[1]}" if one.counts else ""
        table.append([f"  {_readable(one.name)}", *_value_and_interval(one), counts, one.interval])
    widths = [max(len(row[column]) for row in table) for column in range(5)]
    aligned = [
        (row[0].ljust(widths[0]), row[1].rjust(widths[1]), row[2].ljust(widths[2]),
         row[3].rjust(widths[3]), row[4])
        for row in table
    ]  # fmt: skip
    return ["  ".join(row).rstrip() for row in aligned]


def _readable(name: str) -> str:
    short = {"ppv": "PPV", "npv": "NPV", "mcc": "MCC", "auroc": "AUROC", "f1": "F1"}
    return " ".join(short.get(word, word) for word in name.replace("_", " ").split())


def _value_and_interval(one: Headline) -> tuple[str, str]:
    scale, digits, unit = (1, 3, "") if one.name in AS_NUMBER else (100, 1, " %")
    value, low, high = (f"{scale * number:.{digits}f}" for number in (one.value, one.low, one.high))
    interval = "–" if np.isnan(one.low) else f"{low} to {high}"
    return ("–" if np.isnan(one.value) else value + unit), interval


def _verdicts(answered: AnsweredSet) -> list[str]:
    decision, decided = answered.decision, answered.decided
    n, n_called, n_wrong = len(decided), int(decided.sum()), int((~answered.right[decided]).sum())
    lines = [
        f"Verdicts, calibrated by {decision.method} on {decision.not_sure.n_items} validation "
        f"cells: {n_called} of {n} called at P ≥ {decision.not_sure.threshold:.3f}, {n - n_called} "
        "not sure.",
    ]
    if n_called:
        low, high = wilson(n_wrong, n_called)
        lines.append(
            f"Wrong among the called: {n_wrong}/{n_called}, {100 * n_wrong / n_called:.1f} % "
            f"({100 * low:.1f} to {100 * high:.1f}, Wilson)."
        )
    if n_called < n:
        names = [answered.cell_name(index) for index in answered.cells.cell[~decided]]
        lines += textwrap.wrap(f"Not sure: {', '.join(names)}.", LINE)
    return [*lines, *textwrap.wrap(f"The band: {decision.not_sure.statement()}.", LINE)]

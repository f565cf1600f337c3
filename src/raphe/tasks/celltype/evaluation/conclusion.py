"""What a test comes to, in the few sentences that stand before every table."""

import numpy as np

from raphe.core.metric_names import metric
from raphe.core.sentences import counted, listed, p_value
from raphe.core.statistics.answers import Answer, above
from raphe.core.statistics.figure_interval import Headline
from raphe.core.statistics.intervals import Difference
from raphe.tasks.celltype.evaluation.baseline_cells import BaselineCells
from raphe.tasks.celltype.evaluation.baseline_report import (
    NETWORK,
    ComparedFigure,
    compare,
    readable,
    same_cells,
    signed,
)
from raphe.tasks.celltype.metrics.names import CELLS, names
from raphe.tasks.celltype.metrics.set_result import SetResult

CHANCE, MARGIN = 0.5, 0.1  # of an AUROC; one surely below 0.6 is as good as none
TRAINED_ON = "Other spikes of these cells were trained on, so this says nothing of new cells."
JUDGED_BY = ("auroc", "macro_auroc", "balanced_accuracy")  # the first that the set has


def conclusion(result: SetResult, baselines: BaselineCells | None) -> str:
    """Whether the network tells the classes apart, and whether it beats the best simple baseline.

    "Cannot be told" where the interval leaves it open: by the AUROC of cells, and where that is
    undefined, as in folds of one class each, by the balanced accuracy.
    """
    if baselines is not None and not same_cells(result, baselines):
        baselines = None
    compared = compare(result, baselines)
    judged = {row.headline.name: row.headline for row in compared if row.classifier == NETWORK}
    name = next((name for name in JUDGED_BY if name in judged), None)
    if name is None:
        n_cells = counted("cell", len(result.cells.label))
        return f"Whether the network tells the classes apart cannot be told from {n_cells}."
    rows = [
        (row, row.difference)
        for row in compared
        if row.headline.name == name and row.difference is not None
    ]
    sentences = [_apart(judged[name], result)]
    if result.split == "spike":
        sentences.append(TRAINED_ON)
    return " ".join([*sentences, *([_against(rows, name)] if rows else [])])


def _apart(headline: Headline, result: SetResult) -> str:
    chance = 1 / len(result.classes) if headline.name == "balanced_accuracy" else CHANCE
    figure = f"{_label(headline.name)} {headline.value:.2f}{_interval(headline)}"
    n_cells = counted("cell", len(result.cells.label))
    over = headline.interval.removeprefix(n_cells).removeprefix(", ")  # "this day only" is left
    of_cells = f"{n_cells}, {over}" if over else n_cells
    if headline.high < chance:
        how = "is right less often than chance"
        if headline.name != "balanced_accuracy":
            how = "tells the classes apart, but the wrong way round"
        return f"The network {how}: {figure}, {of_cells}."
    answer = above(headline, chance, MARGIN)
    if answer is Answer.YES:
        return f"The network tells the classes apart: {figure}, {of_cells}."
    if answer is Answer.NO:
        return (
            f"The network does not tell the classes apart: {figure}, {of_cells}, surely below "
            f"{chance + MARGIN:.2f}."
        )
    return (
        f"Whether the network tells the classes apart cannot be told from {of_cells}: {figure}, "
        f"where {chance:.2f} is chance."
    )


def _interval(headline: Headline) -> str:
    if np.isnan(headline.low):
        return " without an interval"
    return f" (95 % interval {headline.low:.2f} to {headline.high:.2f})"


def _against(rows: list[tuple[ComparedFigure, Difference]], name: str) -> str:
    """The network beside the best of the baselines, and how many others are better than it."""
    best, difference = max(rows, key=lambda row: row[0].headline.value)
    which = (
        f"{_of_how_many(len(rows))}, {readable(best.classifier)} "
        f"({_label(name)} {best.headline.value:.2f})"
    )
    by = f"{signed(difference.value)}{_difference(difference)}"
    better = [row for row, its_difference in rows if its_difference.high < 0]
    if best in better:
        others = [readable(row.classifier) for row in better if row is not best]
        are = "is" if len(others) == 1 else "are"
        more = f"; {listed(others)} {are} better than it, too" if others else ""
        return f"It is worse than {which}: {by}{more}."
    answer = above(difference, 0.0, MARGIN)
    if answer is Answer.YES:
        return f"It is better than {which}: {by}."
    if answer is Answer.NO:
        return f"It is no better than {which}, or by less than {MARGIN}: {by}."
    return f"Whether it is better than {which} cannot be told: {by}."


def _of_how_many(n: int) -> str:
    return "the one simple baseline" if n == 1 else f"the best of {counted('simple baseline', n)}"


def _difference(difference: Difference) -> str:
    if np.isnan(difference.low):
        return " without an interval"
    p = p_value(difference.p)
    stated = f", p {p if p.startswith('<') else f'= {p}'}" if p else ""
    return f" ({signed(difference.low)} to {signed(difference.high)}{stated})"


def _label(figure: str) -> str:
    return names().figure(metric("", CELLS, figure)).label

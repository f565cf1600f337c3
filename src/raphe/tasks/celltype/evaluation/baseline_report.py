"""A network beside the baselines, on the same cells: a table, a page and a figure.

n cells, G groups, R resamples.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from raphe.core.files.csv_text import csv_text
from raphe.core.statistics.intervals import Difference, draw_groups, paired_difference
from raphe.tasks.celltype.evaluation.baseline_cells import BaselineCells, baseline_cells_csv
from raphe.tasks.celltype.evaluation.baseline_figure import baseline_figure
from raphe.tasks.celltype.evaluation.baselines import KINDS
from raphe.tasks.celltype.metrics.cell_level import Headline, headlines, strata
from raphe.tasks.celltype.metrics.group_figures import GroupCounts
from raphe.tasks.celltype.metrics.predictions import Predictions
from raphe.tasks.celltype.metrics.set_result import SetResult

NETWORK = "network"
MAIN = ("balanced_accuracy", "auroc", "macro_auroc")  # as far as a set has them
LINE = 100  # characters
OTHER_SPIKES = (
    "No baselines: the network was tested on other spikes than the store's own test part.\n"
)
COLUMNS = (
    "classifier", "figure", "value", "low", "high", "interval",
    "network_minus_it", "difference_low", "difference_high", "p",
)  # fmt: skip


@dataclass(frozen=True)
class Compared:
    """One figure of one classifier, and how much larger the network's is."""

    classifier: str
    headline: Headline
    difference: Difference | None  # None of the network itself


def baseline_artifacts(result: SetResult, asked: BaselineCells) -> dict[str, Figure | str]:
    """baselines.csv, .txt and .png, and baseline_cells.csv; only a word where the cells differ."""
    n_answered = np.bincount(result.spikes.cell, minlength=int(asked.cell.max()) + 1)
    same_cells = np.array_equal(result.cells.cell, asked.cell)
    if not same_cells or not np.array_equal(n_answered[asked.cell], asked.n_spikes):
        return {"baselines.txt": OTHER_SPIKES}
    compared = compare(result, asked)
    made: dict[str, Figure | str] = {
        "baseline_cells.csv": baseline_cells_csv(
            asked, [result.cell_name(i) for i in range(len(n_answered))], result.classes
        ),
        "baselines.csv": _table(compared),
        "baselines.txt": baselines_text(result, compared),
    }
    shown = [one for one in compared if one.headline.name in MAIN]
    if shown:
        made["baselines.png"] = baseline_figure(
            result.name, len(asked.cell), len(result.classes), shown
        )
    return made


def compare(result: SetResult, asked: BaselineCells, seed: int = 0) -> list[Compared]:
    """Every figure that the set has of the network and of each baseline, the network first.

    The difference has the paired bootstrap over the set's groups.
    """
    rng = np.random.default_rng(seed)
    classifiers = {NETWORK: result.cells, **{name: asked.of(name) for name in asked.names}}
    group = result.groups.of_cell[result.cells.cell]
    counted = {
        name: GroupCounts.count(predictions, group, result.classes)
        for name, predictions in classifiers.items()
    }
    draws = draw_groups(strata(counted[NETWORK]), rng)
    figures = {name: _Figures(own) for name, own in counted.items()}
    found = []
    for name, predictions in classifiers.items():
        for headline in _defined(predictions, result, seed):
            difference = None
            if name != NETWORK:
                of_each = (figures[NETWORK].of(headline.name), figures[name].of(headline.name))
                difference = paired_difference(*of_each, draws)
            found.append(Compared(name, headline, difference))
    return found


class _Figures:
    """All figures of a classifier, counted once for the same draws (R, G), which no one changes."""

    def __init__(self, counted: GroupCounts) -> None:
        self._counted = counted
        self._known: dict[int, dict[str, np.ndarray]] = {}

    def of(self, name: str):
        def figure(draws: np.ndarray) -> np.ndarray:
            if len(draws) not in self._known:  # one set of resamples, and the groups as they are
                self._known[len(draws)] = self._counted.figures(draws)
            return self._known[len(draws)][name]

        return figure


def _defined(predictions: Predictions, result: SetResult, seed: int) -> list[Headline]:
    rng = np.random.default_rng(seed)  # the same draws for each classifier
    found = headlines("cells", predictions, result.groups, result.classes, rng)
    return [one for one in found if np.isfinite(one.value)]


def _table(compared: Sequence[Compared]) -> str:
    rows = []
    for one in compared:
        own = one.headline
        row = [one.classifier, own.name, *_written(own.value, own.low, own.high), own.interval]
        d = one.difference
        rows.append([*row, *(["", "", "", ""] if d is None else _written(*_values(d)))])
    return csv_text(COLUMNS, rows)


def _values(difference: Difference) -> tuple[float, float, float, float]:
    return difference.value, difference.low, difference.high, difference.p


def _written(*numbers: float) -> list[str]:
    return [f"{number:.6g}" if np.isfinite(number) else "" for number in numbers]


def baselines_text(result: SetResult, compared: Sequence[Compared]) -> str:
    """The main figures of each, and what each looks at."""
    groups = result.groups
    how = (
        f"The network and the baselines on the same {len(result.cells.label)} cells "
        f"({result.name} set), trained on the same training part. A baseline calls a cell by "
        f"the {result.pooling} of its spikes' probabilities, at a threshold chosen on validation "
        f"cells where there are two classes. Intervals are of 95 %; differences have the paired "
        f"bootstrap over {groups.n} {groups.noun}, and so has p, of no difference."
    )
    lines = [*textwrap.wrap(how, LINE), ""]
    for figure in [name for name in MAIN if any(one.headline.name == name for one in compared)]:
        lines += [*_block(figure, [one for one in compared if one.headline.name == figure]), ""]
    known = {one.classifier for one in compared}
    width = max(map(len, KINDS)) + 2
    lines += [f"{name:{width}}{kind.meaning}" for name, kind in KINDS.items() if name in known]
    return "\n".join(lines) + "\n"


def _block(figure: str, rows: Sequence[Compared]) -> list[str]:
    title = {"auroc": "AUROC", "macro_auroc": "macro AUROC"}.get(figure, figure.replace("_", " "))
    lines = [f"{title:19}  value  interval          network − it  interval           p"]
    for one in rows:
        own, d = one.headline, one.difference
        line = f"  {one.classifier:17}  {own.value:.3f}  {_span(own.low, own.high, ''):16}"
        if d is not None:
            p = "" if np.isnan(d.p) else f"{d.p:.3f}"
            line += f"  {_signed(d.value):>12}  {_span(d.low, d.high, '+'):17}  {p}"
        lines.append(line.rstrip())
    return lines


def _span(low: float, high: float, sign: str) -> str:
    if np.isnan(low):
        return "–"
    told = _signed if sign else "{:.3f}".format
    return f"{told(low)} to {told(high)}"


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")

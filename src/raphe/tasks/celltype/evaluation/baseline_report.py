"""A network beside the baselines, on the same cells: a table, a page and a figure.

n cells.
"""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from raphe.core.errors import SettingError
from raphe.core.figure_style import (
    GREY,
    INK,
    TWO_COLUMNS_IN,
    PaperFigure,
    colour,
    house_style,
    letter,
)
from raphe.core.files.csv_text import csv_rows, csv_text, damage_told
from raphe.core.metric_names import Estimate
from raphe.core.protocol import BaselineFigure, Draw
from raphe.core.sentences import counted, p_value
from raphe.core.statistics.answers import above
from raphe.core.statistics.figure_interval import Headline, difference_of
from raphe.core.statistics.intervals import Difference
from raphe.core.statistics.linear_figures import linear_figures
from raphe.tasks.celltype.evaluation.baseline_cells import BaselineCells, baseline_cells_csv
from raphe.tasks.celltype.evaluation.baselines import KINDS
from raphe.tasks.celltype.evaluation.figures import interval_words
from raphe.tasks.celltype.metrics.cell_level import headlines, interval_note
from raphe.tasks.celltype.metrics.names import label_of
from raphe.tasks.celltype.metrics.predictions import Predictions
from raphe.tasks.celltype.metrics.set_result import SetResult

NETWORK = "network"
DRAWN = ("udi_threshold", "logistic_features", "trees_window")  # beside a sweep
MAIN = ("balanced_accuracy", "auroc", "macro_auroc")  # as far as a set has them
LINE = 100  # characters
ROW_IN, ABOVE_IN = 0.2, 1.15
CHANCE = 0.5  # of an AUROC; of the balanced accuracy it is one class in all
OTHER_SPIKES = (
    "No baselines: the network was tested on other spikes than the store's own test part.\n"
)
COLUMNS = (
    "classifier", "figure", "value", "low", "high", "interval",
    "network_minus_it", "difference_low", "difference_high", "p",
)  # fmt: skip
WIDEST = max(len(kind.label) for kind in KINDS.values())


@dataclass(frozen=True)
class ComparedFigure:
    """One figure of one classifier, and how much larger the network's is."""

    classifier: str
    headline: Headline
    difference: Difference | None  # None of the network itself


def baseline_artifacts(result: SetResult, baselines: BaselineCells) -> dict[str, Draw | str]:
    """baselines.csv, .txt and .png, and baseline_cells.csv; only a word where the cells differ."""
    if not same_cells(result, baselines):
        return {"baselines.txt": OTHER_SPIKES}
    n_cells = int(max(result.spikes.cell.max(), baselines.cell.max())) + 1
    compared = compare(result, baselines)
    artifacts: dict[str, Draw | str] = {
        "baseline_cells.csv": baseline_cells_csv(
            baselines, [result.cell_name(i) for i in range(n_cells)], result.classes
        ),
        "baselines.csv": _table(compared),
        "baselines.txt": baselines_text(result, compared),
    }
    shown = [row for row in compared if row.headline.name in MAIN]
    if shown:
        artifacts["baselines.png"] = partial(baseline_figure, result, shown)
    return artifacts


def same_cells(result: SetResult, baselines: BaselineCells) -> bool:
    """Whether baselines were tested on the very cells and spikes of a set."""
    n_predicted = np.bincount(result.spikes.cell, minlength=int(baselines.cell.max()) + 1)
    return np.array_equal(result.cells.cell, baselines.cell) and np.array_equal(
        n_predicted[baselines.cell], baselines.n_spikes
    )


def compare(result: SetResult, baselines: BaselineCells | None) -> list[ComparedFigure]:
    """Every figure that the set has of the network and of each baseline, the network first."""
    fold = result.compared_within(result.cells)
    levels = result.groups.levels("spikes", result.cells)  # each cell by itself, then by day
    figures = linear_figures(result.cells, result.classes, fold)
    compared = [ComparedFigure(NETWORK, h, None) for h in _headlines(result.cells, result)]
    others = {} if baselines is None else {name: baselines.of(name) for name in baselines.names}
    for name, cells in others.items():
        of_baseline = linear_figures(cells, result.classes, fold)
        for network, baseline, headline in zip(
            figures, of_baseline, _headlines(cells, result), strict=True
        ):
            difference = difference_of(network, baseline, levels)
            compared.append(ComparedFigure(name, headline, difference))
    return [row for row in compared if np.isfinite(row.headline.value)]


def _headlines(cells: Predictions, result: SetResult) -> list[Headline]:
    return headlines("cells", cells, result.groups, result.classes, result.compared_within(cells))


def _table(compared: Sequence[ComparedFigure]) -> str:
    rows = []
    for row in compared:
        h, d = row.headline, row.difference
        difference = ["", "", "", ""] if d is None else _written(d.value, d.low, d.high, d.p)
        written = _written(h.value, h.low, h.high)
        rows.append([row.classifier, h.name, *written, h.interval, *difference])
    return csv_text(COLUMNS, rows)


def read_baselines(fetch: Callable[[str], Path]) -> list[BaselineFigure]:
    """Figures of DRAWN baselines on the test of a run; none of a run that has no baselines.

    `fetch` gives a local copy of what the run tracked, by name; it raises SettingError.
    """
    try:
        table = fetch("test/baselines.csv")
    except SettingError:
        return []
    with damage_told(table, SettingError, "train again"):
        rows = [row for row in csv_rows(table) if row["classifier"] in DRAWN]
        return [
            BaselineFigure(
                readable(row["classifier"]),
                f"cells/{row['figure']}",
                Estimate(*(float(row[end] or "nan") for end in ("value", "low", "high"))),
            )
            for row in sorted(rows, key=lambda row: DRAWN.index(row["classifier"]))
        ]


def _written(*numbers: float) -> list[str]:
    return [f"{number:.6g}" if np.isfinite(number) else "" for number in numbers]


def baselines_text(result: SetResult, compared: Sequence[ComparedFigure]) -> str:
    """The main figures of each, and what each looks at."""
    note = interval_note([row.headline for row in compared], result.groups)
    how = (
        f"The network and the baselines on the same {counted('cell', len(result.cells.label))} "
        f"({result.name} set), trained on the same training part. A baseline calls a cell by "
        f"the {result.pooling} of its spikes' probabilities, at a threshold chosen on validation "
        f"cells where there are two classes. {note} A difference is the network's figure minus "
        "the baseline's; its interval, and p of none, are those of t over the same."
    )
    lines = [*textwrap.wrap(how, LINE), ""]
    for figure in [name for name in MAIN if any(row.headline.name == name for row in compared)]:
        lines += [*_block(figure, [row for row in compared if row.headline.name == figure]), ""]
    shown = {row.classifier for row in compared}
    lines += [
        f"{kind.label:{WIDEST + 2}}{kind.meaning}" for name, kind in KINDS.items() if name in shown
    ]
    return "\n".join(lines) + "\n"


def short_table(result: SetResult, baselines: BaselineCells | None) -> list[str]:
    """The main figures of the network and of each baseline with their intervals, a line each."""
    compared = [row for row in compare(result, baselines) if row.headline.name in MAIN]
    names = [name for name in MAIN if any(row.headline.name == name for row in compared)]
    of_classifier: dict[str, dict[str, ComparedFigure]] = {}
    for row in compared:
        of_classifier.setdefault(row.classifier, {})[row.headline.name] = row
    table = [["", *(_capital(label_of(name)) for name in names)]]
    for classifier, of_name in of_classifier.items():
        figures = [
            _with_interval(of_name[name].headline) if name in of_name else "–" for name in names
        ]
        table.append([readable(classifier), *figures])
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in table
    ]


def _with_interval(headline: Headline) -> str:
    if np.isnan(headline.low):
        return f"{headline.value:.2f}"
    return f"{headline.value:.2f} ({headline.low:.2f} to {headline.high:.2f})"


def _block(figure: str, rows: Sequence[ComparedFigure]) -> list[str]:
    columns = "difference    interval           p       network above it"
    lines = [f"{label_of(figure):{WIDEST + 2}}  value  interval          {columns}"]
    for row in rows:
        h, d = row.headline, row.difference
        line = (
            f"  {readable(row.classifier):{WIDEST}}  {h.value:.3f}  {_span(h.low, h.high, ''):16}"
        )
        if d is not None:
            line += f"  {signed(d.value):>12}  {_span(d.low, d.high, '+'):17}  {p_value(d.p):6}"
            line += f"  {above(d, 0.0, 0.0).value}"
        lines.append(line.rstrip())
    return lines


def _span(low: float, high: float, sign: str) -> str:
    if np.isnan(low):
        return "–"
    written = signed if sign else "{:.3f}".format
    return f"{written(low)} to {written(high)}"


def signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")


@house_style()
def baseline_figure(result: SetResult, rows: Sequence[ComparedFigure]) -> Figure:
    """For each figure a panel of values beside one of differences, with their 95 % intervals.

    All values share one range, and so do all differences.
    """
    names = list(dict.fromkeys(row.headline.name for row in rows))
    labels = list(dict.fromkeys(row.classifier for row in rows))
    height = ABOVE_IN + ROW_IN * len(labels)
    figure = PaperFigure(TWO_COLUMNS_IN, height, _caption(result, labels))
    panels = figure.subplots(1, 2 * len(names), sharey=True, squeeze=False)[0]
    least = min(np.nanmin([row.headline.low, row.headline.value]) for row in rows)
    compared = [row.difference for row in rows if row.difference is not None]
    most = max(np.nanmax(np.abs([d.low, d.high, d.value])) for d in compared) if compared else 1.0
    for index, name in enumerate(names):
        of_figure = [row for row in rows if row.headline.name == name]
        place = [labels.index(row.classifier) for row in of_figure]
        chance = 1 / len(result.classes) if name == "balanced_accuracy" else CHANCE
        values, differences = panels[2 * index : 2 * index + 2]
        for row, y in zip(of_figure, place, strict=True):
            is_network = row.difference is None
            _draw(values, row.headline, y, colour("network" if is_network else "baseline"))
            if row.difference is not None:
                _draw(differences, row.difference, y, colour("baseline"))
        values.axvline(chance, color=GREY, linewidth=0.8, linestyle=":", label="chance")
        differences.axvline(0, color=INK, linewidth=0.8, linestyle="--", label="no difference")
        values.set(xlabel=_capital(label_of(name)), xlim=(min(chance, least) - 0.03, 1.03))
        differences.set_xlim(-1.05 * most, 1.05 * most)
        differences.set_xlabel(f"{_capital(label_of(name))},\nnetwork − baseline")
    for axes in panels:
        axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
        axes.tick_params(axis="y", left=axes is panels[0])
    panels[0].set_yticks(range(len(labels)), [readable(label) for label in labels])
    panels[0].set_ylim(len(labels) - 0.5, -0.5)
    lines = [*panels[0].lines[-1:], *panels[1].lines[-1:]]
    figure.legend(handles=lines, loc="outside lower right", ncols=2)
    letter(panels)
    size = counted("cell", len(result.cells.label))
    figure.suptitle(f"The network and baselines on the same {size}, {result.name} set")
    return figure


def _caption(result: SetResult, classifiers: Sequence[str]) -> str:
    meanings = "; ".join(
        f"{readable(name)} ({KINDS[name].meaning})" for name in classifiers if name in KINDS
    )
    return (
        f"The network beside baselines that were trained on the same cells, on the "
        f"{counted('cell', len(result.cells.label))} of the {result.name} set; points with "
        f"{interval_words(result)}. Beside each figure the difference to the network: right of "
        f"the dashed line the network is better. Baselines: {meanings}. UDI is the time from "
        "the spike's inward peak to its outward one, AUROC the area under the receiver operating "
        "characteristic; balanced accuracy is the mean of the classes' shares called right."
    )


def _capital(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}"


def _draw(axes: Axes, estimate: Estimate, y: int, shade: str) -> None:
    axes.plot([estimate.low, estimate.high], [y, y], color=shade)
    axes.plot(estimate.value, y, "o", color=shade)


def readable(classifier: str) -> str:
    """A kind of baseline, or the network, for a reader: the same in text, table and figure.

    >>> readable("udi_threshold"), readable("trees_firing"), readable("network")
    ('UDI threshold', 'trees on waveform and firing', 'network')
    """
    return KINDS[classifier].label if classifier in KINDS else classifier

"""The table of a sweep: a line for each member."""

import math
import textwrap
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from raphe.core.metric_names import TEST, VAL, kept
from raphe.core.sentences import listed, number, printable
from raphe.harness.report.shown import UNDEFINED, counts_of, in_words
from raphe.harness.report.sweep_conclusion import decimals
from raphe.harness.report.sweep_results import TRAINED_ON, VALIDATION, SweepResults

CHOSEN = "→"
HEADING = 12  # characters
MOST_ROWS = 50


def sweep_table(results: SweepResults) -> Table:
    """What is swept, the monitored metric and the headline figures, validation beside test."""
    columns = [("", [CHOSEN if run is results.chosen else "" for run in results.runs])]
    columns += [
        (heading(name), [printable(run.params.get(name, UNDEFINED)) for run in results.runs])
        for name in results.parameters
    ]
    columns.append((_monitored_heading(results), _monitored(results)))
    for metric in results.headlines:
        label = "\n".join(textwrap.wrap(in_words(results.names, metric), HEADING))
        validation = _figures(results, kept(f"{VAL}/{metric}"), intervals=False)
        if set(validation) != {UNDEFINED}:
            columns.append((f"{label}\n{results.validation}", validation))
        tested = _figures(results, f"{TEST}/{metric}", intervals=True)
        if set(tested) != {UNDEFINED} or results.validation == VALIDATION:
            columns.append((f"{label}\ntest (95 %)", tested))
    return table_of(columns, _order(results))


def table_of(columns: Sequence[tuple[str, Sequence[str]]], order: Sequence[int]) -> Table:
    """Columns under their titles, the first rows of an order, with how many there are if more.

    Where a line is too long for the terminal, an interval stands below its figure before any
    number is cut.
    """
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1), collapse_padding=True)
    for title, texts in columns:
        words = " ".join([title, *texts]).split()
        longest = max(map(len, words), default=0)
        table.add_column(
            title, justify="right", vertical="bottom", min_width=longest, overflow="fold"
        )
    for row in order[:MOST_ROWS]:
        table.add_row(*(texts[row] for _, texts in columns))
    if len(order) > MOST_ROWS:
        table.caption = f"The best {MOST_ROWS} of {len(order)} by validation."
    return table


def _order(results: SweepResults) -> list[int]:
    """As they were swept; where they are too many to be shown, the best by validation first."""
    rows = list(range(len(results.runs)))
    if len(rows) <= MOST_ROWS or results.chosen is None:
        return rows
    metric = kept(results.monitored)
    values = [run.metrics.get(metric, math.inf) for run in results.runs]
    chosen = results.chosen.metrics.get(metric, math.inf)
    return sorted(rows, key=lambda row: abs(values[row] - chosen))


def heading(setting: str) -> str:
    section, point, name = setting.rpartition(".")
    return f"{section}{point}\n{name}" if section else name


def _monitored_heading(results: SweepResults) -> str:
    lines = kept(results.monitored).split("/")
    if results.validation == TRAINED_ON:
        lines[1:2] = [TRAINED_ON]  # in the place of val
    return "\n".join(lines)


def _monitored(results: SweepResults) -> list[str]:
    values = [run.metrics.get(kept(results.monitored)) for run in results.runs]
    return [UNDEFINED if value is None else number(value) for value in values]


def _figures(results: SweepResults, metric: str, intervals: bool) -> list[str]:
    """The figure of each run, all with as many decimals as their intervals allow."""
    estimates = [results.estimate(run, metric) for run in results.runs]
    places = decimals([estimate for estimate in estimates if estimate is not None])
    texts = []
    for estimate in estimates:
        if estimate is None:
            texts.append(UNDEFINED)
            continue
        text = f"{estimate.value:.{places}f}"
        if intervals and estimate.low == estimate.low:  # not NaN
            text += f" ({estimate.low:.{places}f}–{estimate.high:.{places}f})"
        texts.append(text)
    return texts


def sweep_legend(results: SweepResults) -> str:
    """What the table's marks and sets are."""
    lines = []
    if results.chosen is not None:
        lines.append(f"{CHOSEN} chosen by {kept(results.monitored)}, never by the test.")
    run = results.chosen or results.runs[0]
    validation = f"{results.validation.capitalize()}, of the weights that were kept"
    for part, name in ((TEST, "Test"), (kept(VAL), validation)):
        if counts := counts_of(run, part, results.settings):
            lines.append(f"{name}: {listed(_same(results, part, counts))}.")
    lines.append("All figures: sweep.csv of the run.")
    return " ".join(lines)


def _same(results: SweepResults, part: str, counts: Sequence[str]) -> Sequence[str]:
    """The counts, or that they differ between members, as of a sweep over data."""
    names = [f"{part}/{count}" for count in results.settings.counts]
    same = all(len({run.metrics.get(name) for run in results.runs}) == 1 for name in names)
    return counts if same else ["as many as the data of each member hold"]

"""The results of a sweep on the terminal: what they come to, then a line for each member."""

import textwrap
from collections.abc import Sequence

from omegaconf import DictConfig
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from raphe.core.metric_names import TEST, VAL, kept
from raphe.core.sentences import listed, number, printable
from raphe.harness.report.next_step import print_note_and_next
from raphe.harness.report.shown import UNDEFINED, counts_of, in_words
from raphe.harness.report.sweep_conclusion import decimals, sweep_conclusion
from raphe.harness.report.sweep_results import TRAINED_ON, VALIDATION, SweepResults
from raphe.harness.tracking import NOTE_TAG, PARENT_TAG, Tracker

CHOSEN = "→"
HEADING = 12  # characters


def print_sweep(results: SweepResults, tracker: Tracker, export_from: DictConfig | None) -> None:
    """Print the conclusion, one table, what is meant by it and where to look next."""
    if not results.runs:
        return
    console = Console(highlight=False, markup=False)
    for sentence in sweep_conclusion(results):
        console.print(sentence)
    console.print(sweep_table(results))
    console.print(_legend(results))
    first = results.runs[0]
    note, parent = first.tags.get(NOTE_TAG, ""), first.tags.get(PARENT_TAG, "")
    print_note_and_next(console, note, parent, tracker, export_from)


def sweep_table(results: SweepResults) -> Table:
    """What is swept, the monitored metric and the headline figures, validation beside test."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1), collapse_padding=True)
    columns = [("", [CHOSEN if run is results.chosen else "" for run in results.runs])]
    columns += [
        (_heading(name), [printable(run.params.get(name, UNDEFINED)) for run in results.runs])
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
    for heading, _ in columns:
        table.add_column(heading, justify="right", vertical="bottom", no_wrap=True)
    for row in zip(*(texts for _, texts in columns), strict=True):
        table.add_row(*row)
    return table


def _heading(setting: str) -> str:
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


def _legend(results: SweepResults) -> str:
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
    same = all(counts_of(run, part, results.settings) == list(counts) for run in results.runs)
    return counts if same else ["as many as the data of each member hold"]

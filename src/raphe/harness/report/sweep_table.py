"""The results of a sweep on the terminal."""

import re
from collections.abc import Mapping, Sequence

from omegaconf import DictConfig
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from raphe.harness.report.next_step import print_note_and_next
from raphe.harness.report.shown import UNDEFINED, figure_text, shown_metrics
from raphe.harness.tracking import NOTE_TAG, PARENT_TAG, RunFacts, Tracker


def print_sweep(
    runs: Sequence[RunFacts], parameters: Sequence[str], settings: DictConfig, tracker: Tracker
) -> None:
    console = Console()
    if not runs:
        return
    swept = {name: [run.params.get(name, "") for run in runs] for name in parameters}
    tested = {
        name: [figure_text(run.metrics.get(f"test/{name}")) for run in runs]
        for name in shown_metrics(runs, settings)
    }
    defined = {name: texts for name, texts in tested.items() if set(texts) != {UNDEFINED}}
    console.print("Test results of the sweep", style="italic")
    for table in side_by_side(swept, defined or tested, console):
        console.print(table)
    parent = runs[0].tags.get(PARENT_TAG, "")
    print_note_and_next(console, runs[0].tags.get(NOTE_TAG, ""), parent, tracker)


def side_by_side(
    keys: Mapping[str, Sequence[str]], values: Mapping[str, Sequence[str]], console: Console
) -> list[Table]:
    """Columns of texts as tables no wider than the terminal, each with the keys before its share
    of the values."""
    unlimited = console.options.update(width=10_000)
    tables: list[Table] = []
    shown: list[str] = []
    for name in values:
        wider = _columns({**keys, **{key: values[key] for key in (*shown, name)}})
        if shown and console.measure(wider, options=unlimited).maximum > console.width:
            shown = []
            wider = _columns({**keys, name: values[name]})
        tables[len(tables) - bool(shown) :] = [wider]
        shown.append(name)
    return tables


def _columns(columns: Mapping[str, Sequence[str]]) -> Table:
    """Names broken into words, so that a column is hardly wider than its numbers."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1), collapse_padding=True)
    for name in columns:
        heading = "\n".join(re.split(r"[_/]|(?<=\D\.)", name))
        table.add_column(heading, justify="right", vertical="bottom")
    for row in zip(*columns.values(), strict=True):
        table.add_row(*row)
    return table

"""The results of a single run on the terminal."""

import contextlib
import math
from collections.abc import Mapping

from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from raphe.core.errors import SettingError
from raphe.core.files.scratch import Scratch
from raphe.core.metric_names import EPOCHS_KEPT, EPOCHS_TRAINED, Estimate
from raphe.core.protocol import CONCLUSION
from raphe.core.sentences import counted, number, printable
from raphe.harness import registry
from raphe.harness.report.next_step import print_note_and_next
from raphe.harness.report.shown import UNDEFINED, count_text, names_of, shown_metrics, test_sets
from raphe.harness.report.sweep_conclusion import decimals
from raphe.harness.runs import artifacts
from raphe.harness.tracking import RunFacts, Tracker


def print_run(run: RunFacts, config: DictConfig, note: str, tracker: Tracker) -> None:
    """Print what the test came to: the task's conclusion, a column for each test set, what next."""
    settings = config.report
    sets = test_sets(run, settings)
    heads = [f"{name} (95 % interval)" for name in sets]
    table = Table("metric", *heads, title=f"{printable(run.name)}: test results")
    names = names_of(settings)
    for count in settings.counts:
        values = [count_text(run.metrics.get(f"{name}/{count}")) for name in sets]
        table.add_row(names.label(count), *values)
    intervals = registry.intervals_of(tracker, run)
    for metric in shown_metrics([run], settings):
        values = [_figure(f"{name}/{metric}", run, intervals) for name in sets]
        table.add_row(names.label(metric), *values)
    console = Console(markup=False)
    if conclusion := _conclusion(run, tracker):
        console.print(conclusion, highlight=False)
    if sets:
        console.print(table)
    epochs, kept = run.metrics[EPOCHS_TRAINED], run.metrics[EPOCHS_KEPT]
    trained = f"Trained for {counted('epoch', int(epochs))}"
    tested = "were tested" if sets else "are kept; no data were held out to test them on"
    console.print(f"{trained}; the weights of epoch {kept:.0f} {tested}.")
    export_from = config if "_target_" in config.export else None
    print_note_and_next(console, note, run.run_id, tracker, export_from)


def _figure(metric: str, run: RunFacts, intervals: Mapping[str, Estimate]) -> str:
    """With as many decimals as its interval allows, "0.90 (0.83–0.97)"."""
    value = run.metrics.get(metric, math.nan)
    if math.isnan(value):
        return UNDEFINED
    estimate = intervals.get(metric, Estimate(value, math.nan, math.nan))
    places = decimals([estimate])
    if math.isnan(estimate.low):
        return number(value)
    return f"{value:.{places}f} ({estimate.low:.{places}f}–{estimate.high:.{places}f})"


def _conclusion(run: RunFacts, tracker: Tracker) -> str:
    """What the task's evaluation concludes; "" where it does not."""
    with Scratch() as scratch, contextlib.suppress(SettingError):
        file = artifacts.fetch(tracker, run.run_id, CONCLUSION, scratch)
        return file.read_text(encoding="utf-8").strip()
    return ""

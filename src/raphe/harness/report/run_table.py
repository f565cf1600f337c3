"""The results of a single run on the terminal."""

import contextlib
from pathlib import Path
from tempfile import TemporaryDirectory

from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from raphe.core.errors import SettingError
from raphe.core.metric_names import EPOCHS_KEPT, EPOCHS_TRAINED
from raphe.core.protocol import CONCLUSION
from raphe.core.sentences import counted
from raphe.harness import registry
from raphe.harness.report.next_step import print_note_and_next
from raphe.harness.report.shown import count_text, figure_text, names_of, shown_metrics, test_sets
from raphe.harness.tracking import RunFacts, Tracker


def print_run(run: RunFacts, config: DictConfig, note: str, tracker: Tracker) -> None:
    """Print what the test came to: the task's conclusion, a column for each test set, what next."""
    settings = config.report
    sets = test_sets(run, settings)
    table = Table("metric", *sets, title=f"{run.name}: test results")
    names = names_of(settings)
    for count in settings.counts:
        values = [count_text(run.metrics.get(f"{name}/{count}")) for name in sets]
        table.add_row(names.label(count), *values)
    for metric in shown_metrics([run], settings):
        values = [figure_text(run.metrics.get(f"{name}/{metric}")) for name in sets]
        table.add_row(names.label(metric), *values)
    console = Console()
    if conclusion := _conclusion(run, tracker):
        console.print(conclusion, highlight=False)
    console.print(table)
    epochs, kept = run.metrics[EPOCHS_TRAINED], run.metrics[EPOCHS_KEPT]
    trained = f"Trained for {counted('epoch', int(epochs))}"
    console.print(f"{trained}; the weights of epoch {kept:.0f} were tested.")
    may_export = "_target_" in config.export
    print_note_and_next(console, note, run.run_id, tracker, may_export)


def _conclusion(run: RunFacts, tracker: Tracker) -> str:
    """What the task's evaluation concludes; "" where it does not."""
    with TemporaryDirectory() as scratch, contextlib.suppress(SettingError):
        file = registry.fetch(tracker, run.run_id, CONCLUSION, Path(scratch))
        return file.read_text(encoding="utf-8").strip()
    return ""

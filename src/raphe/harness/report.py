"""Results as a person reads them: tables on the terminal, the table and figure of a sweep."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from raphe.harness.tracking import NOTE_TAG, PARENT_TAG, RunFacts, Tracker

DEFAULT_RUNS_ROOT = "mlruns"  # where `make ui` looks
NOT_TEST_SETS = ("train", "val", "system")
PANEL_WIDTH_IN, PANEL_HEIGHT_IN = 4.0, 3.0


def test_sets(run: RunFacts) -> list[str]:
    """Names of the sets a run was tested on; "test" first."""
    names = {key.partition("/")[0] for key in run.metrics if "/" in key} - set(NOT_TEST_SETS)
    return sorted(names, key=lambda name: (name != "test", name))


def print_run(run: RunFacts, metrics: Sequence[str], note: str, tracker: Tracker) -> None:
    """Print a run's test metrics, one column a test set, and where to look next."""
    sets = test_sets(run)
    table = Table("metric", *sets, title=f"{run.name}: test results")
    for metric in metrics:
        values = [_text(run.metrics.get(f"{name}/{metric}")) for name in sets]
        table.add_row(metric, *values)
    console = Console()
    console.print(table)
    _print_note_and_next(console, note, run.run_id, tracker)


def print_sweep(
    runs: Sequence[RunFacts], parameters: Sequence[str], metrics: Sequence[str], tracker: Tracker
) -> None:
    console = Console()
    if not runs:
        return
    table = Table(*parameters, *metrics, title="test results of the sweep")
    for run in runs:
        swept = [run.params.get(name, "") for name in parameters]
        table.add_row(*swept, *(_text(run.metrics.get(f"test/{name}")) for name in metrics))
    console.print(table)
    parent = runs[0].tags.get(PARENT_TAG, "")
    _print_note_and_next(console, runs[0].tags.get(NOTE_TAG, ""), parent, tracker)


def sweep_artifacts(
    runs: Sequence[RunFacts], parameters: Sequence[str], settings: DictConfig
) -> dict[str, Any]:
    """The sweep's table (CSV) and, where one number is swept, its figure."""
    artifacts: dict[str, Any] = {"sweep.csv": _sweep_csv(runs, parameters)}
    numbers = _swept_numbers(runs, parameters)
    if numbers is not None:
        artifacts["sweep.png"] = sweep_figure(runs, numbers, parameters[0], settings.metrics)
    return artifacts


def sweep_figure(
    runs: Sequence[RunFacts], numbers: Sequence[float], parameter: str, metrics: Sequence[str]
) -> Figure:
    """A panel for each metric against the swept number, a line for each test set."""
    n_columns = min(3, len(metrics))
    n_rows = -(-len(metrics) // n_columns)
    figure = Figure(
        figsize=(PANEL_WIDTH_IN * n_columns, PANEL_HEIGHT_IN * n_rows), layout="constrained"
    )
    panels = figure.subplots(n_rows, n_columns, sharex=True, squeeze=False).ravel()
    for panel, metric in zip(panels, metrics, strict=False):
        for name in test_sets(runs[0]):
            values = [run.metrics.get(f"{name}/{metric}", float("nan")) for run in runs]
            panel.plot(numbers, values, marker="o", markersize=3, linewidth=1, label=name)
        panel.set_title(metric.replace("_", " "), fontsize=10)
        panel.spines[["top", "right"]].set_visible(False)
    for panel in panels[len(metrics) :]:
        panel.set_visible(False)
    figure.supxlabel(parameter, fontsize=10)
    panels[0].legend(frameon=False, fontsize=8)
    return figure


def _sweep_csv(runs: Sequence[RunFacts], parameters: Sequence[str]) -> str:
    metrics = sorted({key for run in runs for key in run.metrics if not key.startswith("system/")})
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*parameters, "run_id", *metrics])
    for run in runs:
        swept = [run.params.get(name, "") for name in parameters]
        writer.writerow([*swept, run.run_id, *(run.metrics.get(key, "") for key in metrics)])
    return text.getvalue()


def _swept_numbers(runs: Sequence[RunFacts], parameters: Sequence[str]) -> list[float] | None:
    if len(parameters) != 1 or not runs:
        return None
    try:
        return [float(run.params[parameters[0]]) for run in runs]
    except (KeyError, ValueError):
        return None


def _print_note_and_next(console: Console, note: str, run_id: str, tracker: Tracker) -> None:
    if note:
        console.print(f"[bold]Note:[/bold] {note}")
    console.print(
        f"Run {run_id} in experiment {tracker.experiment} at {tracker.uri}", soft_wrap=True
    )
    console.print(f"Curves, figures and checkpoints: {_where_to_look(tracker)}", soft_wrap=True)


def _where_to_look(tracker: Tracker) -> str:
    if tracker.is_server:
        return str(tracker.uri)
    command = f"mlflow ui --backend-store-uri {tracker.uri}"
    default = Path(DEFAULT_RUNS_ROOT).absolute() == tracker.runs_root
    return f"`{'make ui' if default else command}`, then open http://127.0.0.1:5000"


def _text(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"

"""Results as a person reads them: tables on the terminal, the table and figure of a sweep."""

import math
import re
import shlex
import textwrap
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from omegaconf import DictConfig
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from raphe.core.files.csv_text import csv_text
from raphe.core.sentences import counted
from raphe.harness.reference import Reference, read_reference
from raphe.harness.tracking import NOTE_TAG, PARENT_TAG, RunFacts, Tracker

SWEEP_FIGURE = "sweep.png"
EPOCHS = "epochs.csv"
UNDEFINED = "–"
DEFAULT_RUNS_ROOT = "mlruns"  # where `raphe ui` looks
NOT_TEST_SETS = ("train", "val", "system")
NOTE_CHARACTERS_PER_IN, NOTE_LINE_IN = 20, 0.11  # at 6 points
PANEL_WIDTH_IN, PANEL_HEIGHT_IN = 4.0, 3.0


def test_sets(run: RunFacts, settings: DictConfig) -> list[str]:
    """Names of the sets a run was tested on; "test" first.

    `report.scored_in_training` names those that a task scores on the way, as it does "val".
    """
    others = {*NOT_TEST_SETS, *settings.get("scored_in_training", ())}
    names = {key.partition("/")[0] for key in run.metrics if "/" in key} - others
    return sorted(names, key=lambda name: (name != "test", name))


def shown_metrics(runs: Sequence[RunFacts], settings: DictConfig) -> list[str]:
    """Which of `report.metrics` to show: those that a test set of a run has; all, if none has any.

    Which there are may depend on the data, as on the number of classes.
    """
    shown = [
        metric
        for metric in settings.metrics
        if any(
            f"{name}/{metric}" in run.metrics for run in runs for name in test_sets(run, settings)
        )
    ]
    return shown or list(settings.metrics)


def print_run(run: RunFacts, settings: DictConfig, note: str, tracker: Tracker) -> None:
    """Print a run's test metrics, one column a test set, and where to look next."""
    sets = test_sets(run, settings)
    table = Table("metric", *sets, title=f"{run.name}: test results")
    for count, noun in settings.counts.items():
        table.add_row(noun, *(_count(run.metrics.get(f"{name}/{count}")) for name in sets))
    for metric in shown_metrics([run], settings):
        values = [_text(run.metrics.get(f"{name}/{metric}")) for name in sets]
        table.add_row(metric, *values)
    console = Console()
    console.print(table)
    epochs, kept = run.metrics["epochs"], run.metrics["kept_epoch"] + 1
    trained = f"Trained for {counted('epoch', int(epochs))}"
    console.print(f"{trained}; the weights of epoch {kept:.0f} were tested.")
    _print_note_and_next(console, note, run.run_id, tracker)


def print_sweep(
    runs: Sequence[RunFacts], parameters: Sequence[str], settings: DictConfig, tracker: Tracker
) -> None:
    console = Console()
    if not runs:
        return
    swept = {name: [run.params.get(name, "") for run in runs] for name in parameters}
    tested = {
        name: [_text(run.metrics.get(f"test/{name}")) for run in runs]
        for name in shown_metrics(runs, settings)
    }
    defined = {name: texts for name, texts in tested.items() if set(texts) != {UNDEFINED}}
    console.print("Test results of the sweep", style="italic")
    for table in side_by_side(swept, defined or tested, console):
        console.print(table)
    parent = runs[0].tags.get(PARENT_TAG, "")
    _print_note_and_next(console, runs[0].tags.get(NOTE_TAG, ""), parent, tracker)


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


def sweep_artifacts(
    runs: Sequence[RunFacts], failed: Sequence[str], parameters: Sequence[str], settings: DictConfig
) -> dict[str, Any]:
    """The sweep's table (CSV) and, where one number is swept, its figure.

    Args:
        runs: members that finished.
        failed: labels of those that did not, "model.kernel=60".
        parameters: names of what is swept.
        settings: the `report` section.
    """
    artifacts: dict[str, Any] = {"sweep.csv": _sweep_csv(runs, parameters)}
    if len(parameters) == 1 and runs:
        values = [run.params.get(parameters[0], "") for run in runs]
        missing = [label.partition("=")[2] for label in failed]
        if all(_is_number(value) for value in [*values, *missing]):
            order = np.argsort([float(value) for value in values])
            artifacts[SWEEP_FIGURE] = sweep_figure(
                [runs[index] for index in order],
                sorted(float(value) for value in values),
                [float(value) for value in missing],
                settings.axes.get(parameters[0], parameters[0]),
                settings,
                read_reference(settings.get("reference"), parameters[0]),
            )
    return artifacts


def sweep_figure(
    runs: Sequence[RunFacts],
    numbers: Sequence[float],
    failed: Sequence[float],
    axis_label: str,
    settings: DictConfig,
    reference: Reference | None = None,
) -> Figure:
    """A panel for each metric against the swept number, a line for each test set."""
    metrics = shown_metrics(runs, settings)
    n_panels = len(metrics)
    n_columns = min(3, n_panels)
    n_rows = -(-n_panels // n_columns)
    figure = Figure(
        figsize=(PANEL_WIDTH_IN * n_columns, PANEL_HEIGHT_IN * n_rows), layout="constrained"
    )
    panels = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
    for index, metric in enumerate(metrics):
        _sweep_panel(panels[index], runs, numbers, failed, metric, settings)
        if index + n_columns >= n_panels:  # nothing below
            panels[index].set_xlabel(axis_label)
    for panel in panels[n_panels:]:
        panel.set_visible(False)
    panels[0].legend(frameon=False, fontsize=8)
    if reference is not None:
        _add_reference(dict(zip(metrics, panels, strict=False)), reference)
    return figure


def _add_reference(panels: Mapping[str, Axes], reference: Reference) -> None:
    """Draw published values; their name stands in the first panel that has some."""
    drawn = [metric for metric in panels if metric in reference.curves]
    for metric in drawn:
        x, y = reference.curves[metric]
        panels[metric].plot(x, y, color="0.5", linestyle="--", linewidth=1, label=reference.label)
    if drawn:
        panels[drawn[0]].legend(frameon=False, fontsize=8)


def _sweep_panel(
    panel: Axes,
    runs: Sequence[RunFacts],
    numbers: Sequence[float],
    failed: Sequence[float],
    metric: str,
    settings: DictConfig,
) -> None:
    for name in test_sets(runs[0], settings):
        values = [run.metrics.get(f"{name}/{metric}", float("nan")) for run in runs]
        label = ", ".join([name, *_counted(runs[0], name, settings.counts)])
        panel.plot(
            numbers, values, marker="o", markersize=3, linewidth=1, label=label, clip_on=False
        )
    for index, number in enumerate(failed):
        label = "failed" if index == 0 else None
        panel.axvline(number, color="0.7", linestyle=":", linewidth=1, label=label)
    limits = settings.metrics[metric]
    if limits is not None:  # shown at least so far, so that small differences look small
        panel.set_ylim(min(limits[0], panel.get_ylim()[0]), limits[1])
    if all(float(number).is_integer() for number in numbers):
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panel.set_ylabel(metric.replace("_", " "))
    panel.spines[["top", "right"]].set_visible(False)


def _counted(run: RunFacts, test_set: str, counts: DictConfig) -> list[str]:
    """What a test set holds, "1172 spikes", by the metrics that count it."""
    return [
        f"{run.metrics[f'{test_set}/{metric}']:.0f} {noun}"
        for metric, noun in counts.items()
        if f"{test_set}/{metric}" in run.metrics
    ]


def stamp(artifacts: Mapping[str, Any], note: str) -> None:
    """Write the note that belongs to every result below each figure."""
    if not note:
        return
    for artifact in artifacts.values():
        if isinstance(artifact, Figure):
            _stamp_figure(artifact, note)


def _stamp_figure(figure: Figure, note: str) -> None:
    width_in, height_in = figure.get_size_inches()
    lines = textwrap.wrap(note, round(width_in * NOTE_CHARACTERS_PER_IN))
    bottom = (len(lines) + 1) * NOTE_LINE_IN / height_in
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.set(rect=(0, bottom, 1, 1 - bottom))
    figure.text(
        0.5, NOTE_LINE_IN / 2 / height_in, "\n".join(lines), ha="center", size=6, color="0.4"
    )


def epochs_csv(logged: Mapping[str, Mapping[int, float]], tested: Collection[str]) -> str:
    """What each epoch logged, one row an epoch, counted from 0 as MLflow's steps are.

    Args:
        logged: of the run, by metric and step.
        tested: metrics of the test, which no epoch has.
    """
    metrics = sorted(
        key for key in logged if "/" in key and key not in tested and not key.startswith("system/")
    )
    epochs = sorted(set().union(*(logged[key] for key in metrics)))
    rows = ([epoch, *(logged[key].get(epoch) for key in metrics)] for epoch in epochs)
    return csv_text(["epoch", *metrics], rows)


def _sweep_csv(runs: Sequence[RunFacts], parameters: Sequence[str]) -> str:
    metrics = sorted({key for run in runs for key in run.metrics if not key.startswith("system/")})
    header = [*parameters, "run_id", *metrics]
    rows = []
    for run in runs:
        swept = [run.params.get(name, "") for name in parameters]
        rows.append([*swept, run.run_id, *(run.metrics.get(key, "") for key in metrics)])
    return csv_text(header, rows)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


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
    if Path(DEFAULT_RUNS_ROOT).absolute() == tracker.runs_root:
        return "`raphe ui`"
    return f"`raphe ui --runs {shlex.quote(str(tracker.runs_root))}`"


def _count(value: float | None) -> str:
    return UNDEFINED if value is None else f"{value:.0f}"


def _text(value: float | None) -> str:
    return UNDEFINED if value is None or math.isnan(value) else f"{value:.4f}"

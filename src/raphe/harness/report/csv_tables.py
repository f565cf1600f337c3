"""What the epochs of a run logged, the intervals of its figures, and a sweep's, as CSV."""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from raphe.core.errors import SettingError
from raphe.core.files.csv_text import csv_rows, csv_text, damage_told
from raphe.core.metric_names import SWEPT, SYSTEM, Estimate
from raphe.core.protocol import Draw
from raphe.harness.tracking import RunFacts

EPOCHS = "epochs.csv"
INTERVALS = "intervals.csv"
INTERVALS_TAG, MOST_OF_TAG = "raphe.intervals", 8000  # characters that MLflow keeps of a tag
COLUMNS = ("metric", "value", "low", "high", "se")  # of intervals


def epochs_csv(logged: Mapping[str, Mapping[int, float]]) -> str:
    """What each epoch logged, one row an epoch, counted from 1 as MLflow's steps are.

    `logged` is the run's, by metric and step. What is of the run as a whole is at step 0.
    """
    of_epochs = {
        metric: {step: value for step, value in history.items() if step > 0}
        for metric, history in logged.items()
        if not metric.startswith(f"{SYSTEM}/")
    }
    metrics = sorted(metric for metric, history in of_epochs.items() if history)
    epochs = sorted(set().union(*(of_epochs[metric] for metric in metrics)))
    rows = (
        [epoch, *(_written(of_epochs[metric].get(epoch)) for metric in metrics)] for epoch in epochs
    )
    return csv_text(["epoch", *metrics], rows)


def metrics_and_artifacts(
    results: Mapping[str, Any],
) -> tuple[dict[str, float], dict[str, Any]]:
    """What a task's evaluation came to: its numbers, and its files with the intervals of those."""
    estimates = {name: value for name, value in results.items() if isinstance(value, Estimate)}
    metrics = {name: value for name, value in results.items() if isinstance(value, float)}
    metrics |= {name: estimate.value for name, estimate in estimates.items()}
    artifacts = {name: content for name, content in results.items() if name not in metrics}
    if estimates:
        artifacts[INTERVALS] = intervals_csv(estimates)
    return metrics, artifacts


def texts_of(artifacts: Mapping[str, Any]) -> dict[str, str]:
    """All but the figures."""
    return {name: content for name, content in artifacts.items() if isinstance(content, str)}


def figures_of(artifacts: Mapping[str, Any]) -> dict[str, Draw]:
    """The figures alone."""
    return {name: content for name, content in artifacts.items() if not isinstance(content, str)}


def intervals_csv(estimates: Mapping[str, Estimate]) -> str:
    """One row a metric; none for those that are undefined."""
    rows = (
        [metric, *map(_written, (estimate.value, estimate.low, estimate.high, estimate.se))]
        for metric, estimate in sorted(estimates.items())
        if not math.isnan(estimate.value)
    )
    return csv_text(COLUMNS, rows)


def read_intervals(path: Path) -> dict[str, Estimate]:
    """The estimates of such a table, by metric."""
    with damage_told(path, SettingError, "train again"):
        return _estimates(csv_rows(path))


def tags_of(artifacts: Mapping[str, Any]) -> dict[str, str]:
    """A run's intervals as a tag, "" where it has none, so that one query tells those of all
    members of a sweep; no tag where they are too many for one."""
    text = artifacts.get(INTERVALS, "")
    return {INTERVALS_TAG: text} if len(text) <= MOST_OF_TAG else {}


def tagged_intervals(run: RunFacts) -> dict[str, Estimate] | None:
    """The estimates of `tags_of`; None of a run without the tag."""
    text = run.tags.get(INTERVALS_TAG)
    return None if text is None else _estimates(csv.DictReader(io.StringIO(text)))


def _estimates(rows: Iterable[Mapping[str, str]]) -> dict[str, Estimate]:
    return {
        row["metric"]: Estimate(
            *(float(row[end] or "nan") for end in ("value", "low", "high")),
            se=float(row["se"]) if row["se"] else None,
        )
        for row in rows
    }


def sweep_csv(runs: Sequence[RunFacts], parameters: Sequence[str]) -> str:
    metrics = sorted(
        {
            key
            for run in runs
            for key in run.metrics
            if not key.startswith((f"{SYSTEM}/", f"{SWEPT}/"))
        }
    )
    header = [*parameters, "run_id", *metrics]
    rows = []
    for run in runs:
        swept = [run.params.get(name, "") for name in parameters]
        rows.append([*swept, run.run_id, *(_written(run.metrics.get(key)) for key in metrics)])
    return csv_text(header, rows)


def _written(value: float | None) -> str:
    """Nothing for what is missing or NaN."""
    return "" if value is None or math.isnan(value) else f"{value:.7g}"

"""Each dataset, or cell, tested by an ensemble that never saw it: one report over all folds.

G cells of all folds.
"""

import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from raphe.core.errors import SettingError
from raphe.core.files.csv_text import csv_rows, damage_told
from raphe.core.metric_names import Estimate
from raphe.core.protocol import Draw, SweptRun
from raphe.core.sentences import counted, p_value
from raphe.tasks.calcium.evaluation.baselines import ELEPHANT
from raphe.tasks.calcium.evaluation.comparison import (
    BY_CELL,
    COLUMNS,
    MEASURE,
    NETWORK,
    as_csv,
    comparison,
    estimates,
)
from raphe.tasks.calcium.evaluation.fold_figure import folds_figure
from raphe.tasks.calcium.metrics.cell_report import CELL_FACTS, CELLS_CSV
from raphe.tasks.calcium.metrics.known_neurons import NOISE, neurons_csv
from raphe.tasks.calcium.metrics.left_out import LEFT_OUT, Folds, left_out_csv, making_digest
from raphe.tasks.calcium.metrics.scored_cells import FEWEST_CELLS
from raphe.tasks.calcium.metrics.second_counts import SECONDS, Tally, read_seconds
from raphe.tasks.calcium.training.data import RateData

FOLD, POOLED, NEURONS = "data.held_out", "pooled", "neurons.csv"
BY = ("dataset", "cell")
CONFIG = "config.yaml"  # a run's settings among its artifacts
LINE = 90  # characters
ALL = "mean"  # over the datasets, each with the same weight
ANEW = "train that fold again"
FACTS = ("cell", "dataset")  # columns beside a method's
Rows = list[dict[str, str]]
Tables = dict[str, list[dict[str, Any]]]


def fold_names(data: RateData, by: str) -> list[str]:
    """What to hold out, one after the other: every dataset, or every cell."""
    if by not in BY:
        raise SettingError(f"sweep.by={by}: expected {' or '.join(BY)}")
    if by == "dataset":
        return list(data.store.datasets)
    return list(dict.fromkeys(recording.cell for recording in data.store.recordings))


class FoldReport:
    """Pools a sweep over `data.held_out`, see raphe.harness.sweeps.section."""

    def __call__(
        self,
        members: Sequence[SweptRun],
        missing: Sequence[Mapping[str, str]],
        data: RateData,
    ) -> dict[str, Draw | str | Estimate]:
        """In `pooled`, cells.csv, folds.csv, folds.png, left_out.csv and neurons.csv, which an
        export puts into its card; summary.txt; means as metrics.

        Raises:
            SettingError: for two networks of one fold.
        """
        folds = [run.settings[FOLD] for run in members]
        twice = [name for name in folds if folds.count(name) > 1]
        if twice:
            raise SettingError(
                f"{FOLD}={twice[0]}: expected one run of each fold, got {folds.count(twice[0])}; "
                "sweep nothing beside it"
            )
        rows = [row for run in members for row in _read(run, BY_CELL)]
        cells = [row for run in members for row in _read(run, CELLS_CSV)]
        tables = tables_of(rows)
        results: dict[str, Draw | str | Estimate] = {
            f"{POOLED}/cells.csv": as_csv(list(rows[0]), [row.values() for row in rows]),
            f"{POOLED}/folds.csv": as_csv(
                ["dataset", *COLUMNS],
                [[name, *row.values()] for name, table in tables.items() for row in table],
            ),
            f"{POOLED}/folds.png": partial(folds_figure, rows, tables),
            f"{POOLED}/{LEFT_OUT}": left_out_csv(
                _scores(cells), _folds(members, len(missing), data), _seconds(members)
            ),
            "summary.txt": summary(tables, [settings[FOLD] for settings in missing]),
        }
        if any(row.get(NOISE) for row in cells):
            results[f"{POOLED}/{NEURONS}"] = neurons_csv(cells)
        return results | estimates(POOLED, tables[ALL])


def tables_of(rows: Rows) -> Tables:
    """The comparison of each dataset's cells, and under ALL of the datasets' means."""
    methods = [name for name in rows[0] if name not in FACTS]
    dataset = np.array([row["dataset"] for row in rows])  # (G,)
    scores = {name: np.array([float(row[name]) for row in rows]) for name in methods}
    tables = {
        name: comparison({method: values[dataset == name] for method, values in scores.items()})
        for name in dict.fromkeys(dataset.tolist())
    }
    return tables | {ALL: comparison(scores, dataset)}


def summary(tables: Tables, unfinished: Sequence[str]) -> str:
    """The tables as text."""
    methods = [row["method"] for row in tables[ALL]]
    lines = [["", "n", *methods]]
    for name, table in tables.items():
        lines.append([name, str(table[0]["cells"]), *map(_interval, table)])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = [
        *textwrap.wrap(conclusion(tables), LINE),
        "",
        "Correlation with the spikes at 25 Hz: mean over n cells, each tested by a network that",
        "never saw its fold, with 95 % intervals of t over cells where there are "
        f"{FEWEST_CELLS} or more.",
        "",
        *("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines),
        "",
        *(
            f"{NETWORK} less {row['method']}: {row['network_less_it']:+.3f} "
            f"({row['difference_low']:+.3f} to {row['difference_high']:+.3f}), "
            f"p: {p_value(row['p'])}"
            for row in tables[ALL][1:]
            if not np.isnan(row["difference_low"])
        ),
    ]
    if ELEPHANT in methods:
        text += ["", f"{ELEPHANT}'s published weights were trained on the challenge's recordings."]
    if unfinished:
        text += ["", f"Not finished: {', '.join(unfinished)}."]
    return "\n".join(text) + "\n"


def conclusion(tables: Tables) -> str:
    """What the network's correlation is, and whether it is above that of the best other method."""
    network, *others = tables[ALL]
    datasets = counted("dataset", len(tables) - 1)
    text = (
        f"The network reaches a correlation of {_interval(network)} with the spikes of "
        f"{counted('cell', network['cells'])} of {datasets}, each left out of training."
    )
    if not others:
        return text
    best = max(others, key=lambda row: row[MEASURE])
    low, high = best["difference_low"], best["difference_high"]
    which = f"{best['method']}, the best other method" if len(others) > 1 else best["method"]
    by = f"{best['network_less_it']:+.3f}"
    if np.isnan(low):
        return f"{text} Whether it is better than {which} cannot be told: {by} without an interval."
    by += f" (95 % interval {low:+.3f} to {high:+.3f})"
    if low > 0:
        return f"{text} It is better than {which}: {by}."
    if high < 0:
        return f"{text} It is worse than {which}: {by}."
    return f"{text} Whether it is better than {which} cannot be told: {by}."


def _folds(members: Sequence[SweptRun], n_missing: int, data: RateData) -> Folds:
    """What each run left out, and how its networks were made."""
    cells = {recording.cell for recording in data.store.recordings}
    parts = set()
    for run in members:
        name = run.settings[FOLD]
        is_dataset = name in data.store.datasets
        parts.add("dataset" if is_dataset else "cell" if name in cells else "group")
    left_out = parts.pop() if len(parts) == 1 else "part" if "cell" in parts else "group"
    there = {"dataset": len(data.store.datasets), "cell": len(cells)}
    n_folds = len(members)
    of_folds = max(there.get(left_out, 0), n_folds + n_missing)
    record = members[0].fetch(CONFIG)
    with damage_told(record, SettingError, ANEW):
        settings = making_digest(record.read_text(encoding="utf-8"))
    return Folds(left_out, n_folds, of_folds, data.store.content_hash, settings)


def _scores(cells: Rows) -> dict[str, dict[str, np.ndarray]]:
    """Of each dataset the network's scores of all cells, by measure."""
    of_datasets: dict[str, dict[str, list[float]]] = {}
    for row in cells:
        measures = of_datasets.setdefault(row["dataset"], {})
        for name in (name for name in row if name not in CELL_FACTS):
            measures.setdefault(name, []).append(float(row[name]))
    return {
        dataset: {name: np.array(values) for name, values in measures.items()}
        for dataset, measures in of_datasets.items()
    }


def _seconds(members: Sequence[SweptRun]) -> dict[str, Tally]:
    """Of each dataset the seconds of all its cells."""
    tallies: dict[str, Tally] = {}
    for run in members:
        for name, found in read_seconds(run.fetch(f"test/{SECONDS}"), ANEW).items():
            tallies.setdefault(name, Counter()).update(found)
    return tallies


def _read(run: SweptRun, name: str) -> Rows:
    table = run.fetch(f"test/{name}")
    with damage_told(table, SettingError, ANEW):
        return list(csv_rows(table))


def _interval(row: Mapping[str, Any]) -> str:
    if np.isnan(row["low"]):
        return f"{row[MEASURE]:.3f}"
    return f"{row[MEASURE]:.3f} ({row['low']:.3f}–{row['high']:.3f})"

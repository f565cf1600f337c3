"""What networks reach on recordings that they did not see, as a table: from all folds to a card."""

import hashlib
import json
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from raphe.core.errors import SettingError
from raphe.core.files.csv_text import csv_rows, csv_text, damage_told
from raphe.core.sentences import listed
from raphe.tasks.calcium.metrics.rate_factors import TRUE_OVER_SAID, rate_factors
from raphe.tasks.calcium.metrics.scored_cells import figure_over_cells
from raphe.tasks.calcium.metrics.second_counts import Tally, count_ends

LEFT_OUT = "left_out.csv"
FIGURES = ("dataset", "measure", "n", "value", "low", "high")
OF_FOLDS = ("left_out", "folds", "of_folds", "store", "settings")  # alike in every row
COLUMNS = (*FIGURES, *OF_FOLDS)
PARTS = {  # what one fold leaves out, in words
    "dataset": "data set",
    "cell": "cell",
    "set": "data set",
    "laboratory": "laboratory",
    "indicator": "indicator",
    "group": "group of data sets",
    "part": "part of the recordings",
}
CORRELATION = "correlation"
BOUNDS = {
    **dict.fromkeys((CORRELATION, "correlation_smoothed", "rank_correlation"), (-1.0, 1.0)),
    "auc": (0.0, 1.0),
    **dict.fromkeys(
        ("error_both_smoothed", "error_spikes_smoothed", "rate_ratio"), (0.0, float("inf"))
    ),
}
MAKING = ("data", "model", "callbacks")  # sections of the settings that make a network
NOT_MAKING = ("data.store", "data.test_stores", "data.held_out")
MEAN = "mean of data sets"
RATIO = "rate_ratio"

ByDataset = Mapping[str, Mapping[str, np.ndarray]]  # of each measure the score of each cell (G,)


@dataclass(frozen=True)
class LeftOut:
    """One measure of the cells of one data set, or the mean of all sets."""

    dataset: str
    measure: str
    n: int  # cells that have it; of spikes in a second, seconds
    value: float
    low: float  # NaN: of too few cells
    high: float


@dataclass(frozen=True)
class Folds:
    """How the networks of such a table were made."""

    left_out: str  # by one fold, see PARTS
    folds: int  # that are in it
    of_folds: int  # that there could be
    store: str  # content hash
    settings: str  # digest, see `making_digest`


def making_digest(settings: str) -> str:
    """Of the settings, as YAML, that make a network: not of its data, its seed or its machine."""
    composed = yaml.safe_load(settings) or {}
    making = {name: composed.get(name) for name in MAKING}
    making["max_epochs"] = (composed.get("trainer") or {}).get("max_epochs")
    return hashlib.sha256(json.dumps(_making(making), sort_keys=True).encode()).hexdigest()[:16]


def _making(value: Any, name: str = "") -> Any:
    """Without what says nothing of how; of a place its last name alone, as a bundle has it."""
    if isinstance(value, Mapping):
        named = {key: f"{name}.{key}" if name else str(key) for key in value}
        return {
            str(key): _making(value[key], full)
            for key, full in named.items()
            if full not in NOT_MAKING and key != "seed"
        }
    if isinstance(value, list):
        return [_making(item, name) for item in value]
    return Path(value).name if isinstance(value, str) else value


def left_out_csv(scores: ByDataset, folds: Folds, seconds: Mapping[str, Tally]) -> str:
    """A row for each data set and measure, then the mean over sets, each of the same weight, and
    how far what is said may be off. `seconds` are those of each data set."""
    rows = [
        LeftOut(
            dataset, measure, int(np.count_nonzero(~np.isnan(of_cells))), *_ends(measure, of_cells)
        )
        for dataset, measures in scores.items()
        for measure, of_cells in measures.items()
    ]
    measures = dict.fromkeys(row.measure for row in rows)
    for measure in measures:
        of_sets = [row for row in rows if row.measure == measure and not np.isnan(row.value)]
        value = float(np.mean([row.value for row in of_sets])) if of_sets else np.nan
        n = sum(row.n for row in of_sets)
        rows.append(LeftOut(MEAN, measure, n, value, np.nan, np.nan))
    rows += errors_of([of[RATIO] for of in scores.values() if RATIO in of], seconds.values())
    return csv_text(COLUMNS, [(*_written(row), *vars(folds).values()) for row in rows])


def errors_of(ratios: Sequence[np.ndarray], seconds: Iterable[Tally]) -> list[LeftOut]:
    """Between which ends the true mean rate, and the spikes in a second, lie for what is said.

    Args:
        ratios: of each data set, said over true mean rate of its cells (G,).
        seconds: of each data set.

    Returns:
        A row for the mean rate and one for each range of spikes that are said of a second; none of
        what too few data sets tell.
    """
    rows = []
    if (factors := rate_factors(ratios)) is not None:
        n = sum(int(np.count_nonzero(~np.isnan(of_set))) for of_set in ratios)
        rows.append(LeftOut(MEAN, TRUE_OVER_SAID, n, factors.middle, factors.low, factors.high))
    return rows + [
        LeftOut(MEAN, ends.measure, ends.n, ends.middle, ends.low, ends.high)
        for ends in count_ends(seconds)
    ]


def read_left_out(path: Path) -> tuple[Folds, list[LeftOut]]:
    """How the networks of such a table were made, and its rows. Raises SettingError."""
    remedy = f"name a {LEFT_OUT} that experiment=calcium_folds made"
    with damage_told(path, SettingError, remedy):
        told = list(csv_rows(path))
        rows = [
            LeftOut(
                row["dataset"],
                row["measure"],
                int(row["n"]),
                *(float(row[end] or "nan") for end in ("value", "low", "high")),
            )
            for row in told
        ]
        all_folds = {
            Folds(
                row["left_out"],
                int(row["folds"]),
                int(row["of_folds"]),
                row["store"],
                row["settings"],
            )
            for row in told
        }
    fault = _fault(rows) or _fault_of_folds(all_folds)
    if fault:
        raise SettingError(f"{path}: {fault}; {remedy}")
    return all_folds.pop(), rows


def _fault(rows: Sequence[LeftOut]) -> str:
    """What no such table can hold, or ""."""
    if not rows:
        return "expected a row for each data set and measure, got none"
    seen = set()
    for row in rows:
        where = f"{row.measure} of {row.dataset}"
        if (row.dataset, row.measure) in seen:
            return f"{where}: expected one row, got two"
        seen.add((row.dataset, row.measure))
        if row.n < 0 or (row.n == 0) != math.isnan(row.value):
            return f"{where}: expected a value of one cell or more, got n={row.n}, {row.value:g}"
        ends = [end for end in (row.low, row.value, row.high) if not math.isnan(end)]
        least, most = BOUNDS.get(row.measure, (-math.inf, math.inf))
        if any(math.isinf(end) for end in ends) or (ends and not least <= row.value <= most):
            return f"{where}: expected a number from {least:g} to {most:g}, got {row.value:g}"
        if len(ends) == 2 or ends != sorted(ends):
            return f"{where}: expected low, value and high in this order, got {ends}"
    for dataset in dict.fromkeys(row.dataset for row in rows):
        if (dataset, CORRELATION) not in seen:
            return f"expected a row of {CORRELATION} for each data set, got none of {dataset}"
    return ""


def _fault_of_folds(all_folds: Collection[Folds]) -> str:
    if len(all_folds) > 1:
        return f"expected the same {listed(list(OF_FOLDS))} in every row"
    (folds,) = all_folds
    if folds.left_out not in PARTS:
        return f"left_out: expected {listed(list(PARTS), 'or')}, got {folds.left_out}"
    if not 1 <= folds.folds <= folds.of_folds:
        return f"expected folds from 1 to of_folds, got {folds.folds} of {folds.of_folds}"
    return ""


def _ends(measure: str, of_cells: np.ndarray) -> tuple[float, float, float]:
    estimate = figure_over_cells(measure, of_cells)
    return estimate.value, estimate.low, estimate.high


def _written(row: LeftOut) -> Iterable[object]:
    ends = ("" if np.isnan(end) else f"{end:.6f}" for end in (row.value, row.low, row.high))
    return (row.dataset, row.measure, row.n, *ends)

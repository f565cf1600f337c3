"""Whether a cell is like those of training, by a test whose false alarms were counted.

`training_domain` fits a `JointTest` to the training's cells and, leaving out whole days in turn,
finds how far out the cells of a day may lie that the test has not seen; both go into the bundle's
manifest. `unlike_training` applies them, with numpy alone.

N spikes, T samples a window, n cells.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from raphe.core.sentences import counted
from raphe.core.statistics.outlyingness import limits
from raphe.tasks.celltype.features.cell_statistics import (
    FIRING,
    GROUPS,
    NOISE,
    SPIKE,
    by_column,
)
from raphe.tasks.celltype.features.joint_test import ALL, PARTS, SINGLE, JointTest
from raphe.tasks.celltype.features.spike_shapes import mean_spike
from raphe.tasks.celltype.features.training_cells import (
    DescribedCell,
    TrainingCells,
    folds,
    training_cells,
)
from raphe.tasks.celltype.stores.spike_set import SpikeSet

LEVELS = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)  # of the quantiles over cells
FALSE_ALARMS = 0.05  # stated: at most so many cells like those of training are called unlike them
CALIBRATED_TO = 0.025  # of the held-out cells: a few days tell a limit only roughly
FEWEST_CELLS = round(1 / FALSE_ALARMS)  # the farthest of fewer would still give more false alarms
FEW_SPIKES = (1, 2, 3, 5, 10)  # of so many or more a cell has limits of its own …
USUAL_QUANTILE = 0.1  # … below this quantile of the training cells' counts
WHOLE = {SPIKE: "spike's shape", NOISE: "noise", FIRING: "firing"}
NOT_COMPARED = {
    SPIKE: "the spike's shape could not be measured, so it was not compared with training's",
    NOISE: "the noise could not be measured, so it was not compared with training's",
    FIRING: "too few intervals between spikes of one sweep are known, so the firing was not "
    "compared with training's",
}
SENTENCES = 4  # at most, the farthest first
NAMED = 2  # statistics in a sentence on a group


def training_domain(spikes: SpikeSet, rows: np.ndarray) -> dict[str, Any]:
    """What the cells of these rows, int64 (n,), are like, and the test for one unlike them.

    Returns JSON values: `n_cells`; `levels`, and for each statistic its `quantiles` over cells at
    the levels, without those that no cell has; `test`, None for fewer than FEWEST_CELLS; `limits`
    of its parts, by a cell's number of spikes; `held_out`: in which groups cells were left out.
    """
    cells = training_cells(spikes, rows, FEW_SPIKES)
    quantiles = {}
    for name in cells.described[0].statistics:
        values = np.array([cell.statistics[name] for cell in cells.described])
        values = values[np.isfinite(values)]
        if len(values):
            quantiles[name] = [float(f"{q:.6g}") for q in np.quantile(values, LEVELS)]
    facts = {"n_cells": len(cells), "levels": list(LEVELS), "quantiles": quantiles, "test": None}
    return facts if len(cells) < FEWEST_CELLS else facts | _test(cells, spikes.unit)


def not_compared(statistics: Mapping[str, float], domain: Mapping[str, Any]) -> list[str]:
    """What of a cell could not be compared with training's, and why, a sentence each."""
    if domain["test"] is None:
        n_cells = counted("training cell", domain["n_cells"])
        return [
            f"whether this cell is like those of training cannot be told from {n_cells}: "
            f"{FEWEST_CELLS} are needed"
        ]
    named = by_column(domain["test"]["unit"])
    of_training = {named[column].group for column in domain["test"]["columns"]}
    compared = {
        named[column].group
        for column in domain["test"]["columns"]
        if np.isfinite(statistics.get(column, np.nan))
    }
    return [
        NOT_COMPARED[group]
        if group in of_training
        else f"training's {WHOLE[group]} is not known, so this cell's was not compared with it"
        for group in GROUPS
        if group not in compared
    ]


def unlike_training(
    statistics: Mapping[str, float],
    windows: np.ndarray,
    n_baseline: int,
    domain: Mapping[str, Any],
) -> list[str]:
    """In what a cell is unlike those of training, a sentence each; none for one like them.

    Of cells like those of training, on days of their own, FALSE_ALARMS at most are called unlike.

    Args:
        statistics: of `cell_statistics`.
        windows: (N, T), the cell's spikes.
        n_baseline: samples of their start that are baseline.
        domain: of `training_domain`.
    """
    if domain["test"] is None:
        return []
    test = JointTest.from_facts(domain["test"])
    values = test.values(statistics, mean_spike(windows, n_baseline))
    scaled = test.scaled(values)
    limits = _limits_for(len(windows), domain["limits"])
    beyond = dict(zip(PARTS, test.scores(scaled) > limits, strict=True))
    if not any(beyond.values()):
        return []
    size = np.abs(np.nan_to_num(scaled))
    rows = np.flatnonzero(size > limits[PARTS.index(SINGLE)])
    rows = rows[np.argsort(-size[rows])]
    sentences = [
        f"{test.statistics[row].words} is {test.compared(row, values)}" for row in rows.tolist()
    ]
    told = {test.statistics[row].group for row in rows}
    groups = [group for group in GROUPS if beyond[group] and group not in told]
    if not rows.size and not groups:
        groups = [ALL]
    sentences += [_sentence_on(group, test, values, scaled) for group in groups]
    return sentences[:SENTENCES]


def _sentence_on(group: str, test: JointTest, values: np.ndarray, scaled: np.ndarray) -> str:
    away = test.contributions(scaled, group)
    named = {test.statistics[row].words: int(row) for row in np.argsort(away)}
    rows = sorted(named.values(), key=lambda row: -away[row])[:NAMED]
    most = " and ".join(
        f"{test.statistics[row].words} {test.compared(row, values)}" for row in rows
    )
    what = "all statistics" if group == ALL else f"the statistics of the {WHOLE[group]}"
    return f"{what} taken together are unlike any in training, most of all {most}"


def _test(cells: TrainingCells, unit: str) -> dict[str, Any]:
    """The test fitted to all cells, and the limits that held for those left out of one."""
    held_out, fold = folds(cells.cells)
    # Limits for few spikes are from cells cut short; those for all hold from a usual count on.
    usual = int(np.quantile(cells.n_spikes, USUAL_QUANTILE))
    described = {n: few for n, few in cells.few.items() if n < usual} | {usual: cells.described}
    scores = {n: np.empty((len(cells), len(PARTS))) for n in described}
    for left_out in np.unique(fold):
        test = _fitted([cells.described[row] for row in np.flatnonzero(fold != left_out)], unit)
        for n, of_cells in described.items():
            for row in np.flatnonzero(fold == left_out):
                scores[n][row] = _scores(test, of_cells[row])
    of_counts = [
        {"n_spikes": n, **dict(zip(PARTS, limits(of_n, CALIBRATED_TO).tolist(), strict=True))}
        for n, of_n in scores.items()
    ]
    test = _fitted(cells.described, unit)
    return {
        "test": test.facts(),
        "limits": of_counts,
        "held_out": {"kind": held_out, "n_folds": len(np.unique(fold))},
        "false_alarms": FALSE_ALARMS,
    }


def _fitted(cells: list[DescribedCell], unit: str) -> JointTest:
    spikes = np.array([cell.spike for cell in cells])
    return JointTest.fit([cell.statistics for cell in cells], spikes, unit)


def _scores(test: JointTest, cell: DescribedCell) -> np.ndarray:
    return test.scores(test.scaled(test.values(cell.statistics, cell.spike)))


def _limits_for(n_spikes: int, limits: list[dict[str, float]]) -> np.ndarray:
    """Those of a cell of so many spikes: (5,)."""
    rows = [row for row in limits if row["n_spikes"] <= n_spikes] or limits[:1]
    return np.array([rows[-1][part] for part in PARTS])

"""What the baselines say of the cells that a network is tested on, kept for the next network.

They depend on the data alone, so that a sweep over networks trains them once. B baselines, n cells,
C classes.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from raphe.core.errors import StoreError
from raphe.core.files.atomic import make_folder, open_whole
from raphe.core.files.csv_text import csv_rows, csv_text, damage_told
from raphe.core.files.locks import can_write, locked
from raphe.core.recordings.arrays import load_arrays
from raphe.core.statistics.cell_probability import Pooling
from raphe.tasks.celltype.evaluation.baseline_run import TrainedBaselines
from raphe.tasks.celltype.evaluation.baselines import KINDS
from raphe.tasks.celltype.metrics.predictions import Predictions
from raphe.tasks.celltype.training.data import CellTypeData

FORMAT = 1  # of the files; also to be raised where the baselines' numbers change
SPIKES_A_CELL = 500  # on average at most: the noise of their mean is far below that between cells
COLUMNS = ("cell", "true_class", "n_spikes", "baseline")


@dataclass(frozen=True)
class BaselineCells:
    """Each baseline's probabilities for a set of cells.

    Of two classes they are moved so that 0.5 is the threshold chosen on the validation cells.
    """

    names: Sequence[str]  # (B,), of KINDS
    cell: np.ndarray  # (n,) index in the store, ascending
    label: np.ndarray  # (n,)
    n_spikes: np.ndarray  # (n,) of each cell in the set; at most SPIKES_A_CELL were looked at
    probability: np.ndarray  # float64 (B, n, C)

    def of(self, name: str) -> Predictions:
        probability = self.probability[self.names.index(name)]
        return Predictions(probability, probability, self.label, self.cell)


def baseline_cells(data: CellTypeData, pooling: Pooling = "mean") -> dict[str, BaselineCells]:
    """By test set. Taken from `data.cache` where they are; put there where they are not."""
    if data.cache is None:
        return _ask(data, pooling)
    path = data.cache / f"baselines-{_digest(data, pooling)}.npz"
    if not can_write(data.cache):  # a store that is shared, to be read alone
        return _load(path) or _ask(data, pooling)
    make_folder(data.cache)
    with locked(f"{path}.lock"):  # the members of a sweep come here at once
        by_set = _load(path)
        if by_set is None:
            by_set = _ask(data, pooling)
            _save(path, by_set)
    return by_set


def choose_threshold(score: np.ndarray, positive: np.ndarray) -> float:
    """Where a score (n,) from 0 to 1 is best cut in two: of all thresholds of the largest balanced
    accuracy the one nearest to 0.5, which it also is where one class is missing."""
    if positive.all() or not positive.any():
        return 0.5
    scores = np.unique(score)
    thresholds = np.concatenate([[0.5], (scores[1:] + scores[:-1]) / 2])
    called = score >= thresholds[:, None]  # (thresholds, n)
    balanced = (called[:, positive].mean(axis=1) + (~called[:, ~positive]).mean(axis=1)) / 2
    best = thresholds[balanced >= balanced.max() - 1e-12]
    return float(best[np.argmin(np.abs(best - 0.5))])


def moved(probability: np.ndarray, threshold: float) -> np.ndarray:
    """Probabilities (n, 2) whose odds are divided by those of `threshold`; their order stays."""
    odds = probability * np.array([1 - threshold, threshold])
    return odds / odds.sum(axis=1, keepdims=True)


def baseline_cells_csv(
    baselines: BaselineCells, cell_ids: Sequence[str], classes: Sequence[str]
) -> str:
    """One row a cell and baseline."""
    header = [*COLUMNS, *(f"probability_{name}" for name in classes)]
    lines = []
    for name, rows in zip(baselines.names, baselines.probability, strict=True):
        of_cells = zip(baselines.cell, baselines.label, baselines.n_spikes, rows, strict=True)
        for cell, label, n, probability in of_cells:
            numbers = [f"{value:.9g}" for value in probability]
            lines.append([cell_ids[cell], classes[label], n, name, *numbers])
    return csv_text(header, lines)


def read_baseline_cells(
    path: Path, number_of: Mapping[str, int], classes: Sequence[str]
) -> BaselineCells:
    """Read such a table, with the index of each cell by its id. Raises StoreError."""
    with damage_told(path, StoreError, "train again to have it written anew"):
        rows = list(csv_rows(path))
        names = list(dict.fromkeys(row["baseline"] for row in rows))
        first = [row for row in rows if row["baseline"] == names[0]]
        probability = np.array(
            [[float(row[f"probability_{name}"]) for name in classes] for row in rows]
        )
        return BaselineCells(
            names,
            np.array([number_of[row["cell"]] for row in first]),
            np.array([list(classes).index(row["true_class"]) for row in first]),
            np.array([int(row["n_spikes"]) for row in first]),
            probability.reshape(len(names), len(first), len(classes)),
        )


def _ask(data: CellTypeData, pooling: Pooling) -> dict[str, BaselineCells]:
    trained = TrainedBaselines(data, data.seed)
    thresholds = _thresholds(trained, pooling) if len(data.original.classes) == 2 else {}
    of_sets: dict[str, dict[str, Predictions]] = {}
    for name, sets in trained.predictions(SPIKES_A_CELL).items():
        for test_set, predictions in sets.items():
            of_sets.setdefault(test_set, {})[name] = predictions.per_cell(pooling)
    n_spikes = {"test": data.spike_split.counts[:, 2]}
    n_spikes |= {name: spikes.counts for name, spikes in data.tests.items()}
    return {
        test_set: _side_by_side(of_set, n_spikes[test_set], thresholds)
        for test_set, of_set in of_sets.items()
    }


def _thresholds(trained: TrainedBaselines, pooling: Pooling) -> dict[str, float]:
    thresholds = {}
    for name, predictions in trained.of_validation(SPIKES_A_CELL).items():
        cells = predictions.per_cell(pooling)
        thresholds[name] = choose_threshold(cells.probability[:, 0], cells.label == 0)
    return thresholds


def _side_by_side(
    predictions: Mapping[str, Predictions], n_spikes: np.ndarray, thresholds: Mapping[str, float]
) -> BaselineCells:
    first = next(iter(predictions.values()))
    probability = [
        moved(baseline.probability, thresholds[name]) if thresholds else baseline.probability
        for name, baseline in predictions.items()
    ]
    return BaselineCells(
        list(predictions), first.cell, first.label, n_spikes[first.cell], np.stack(probability)
    )


def _digest(data: CellTypeData, pooling: Pooling) -> str:
    """Of all that decides the numbers."""
    facts = {
        "format": FORMAT,
        "split": data.spike_split.digest,  # the store's content, too
        "tests": {name: spikes.content_hash for name, spikes in data.tests.items()},
        "seed": data.seed,
        "pooling": pooling,
        "kinds": list(KINDS),
        "scikit-learn": version("scikit-learn"),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def _save(path: Path, by_set: Mapping[str, BaselineCells]) -> None:
    arrays = {
        f"{test_set}/{field}": np.asarray(getattr(baselines, field))
        for test_set, baselines in by_set.items()
        for field in BaselineCells.__dataclass_fields__
    }
    with open_whole(path) as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]  # none of them is called allow_pickle


def _load(path: Path) -> dict[str, BaselineCells] | None:
    """None where there is no such file, or none that can be read."""
    try:
        fields_of: dict[str, dict] = {}
        for key, array in load_arrays(path, StoreError).items():
            test_set, _, field = key.rpartition("/")
            value = array.tolist() if field == "names" else array
            fields_of.setdefault(test_set, {})[field] = value
        return {test_set: BaselineCells(**fields) for test_set, fields in fields_of.items()}
    except (StoreError, TypeError):  # TypeError: of other fields than today's
        return None

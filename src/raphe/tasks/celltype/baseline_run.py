"""The baselines on a data module's own split, with answers like the network's."""

from collections.abc import Iterator

import numpy as np

from raphe.tasks.celltype.baselines import (
    KINDS,
    Baseline,
    Columns,
    columns_of,
)
from raphe.tasks.celltype.data import CellTypeData
from raphe.tasks.celltype.even_draw import MOST_SPIKES, draw_evenly
from raphe.tasks.celltype.features import baseline_of
from raphe.tasks.celltype.firing import firing_of_cells
from raphe.tasks.celltype.metrics import Predictions
from raphe.tasks.celltype.spike_set import SpikeSet

SPIKES_AT_ONCE = 8192


class TrainedBaselines:
    """Every baseline that the spikes allow, trained on the training part's own spikes.

    Those that look at firing are left out where no cell's spike times are known. A test set's
    firing is that of each whole cell, also where its spikes are split.
    """

    def __init__(self, data: CellTypeData, seed: int = 42) -> None:
        self.data = data
        spikes, rows = data.original, data.spike_split.rows("train")
        self._firing = {"test": firing_of_cells(spikes)}
        drawn = rows[draw_evenly(spikes.cell[rows], MOST_SPIKES, np.random.default_rng(seed))]
        columns = _read(spikes, drawn, self._firing["test"])
        known = np.isfinite(self._firing["test"]).any()
        self._trained = {
            name: Baseline(
                name, len(spikes.classes), spikes.rate_hz, baseline_of(spikes.facts), seed
            ).fit_columns(columns, spikes.label[drawn])
            for name, kind in KINDS.items()
            if known or kind.columns != "firing"
        }
        self.facts = {
            "n_train_spikes": len(drawn),
            "n_train_spikes_available": len(rows),
            "n_train_cells": len(np.unique(spikes.cell[drawn])),
            "seed": seed,
        }
        if len(spikes.classes) == 2:
            self.facts["udi_threshold_ms"] = self._trained["udi_threshold"].threshold()

    def predictions(self) -> dict[str, dict[str, Predictions]]:
        """Each baseline's answer for each test set, in the order of the network's spikes."""
        answers: dict[str, dict[str, Predictions]] = {name: {} for name in self._trained}
        for test_set, (spikes, rows) in self._test_sets().items():
            if test_set not in self._firing:
                self._firing[test_set] = firing_of_cells(spikes)
            parts: dict[str, list[np.ndarray]] = {name: [] for name in self._trained}
            for block in _blocks(rows):
                columns = _read(spikes, block, self._firing[test_set])
                for name, baseline in self._trained.items():
                    parts[name].append(baseline.predict_columns(columns))
            for name, probability in parts.items():
                answers[name][test_set] = _predictions(np.concatenate(probability), spikes, rows)
        return answers

    def _test_sets(self) -> dict[str, tuple[SpikeSet, np.ndarray]]:
        whole = {name: (spikes, np.arange(spikes.n)) for name, spikes in self.data.tests.items()}
        return {"test": (self.data.original, self.data.spike_split.rows("test")), **whole}


def baseline_predictions(data: CellTypeData, seed: int = 42) -> dict[str, dict[str, Predictions]]:
    """By baseline and test set: what each baseline, trained on the training part, answers."""
    return TrainedBaselines(data, seed).predictions()


def _read(spikes: SpikeSet, rows: np.ndarray, firing: np.ndarray) -> Columns:
    baseline_ms = baseline_of(spikes.facts)
    return columns_of(spikes.read(rows), spikes.rate_hz, baseline_ms, firing[spikes.cell[rows]])


def _blocks(rows: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(rows), SPIKES_AT_ONCE):
        yield rows[start : start + SPIKES_AT_ONCE]


def _predictions(probability: np.ndarray, spikes: SpikeSet, rows: np.ndarray) -> Predictions:
    return Predictions(
        probability=probability,
        sigmoid=probability,
        label=spikes.label[rows].astype(np.int64),
        cell=spikes.cell[rows].astype(np.int64),
        cell_ids=[cell.cell_id for cell in spikes.cells],
    )

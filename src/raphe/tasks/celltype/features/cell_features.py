"""The features of each cell of a store: of its mean spike, and of its firing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from raphe.core.files.csv_text import csv_text
from raphe.core.progress import progress
from raphe.tasks.celltype.features.feature_table import FEATURES
from raphe.tasks.celltype.features.firing import firing_of_cells
from raphe.tasks.celltype.features.waveform_features import waveform_features
from raphe.tasks.celltype.stores.spike_set import Cell, SpikeSet, baseline_of
from raphe.tasks.celltype.stores.subsampling import balanced_subsample

MOST_SPIKES_A_CELL = 1000  # averaged; the noise of the mean is then 3 % of a single spike's
SPIKES_AT_ONCE = 8192


@dataclass(frozen=True)
class CellFeatures:
    """The features of each cell of a store, a row a cell."""

    cells: Sequence[Cell]
    classes: Sequence[str]
    unit: str
    n_spikes: np.ndarray  # int64 (n_cells,)
    values: np.ndarray  # float64 (n_cells, features) in the order of FEATURES, NaN where missing
    missing: Sequence[str]  # what a cell's mean spike lacks, and why; "" for nothing

    @property
    def columns(self) -> list[str]:
        """The features' names with their units."""
        return [feature.column(self.unit) for feature in FEATURES]


def cell_features(spikes: SpikeSet, seed: int = 42) -> CellFeatures:
    """Measure the mean spike and the firing of each cell of a store."""
    measured = waveform_features(
        _mean_spikes(spikes, seed), spikes.rate_hz, baseline_of(spikes.facts)
    )
    return CellFeatures(
        cells=spikes.cells,
        classes=spikes.classes,
        unit=spikes.unit,
        n_spikes=np.bincount(spikes.cell[:], minlength=len(spikes.cells)),
        values=np.hstack([measured.values, firing_of_cells(spikes)]),
        missing=[_sentence(measured.reasons(row)) for row in range(len(spikes.cells))],
    )


def features_csv(features: CellFeatures) -> str:
    """The table as CSV; a feature that does not exist is blank."""
    header = ["cell_id", "label", "day", "animal", "n_spikes", *features.columns, "missing"]
    rows = []
    for cell, count, values, missing in zip(
        features.cells, features.n_spikes, features.values, features.missing, strict=True
    ):
        label = features.classes[cell.label]
        shown = ["" if np.isnan(value) else f"{value:.6g}" for value in values]
        rows.append([cell.cell_id, label, cell.day, cell.animal, count, *shown, missing])
    return csv_text(header, rows)


def _sentence(reasons: dict[str, str]) -> str:
    """Each reason once, after the features that are missing for it."""
    names_for: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        names_for.setdefault(reason, []).append(name)
    return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in names_for.items())


def _mean_spikes(spikes: SpikeSet, seed: int) -> np.ndarray:
    """The mean window of each cell: float64 (n_cells, T)."""
    n_cells, cell = len(spikes.cells), spikes.cell[:]
    rows = balanced_subsample(cell, MOST_SPIKES_A_CELL * n_cells, np.random.default_rng(seed))
    total = np.zeros((n_cells, spikes.n_samples))
    starts = range(0, len(rows), SPIKES_AT_ONCE)
    for start in progress(starts, "averaging spikes", total=len(starts)):
        block = rows[start : start + SPIKES_AT_ONCE]
        np.add.at(total, cell[block], spikes.read(block))
    return total / np.bincount(cell[rows], minlength=n_cells)[:, None]

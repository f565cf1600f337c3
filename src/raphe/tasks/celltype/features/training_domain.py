"""What the cells of training were like, so that one unlike all of them can be told.

N spikes, T samples a window.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from raphe.tasks.celltype.features.feature_table import WAVEFORM_FEATURES
from raphe.tasks.celltype.features.waveform_features import waveform_features
from raphe.tasks.celltype.stores.spike_set import BASELINE_MS, SpikeSet, baseline_of
from raphe.tasks.celltype.stores.subsampling import evenly_spaced

LEVELS = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)  # of the quantiles over cells
MARGIN = 0.5  # of the range over training cells, beyond which a cell is unlike them
SPIKES_OF_A_CELL = 500  # evenly spaced ones stand for all


def cell_statistics(
    windows: np.ndarray, rate_hz: float, unit: str = "pA", baseline_ms: float = BASELINE_MS
) -> dict[str, float]:
    """One cell in a few numbers, from its spikes (N, T); NaN for what none of them has.

    The median over spikes of each waveform feature and of the baseline, and the noise's SD before
    the spike: over the baseline, root mean square over spikes. Names end with the unit.

    Args:
        windows: (N, T), in `unit`.
        baseline_ms: start of each window that is baseline, at most an eighth of it is taken; 0 for
            windows whose own zero it is.
    """
    windows = np.asarray(windows[evenly_spaced(len(windows), SPIKES_OF_A_CELL)], np.float64)
    baseline_ms = min(baseline_ms, 1000 * windows.shape[1] / rate_hz / 8)
    features = waveform_features(windows, rate_hz, baseline_ms)
    named = {feature.column(unit): features[feature.name] for feature in WAVEFORM_FEATURES}
    statistics = {name: _median(values) for name, values in named.items()}
    start = windows[:, : round(baseline_ms * rate_hz / 1000)]
    if start.shape[1] > 1:
        statistics[f"baseline_{unit}"] = _median(start.mean(axis=1))
        statistics[f"noise_sd_{unit}"] = float(np.sqrt(start.var(axis=1, ddof=1).mean()))
    return statistics


def training_domain(spikes: SpikeSet, rows: np.ndarray) -> dict[str, Any]:
    """Quantiles over the cells of these rows, int64 (n,), of each of `cell_statistics`.

    Returns JSON values: `levels`, `n_cells`, and for each statistic its quantiles at the levels;
    a statistic that no cell has is left out.
    """
    cell = spikes.cell[rows]
    order = np.argsort(cell, kind="stable")
    rows_of_cells = np.split(rows[order], np.flatnonzero(np.diff(cell[order])) + 1)
    baseline_ms = baseline_of(spikes.facts)
    of_cells = []
    for rows_of_cell in rows_of_cells:
        windows = spikes.read(rows_of_cell[evenly_spaced(len(rows_of_cell), SPIKES_OF_A_CELL)])
        of_cells.append(cell_statistics(windows, spikes.rate_hz, spikes.unit, baseline_ms))
    quantiles = {}
    for name in of_cells[0]:
        values = np.array([statistics[name] for statistics in of_cells])
        values = values[np.isfinite(values)]
        if len(values):
            quantiles[name] = np.quantile(values, LEVELS).round(6).tolist()
    return {"levels": list(LEVELS), "n_cells": len(of_cells), "quantiles": quantiles}


def unlike_training(statistics: Mapping[str, float], domain: Mapping[str, Any]) -> list[str]:
    """In what a cell is unlike every cell of training, a sentence each; none for one like them.

    A statistic may leave the range of training by MARGIN of its width, as the few cells of a store
    do not reach the ends of what there is.
    """
    unlike = []
    for name, value in statistics.items():
        quantiles = domain["quantiles"].get(name)
        if quantiles is None or not np.isfinite(value):
            continue
        low, high = quantiles[0], quantiles[-1]
        margin = MARGIN * (high - low)
        if not low - margin <= value <= high + margin:
            unlike.append(
                f"{name.replace('_', ' ')} is {value:.3g}, in training {low:.3g} to {high:.3g}"
            )
    return unlike


def _median(values: np.ndarray) -> float:
    values = values[np.isfinite(values)]
    return float(np.median(values)) if len(values) else float("nan")

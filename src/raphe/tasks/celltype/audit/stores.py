"""The stores that an audit trains on: a subset as it is, with shuffled labels, and noise alone.

N spikes, T samples a window.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from raphe.core.errors import StoreError
from raphe.core.recordings.rates import same_rate
from raphe.tasks.celltype.stores.spike_set import Cell, SpikeSet
from raphe.tasks.celltype.stores.spike_store import SpikeStoreWriter
from raphe.tasks.celltype.stores.subsampling import balanced_subsample
from raphe.tasks.celltype.synthetic.mask_store import MaskSet


def subset(
    spikes: SpikeSet, n_most: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Windows (N, T) and their cells (N,) of at most so many spikes, drawn evenly over cells."""
    cell = np.asarray(spikes.cell[np.arange(spikes.n)])
    rows = balanced_subsample(cell, n_most, rng)
    return spikes.read(rows), cell[rows]


def shuffled_labels(cells: Sequence[Cell], rng: np.random.Generator) -> list[Cell]:
    """The cells with their labels dealt out anew: all that is left to learn is who is who."""
    labels = rng.permutation([cell.label for cell in cells])
    return [replace(cell, label=int(label)) for cell, label in zip(cells, labels, strict=True)]


def noise_windows(
    spikes: SpikeSet, masks: MaskSet, n_most: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """At most so many spike-free windows (N, T), evenly of the cells, and the cell (N,) of each.

    A mask gives as many as it holds. Raises StoreError where masks and spikes do not fit.
    """
    if masks.unit != spikes.unit or not same_rate(masks.rate_hz, spikes.rate_hz):
        raise StoreError(
            f"{masks.path}: expected {spikes.rate_hz:g} Hz and {spikes.unit} as in {spikes.path}, "
            f"got {masks.rate_hz:g} Hz and {masks.unit}; cut masks and spikes alike"
        )
    per_mask = masks.n_samples // spikes.n_samples
    index = {cell.cell_id: number for number, cell in enumerate(spikes.cells)}
    cell_of = np.array([index.get(recording.cell_id, -1) for recording in masks.recordings])
    owner = cell_of[masks.recording]
    of_a_cell = np.flatnonzero(owner >= 0)
    if not per_mask or not len(of_a_cell):
        why = f"its masks have {masks.n_samples} samples, a window {spikes.n_samples}"
        if per_mask:
            why = f"holds none from a cell of {spikes.path}"
        raise StoreError(
            f"{masks.path}: {why}; cut masks with raphe masks from the same recordings"
        )
    used = masks.masks[of_a_cell][:, : per_mask * spikes.n_samples]
    windows, cell = used.reshape(-1, spikes.n_samples), np.repeat(owner[of_a_cell], per_mask)
    rows = balanced_subsample(cell, n_most, rng)
    return windows[rows], cell[rows]


def write(
    folder: Path, spikes: SpikeSet, cells: Sequence[Cell], windows: np.ndarray, cell: np.ndarray
) -> Path:
    """A store of windows (N, T), each of one of `cells` (N,); cells without any are left out."""
    with SpikeStoreWriter(folder, spikes.classes, spikes.n_samples) as writer:
        writer.add_mixed(cells, cell, windows, np.full(len(cell), -1))
        return writer.finish(spikes.rate_hz, spikes.unit, {"note": spikes.note})

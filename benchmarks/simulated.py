"""Simulated spikes for every benchmark: as arrays, as a store, and as a store with noise masks."""

from collections.abc import Iterator
from dataclasses import asdict
from itertools import count
from pathlib import Path

import numpy as np

from raphe.core.recordings.recording import Recording
from raphe.tasks.celltype.recordings.file_names import CLASSES
from raphe.tasks.celltype.spikes.cut_settings import Cut
from raphe.tasks.celltype.spikes.cutting import CutSpikes, cut_spikes
from raphe.tasks.celltype.stores.extract import extract
from raphe.tasks.celltype.stores.spike_set import Cell
from raphe.tasks.celltype.stores.spike_store import SpikeStoreWriter
from raphe.tasks.celltype.synthetic.masks import cut_masks
from raphe.tasks.celltype.synthetic.simulated_cell import RATE_HZ
from raphe.tasks.celltype.synthetic.simulated_recordings import (
    CAVEAT,
    SimulatedCell,
    Simulation,
    simulate,
    simulate_cell,
)


def simulated_spikes(n_cells: int) -> tuple[np.ndarray, np.ndarray]:
    """Spikes (N, 160) in pA and labels (N,) of as many cells of each class, in random order."""
    waveforms, labels = [], []
    for label, _, spikes in simulated_cells(n_cells):
        waveforms.append(spikes.waveforms)
        labels.append(np.full(len(waveforms[-1]), label))
    order = np.random.default_rng(0).permutation(sum(map(len, labels)))
    return np.concatenate(waveforms)[order], np.concatenate(labels)[order]


def simulated_cells(n_cells: int) -> Iterator[tuple[int, SimulatedCell, CutSpikes]]:
    """As many cells of each class, with their label and their spikes."""
    simulation = Simulation(n_ser=n_cells, n_nser=n_cells)
    for label, name in enumerate(CLASSES):
        for index in range(n_cells):
            cell = simulate_cell(simulation, name, index)
            yield label, cell, _cut(cell)


def simulated_store(path: Path, per_class: int) -> Path:
    """Write a store of exactly `per_class` spikes of each class. Returns its path."""
    simulation = Simulation()
    with SpikeStoreWriter(path, CLASSES, Cut().n_samples) as writer:
        for label, name in enumerate(CLASSES):
            wanted = per_class
            for index in count():
                made = simulate_cell(simulation, name, index)
                spikes = _cut(made)
                cell = Cell(made.cell_id, label, made.day.date.isoformat(), made.day.animal)
                writer.add(cell, spikes.waveforms[:wanted], spikes.trigger[:wanted])
                wanted -= len(spikes.waveforms)
                if wanted <= 0:
                    break
        return writer.finish(RATE_HZ, "pA", {"cut": asdict(Cut()), "note": CAVEAT})


def simulated_store_and_masks(folder: Path, n_cells: int, duration_s: float) -> tuple[Path, Path]:
    """A store and the published 600 masks, from recordings of `n_cells` of each class."""
    recordings = simulate(folder / "recordings", Simulation(n_cells, n_cells, 10, duration_s))
    extract(recordings, folder / "spikes", Cut())
    cut_masks(recordings, folder / "masks")
    return folder / "spikes", folder / "masks"


def as_in_keras(current: np.ndarray) -> np.ndarray:
    """Time in s and current in pA as the published network takes them: float32 (N, T, 2, 1)."""
    time_s = np.arange(current.shape[1], dtype=np.float32) / RATE_HZ
    return np.stack([np.broadcast_to(time_s, current.shape), current], axis=2)[..., None]


def _cut(cell: SimulatedCell) -> CutSpikes:
    return cut_spikes(Recording.from_array(cell.samples, RATE_HZ, "pA", cell.cell_id), Cut())

"""Arrays of windows, read whole, as rows of units and as the spikes of one cell."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from faults.reader import Reader
from raphe.core.errors import RapheError
from raphe.core.recordings.arrays import load_array
from raphe.tasks.celltype.spikes.cut_settings import Cut, GivenWindows
from raphe.tasks.celltype.verdicts.cell_input import Reading, read_array_cell
from raphe.tasks.celltype.verdicts.window_arrays import ArrayRows, cells_of_array

CUTS = (Cut(), GivenWindows(160, 40_000.0, "pA"))


def seeds(folder: Path) -> Sequence[Path]:
    rng = np.random.default_rng(0)
    np.save(folder / "currents.npy", rng.normal(0, 30, (12, 160)).astype(np.float32))
    np.save(folder / "turned.npy", np.asfortranarray(rng.normal(0, 30, (9, 160))))
    pairs = rng.normal(0, 30, (5, 160, 2, 1))
    pairs[:, :, 0, 0] = np.arange(160) / 40_000
    np.save(folder / "pairs.npy", pairs)
    return sorted(folder.iterdir())


def read(path: Path) -> int:
    held = load_array(path, RapheError).nbytes
    for cut in CUTS:
        for cell in cells_of_array(path, ArrayRows(cut)):
            held += read_array_cell(cell, Reading(cut)).waveforms.nbytes
    return held


READER = Reader(".npy", seeds, read, (RapheError,))

"""A bundle of windows that were cut elsewhere, one a unit."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from raphe.core.files.checkpoint import write_checkpoint
from raphe.core.protocol import TrainedRun
from raphe.tasks.celltype.ensemble.export import export
from raphe.tasks.celltype.stores.spike_set import Cell
from raphe.tasks.celltype.stores.spike_store import SpikeStoreWriter
from raphe.tasks.celltype.training.data import CellTypeData
from raphe.tasks.celltype.training.module import CellTypeModule

CLASSES, N_SAMPLES, RATE_HZ, UNIT = ("PV", "SST"), 57, 30_000.0, "µV"


def unit_windows(n: int, seed: int) -> np.ndarray:
    """Narrow and wide waveforms in turn, float32 (n, 57) in µV."""
    rng = np.random.default_rng(seed)
    width = np.where(np.arange(n) % 2, 6, 3)[:, None] * rng.uniform(0.9, 1.1, (n, 1))
    waveforms = -80 * np.exp(-(((np.arange(N_SAMPLES) - 26) / width) ** 2))
    return (waveforms + rng.normal(0, 2, waveforms.shape)).astype(np.float32)


@pytest.fixture(scope="session")
def bundle_of_units(made_once: Callable[..., Path]) -> Path:
    """An ensemble that was not trained, of 24 units of one window each, and their store."""

    def fill(folder: Path) -> None:
        with SpikeStoreWriter(folder / "store", CLASSES, N_SAMPLES) as writer:
            for i, window in enumerate(unit_windows(24, seed=0)):
                unit = Cell(f"u{i}", i % 2, animal=f"m{i // 4}")
                writer.add(unit, window[None], np.array([-1]))
            store = writer.finish(RATE_HZ, UNIT, {"baseline_ms": 0.0})
        data = CellTypeData(store)
        data.setup()
        torch.manual_seed(0)
        facts = {"classes": CLASSES, "n_samples": N_SAMPLES, "rate_hz": RATE_HZ}
        modules = [CellTypeModule(k, **facts) for k in (2, 4)]
        runs = [
            TrainedRun(f"run{k}", f"k={k}", write_checkpoint(module.eval(), folder / f"{k}.ckpt"))
            for k, module in enumerate(modules, 1)
        ]
        export(runs, data, "", {}, folder / "bundle", members="all")

    return made_once("celltype-units", fill) / "bundle"

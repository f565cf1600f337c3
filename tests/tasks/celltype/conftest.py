"""Small stores of spikes and masks, made by hand."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from raphe.core.store import StoreWriter
from raphe.tasks.celltype import mask_store
from raphe.tasks.celltype.mask_store import MaskSet, open_masks
from raphe.tasks.celltype.spike_set import Cell, SpikeSet
from raphe.tasks.celltype.spike_store import open_spikes
from raphe.tasks.celltype.spike_writer import SpikeStoreWriter


@pytest.fixture
def make_spikes(tmp_path: Path) -> Callable[..., SpikeSet]:
    """Noise in place of spikes: cells c00, c01 … of the classes in turn, two a day."""

    def make(
        n_cells: int = 12, per_cell: int = 5, n_samples: int = 16, folder: str = "store", note=""
    ) -> SpikeSet:
        rng = np.random.default_rng(n_cells)
        with SpikeStoreWriter(tmp_path / folder, ("SER", "NSER"), n_samples) as writer:
            for i in range(n_cells):
                cell = Cell(f"c{i:02d}", i % 2, f"2026-01-{1 + i // 2:02d}")
                waveforms = rng.normal(-20, 30, (per_cell, n_samples)).astype(np.float32)
                writer.add(cell, waveforms, 1000 * i + np.arange(per_cell))
            return open_spikes(writer.finish(40_000.0, "pA", {"note": note}))

    return make


@pytest.fixture
def make_masks(tmp_path: Path) -> Callable[..., MaskSet]:
    """Masks of white noise, one recording a cell, whose SD is 1 pA for c00, 2 pA for c01 …"""

    def make(
        n_cells: int = 12,
        per_cell: int = 4,
        n_samples: int = 20,
        folder: str = "masks",
        rate_hz: float = 40_000.0,
    ) -> MaskSet:
        rng = np.random.default_rng(1)
        fields = {
            "masks": ((n_samples,), "float32"),
            "recording": ((), "int32"),
            "sweep": ((), "int32"),
            "sample": ((), "int64"),
        }
        rows = []
        with StoreWriter(tmp_path / folder, fields) as writer:
            for i in range(n_cells):
                masks = rng.normal(0, 1 + i, (per_cell, n_samples))
                writer.append(
                    masks=(masks - masks.mean(axis=1, keepdims=True)).astype(np.float32),
                    recording=np.full(per_cell, i),
                    sweep=np.zeros(per_cell, np.int32),
                    sample=np.arange(per_cell) * n_samples,
                )
                day = f"2026-01-{1 + i // 2:02d}"
                rows.append(
                    {"file": f"c{i:02d}.abf", "cell_id": f"c{i:02d}", "day": day, "animal": "",
                     "sha256": "", "noise_sd_pa": 1.0 + i, "n_masks": per_cell}
                )  # fmt: skip
            facts = {"kind": mask_store.KIND, "rate_hz": rate_hz, "unit": "pA"}
            return open_masks(writer.finish(facts, {"recordings": rows}))

    return make

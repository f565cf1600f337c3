"""Small stores of spikes and masks, made by hand."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from raphe.core.files.checkpoint import write_checkpoint
from raphe.core.files.store import StoreWriter
from raphe.core.protocol import TrainedRun
from raphe.core.recordings.recording import Recording
from raphe.tasks.celltype.ensemble.export import export
from raphe.tasks.celltype.spikes.cut_settings import Cut
from raphe.tasks.celltype.spikes.cutting import cut_spikes
from raphe.tasks.celltype.stores.open_spikes import open_spikes
from raphe.tasks.celltype.stores.spike_set import Cell, SpikeSet
from raphe.tasks.celltype.stores.spike_store import SpikeStoreWriter
from raphe.tasks.celltype.synthetic import mask_store
from raphe.tasks.celltype.synthetic.mask_store import MaskSet, open_masks
from raphe.tasks.celltype.synthetic.simulated_recordings import Simulation, simulate_cell
from raphe.tasks.celltype.training.data import CellTypeData
from raphe.tasks.celltype.training.module import CellTypeModule

KERNELS = (4, 9, 16)
SIMULATION = Simulation(n_ser=20, n_nser=20, days=5, duration_s=8.0)
EPOCHS = 6


@pytest.fixture
def make_spikes(tmp_path: Path) -> Callable[..., SpikeSet]:
    """Noise in place of spikes: cells c00, c01 … of the classes in turn, two a day; an animal has
    the second cell of a day and the first of the next."""

    def make(
        n_cells: int = 12, per_cell: int = 5, n_samples: int = 16, folder: str = "store", note=""
    ) -> SpikeSet:
        rng = np.random.default_rng(n_cells)
        with SpikeStoreWriter(tmp_path / folder, ("SER", "NSER"), n_samples) as writer:
            for i in range(n_cells):
                cell = Cell(f"c{i:02d}", i % 2, f"2026-01-{1 + i // 2:02d}", f"m{(i + 1) // 2}")
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
                    {"file": f"c{i:02d}.abf", "cell_id": f"c{i:02d}", "day": day,
                     "animal": f"m{(i + 1) // 2}", "sha256": "", "noise_sd_pa": 1.0 + i,
                     "n_masks": per_cell}
                )  # fmt: skip
            facts = {"kind": mask_store.KIND, "rate_hz": rate_hz, "unit": "pA"}
            return open_masks(writer.finish(facts, {"recordings": rows}))

    return make


@pytest.fixture(scope="session")
def trained_bundle(made_once: Callable[..., Path]) -> Path:
    """A small ensemble trained on simulated cells in a few seconds, exported as users do."""

    def fill(folder: Path) -> None:
        data = CellTypeData(_store(folder / "store"))
        data.setup()
        runs = [_run(folder, kernel, data) for kernel in KERNELS]
        export(runs, data, settings="", out=folder / "bundle", members="all", provenance={})

    return made_once("celltype-trained", fill) / "bundle"


def _store(path: Path) -> Path:
    with SpikeStoreWriter(path, ("SER", "NSER"), Cut().n_samples) as writer:
        for label, name in enumerate(("SER", "NSER")):
            for index in range(SIMULATION.n_ser):
                cell = simulate_cell(SIMULATION, name, index)
                recording = Recording.from_array(cell.samples, 40_000.0, "pA", cell.cell_id)
                spikes = cut_spikes(recording, Cut())
                writer.add(Cell(cell.cell_id, label), spikes.waveforms, spikes.trigger)
        return writer.finish(40_000.0, "pA", {"note": "Simulated cells."})


def _run(folder: Path, kernel: int, data: CellTypeData) -> TrainedRun:
    torch.manual_seed(kernel)
    module = CellTypeModule(kernel)
    optimizer = module.configure_optimizers()
    for _ in range(EPOCHS):
        for current, label, _ in data.train_dataloader():
            target = torch.nn.functional.one_hot(label, 2).float()
            loss = torch.nn.functional.binary_cross_entropy_with_logits(module(current), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    checkpoint = write_checkpoint(module.eval(), folder / f"{kernel}.ckpt")
    return TrainedRun(f"run{kernel}", f"model.kernel={kernel}", checkpoint)


@pytest.fixture(scope="session")
def record() -> Callable[..., np.ndarray]:
    """Simulated cells that `trained_bundle` was not trained on: float32 (samples,), pA, 40 kHz."""

    more = replace(SIMULATION, n_ser=40, n_nser=40)

    def simulate(label: str, index: int, duration_s: float = 20.0) -> np.ndarray:
        longer = replace(more, duration_s=duration_s)
        return simulate_cell(longer, label, SIMULATION.n_ser + index).samples

    return simulate

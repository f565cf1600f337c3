"""Batches from a device's memory, here the processor's, are those from the store, bit for bit."""

from pathlib import Path

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from raphe.core.errors import SettingError
from raphe.tasks.celltype.stores.lazy_array import InMemory, LazyArray
from raphe.tasks.celltype.training import batches as batches_module
from raphe.tasks.celltype.training import resident_batches as module
from raphe.tasks.celltype.training.batches import SpikeBatches
from raphe.tasks.celltype.training.data import CellTypeData
from raphe.tasks.celltype.training.module import CellTypeModule
from raphe.tasks.celltype.training.parts import StorePart
from raphe.tasks.celltype.training.resident_batches import ResidentBatches, fits_resident

CPU = torch.device("cpu")


def assert_same_batches(resident: SpikeBatches, streamed: SpikeBatches) -> None:
    assert len(resident) == len(streamed)
    n_batches = 0
    for ours, theirs in zip(resident, streamed, strict=True):
        for tensor, expected in zip(ours, theirs, strict=True):
            torch.testing.assert_close(tensor, expected, rtol=0, atol=0)
        n_batches += 1
    assert n_batches == len(resident) > 1


def test_in_the_stores_order(make_spikes, monkeypatch) -> None:
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 7)
    part = StorePart(make_spikes())
    batches = SpikeBatches([part], [len(part)], 8)
    assert_same_batches(ResidentBatches(batches, CPU), batches)


@pytest.mark.parametrize("count", [7, 60, 150])
def test_shuffled_over_epochs_from_several_parts_and_blocks(
    make_spikes, monkeypatch, count: int
) -> None:
    monkeypatch.setattr(batches_module, "BUFFER_BYTES", 24 * 4 * 160)  # several blocks an epoch
    few, many = make_spikes(n_cells=4, folder="few"), make_spikes(n_cells=12, folder="many")
    part_of_spike = LazyArray(InMemory((np.arange(many.n) % 3).astype(np.uint8)))
    parts = [StorePart(few), StorePart(many, part_of_spike, 1)]
    epoch = 0
    batches = SpikeBatches(parts, [20, count], 16, 3, lambda: epoch)
    resident = ResidentBatches(batches, CPU)
    for epoch in range(12):  # noqa: B007, what the batches ask for
        assert_same_batches(resident, batches)


def test_only_stores_that_fit_a_gpu_go_there(make_spikes, monkeypatch) -> None:
    part = StorePart(make_spikes())
    batches = SpikeBatches([part], [len(part)], 8)
    cuda = torch.device("cuda")
    n_bytes = len(part) * (4 * part.n_samples + 16)
    monkeypatch.setattr(module.torch.cuda, "mem_get_info", lambda _: (2 * n_bytes, 10**12))
    assert fits_resident(batches, cuda) and not fits_resident(batches, CPU)
    monkeypatch.setattr(module.torch.cuda, "mem_get_info", lambda _: (2 * n_bytes - 2, 10**12))
    assert not fits_resident(batches, cuda)
    made_as_needed = SpikeBatches([part, object()], [len(part), 10], 8)
    assert not fits_resident(made_as_needed, cuda)


def test_a_network_is_trained_alike(make_spikes, tmp_path: Path) -> None:
    spikes = make_spikes(n_cells=12)

    def weights(resident: bool | None) -> dict[str, torch.Tensor]:
        data = CellTypeData(spikes.path, resident=resident)
        pl.seed_everything(0, verbose=False)
        model = CellTypeModule(4, filters=(4, 4), **data.facts)
        trainer = pl.Trainer(
            default_root_dir=tmp_path, accelerator="cpu", max_epochs=2, logger=False,
            enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        )  # fmt: skip
        trainer.fit(model, datamodule=data)
        assert isinstance(trainer.train_dataloader, ResidentBatches) == bool(resident)
        return model.state_dict()

    streamed = weights(None)
    for name, value in weights(True).items():
        torch.testing.assert_close(value, streamed[name], rtol=0, atol=0)


def test_what_cannot_stay_in_memory_is_refused(make_spikes) -> None:
    store = make_spikes().path
    with pytest.raises(SettingError, match=r"data\.resident=true: synthetic spikes made"):
        CellTypeData(store, synthetic="online", masks="m", resident=True)
    with pytest.raises(SettingError, match=r"data\.resident=yes: expected true, false or null"):
        CellTypeData(store, resident="yes")

"""Training with firing beside the spikes: learnt where it tells, silent where it is unknown."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from raphe.core.errors import SettingError
from raphe.core.files.checkpoint import load_module
from raphe.tasks.celltype.network.firing_net import Firing
from raphe.tasks.celltype.stores.open_spikes import open_spikes
from raphe.tasks.celltype.stores.spike_set import Cell, SpikeSet
from raphe.tasks.celltype.stores.spike_store import SpikeStoreWriter
from raphe.tasks.celltype.training.bank import CellTypeBank
from raphe.tasks.celltype.training.data import CellTypeData
from raphe.tasks.celltype.training.module import CellTypeModule

RATE_HZ = 1000.0
MODULE = partial(
    CellTypeModule, 2, 1, (4, 4), n_samples=16, optimizer=partial(torch.optim.Adam, lr=0.05)
)


@pytest.fixture
def told_by_firing(tmp_path: Path) -> SpikeSet:
    """Windows of noise: SER fire regularly, NSER at random, at one mean rate."""
    rng = np.random.default_rng(0)
    with SpikeStoreWriter(tmp_path / "store", ("SER", "NSER"), 16) as writer:
        for number in range(24):
            shape = (25.0, 1.0)[number % 2]
            intervals = rng.gamma(shape, 400 / shape, 24)  # samples, of 1 ms
            windows = rng.normal(size=(24, 16)).astype(np.float32)
            trigger = np.cumsum(np.maximum(intervals, 1)).astype(np.int64)
            writer.add(Cell(f"c{number}", number % 2), windows, trigger)
        return open_spikes(writer.finish(RATE_HZ, "pA", {}))


def trained(spikes: SpikeSet, folder: Path, **settings: object) -> tuple[CellTypeModule, float]:
    """The network, and the share of unseen cells that it calls right."""
    pl.seed_everything(0, verbose=False)
    data, module = CellTypeData(spikes.path), MODULE(rate_hz=RATE_HZ, **settings)
    trainer = pl.Trainer(
        accelerator="cpu", max_epochs=5, default_root_dir=folder, logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(module, datamodule=data)
    trainer.test(module, datamodule=data, verbose=False)
    trainer.save_checkpoint(folder / "network.ckpt")
    cells = module.predictions["test"].per_cell()
    return module, float((cells.predicted == cells.label).mean())


def test_what_firing_alone_tells_is_learnt(told_by_firing: SpikeSet, tmp_path: Path) -> None:
    module, right = trained(told_by_firing, tmp_path, firing=Firing())
    assert right == 1
    again = load_module(CellTypeModule, tmp_path / "network.ckpt", "it").eval()
    current, cell = torch.tensor(told_by_firing.read(slice(50))), torch.arange(50) // 24
    module.eval()
    with torch.inference_mode():
        expected = module.logits_of(told_by_firing, current, cell)
        assert torch.equal(again.logits_of(told_by_firing, current, cell), expected)
        assert not torch.allclose(again(current), expected)  # of spikes alone


def test_the_published_network_and_its_checkpoint_know_nothing_of_it(
    told_by_firing: SpikeSet,
) -> None:
    module = MODULE(rate_hz=RATE_HZ).eval()
    assert "firing" not in module.hparams
    assert not any("firing" in name for name in module.state_dict())
    current, cell = torch.tensor(told_by_firing.read(slice(50))), torch.arange(50) // 24
    assert torch.equal(module.logits_of(told_by_firing, current, cell), module(current))


def test_a_store_that_knows_no_times_is_refused(
    make_spikes: Callable[..., SpikeSet], tmp_path: Path
) -> None:
    with pytest.raises(SettingError, match="knows 10 intervals of no training cell"):
        trained(make_spikes(n_cells=24, per_cell=3), tmp_path, firing=Firing())


def test_a_bank_is_of_networks_that_see_spikes_alone() -> None:
    with pytest.raises(SettingError, match="members of a bank look at spikes alone"):
        CellTypeBank({"k": MODULE(firing=Firing())})

"""Batches from a device's memory, here the processor's, against those from the store."""

import numpy as np
import pytest
import torch

from raphe.tasks.celltype.stores.lazy_array import InMemory, LazyArray
from raphe.tasks.celltype.training import resident as module
from raphe.tasks.celltype.training.batches import SpikeBatches
from raphe.tasks.celltype.training.parts import Part
from raphe.tasks.celltype.training.resident import ResidentBatches, resident

CPU = torch.device("cpu")


def seen(batches) -> np.ndarray:
    """What a pass gives, one row a spike: samples, label, cell."""
    parts = [torch.cat([c, y[:, None], i[:, None]], dim=1) for c, y, i in batches]
    return torch.cat(parts).numpy()


def in_any_order(rows: np.ndarray) -> np.ndarray:
    return rows[np.lexsort(rows.T)]


def test_in_order_they_are_the_same(make_spikes, monkeypatch) -> None:
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 7)
    part = Part(make_spikes())
    batches = SpikeBatches([part], [len(part)], 8)
    held = ResidentBatches(batches, CPU)
    assert len(held) == len(batches) == 8
    np.testing.assert_array_equal(seen(held), seen(batches))
    assert [len(label) for _, label, _ in held] == [8] * 7 + [4]


def test_an_epoch_holds_the_spikes_of_the_parts_in_an_order_of_its_own(make_spikes) -> None:
    spikes = make_spikes()
    column = LazyArray(InMemory((np.arange(spikes.n) % 3).astype(np.uint8)))
    epoch = 0
    part = Part(spikes, column, 1)
    batches = SpikeBatches([part], [len(part)], 8, seed=1, epoch=lambda: epoch)
    held = ResidentBatches(batches, CPU)
    first, again = seen(held), seen(held)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(in_any_order(first), in_any_order(seen(batches)))
    epoch = 1
    assert (seen(held) != first).any()
    np.testing.assert_array_equal(in_any_order(seen(held)), in_any_order(first))


@pytest.mark.parametrize("count", [7, 60, 150])
def test_over_epochs_every_spike_is_used_equally_often(make_spikes, count: int) -> None:
    few, many = make_spikes(n_cells=4, folder="few"), make_spikes(n_cells=12, folder="many")
    epochs = iter(range(60))
    batches = SpikeBatches([Part(few), Part(many)], [20, count], 16, 3, lambda: next(epochs))
    held = ResidentBatches(batches, CPU)
    used = [seen(held) for _ in range(60)]
    assert {len(rows) for rows in used} == {20 + count}
    _, times = np.unique(np.concatenate(used), axis=0, return_counts=True)
    assert sorted(set(times)) == sorted({60, count})


def test_only_stores_that_fit_a_gpu_go_there(make_spikes, monkeypatch) -> None:
    part = Part(make_spikes())
    batches = SpikeBatches([part], [len(part)], 8)
    assert resident(batches, CPU) is batches
    monkeypatch.setattr(module.torch.cuda, "mem_get_info", lambda _: (1000, 10**12))
    assert resident(batches, torch.device("cuda")) is batches

"""Batches of the stored traces: which, in which order, how padded."""

from pathlib import Path

import numpy as np
import pytest
import torch

from raphe.core.errors import SettingError, StoreError
from raphe.core.files.store import StoreWriter
from raphe.tasks.glif.lstm_study.data import LstmGlifData, TraceBatches
from raphe.tasks.glif.lstm_study.grid import targets
from raphe.tasks.glif.lstm_study.voltage_store import open_voltages


def test_a_batch_holds_what_the_files_hold(store_path: Path) -> None:
    traces = open_voltages(store_path)
    (batch,) = TraceBatches(traces, "val", 16)
    voltage, lengths, target = batch
    rows = traces.rows("val")
    torch.testing.assert_close(target, torch.from_numpy(targets(traces.parameters[rows])))
    for row, file in enumerate(rows):
        n = int(lengths[row])
        np.testing.assert_array_equal(voltage[row, :n].numpy(), traces.fed_mv(file))
        assert not voltage[row, n:].any()


def test_an_epochs_order_is_that_of_seed_and_epoch(store_path: Path) -> None:
    def order(seed: int | None, epoch: int) -> list[float]:
        batches = TraceBatches(open_voltages(store_path), "train", 5, seed, lambda: epoch)
        assert len(batches) == 3 == len(list(batches))
        return torch.cat([target for _, _, target in batches])[:, 2].tolist()

    assert order(1, 0) == order(1, 0)
    assert order(1, 0) != order(1, 1) and sorted(order(1, 0)) == sorted(order(2, 3))
    assert order(None, 0) == order(None, 5)


def test_the_datamodule_tells_what_the_harness_asks(store_path: Path) -> None:
    data = LstmGlifData(store_path, shuffle=False)
    assert set(data.hashes) == {"traces"} and "grid" in data.note
    trained = data.traces.parameters[data.traces.rows("train")]
    np.testing.assert_allclose(data.facts["target_mean"], targets(trained).mean(axis=0))
    assert len(data.train_dataloader()) == 12 and len(data.test_dataloader()) == 1
    with pytest.raises(SettingError, match=r"data\.batch_size=0: expected a whole number"):
        LstmGlifData(store_path, batch_size=0)


def test_another_store_is_refused(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "other", {"x": ((), "float32")}) as out:
        out.append(x=np.zeros(3, np.float32))
        out.finish({"kind": "celltype/spikes"})
    with pytest.raises(StoreError, match="expected a store of glif/grid, got celltype/spikes"):
        open_voltages(tmp_path / "other")

"""The datamodule: what is drawn, in which order, from which cells; leaks and bad stores refused."""

from pathlib import Path

import numpy as np
import pytest

from raphe.core.errors import RapheError, SettingError, SplitError, StoreError
from raphe.tasks.celltype.data import CellTypeData, Part, SpikeBatches
from raphe.tasks.celltype.spike_store import Cell, open_spikes
from raphe.tasks.celltype.spike_writer import SpikeStoreWriter

T = 160
CLASSES = ("SER", "NSER")


def write_store(
    path: Path,
    n_cells: int = 12,
    spikes_per_cell: int = 10,
    *,
    prefix: str = "cell",
    labels: tuple[int, ...] = (0, 1),
    days: int = 0,
    rate_hz: float = 40_000.0,
) -> Path:
    """A store in which each spike is filled with its own row number, so that it can be traced."""
    with SpikeStoreWriter(path, CLASSES, T) as writer:
        for number in range(n_cells):
            rows = number * spikes_per_cell + np.arange(spikes_per_cell)
            waveforms = np.repeat(rows[:, None], T, axis=1).astype(np.float32)
            day = f"2026-01-{1 + (number // 2) % days:02d}" if days else ""
            cell = Cell(f"{prefix}{number:02d}", labels[number % len(labels)], day)
            writer.add(cell, waveforms, trigger=rows)
        return writer.finish(rate_hz, "pA", {})


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return write_store(tmp_path / "store")


def datamodule(store: Path, **settings) -> CellTypeData:
    data = CellTypeData(store, **settings)
    data.setup("fit")
    return data


def rows_of(batches: SpikeBatches) -> list[int]:
    return [int(row) for current, _, _ in batches for row in current[:, 0]]


def cells_of(batches: SpikeBatches) -> set[int]:
    return {int(index) for _, _, cell in batches for index in cell}


def test_every_spike_is_drawn_once_an_epoch_with_its_own_label_and_cell(store: Path) -> None:
    data = datamodule(store, batch_size=16)
    spikes = open_spikes(store)
    drawn = []
    for current, label, cell in data.train_dataloader():
        assert current.dtype.is_floating_point and current.shape[1] == T
        rows = current[:, 0].numpy().astype(int)
        assert np.array_equal(label.numpy(), spikes.label[rows])
        assert np.array_equal(cell.numpy(), spikes.cell[rows])
        drawn += rows.tolist()
    assert sorted(drawn) == data.parts["train"].rows.tolist()
    assert len(data.train_dataloader()) == -(-len(drawn) // 16)


def test_by_default_no_cell_is_in_two_parts(store: Path) -> None:
    data = datamodule(store)
    held = [
        cells_of(batches)
        for batches in (data.train_dataloader(), data.val_dataloader(), *data.test_dataloader())
    ]
    assert all(held)
    assert not held[0] & held[1] and not held[0] & held[2] and not held[1] & held[2]


def test_by_spike_cells_are_on_both_sides_as_published(store: Path) -> None:
    data = datamodule(store, split="spike")
    assert cells_of(data.train_dataloader()) & cells_of(data.test_dataloader()[0])


def test_by_day_no_day_is_in_two_parts(tmp_path: Path) -> None:
    data = datamodule(write_store(tmp_path / "days", n_cells=24, days=8), split="day")
    day_of_cell = [cell.day for cell in data.original.cells]
    days = [
        {day_of_cell[index] for index in np.unique(data.original.cell[part.rows])}
        for part in data.parts.values()
    ]
    assert not days[0] & days[1] and not days[0] & days[2] and not days[1] & days[2]


def test_the_order_depends_on_seed_and_epoch_alone(store: Path) -> None:
    spikes = open_spikes(store)
    part = Part(spikes, np.arange(spikes.n))

    def order(seed: int, epoch: int) -> list[int]:
        return rows_of(SpikeBatches([part], [len(part)], 8, seed, lambda: epoch))

    assert order(1, 0) == order(1, 0)
    assert order(1, 0) != order(1, 1)
    assert order(1, 0) != order(2, 0)
    assert sorted(order(1, 0)) == sorted(order(2, 5)) == list(range(spikes.n))


def test_batches_run_on_across_the_blocks_that_are_read(tmp_path: Path) -> None:
    spikes = open_spikes(write_store(tmp_path / "long", n_cells=6, spikes_per_cell=150))
    part = Part(spikes, np.arange(spikes.n))
    in_order = SpikeBatches([part], [len(part)], batch_size=7)
    assert rows_of(in_order) == list(range(900))
    assert {len(label) for _, label, _ in in_order} == {7, 900 % 7}


@pytest.mark.parametrize("ratio", [0.5, 1.0, 3.0])
def test_synthetic_spikes_follow_their_parents_in_the_chosen_ratio(
    tmp_path: Path, store: Path, ratio: float
) -> None:
    synthetic = write_store(tmp_path / "synthetic", spikes_per_cell=40)
    data = datamodule(store, synthetic_store=synthetic, synthetic_ratio=ratio)
    n_original = len(data.parts["train"])
    counts = data.train_dataloader().counts
    assert counts == [n_original, round(ratio * n_original)]
    trained = cells_of(SpikeBatches([data.parts["train"]], [n_original], 64))
    assert cells_of(data.train_dataloader()) == trained  # the same ids in both stores
    assert len(data.val_dataloader().parts) == 1


def test_over_epochs_every_synthetic_spike_is_drawn_equally_often(tmp_path: Path) -> None:
    spikes = open_spikes(write_store(tmp_path / "store", spikes_per_cell=5))  # 60 spikes
    part = Part(spikes, np.arange(spikes.n))
    drawn: list[int] = []
    for epoch in range(6):
        drawn += rows_of(SpikeBatches([part], [20], 8, 3, lambda epoch=epoch: epoch))
    assert np.bincount(drawn, minlength=60).tolist() == [2] * 60


def test_a_synthetic_store_without_a_trained_parent_is_refused(tmp_path: Path, store: Path) -> None:
    stranger = write_store(tmp_path / "stranger", prefix="other")
    with pytest.raises(SplitError, match="none of its spikes comes from a cell in the training"):
        datamodule(store, synthetic_store=stranger).train_dataloader()


def test_a_test_store_with_a_trained_cell_is_refused(tmp_path: Path, store: Path) -> None:
    other = write_store(tmp_path / "other", prefix="other")
    data = datamodule(store, test_stores={"nonhomogeneous": other})
    assert list(data.test_cell_ids) == ["test", "nonhomogeneous"]
    assert [len(batches.parts[0]) for batches in data.test_dataloader()][1] == 120
    same = write_store(tmp_path / "same")
    with pytest.raises(SplitError, match="of its cells are trained on"):
        datamodule(store, test_stores={"nonhomogeneous": same})


def test_by_day_a_test_store_may_not_share_a_day(tmp_path: Path) -> None:
    store = write_store(tmp_path / "days", n_cells=24, days=8)
    same_days = write_store(tmp_path / "same", n_cells=24, days=8, prefix="other")
    with pytest.raises(SplitError, match="of its days are trained on"):
        datamodule(store, split="day", test_stores={"nonhomogeneous": same_days})
    datamodule(store, split="cell", test_stores={"nonhomogeneous": same_days})


def test_by_spike_synthetic_spikes_of_every_parent_are_trained_on(
    tmp_path: Path, store: Path
) -> None:
    synthetic = write_store(tmp_path / "synthetic", spikes_per_cell=40)
    part = datamodule(store, split="spike", synthetic_store=synthetic).train_dataloader().parts[1]
    assert len(part) == int(0.7 * 480)
    assert len(np.unique(part.spikes.cell[part.rows])) == 12


def test_per_class_draws_so_many_of_each(store: Path) -> None:
    data = datamodule(store, per_class=30, split="spike")
    rows = np.concatenate([part.rows for part in data.parts.values()])
    assert np.bincount(data.original.label[rows]).tolist() == [30, 30]


def test_the_hashes_are_those_of_the_stores(tmp_path: Path, store: Path) -> None:
    same = write_store(tmp_path / "copy")
    other = write_store(tmp_path / "other", prefix="other")
    assert CellTypeData(store).hashes == CellTypeData(same).hashes
    assert CellTypeData(store).hashes != CellTypeData(other).hashes
    with_test = CellTypeData(store, test_stores={"x": other, "none": None})
    assert with_test.hashes == {
        "original": open_spikes(store).content_hash,
        "x": open_spikes(other).content_hash,
    }


@pytest.mark.parametrize(
    ("made", "settings", "error", "told"),
    [
        ({}, {"split": "animal"}, SettingError, "expected cell, day or spike"),
        ({}, {"batch_size": 0}, SettingError, "data.batch_size=0: expected a whole number"),
        (
            {"n_cells": 2, "spikes_per_cell": 4},
            {"split": "spike"},
            SplitError,
            "part of 1 spikes lacks a class",
        ),
        ({}, {"split": "day"}, SplitError, "needs the day of every cell, unknown for 12"),
        ({}, {"per_class": 61}, SettingError, "has 60 spikes of SER"),
        ({}, {"synthetic_ratio": 0.0}, SettingError, "data.synthetic_store=null"),
        ({"labels": (0,)}, {}, StoreError, "got none of NSER"),
        ({"n_cells": 4}, {}, SplitError, "class SER has 2 cells"),
    ],
)
def test_what_cannot_be_trained_on_is_refused(
    tmp_path: Path, made: dict, settings: dict, error: type[RapheError], told: str
) -> None:
    store = write_store(tmp_path / "store", **made)
    with pytest.raises(error, match=told):
        datamodule(store, **settings)


def test_stores_that_are_cut_differently_are_not_mixed(tmp_path: Path, store: Path) -> None:
    other = write_store(tmp_path / "slow", prefix="other", rate_hz=20_000.0)
    with pytest.raises(StoreError, match=r"expected rate_hz 40000.0 as in .*, got 20000.0"):
        datamodule(store, test_stores={"slow": other})

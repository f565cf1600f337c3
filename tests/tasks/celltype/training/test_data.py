"""The datamodule: what is drawn, in which order, from which cells; leaks and bad stores refused."""

import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from raphe.core.errors import RapheError, SettingError, SplitError, StoreError
from raphe.tasks.celltype.stores.open_spikes import open_spikes
from raphe.tasks.celltype.stores.spike_set import SYNTHETIC_NOTE, Cell, SpikeSet
from raphe.tasks.celltype.stores.spike_store import SpikeStoreWriter
from raphe.tasks.celltype.synthetic.synthesize import synthesize
from raphe.tasks.celltype.synthetic.synthesizer import Recipe
from raphe.tasks.celltype.training.batches import SpikeBatches
from raphe.tasks.celltype.training.data import CellTypeData
from raphe.tasks.celltype.training.parts import StorePart

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
    animals: int = 0,
    sources: int = 0,
    rate_hz: float = 40_000.0,
) -> Path:
    """A store in which each spike is filled with its own row number, so that it can be traced."""
    with SpikeStoreWriter(path, CLASSES, T) as writer:
        for number in range(n_cells):
            rows = number * spikes_per_cell + np.arange(spikes_per_cell)
            waveforms = np.repeat(rows[:, None], T, axis=1).astype(np.float32)
            day = f"2026-01-{1 + (number // 2) % days:02d}" if days else ""
            animal = f"m{number // 2 % animals}" if animals else ""
            source = f"lab {number // 2 % sources}" if sources else ""
            label = labels[number % len(labels)]
            cell = Cell(f"{prefix}{number:02d}", label, day, animal, source)
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


def drawn_shares(batches) -> np.ndarray:
    """Of each of two classes among the spikes of an epoch."""
    label = np.concatenate([label.numpy() for _, label, _ in batches])
    return np.bincount(label, minlength=2) / len(label)


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
        for batches in (data.train_dataloader(), *data.val_dataloader(), *data.test_dataloader())
    ]
    assert all(held)
    assert not held[0] & held[1] and not held[0] & held[2] and not held[1] & held[2]


def test_by_spike_cells_are_on_both_sides_as_published(store: Path) -> None:
    data = datamodule(store, split="spike")
    assert cells_of(data.train_dataloader()) & cells_of(data.test_dataloader()[0])


@pytest.mark.parametrize("kind", ["day", "animal", "source"])
def test_no_day_animal_or_source_is_in_two_parts(tmp_path: Path, kind: str) -> None:
    store = write_store(tmp_path / "store", n_cells=24, **{f"{kind}s": 8})
    data = datamodule(store, split=kind)
    group_of_cell = [getattr(cell, kind) for cell in data.original.cells]
    held = [
        {group_of_cell[cell] for cell in cells_of(batches)}
        for batches in (data.train_dataloader(), *data.val_dataloader(), *data.test_dataloader())
    ]
    assert set.union(*held) == set(group_of_cell)
    assert not held[0] & held[1] and not held[0] & held[2] and not held[1] & held[2]


def test_an_animal_on_both_sides_is_seen_by_whoever_looks(tmp_path: Path) -> None:
    """The check above fails where a split by cell is taken for one by animal."""
    data = datamodule(write_store(tmp_path / "store", n_cells=24, animals=8), split="cell")
    animals = [
        {data.original.cells[cell].animal for cell in cells_of(batches)}
        for batches in (data.train_dataloader(), *data.test_dataloader())
    ]
    assert animals[0] & animals[1]


def test_the_order_depends_on_seed_and_epoch_alone(store: Path) -> None:
    spikes = open_spikes(store)
    part = StorePart(spikes)

    def order(seed: int, epoch: int) -> list[int]:
        return rows_of(SpikeBatches([part], [len(part)], 8, seed, lambda: epoch))

    assert order(1, 0) == order(1, 0)
    assert order(1, 0) != order(1, 1)
    assert order(1, 0) != order(2, 0)
    assert sorted(order(1, 0)) == sorted(order(2, 5)) == list(range(spikes.n))


def test_batches_run_on_across_the_blocks_that_are_read(tmp_path: Path) -> None:
    spikes = open_spikes(write_store(tmp_path / "long", n_cells=6, spikes_per_cell=150))
    part = StorePart(spikes)
    in_order = SpikeBatches([part], [len(part)], batch_size=7)
    assert rows_of(in_order) == list(range(900))
    assert {len(label) for _, label, _ in in_order} == {7, 900 % 7}


@pytest.fixture
def synthetic_sources(make_spikes, make_masks, tmp_path: Path) -> dict[str, dict]:
    """The same synthetic spikes twice: settings to read them from disk, and to make them online."""
    spikes, masks = make_spikes(), make_masks()
    stored = tmp_path / "synthetic"
    synthesize(spikes.path, masks.path, stored, per_class=600, seed=3, recipe=Recipe(seed=3))
    common = {"store": spikes.path, "seed": 3}
    return {
        "stored": {**common, "synthetic": stored},
        "online": {**common, "synthetic": "online", "masks": masks.path, "recipe": Recipe(seed=3)},
    }


@pytest.mark.parametrize("ratio", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("source", ["stored", "online"])
def test_synthetic_spikes_follow_their_parents_in_the_chosen_ratio(
    synthetic_sources, source: str, ratio: float
) -> None:
    data = datamodule(**synthetic_sources[source], synthetic_ratio=ratio)
    n_original = len(data.parts["train"])
    batches = data.train_dataloader()
    assert batches.counts == [n_original, round(ratio * n_original)]
    assert sum(len(label) for _, label, _ in batches) == sum(batches.counts)
    assert cells_of(batches) == cells_of(SpikeBatches([data.parts["train"]], [n_original], 64))
    (validation,) = data.val_dataloader()
    assert len(validation.parts) == 1
    assert set(data.hashes) == {"original", "synthetic" if source == "stored" else "masks"}
    assert data.class_shares.sum() == pytest.approx(1)
    assert data.mix.source == "as among the original and synthetic spikes of training"
    np.testing.assert_allclose(data.class_shares, drawn_shares(batches), atol=0.05)


def test_online_and_on_disk_the_same_samples_are_trained_on(synthetic_sources) -> None:
    stored, online = (
        datamodule(**settings).train_dataloader().parts[1]
        for settings in synthetic_sources.values()
    )

    def in_order(part) -> list[np.ndarray]:
        batches = SpikeBatches([part], [100], 30)
        return [np.concatenate(values) for values in zip(*batches, strict=True)]

    for as_needed, from_store in zip(in_order(online), in_order(stored), strict=True):
        np.testing.assert_array_equal(as_needed, from_store)
    epochs = [online.stream(100, epoch, None) for epoch in range(3)]
    assert all(
        before.stop <= after.next for before, after in pairwise(epochs)
    )  # new ones each time


def test_synthetic_spikes_made_for_another_split_are_refused(synthetic_sources) -> None:
    settings = synthetic_sources["stored"] | {"seed": 4}
    with pytest.raises(StoreError, match=r"was made for another split of .*seed 3 there, 4 here"):
        datamodule(**settings)


def test_a_synthetic_store_without_a_spike_for_training_is_refused(
    make_spikes, make_masks, tmp_path: Path
) -> None:
    fractions = (0.01, 0.495, 0.495)  # one cell of six trains
    spikes, masks = make_spikes(), make_masks()
    synthesize(spikes.path, masks.path, tmp_path / "out", 1, fractions=fractions)
    with pytest.raises(StoreError, match=r"no spike of its 2 has a parent in the training part"):
        CellTypeData(spikes.path, tmp_path / "out", fractions=fractions)


def test_over_epochs_every_synthetic_spike_is_drawn_equally_often(tmp_path: Path) -> None:
    spikes = open_spikes(write_store(tmp_path / "store", spikes_per_cell=5))  # 60 spikes
    part = StorePart(spikes)
    drawn: list[int] = []
    for epoch in range(6):
        drawn += rows_of(SpikeBatches([part], [20], 8, 3, lambda epoch=epoch: epoch))
    assert np.bincount(drawn, minlength=60).tolist() == [2] * 60


def test_a_store_that_is_not_synthetic_is_refused(tmp_path: Path, store: Path) -> None:
    stranger = write_store(tmp_path / "stranger", prefix="other")
    with pytest.raises(StoreError, match="holds no synthetic spikes"):
        datamodule(store, synthetic=stranger)


def test_a_test_store_with_a_trained_cell_is_refused(tmp_path: Path, store: Path) -> None:
    other = write_store(tmp_path / "other", prefix="other")
    data = datamodule(store, test_stores={"nonhomogeneous": other})
    assert list(data.test_cell_ids) == ["test", "nonhomogeneous"]
    assert [len(batches.parts[0]) for batches in data.test_dataloader()][1] == 120
    same = write_store(tmp_path / "same")
    with pytest.raises(SplitError, match="of its cells are trained on"):
        datamodule(store, test_stores={"nonhomogeneous": same})


def write_again(spikes: SpikeSet, path: Path, rows: np.ndarray, prefix: str = "other") -> Path:
    """Some spikes of a store under other cell ids."""
    with SpikeStoreWriter(path, CLASSES, spikes.n_samples) as writer:
        cells = [replace(cell, cell_id=f"{prefix}-{cell.cell_id}") for cell in spikes.cells]
        writer.add_mixed(cells, spikes.cell[rows], spikes.read(rows), spikes.trigger[rows])
        return writer.finish(spikes.rate_hz, spikes.unit, {})


@pytest.mark.parametrize("kind", ["cell", "spike"])
def test_what_is_trained_on_is_no_test_store(make_spikes, make_masks, tmp_path, kind):
    spikes = make_spikes(n_cells=24)
    store, moved = spikes.path, tmp_path / "moved"
    shutil.copytree(store, moved)
    for same in (store, moved):
        message = "are? trained on" if kind == "cell" else f"x: {same} is {store}, which is trained"
        with pytest.raises(SplitError, match=message):
            datamodule(store, split=kind, test_stores={"x": same})
    renamed = write_again(spikes, tmp_path / "renamed", np.arange(spikes.n))
    n_trained = len(datamodule(store, split=kind).parts["train"].rows)
    n_trained += len(datamodule(store, split=kind).parts["val"].rows)
    with pytest.raises(SplitError, match=f"renamed holds {n_trained} spikes that are trained on"):
        datamodule(store, split=kind, test_stores={"x": renamed})
    tested = datamodule(store, split=kind).parts["test"].rows
    only_tested = write_again(spikes, tmp_path / "tested", tested)
    datamodule(store, split=kind, test_stores={"x": only_tested})
    out = tmp_path / "synthetic"
    synthesize(store, make_masks(n_cells=24).path, out, per_class=20, split=kind, workers=1)
    message = "trained on" if kind == "cell" else "holds synthetic spikes made from"
    with pytest.raises(SplitError, match=message):
        datamodule(store, split=kind, test_stores={"x": out})


@pytest.mark.parametrize("kind", ["cell", "spike"])
def test_spikes_trained_on_are_no_test_store_at_another_gain(make_spikes, tmp_path, kind):
    spikes = make_spikes(n_cells=24)
    with SpikeStoreWriter(tmp_path / "half", CLASSES, spikes.n_samples) as writer:
        cells = [replace(cell, cell_id=f"other-{cell.cell_id}") for cell in spikes.cells]
        halved = (-0.5 * spikes.windows[:]).astype(np.float32)
        writer.add_mixed(cells, spikes.cell[:], halved, np.full(spikes.n, -1))
        half = writer.finish(spikes.rate_hz, spikes.unit, {})
    with pytest.raises(
        SplitError, match=r"half holds copies of cells .*\(\d+ pairs\): cells .*hold the same"
    ):
        datamodule(spikes.path, split=kind, test_stores={"x": half})


def test_a_synthetic_store_is_called_so_wherever_it_stands(make_spikes, make_masks, tmp_path):
    out = tmp_path / "synthetic"
    spikes = make_spikes(n_cells=24, note="Noise.")
    synthesize(spikes.path, make_masks(n_cells=24).path, out, per_class=200, workers=1)
    data = datamodule(out)
    assert data.note == f"{SYNTHETIC_NOTE} Noise."
    other = make_spikes(n_cells=26, folder="other")
    assert datamodule(other.path, test_stores={}).note == ""
    stranger = write_again(other, tmp_path / "stranger", np.arange(other.n))
    data = datamodule(stranger, test_stores={"made": out})
    assert data.note == "The spikes of made are synthetic."


@pytest.mark.parametrize("kind", ["day", "animal"])
def test_a_test_store_may_not_share_a_day_or_animal(tmp_path: Path, kind: str) -> None:
    settings = {"n_cells": 24, f"{kind}s": 8}
    store = write_store(tmp_path / "store", **settings)
    shared = write_store(tmp_path / "same", prefix="other", **settings)
    with pytest.raises(SplitError, match=f"of its {kind}s are trained on"):
        datamodule(store, split=kind, test_stores={"nonhomogeneous": shared})
    datamodule(store, split="cell", test_stores={"nonhomogeneous": shared})
    unknown = write_store(tmp_path / "unknown", prefix="other")
    datamodule(store, split=kind, test_stores={"nonhomogeneous": unknown})


def test_classes_may_weigh_alike(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store", n_cells=24, labels=(0, 0, 0, 1))
    assert "class_weights" not in datamodule(store).facts
    data = datamodule(store, weigh="classes")
    weights = np.array(data.facts["class_weights"])
    trained = np.concatenate([label.numpy() for _, label, _ in data.train_dataloader()])
    counts = np.bincount(trained)
    assert counts[0] > 2 * counts[1]
    np.testing.assert_allclose(weights * counts, len(trained) / 2)
    np.testing.assert_allclose(datamodule(store).class_shares, counts / len(trained))
    np.testing.assert_allclose(data.class_shares, 0.5)
    assert data.mix.words(("SER", "NSER")) == (
        "where cells are 50 % SER and 50 % NSER, as the training weighed them"
    )
    assert datamodule(store).mix.source == "as among the spikes of training"


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
    ("layout", "settings", "error", "message"),
    [
        (
            {},
            {"synthetic": "online"},
            SettingError,
            "needs noise masks: cut them with `raphe masks",
        ),
        ({}, {"split": "rig"}, SettingError, "expected cell, day, animal, source, spike"),
        ({}, {"weigh": "cells"}, SettingError, "data.weigh=cells: expected spikes or classes"),
        (
            {},
            {"weigh": "classes", "synthetic": "online"},
            SettingError,
            "synthetic spikes come evenly of all classes already",
        ),
        ({}, {"batch_size": 0}, SettingError, "data.batch_size=0: expected a whole number"),
        (
            {"n_cells": 2, "spikes_per_cell": 4},
            {"split": "spike"},
            SplitError,
            "part of 1 spikes lacks a class",
        ),
        ({}, {"split": "day"}, SplitError, "needs the day of every cell, unknown for 12"),
        ({}, {"split": "animal"}, SplitError, "needs the animal of every cell, unknown for 12"),
        ({}, {"per_class": 61}, SettingError, "has 60 spikes of SER"),
        ({}, {"synthetic_ratio": 0.0}, SettingError, "data.synthetic=null"),
        ({"labels": (0,)}, {}, StoreError, "got none of NSER"),
        ({"n_cells": 4}, {}, SplitError, "class SER has 2 cells"),
    ],
)
def test_what_cannot_be_trained_on_is_refused(
    tmp_path: Path, layout: dict, settings: dict, error: type[RapheError], message: str
) -> None:
    store = write_store(tmp_path / "store", **layout)
    with pytest.raises(error, match=message):
        datamodule(store, **settings)


def test_a_rate_computed_otherwise_is_no_other_rate(tmp_path: Path, store: Path) -> None:
    other = write_store(tmp_path / "float32", prefix="other", rate_hz=40_000.068)
    data = datamodule(store, test_stores={"float32": other})
    assert "float32" in data.tests


def test_stores_that_are_cut_differently_are_not_mixed(tmp_path: Path, store: Path) -> None:
    other = write_store(tmp_path / "slow", prefix="other", rate_hz=20_000.0)
    with pytest.raises(StoreError, match=r"expected rate_hz 40000.0 as in .*, got 20000.0"):
        datamodule(store, test_stores={"slow": other})

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from raphe.core.errors import SettingError, StoreError
from raphe.tasks.units.recordings.unit_folder import read_unit_folder
from raphe.tasks.units.stores.import_units import import_units
from raphe.tasks.units.training.cross_fit import cross_fitted, shuffled
from raphe.tasks.units.training.data import UnitData
from raphe.tasks.units.training.module import UnitModule, unseen_probability
from raphe.tasks.units.training.prepare import prepare
from raphe.tasks.units.training.simple_classifiers import (
    BOOSTED,
    EXTRA,
    KERNEL,
    LOGISTIC,
    NEAREST,
)


def test_no_network_learns_from_units_of_the_fold_that_it_is_tested_on(
    unit_data: UnitData,
) -> None:
    module = UnitModule(members=2, hidden=3, dropout=0.0, branch_dropout=0.0, **unit_data.facts)
    inputs, label, fold = unit_data.batch()
    batch = inputs.requires_grad_(), label, fold
    module._losses(batch, 0.0, seen=True)[:2].sum().backward()  # the networks of fold 0
    used = inputs.grad.nan_to_num().abs().sum(dim=1) > 0
    np.testing.assert_array_equal(used.numpy(), unit_data.fold != 0)


def test_what_is_said_of_a_unit_comes_from_networks_that_did_not_see_it(
    unit_data: UnitData,
) -> None:
    module = UnitModule(members=2, hidden=3, **unit_data.facts).eval()
    said = unseen_probability(module, unit_data.batch())
    every = module(unit_data.batch()[0]).detach().numpy()  # (M, N, C)
    for row in (0, 5, 11):
        own = every[2 * unit_data.fold[row] : 2 * unit_data.fold[row] + 2, row]
        np.testing.assert_allclose(said[row], own.mean(axis=0), rtol=1e-5)


def test_a_short_training_tells_made_up_units_apart(unit_store: Path) -> None:
    data = UnitData(unit_store, split="given", steps=5)
    pl.seed_everything(1, verbose=False)
    module = UnitModule(members=2, hidden=4, **data.facts)
    trainer = pl.Trainer(
        max_epochs=4, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(module, datamodule=data)
    trainer.test(module, datamodule=data, verbose=False)
    assert (module.probability.argmax(axis=1) == data.label).mean() > 0.9


def test_each_class_weighs_alike(unit_data: UnitData) -> None:
    module = UnitModule(members=1, hidden=3, **unit_data.facts).eval()
    inputs, label, fold = unit_data.batch()
    kept = (label == 0) | (torch.arange(40) < 20)  # fewer of the second class
    few = tuple(part[kept] for part in (inputs, label, fold))
    logits = module.net(few[0])[0].log_softmax(dim=1)
    trained = few[2] != 0
    means = [-logits[trained & (few[1] == c), c].mean() for c in (0, 1)]
    torch.testing.assert_close(module._losses(few, 0.0, seen=True)[0], sum(means) / 2)


@pytest.mark.parametrize(
    "name",
    [
        LOGISTIC,
        NEAREST,
        *(pytest.param(name, marks=pytest.mark.ci) for name in (KERNEL, BOOSTED, EXTRA)),
    ],
)
def test_simple_classifiers_call_units_that_they_did_not_see(
    name: str, unit_data: UnitData
) -> None:
    data = unit_data
    said, fitted = cross_fitted(name, data.inputs, data.label, data.fold, data.layout.dims, 2)
    assert (said.argmax(axis=1) == data.label).mean() > 0.8 and len(fitted) == data.n_folds
    np.testing.assert_allclose(said.sum(axis=1), 1)


def test_shuffled_labels_keep_animals_whole_where_each_carries_one() -> None:
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(10), 4)
    label = (group % 2).astype(int)
    mixed = shuffled(label, group, rng)
    assert all(len(set(mixed[group == g])) == 1 for g in range(10))
    assert mixed.sum() == label.sum() and (mixed != label).any()
    within = shuffled(np.tile([0, 1], 20), group, rng)
    assert all(within[group == g].sum() == 2 for g in range(10))


def test_the_note_says_what_a_split_leaks(unit_store: Path) -> None:
    assert "other units of the same animals were trained on" in UnitData(unit_store).note
    assert UnitData(unit_store, split="animal", folds="all").note == ""


def test_animals_of_one_label_each_and_small_classes_stand_beside_the_figures(
    unit_folder: Callable[..., Path], tmp_path: Path
) -> None:
    label = ["narrow", "wide"] * 18 + ["rare"] * 4
    animals = [f"{kind}{n // 8 % 2}" for n, kind in enumerate(label)]
    read = read_unit_folder(unit_folder(label=label, animal=animals))
    store = import_units(read, "units", tmp_path / "store").store
    of_each = "Each animal holds one class: 2 animals of narrow (18 units), 1 animal of rare (4"
    by_unit = UnitData(store, folds=2).note
    assert of_each in by_unit and "whatever tells animals apart is scored as if it" in by_unit
    assert "(no split of these units can tell the two apart)" in by_unit
    assert "Class rare has 4 units: its figures will say next to nothing." in by_unit


def test_animals_of_one_label_stand_beside_a_split_by_animal_too(
    unit_folder: Callable[..., Path], tmp_path: Path
) -> None:
    animals = [f"{n % 2}{n // 8 % 2}" for n in range(40)]
    store = import_units(
        read_unit_folder(unit_folder(animal=animals)), "units", tmp_path / "store"
    ).store
    assert "(data.split=animal tests on animals that were not trained on)" in UnitData(store).note
    by_animal = UnitData(store, split="animal", folds=2).note
    assert by_animal.startswith("Each animal holds one class: 2 animals of narrow")
    assert "what the animals of one class have in common beside it (line, rig, day) is" in by_animal


def test_a_store_that_is_not_there_is_told_how_to_make(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="make one with raphe import units"):
        prepare(None)
    with pytest.raises(StoreError, match="no such store"):
        prepare(tmp_path / "none")

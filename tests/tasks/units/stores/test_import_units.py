from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from raphe.core.errors import SettingError, SplitError, StoreError
from raphe.tasks.units.recordings.unit_folder import read_unit_folder
from raphe.tasks.units.stores.import_units import UnitsReport, import_units
from raphe.tasks.units.stores.unit_folds import unit_folds
from raphe.tasks.units.stores.unit_store import open_units

Make = Callable[..., Path]


def imported(folder: Path, **how: object) -> UnitsReport:
    return import_units(read_unit_folder(folder), "units", folder.parent / "store", **how)


def test_a_store_gives_back_what_it_was_given(unit_folder: Make) -> None:
    report = imported(unit_folder(), note="Made up.")
    store = open_units(report.store)
    read = read_unit_folder(unit_folder("again")).units
    for name, array in store.units.arrays.items():
        np.testing.assert_array_equal(array, read.arrays[name])
    assert store.classes == ("narrow", "wide") and store.note == "Made up."
    assert store.units.facts[7] == read.facts[7] and store.label[:2].tolist() == [0, 1]
    assert store.contents == "40 units (20 narrow, 20 wide)"


def test_a_unit_that_is_there_twice_is_taken_once_or_under_two_labels_not_at_all(
    unit_folder: Make,
) -> None:
    folder = unit_folder()
    for name in ("waveforms", "isi", "acg"):
        array = np.load(folder / f"{name}.npy")
        array[2], array[9] = array[0], array[4]  # of one label, and of two
        np.save(folder / f"{name}.npy", array)
    report = imported(folder)
    assert report.left_out[0] == "unit u2: is unit u0 again, with the same numbers; taken once"
    assert "two labels, narrow and wide; neither is taken" in report.left_out[1]
    assert report.per_class == {"narrow": 18, "wide": 19}


def test_three_that_are_one_under_two_labels_are_all_left_out(unit_folder: Make) -> None:
    folder = unit_folder()
    for name in ("waveforms", "isi", "acg"):
        array = np.load(folder / f"{name}.npy")
        array[[10, 11]] = array[12]  # narrow, wide, narrow
        np.save(folder / f"{name}.npy", array)
    report = imported(folder)
    assert report.left_out == [
        "units u10, u11 and u12: have the same numbers and two labels, narrow and wide; none of "
        "them is taken"
    ]
    assert report.per_class == {"narrow": 18, "wide": 19}


def test_units_without_a_label_stand_beside_the_others(unit_folder: Make) -> None:
    folder = unit_folder(label=["", "", "narrow", "wide"] * 10)
    for name in ("waveforms", "isi", "acg"):
        array = np.load(folder / f"{name}.npy")
        array[1] = array[2]  # an unlabelled one that is labelled elsewhere
        np.save(folder / f"{name}.npy", array)
    report = imported(folder)
    assert report.left_out == ["unit u1: is unit u2 again, with the same numbers; taken once"]
    store = open_units(report.store)
    assert report.without_label == len(store.unlabelled) == 19
    assert store.contents == "20 units (10 narrow, 10 wide)"
    assert {fact.label for fact in store.unlabelled.facts} == {""}
    read = read_unit_folder(folder).units
    np.testing.assert_array_equal(store.unlabelled.isi[0], read.isi[0])


def test_units_without_waveforms_are_not_one_because_of_that(unit_folder: Make) -> None:
    waveforms = np.zeros((40, 30))
    report = imported(unit_folder(waveforms=waveforms))
    assert not report.left_out and sum(report.per_class.values()) == 40


def test_what_must_be_known_of_labels_is_said(unit_folder: Make) -> None:
    labels = ["rare"] * 3 + ["narrow", "wide"] * 18 + ["narrow"]
    remarks = imported(unit_folder(label=labels)).remarks
    assert "class rare has 3 units: its figures will say next to nothing" in remarks
    of_one = imported(unit_folder(animal=[f"A{n % 2}" for n in range(40)]), overwrite=True).remarks
    of_both = "each animal holds one class: 1 animal of narrow (20 units) and 1 animal of wide (20"
    assert any(r.startswith(of_both) and "no split of these units can" in r for r in of_one)
    unknown = imported(unit_folder(animal=None), overwrite=True).remarks
    assert any("the animals are not known of all units" in remark for remark in unknown)
    assert any("the sampling rate of the waveforms is not known" in remark for remark in unknown)


@pytest.mark.parametrize(
    ("labels", "classes", "sentence"),
    [
        (["narrow"] * 40, None, "2 classes or more, got one, narrow; --label says"),
        ([""] * 40, None, "got none; --label says which column"),
        (["rare"] + ["narrow", "wide"] * 19 + ["wide"], None, "class rare has 1 unit"),
        (["narrow", "wide"] * 20, ["narrow", "PV"], "no unit is labelled PV; its labels are narro"),
    ],
)
def test_labels_that_teach_nothing_are_refused(
    unit_folder: Make, labels: list[str], classes: list[str] | None, sentence: str
) -> None:
    with pytest.raises(StoreError, match=sentence):
        imported(unit_folder(label=labels), classes=classes)


def test_units_that_were_left_out_are_told_where_a_class_lacks(
    unit_folder: Make, tmp_path: Path
) -> None:
    read = read_unit_folder(unit_folder(label=["narrow"] * 40))
    read = replace(read, left_out=["unit u9: has no spikes"])
    with pytest.raises(StoreError, match=r"narrow \(1 unit left out, as unit u9: has no spikes\);"):
        import_units(read, "it", tmp_path / "lacking")


def test_folds_are_those_of_the_table_or_keep_animals_together(unit_folder: Make) -> None:
    store = open_units(imported(unit_folder()).store)
    given = unit_folds(store, "given", 5, seed=1)
    assert given.tolist() == [fact.fold for fact in store.units.facts]
    by_animal = unit_folds(store, "animal", "all", seed=1)
    pairs = set(zip(store.names_of("animal"), by_animal.tolist(), strict=True))
    assert len(pairs) == 5 and len(set(by_animal)) == 5
    dealt = unit_folds(store, "unit", 5, seed=1)
    assert np.bincount(dealt).tolist() == [8] * 5


def test_a_split_that_cannot_be_is_refused(unit_folder: Make) -> None:
    animals = ["A" if n % 2 else f"B{n % 4}" for n in range(40)]
    store = open_units(imported(unit_folder(animal=animals, fold=[-1] * 40)).store)
    with pytest.raises(SplitError, match="all units of class wide are of one animal"):
        unit_folds(store, "animal", "all", seed=1)
    with pytest.raises(SplitError, match="40 units of 40 have no fold in the table"):
        unit_folds(store, "given", 5, seed=1)
    with pytest.raises(SplitError, match="the session of 40 units of 40 is not known"):
        unit_folds(store, "session", 5, seed=1)
    with pytest.raises(SettingError, match=r"data\.split=day: expected given, unit"):
        unit_folds(store, "day", 5, seed=1)  # type: ignore[arg-type]

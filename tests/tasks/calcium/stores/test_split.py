"""Recordings are divided whole, by dataset, or one dataset is held out."""

import dataclasses

import pytest

from raphe.core.errors import SettingError, SplitError
from raphe.tasks.calcium.stores.split import FRACTIONS, split_recordings
from raphe.tasks.calcium.stores.trace_store import CalciumStore


def names(store: CalciumStore, rows) -> set[str]:
    return {store.recordings[row].name for row in rows}


def datasets(store: CalciumStore, rows) -> set[str]:
    return {store.recordings[row].dataset for row in rows}


@pytest.mark.parametrize("held_out", [None, "b", "a/2"])
@pytest.mark.parametrize("seed", range(5))
def test_each_recording_is_in_one_part(store: CalciumStore, held_out, seed: int) -> None:
    split = split_recordings(store, held_out, FRACTIONS, seed)
    rows = [row for part in split.parts().values() for row in part]
    assert sorted(rows) == list(range(12))
    assert all(len(part) for part in split.parts().values())


def test_every_dataset_is_in_every_part(store: CalciumStore) -> None:
    for part in split_recordings(store, None, FRACTIONS, 0).parts().values():
        assert datasets(store, part) == {"a", "b", "c"}


def test_a_dataset_held_out_is_tested_on_and_nothing_else(store: CalciumStore) -> None:
    split = split_recordings(store, "b", FRACTIONS, 0)
    assert names(store, split.test) == {f"b/{index}" for index in range(5)}
    assert datasets(store, split.train) == datasets(store, split.val) == {"a", "c"}


def test_one_cell_can_be_held_out(store: CalciumStore) -> None:
    split = split_recordings(store, "c/1", FRACTIONS, 0)
    assert names(store, split.test) == {"c/1"}
    assert datasets(store, split.train) == {"a", "b", "c"}


@pytest.mark.parametrize("held_out", [None, "b", "a/2", "a+c"])
@pytest.mark.parametrize("seed", range(5))
def test_recordings_of_a_cell_stay_together(store: CalciumStore, held_out, seed: int) -> None:
    """Two recordings a cell: none has one on either side."""
    twice = tuple(
        dataclasses.replace(recording, name=f"{recording.name}/{part}")
        for recording in store.recordings
        for part in range(2)
    )
    split = split_recordings(
        dataclasses.replace(store, recordings=twice), held_out, FRACTIONS, seed
    )
    cells = [{twice[row].cell for row in part} for part in split.parts().values()]
    assert sum(map(len, cells)) == len(set().union(*cells)) == 12
    if held_out == "a+c":
        assert {cell[0] for cell in cells[2]} == {"a", "c"}
    if held_out == "a/2":
        assert cells[2] == {"a/2"}


def test_the_seed_decides(store: CalciumStore) -> None:
    drawn = [frozenset(split_recordings(store, "b", FRACTIONS, seed).val) for seed in range(8)]
    assert len(set(drawn)) > 1
    assert drawn[3] == frozenset(split_recordings(store, "b", FRACTIONS, 3).val)


def test_what_cannot_be_held_out_is_told(store: CalciumStore) -> None:
    with pytest.raises(
        SettingError,
        match=r"data\.held_out=d: expected a dataset \(a, b, c\), several with \+ between "
        "them, or a cell such as a/0",
    ):
        split_recordings(store, "d", FRACTIONS, 0)
    with pytest.raises(SettingError, match=r"data\.held_out=a\+d"):
        split_recordings(store, "a+d", FRACTIONS, 0)


def test_with_nothing_held_out_all_are_trained_on(store: CalciumStore) -> None:
    split = split_recordings(store, "none", FRACTIONS, 0)
    assert list(split.train) == list(range(12)) and not len(split.test)
    assert len(split.val) and datasets(store, split.val) == {"a", "b", "c"}


def test_too_few_recordings_are_told(store: CalciumStore) -> None:
    two = dataclasses.replace(store, recordings=store.recordings[2:])  # a has two left
    with pytest.raises(SplitError, match=r"a: fewer than 3 cells.* data\.held_out=NAME"):
        split_recordings(two, None, FRACTIONS, 0)
    single = dataclasses.replace(store, recordings=(store.recordings[0], *store.recordings[4:9]))
    with pytest.raises(SplitError, match="with b held out no dataset has two cells"):
        split_recordings(single, "b", FRACTIONS, 0)


def test_a_dataset_called_none_is_not_taken_for_nothing(store: CalciumStore) -> None:
    named = [dataclasses.replace(recording, dataset="none") for recording in store.recordings[:4]]
    of_before = dataclasses.replace(store, recordings=(*named, *store.recordings[4:]))
    with pytest.raises(
        SettingError, match=r"data\.held_out=none: trains on all, and .* of that name"
    ):
        split_recordings(of_before, "none", FRACTIONS, 0)

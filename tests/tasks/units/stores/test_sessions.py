"""Units of several sessions in one store: none merges with another, animals are kept."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from raphe.core.errors import RecordingError, SettingError
from raphe.tasks.units.recordings.unit_folder import read_unit_folder
from raphe.tasks.units.recordings.unit_set import ReadUnits
from raphe.tasks.units.stores.import_units import import_units
from raphe.tasks.units.stores.sessions import joined, source_names
from raphe.tasks.units.stores.unit_folds import unit_folds
from raphe.tasks.units.stores.unit_store import open_units

Make = Callable[..., Path]


def of(*folders: Path, rate_hz: float | None = None, animals: tuple[str, ...] = ()) -> ReadUnits:
    return joined(folders, [read_unit_folder(each, rate_hz) for each in folders], animals)


def test_units_of_one_number_stay_two_and_splits_know_animal_and_session(
    unit_folder: Make,
) -> None:
    days = [unit_folder(f"day{day}", seed=day, animal=None, fold=None) for day in (1, 2, 3)]
    read = of(*days, animals=("rat7", "rat7", "rat8"))
    assert len(read.units) == 120
    assert read.units.facts[0].unit_id == "day1/u0" and read.units.facts[40].unit_id == "day2/u0"
    assert len({fact.unit_id for fact in read.units.facts}) == 120
    store = open_units(import_units(read, "days", days[0].parent / "store").store)
    assert set(store.names_of("animal")) == {"rat7", "rat8"}
    assert set(store.names_of("session")) == {"day1", "day2", "day3"}
    for split, names in (("animal", store.names_of("animal")), ("session", None)):
        names = names or store.names_of(split)
        fold = unit_folds(store, split, "all", 0)
        together = {name: set(fold[np.array(names) == name]) for name in set(names)}
        assert all(len(folds) == 1 for folds in together.values())
        assert len(set(fold)) == len(together)


def test_a_unit_of_two_sessions_is_said_and_taken_once(unit_folder: Make) -> None:
    first, second = unit_folder("day1"), unit_folder("day2", seed=1)
    for name in ("waveforms", "isi", "acg"):
        array = np.load(second / f"{name}.npy")
        array[6] = np.load(first / f"{name}.npy")[4]
        np.save(second / f"{name}.npy", array)
    report = import_units(of(first, second), "days", first.parent / "store")
    assert report.left_out == [
        "unit day2/u6: is unit day1/u4 again, with the same numbers; taken once"
    ]


def test_one_source_is_as_it_was_read(unit_folder: Make) -> None:
    assert of(unit_folder()).units.facts[0].unit_id == "u0"


def test_what_a_source_lacks_is_missing_and_what_differs_is_refused(unit_folder: Make) -> None:
    first, second = unit_folder("day1"), unit_folder("day2", seed=1, acg=None)
    read = of(first, second)
    assert read.units.present[:40].all() and not read.units.present[40:, 2].any()
    shorter = unit_folder("day3", waveforms=np.load(first / "waveforms.npy")[:, 1:])
    with pytest.raises(RecordingError, match=r"day1: expected as many columns of mean waveform"):
        of(first, shorter)
    reads = [read_unit_folder(first, 30_000), read_unit_folder(second, 20_000)]
    with pytest.raises(RecordingError, match=r"at the rate of .*day1, 30000 Hz, got 20000 Hz"):
        joined([first, second], reads)
    reads[1] = read_unit_folder(second)
    with pytest.raises(RecordingError, match="30000 Hz, got an unknown one; say it with --rate-hz"):
        joined([first, second], reads)


def test_sources_that_are_one_and_animals_that_do_not_fit_are_refused(unit_folder: Make) -> None:
    first, second = unit_folder("day1"), unit_folder("day2", seed=1)
    with pytest.raises(SettingError, match="is given 2 times; give each session once"):
        of(first, second, first)
    with pytest.raises(SettingError, match="one for each of the 2 INPUTs, got 1"):
        of(first, second, animals=("A",))
    with pytest.raises(SettingError, match=r"day1 to be A0, .* and A4, as it tells itself, got B"):
        of(first, second, animals=("B", "B"))


def test_sources_are_told_apart_by_as_little_as_does() -> None:
    assert source_names([Path("/a/x.nwb"), Path("/b/y.cell_metrics.cellinfo.mat")]) == ["x", "y"]
    assert source_names([Path("/a/d1/phy"), Path("/b/d1/phy")]) == ["a/d1/phy", "b/d1/phy"]


def test_sessions_whose_spikes_lie_otherwise_are_laid_alike_and_told(unit_folder: Make) -> None:
    first, second = unit_folder("day1"), unit_folder("day2", seed=1)
    third = unit_folder("day3", seed=1, waveforms=None)
    expected = of(first, second, third)
    assert not expected.remarks
    waveforms = np.load(second / "waveforms.npy")
    later = waveforms[:, np.maximum(np.arange(30) - 4, 0)]
    np.save(second / "waveforms.npy", 12 - later)
    read = of(first, second, third)
    assert [told.partition(", as")[0] for told in read.remarks] == [
        "day2: waveforms were turned over",
        "day2: waveforms were raised by 0.17 of their height",
        "day2: waveforms were moved by 4 samples",
    ]
    spikes = slice(4, 26)  # edges are repeated
    np.testing.assert_allclose(
        read.units.waveforms[:80, spikes], expected.units.waveforms[:80, spikes], atol=2
    )

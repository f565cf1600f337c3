from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from raphe.core.errors import RecordingError
from raphe.tasks.units.recordings.read_units import read_units
from raphe.tasks.units.recordings.unit_folder import read_unit_folder

Make = Callable[..., Path]


def test_what_the_table_and_the_arrays_say_of_a_unit_is_read(unit_folder: Make) -> None:
    read = read_units(unit_folder(session=["s1"] * 20 + ["s2"] * 20), rate_hz=30_000)
    first = read.units.facts[0]
    assert (first.unit_id, first.label, first.animal, first.fold) == ("s1/u0", "narrow", "A0", 0)
    assert read.units.waveforms.shape == (40, 30) and read.units.rate_hz == 30_000
    assert read.units.present.all() and not read.remarks and not read.left_out


def test_a_constant_waveform_and_a_unit_without_spikes_are_missing_and_said(
    unit_folder: Make,
) -> None:
    folder = unit_folder()
    for name, rows, value in (("waveforms", [1, 2], 3.0), ("isi", [2], 0.0), ("acg", [2], np.nan)):
        array = np.load(folder / f"{name}.npy")
        array[rows] = value
        np.save(folder / f"{name}.npy", array)
    read = read_unit_folder(folder)
    assert len(read.units) == 39
    assert read.units.present[1].tolist() == [False, True, True]
    assert read.remarks[0] == (
        "mean waveform constant or NaN, and so taken as missing, of 2 of 40 units: u1 and u2"
    )
    assert read.left_out == ["unit u2: has no spikes, no waveform and no intervals to be told by"]


def test_what_traces_rest_at_is_taken_from_waveforms_and_said(unit_folder: Make) -> None:
    folder = unit_folder()
    file = folder / "waveforms.npy"
    np.save(file, np.load(file) + 100 * np.arange(40)[:, None])  # of each unit another
    read = read_unit_folder(folder)
    assert np.abs(read.units.waveforms[:, :3].mean(axis=1)).max() < 1e-3
    assert read.remarks[0].startswith("waveforms rest at ")
    np.save(file, np.load(unit_folder("other") / "waveforms.npy") + np.float32(10))
    as_is = read_unit_folder(folder)
    np.testing.assert_array_equal(as_is.units.waveforms, np.load(file))
    assert not as_is.remarks


def test_an_array_may_be_missing_but_not_all(unit_folder: Make) -> None:
    units = read_unit_folder(unit_folder(acg=None)).units
    assert units.acg.shape == (40, 0) and not units.present[:, 2].any()
    with pytest.raises(RecordingError, match=r"waveforms\.npy, isi\.npy, acg\.npy or one of them"):
        read_unit_folder(unit_folder("none", acg=None, isi=None, waveforms=None))


def test_units_of_which_nothing_is_known_are_refused(unit_folder: Make) -> None:
    flat = np.zeros((40, 30))
    with pytest.raises(RecordingError, match="expected units with a waveform or spikes, got 40"):
        read_unit_folder(unit_folder(waveforms=flat, isi=np.zeros((40, 40)), acg=None))


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"isi": np.ones((40, 40))}, "sum to 1 at most, got 40 of row 0"),
        ({"acg": np.ones((40, 40))}, "an odd number of bins around 0, got 40"),
        ({"waveforms": np.ones((30, 40))}, "has 30 rows, but units.csv has 40 units.*turned"),
        ({"waveforms": np.ones((40, 30, 2))}, "expected numbers, a row a unit"),
        ({"unit": ["a"] * 40}, "line 3: unit a stands in line 2 already"),
        ({"fold": ["x"] * 40}, "expected fold to be a whole number"),
    ],
)
def test_what_cannot_be_is_refused(unit_folder: Make, changed: dict, sentence: str) -> None:
    with pytest.raises(RecordingError, match=sentence.replace("units.csv", r".*units\.csv")):
        read_unit_folder(unit_folder(**changed))


def test_a_folder_that_holds_no_units_is_told_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"expected units, as a folder of arrays and units\.c"):
        read_units(tmp_path)
    with pytest.raises(RecordingError, match="no such file or folder"):
        read_units(tmp_path / "none")


def test_another_column_labels(unit_folder: Callable[..., Path]) -> None:
    folder = unit_folder(kind=["a", "b"] * 20)
    read = read_unit_folder(folder, label="kind")
    assert {fact.label for fact in read.units.facts} == {"a", "b"}
    with pytest.raises(RecordingError, match="expected a column nothing, found none; there are"):
        read_unit_folder(folder, label="nothing")

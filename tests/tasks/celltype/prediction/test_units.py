"""Units given as rows of an array or as a store: each has a verdict of its own."""

from pathlib import Path

import numpy as np
import pytest

import raphe
from raphe.cli import main
from raphe.core.abf.writer import write_abf
from raphe.tasks.celltype.prediction.predictor import CellTypePredictor
from raphe.tasks.celltype.stores.extract import extract
from tasks.celltype.prediction.conftest import unit_windows


@pytest.fixture(scope="module")
def bundle(bundle_of_units: Path) -> CellTypePredictor:
    return raphe.load_bundle(bundle_of_units, threads=1)


@pytest.fixture
def array(tmp_path: Path) -> Path:
    np.save(tmp_path / "new.npy", unit_windows(20, seed=1))
    return tmp_path / "new.npy"


def probabilities(verdicts) -> dict[str, float]:
    return {verdict.cell_id: verdict.probability["PV"] for verdict in verdicts}


def test_each_row_is_a_unit_for_a_bundle_of_given_windows(bundle, array) -> None:
    windows = np.load(array)
    alone = [bundle.predict(window[None]).probability["PV"] for window in windows]
    verdicts = list(bundle.predict_all(array))
    assert list(probabilities(verdicts)) == [f"new_{row}" for row in range(20)]
    np.testing.assert_allclose(list(probabilities(verdicts).values()), alone, rtol=1e-5)
    assert {verdict.n_spikes for verdict in verdicts} == {1}
    assert "record longer" not in str([verdict.remarks for verdict in verdicts])
    with pytest.raises(raphe.RecordingError, match="expected one cell, got 20; use predict_all"):
        bundle.predict(array)
    assert "the 20 windows are taken as one cell" in bundle.predict(windows).remarks


def test_the_server_answers_for_a_row_what_the_command_says_of_it(bundle, array) -> None:
    expected = probabilities(bundle.predict_all(array))["new_7"]
    answer = bundle.answer_file(array, {"row": 7})
    assert answer["probability"]["PV"] == pytest.approx(expected, rel=1e-4)
    for values, told in (
        ({}, "got 20; use .* send its row, from 0"),
        ({"row": 20}, "one of its 20 units"),
    ):
        with pytest.raises(raphe.RecordingError, match=told):
            bundle.answer_file(array, values)


def test_a_table_says_which_rows_are_one_cell(bundle, bundle_of_units, array, capsys) -> None:
    table = array.with_name("units.csv")
    table.write_text("unit,depth\n" + "".join(f"c{row // 5},{row}\n" for row in range(20)))
    command = ["predict", str(array), "--bundle", str(bundle_of_units), "--units", str(table)]
    assert main([*command, "--cell-column", "unit"]) == 0
    told = capsys.readouterr()
    assert [line.split(":")[0] for line in told.out.splitlines()[:4]] == ["c0", "c1", "c2", "c3"]
    assert told.out.count(", 5 windows, 2 of 2 votes") + told.out.count(", 5 windows, 1 of") == 4
    assert main(["predict", str(array), *command[1:]]) == 1
    assert "names the cells of one array's rows, so give one .npy file" in capsys.readouterr().err
    table.write_text("cell_id\n" + "c\n" * 19)
    assert main(command) == 1
    assert "has 19 rows but" in capsys.readouterr().err
    table.write_text("cell_id\n" + "".join(f"{row % 10}\n" for row in range(20)))
    assert main(command) == 1
    assert "the ids begin anew with 0" in capsys.readouterr().err


def test_rows_that_are_no_waveform_are_named_and_the_others_judged(
    bundle, bundle_of_units, array, capsys
) -> None:
    expected = probabilities(bundle.predict_all(array))
    windows = np.load(array)
    windows[3, 5], windows[8] = np.nan, 0
    np.save(array, windows)
    verdicts = [v for v in bundle.predict_all(array) if v.probability]
    assert probabilities(verdicts) == {
        name: value for name, value in expected.items() if name not in ("new_3", "new_8")
    }
    assert main(["predict", str(array), "--bundle", str(bundle_of_units)]) == 1
    told = capsys.readouterr().err
    assert f"{array}: window 3 (counted from 0) holds NaN or infinity" in told
    assert f"{array}: window 8 (counted from 0) is zero throughout" in told
    table = array.with_name("units.csv")
    table.write_text("cell_id\n" + "a\n" * 10 + "b\n" * 10)
    command = ["predict", str(array), "--bundle", str(bundle_of_units), "--units", str(table)]
    assert main(command) == 1
    told = capsys.readouterr()
    assert "window 3 (counted from 0) holds NaN" in told.err and "8 windows" in told.out
    with pytest.raises(raphe.RecordingError, match=r"NaN or infinity in its spike 3 .* from 0"):
        bundle.predict(windows)


def test_arrays_without_windows_or_the_other_way_round_are_told(bundle, array) -> None:
    windows = np.load(array)
    for other, told in (
        (windows[:0], r"expected spikes, got none: its shape is \(0, 57\)"),
        (windows.T, "got 20; it seems to be .samples, windows.: transpose it"),
        (
            unit_windows(57, seed=2).T,
            "the rows follow each other as samples in time do .*; transpose it",
        ),
    ):
        np.save(array, other)
        with pytest.raises(raphe.RecordingError, match=told):
            bundle.predict(array)


def test_a_store_is_predicted_cell_by_cell(bundle, bundle_of_units, array, capsys) -> None:
    store = bundle_of_units.with_name("store")
    verdicts = list(bundle.predict_all(store))
    assert list(probabilities(verdicts)) == [f"u{unit}" for unit in range(24)]
    windows = unit_windows(24, seed=0)
    alone = [bundle.predict(window[None]).probability["PV"] for window in windows]
    np.testing.assert_allclose(list(probabilities(verdicts).values()), alone, rtol=1e-5)
    (array.parent / "store").symlink_to(store)
    among_others = list(bundle.predict_all(array.parent))
    assert len(among_others) == 20 + 24 and all(verdict.probability for verdict in among_others)
    with pytest.raises(raphe.RecordingError, match="is part of a store; give its folder"):
        bundle.predict(store / "spikes.npy")


def test_a_store_gets_the_verdicts_of_its_recordings(
    trained_bundle, bundle_of_units, record, tmp_path
) -> None:
    for label, index in (("SER", 0), ("NSER", 1)):
        (tmp_path / "recordings" / label).mkdir(parents=True)
        path = tmp_path / "recordings" / label / f"{label}{index}.abf"
        write_abf(path, record(label, index, 8.0), 40_000.0, "pA")
    store = extract(tmp_path / "recordings", tmp_path / "store").store
    bundle = raphe.load_bundle(trained_bundle, threads=1)
    of_recordings = {v.cell_id: v for v in bundle.predict_all(tmp_path / "recordings")}
    for verdict in bundle.predict_all(store):
        recorded = of_recordings[verdict.cell_id]
        assert verdict.probability == recorded.probability
        assert verdict.firing_rate_hz == recorded.firing_rate_hz
        assert verdict.statistics == pytest.approx(recorded.statistics, nan_ok=True)
        assert (verdict.verdict, verdict.unlike) == (recorded.verdict, recorded.unlike)
    (unread,) = raphe.load_bundle(bundle_of_units, threads=1).predict_all(store)
    assert "expected windows of 57 samples at 30000 Hz in µV, as the bundle takes" in str(unread)


def test_an_array_of_cut_spikes_is_said_to_be_one_cell(trained_bundle, record, tmp_path) -> None:
    np.save(tmp_path / "cell.npy", np.random.default_rng(0).normal(0, 30, (7, 160)))
    verdict = raphe.load_bundle(trained_bundle, threads=1).predict(tmp_path / "cell.npy")
    assert "the 7 spikes of cell.npy are taken as one cell" in verdict.remarks

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import raphe
from raphe.cli import main
from raphe.core.errors import RapheError
from raphe.tasks.units.ensemble.bundle import UnitBundle
from raphe.tasks.units.recordings.unit_folder import read_unit_folder
from raphe.tasks.units.training.data import UnitData


def test_new_units_get_labels(
    unit_bundle: Callable[..., Path],
    unit_folder: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = unit_folder(seed=5, label=None)
    out = tmp_path / "labels"
    assert main(["predict", str(folder), "--bundle", str(unit_bundle()), "--out", str(out)]) == 0
    rows = list(csv.DictReader((out / "labels.csv").open(encoding="utf-8")))
    expected = ["narrow", "wide"] * 20
    assert np.mean([row["class"] == e for row, e in zip(rows, expected, strict=True)]) > 0.9
    assert rows[0]["sees"] == "waveform+isi+acg"
    assert not (out / "cluster_raphe.tsv").exists()
    assert json.loads((out / "prediction.json").read_text())["bundle"]["name"] == "logistic"
    assert "labels: 40 units: " in capsys.readouterr().out
    again = ["predict", str(folder), "--bundle", str(unit_bundle()), "--out", str(out)]
    assert main(again) == 1 and main([*again, "--overwrite"]) == 0


def test_a_unit_that_is_unlike_training_is_called_so(
    unit_bundle: Callable[..., Path], unit_folder: Callable[..., Path]
) -> None:
    folder = unit_folder()
    waveforms = np.load(folder / "waveforms.npy")
    waveforms[0] = np.sin(np.arange(30))
    np.save(folder / "waveforms.npy", waveforms)
    told = raphe.load_bundle(unit_bundle()).predict(folder)
    assert told[0].verdict == "unlike training" and told[0].remarks


def test_nothing_is_called_of_which_the_bundle_sees_nothing(
    unit_bundle: Callable[..., Path], unit_folder: Callable[..., Path]
) -> None:
    bundle = UnitBundle.open(unit_bundle())
    units = read_unit_folder(unit_folder()).units
    none = np.empty((40, 0), np.float32)
    assert bundle.call(units).decided.all()
    assert not bundle.call(replace(units, waveforms=none, isi=none, acg=none)).decided.any()


def test_clusters_get_a_column_for_phy(
    unit_bundle: Callable[..., Path], unit_data: UnitData, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    folder = tmp_path / "sorting"
    folder.mkdir()
    shapes = unit_data.store.units.waveforms[:4, :, None]
    np.save(folder / "templates.npy", shapes)
    np.save(folder / "spike_times.npy", np.sort(rng.integers(0, 10**6, 400)))
    np.save(folder / "spike_clusters.npy", np.repeat(np.arange(4), 100))
    (folder / "params.py").write_text("sample_rate = 30000.0\n")
    out = tmp_path / "labels"
    assert main(["predict", str(folder), "--bundle", str(unit_bundle()), "--out", str(out)]) == 0
    lines = (out / "cluster_raphe.tsv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "cluster_id\traphe" and [line[:2] for line in lines[1:]] == [
        "0\t", "1\t", "2\t", "3\t",
    ]  # fmt: skip


def test_there_is_no_page_for_folders(
    unit_bundle: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", str(unit_bundle())]) == 1
    assert "opens no single file, so there is no page for it" in capsys.readouterr().err


def test_json_in_and_out(unit_bundle: Callable[..., Path]) -> None:
    predictor = raphe.load_bundle(unit_bundle())
    answer = predictor.answer(predictor.example())
    assert set(answer) == set(predictor.ANSWER) and sum(answer["probability"].values()) > 0.99
    alone = predictor.answer({"isi": predictor.example()["isi"]})
    assert alone["sees"] == ["isi"]
    for values in ({}, {"acg": [1.0, 2.0]}, {"waveform": [0.0] * 30}):
        with pytest.raises(RapheError):
            predictor.answer(values)

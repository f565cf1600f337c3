"""Rates in an NWB file, as pynwb reads them: of a CSV, and of another NWB file on its clock."""

import json
from pathlib import Path

import numpy as np
import pytest

from raphe import cli
from raphe.core.errors import StoreError
from raphe.core.nwb.writer import require_pynwb
from raphe.tasks.calcium.prediction.spike_times import spike_times_s

pynwb = pytest.importorskip("pynwb")

N_FRAMES, RATE_HZ = 300, 30.0


@pytest.fixture(scope="module")
def traces() -> np.ndarray:
    """Three of ten seconds, (3, 300); the second is constant."""
    rng = np.random.default_rng(0)
    traces = rng.normal(1, 0.1, (3, N_FRAMES))
    traces[:, 100:140] += np.exp(-np.arange(40) / 12)
    traces[1] = 0.5
    return traces


def predicted(path: Path, bundle: Path, out: Path, *options: str) -> int:
    return cli.main(["predict", str(path), "--bundle", str(bundle), "--out", str(out), *options])


def read(path: Path):
    assert not pynwb.validate(path=str(path))
    return pynwb.NWBHDF5IO(path, "r").read()


def test_rates_spread_and_table_are_in_one_file(rate_bundle, traces, tmp_path) -> None:
    np.save(tmp_path / "x.npy", traces)
    predicted(tmp_path / "x.npy", rate_bundle, tmp_path / "npy", "--rate", "30")
    predicted(tmp_path / "x.npy", rate_bundle, tmp_path / "nwb", "--rate", "30", "--as", "nwb")
    assert sorted(path.name for path in (tmp_path / "nwb").iterdir()) == [
        "population.caption.txt", "population.pdf", "population.png",
        "prediction.json", "rates.nwb",
        "traces.caption.txt", "traces.csv", "traces.pdf", "traces.png",
    ]  # fmt: skip
    file = read(tmp_path / "nwb" / "rates.nwb")
    module = file.processing["ophys"]
    for name in ("rates", "spread"):
        series = module[name]
        expected = np.load(tmp_path / "npy" / f"{name}.npy")
        np.testing.assert_array_equal(series.data[:], expected.T)
        assert (series.unit, series.rate, series.starting_time) == ("spikes/s", 30.0, 0.0)
    counts = module["counts"]
    np.testing.assert_array_equal(counts.data[:], np.load(tmp_path / "npy" / "counts.npy").T)
    assert (counts.unit, counts.rate, counts.data.shape) == ("spikes", 1.0, (10, 3))
    table = module["traces"].to_dataframe()
    assert table["trace"].tolist() == ["0", "1", "2"]
    assert table["status"].tolist()[1] == "left out"
    assert np.isnan(table["mean_rate_per_s"][1])
    assert table["expected_correlation"].dtype == float  # NaN: this bundle does not tell
    assert table["mean_rate_per_s"][0] == pytest.approx(expected_mean(tmp_path), rel=1e-3)
    assert "does not tell when it began" in file.session_description


def expected_mean(folder: Path) -> float:
    return float(np.load(folder / "npy" / "rates.npy")[0].mean())


def test_of_an_nwb_file_they_are_on_its_clock(rate_bundle, traces, fluorescence, tmp_path) -> None:
    source = fluorescence(tmp_path / "x.nwb", {"DfOverF/dff": traces.T}, start_s=12.5)
    assert predicted(source, rate_bundle, tmp_path / "out", "--as", "nwb", "--spikes") == 1
    session, file = read(source), read(tmp_path / "out" / "rates.nwb")
    assert file.session_start_time == session.session_start_time
    assert file.processing["ophys"]["rates"].starting_time == 12.5
    assert file.processing["ophys"]["traces"].to_dataframe()["trace"].tolist() == ["10", "11", "12"]
    rate = file.processing["ophys"]["rates"].data[:, 0]
    spikes = (tmp_path / "out" / "spikes.csv").read_text().splitlines()
    said = [float(line.split(",")[1]) for line in spikes if line.startswith("10,")]
    np.testing.assert_allclose(said, 12.5 + spike_times_s(rate, RATE_HZ), atol=6e-4)
    assert len(said)
    assert json.loads((tmp_path / "out" / "prediction.json").read_text())["first_frame_s"] == 12.5


def test_without_pynwb_nothing_is_begun(rate_bundle, traces, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pynwb", None)
    with pytest.raises(StoreError, match=r"writing NWB files needs pynwb, .*raphe\[nwb\]"):
        require_pynwb("out")
    np.save(tmp_path / "x.npy", traces)
    options = ("--rate", "30", "--as", "nwb")
    assert predicted(tmp_path / "x.npy", rate_bundle, tmp_path / "out", *options) == 1
    assert "needs pynwb" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["x.npy"]

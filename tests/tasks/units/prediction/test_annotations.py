"""Verdicts are where the units came from, as the tools that made them read them."""

from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest

from raphe.cli import main
from raphe.core.errors import SettingError
from raphe.tasks.units.prediction.annotations import (
    annotate,
    labelled_copy,
    require_annotatable,
)
from raphe.tasks.units.prediction.labels import UnitVerdict
from raphe.tasks.units.training.data import UnitData


def verdict(unit_id: str, called: str, sure: bool = True) -> UnitVerdict:
    probability = {name: 0.9 if name == called else 0.1 for name in ("PV", "SST")}
    return UnitVerdict(unit_id, called if sure else "not sure", called, probability, ("isi",), ())


TOLD = [verdict("10", "PV"), verdict("12", "SST", sure=False)]


def nwb_file(path: Path, waveforms: np.ndarray | None = None) -> Path:
    pynwb = pytest.importorskip("pynwb")
    file = pynwb.NWBFile("units", "one", datetime(2026, 1, 1, tzinfo=timezone.utc))
    file.subject = pynwb.file.Subject(subject_id="M7", species="Mus musculus")
    file.add_unit_column("cell_type", "opto-tagged")
    rng = np.random.default_rng(0)
    for number in range(3):
        more = {} if waveforms is None else {"waveform_mean": waveforms[number]}
        times_s = np.sort(rng.uniform(0, 60, 200))
        file.add_unit(spike_times=times_s, id=10 + number, cell_type="PV", **more)
    with pynwb.NWBHDF5IO(str(path), "w") as io:
        io.write(file)
    return path


def test_a_copy_of_an_nwb_file_has_the_columns(tmp_path: Path) -> None:
    source = nwb_file(tmp_path / "units.nwb")
    before = source.read_bytes()
    write = labelled_copy(source, TOLD)
    for _ in range(2):  # columns that are there are replaced
        write(tmp_path)
    assert source.read_bytes() == before and annotate(source, TOLD) is None
    import pynwb

    copy = tmp_path / "labelled.nwb"
    assert not any(pynwb.validate(path=str(copy)))
    with pynwb.NWBHDF5IO(str(copy), "r") as io:
        table = io.read().units
        assert list(table.colnames[-3:]) == ["raphe", "raphe_class", "raphe_probability"]
        assert list(table["raphe"].data[:]) == ["PV", "", "not sure"]
        assert list(table["raphe_class"].data[:]) == ["PV", "", "SST"]
        np.testing.assert_equal(table["raphe_probability"].data[:], [0.9, np.nan, 0.9])
        assert list(table["cell_type"].data[:]) == ["PV"] * 3


def test_predict_annotates_a_copy(
    unit_bundle: Callable[..., Path], unit_data: UnitData, tmp_path: Path
) -> None:
    source = nwb_file(tmp_path / "units.nwb", unit_data.store.units.waveforms[:3])
    out = tmp_path / "labels"
    call = ["predict", str(source), "--bundle", str(unit_bundle()), "--out", str(out), "--annotate"]
    assert main(call) == 0 and (out / "labelled.nwb").is_file()
    assert main([*call, "--overwrite"]) == 0  # the copy is raphe's own


def test_predict_annotates_a_phy_folder(
    unit_bundle: Callable[..., Path],
    unit_data: UnitData,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "sorting"
    folder.mkdir()
    np.save(folder / "templates.npy", unit_data.store.units.waveforms[:2, :, None])
    np.save(folder / "spike_times.npy", np.arange(200) * 997)
    np.save(folder / "spike_clusters.npy", np.arange(200) % 2)
    (folder / "params.py").write_text("sample_rate = 30000.0\n")
    out = tmp_path / "labels"
    call = ["predict", str(folder), "--bundle", str(unit_bundle()), "--out", str(out)]
    assert main([*call, "--annotate"]) == 0
    beside = (folder / "cluster_raphe.tsv").read_bytes()
    assert beside == (out / "cluster_raphe.tsv").read_bytes()
    assert "cluster_raphe.tsv: has the verdicts, too" in capsys.readouterr().out


def test_what_has_no_place_is_refused_before(
    unit_folder: Callable[..., Path], unit_bundle: Callable[..., Path], tmp_path: Path
) -> None:
    folder = unit_folder()
    with pytest.raises(SettingError, match="has no place for verdicts"):
        require_annotatable(folder)
    out = tmp_path / "labels"
    call = ["predict", str(folder), "--bundle", str(unit_bundle()), "--out", str(out)]
    assert main([*call, "--annotate"]) != 0 and not out.exists()


@pytest.mark.ci
@pytest.mark.parametrize("form", ["binary_folder", "zarr"])
def test_spikeinterface_reads_the_properties(tmp_path: Path, form: str) -> None:
    si = pytest.importorskip("spikeinterface", reason="SpikeInterface is not installed")
    recording, sorting = si.generate_ground_truth_recording(
        durations=[2.0], num_channels=4, num_units=3, seed=0
    )
    path = tmp_path / ("analyzer" if form == "binary_folder" else "analyzer.zarr")
    si.create_sorting_analyzer(sorting, recording, format=form, folder=path, sparse=False)
    require_annotatable(path)
    unit_ids = list(map(str, sorting.unit_ids))
    for called in ("SST", "PV"):  # what is there is replaced
        annotate(path, [verdict(unit_ids[0], called), verdict(unit_ids[2], "SST", sure=False)])
    read = si.load_sorting_analyzer(path)
    assert read.get_sorting_property("raphe").tolist() == ["PV", "", "not sure"]
    assert read.get_sorting_property("raphe_class").tolist() == ["PV", "", "SST"]
    probability = read.get_sorting_property("raphe_probability")
    np.testing.assert_equal(probability, [0.9, np.nan, 0.9])

"""The field's ground truth in its original form: neurons, recordings, clocks; what is left out."""

import re
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from raphe import cli
from raphe.core.errors import RecordingError
from raphe.tasks.calcium.recordings.conditioning import Conditioning, standardised_noise
from raphe.tasks.calcium.stores.import_ground_truth import import_ground_truth, read_neuron
from raphe.tasks.calcium.stores.labelled import times_at_100_hz
from raphe.tasks.calcium.stores.trace_store import open_traces

N, RATE_HZ = 300, 30.0


def struct(seed: int = 0, **fields: np.ndarray) -> dict[str, np.ndarray]:
    """A recording that begins 2 s after the electrode's clock, of spikes at 1.05, 4 and 4.004 s."""
    return {
        "fluo_time": 2.0 + np.arange(N) / RATE_HZ,
        "fluo_mean": np.random.default_rng(seed).normal(size=N),
        "events_AP": np.array([30_500, 60_000, 60_040, np.nan]),
        **fields,
    }


def neuron(folder: Path, name: str, *structs: dict[str, np.ndarray]) -> Path:
    """A file of a neuron as laboratories share it: a row of structs with the same fields."""
    row = np.empty((1, len(structs)), dtype=object)
    row[0] = structs
    kinds = np.dtype([(field, object) for field in structs[0]])
    array = np.empty((1, len(structs)), dtype=kinds)
    for place, fields in enumerate(structs):
        array[0, place] = tuple(fields[field] for field in structs[0])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"CAttached_{name}_mini.mat"
    savemat(path, {"CAttached": array})
    return path


def test_a_file_is_a_cell_and_a_folder_its_dataset(tmp_path: Path) -> None:
    neuron(tmp_path / "in" / "DS1", "a", struct(0), struct(1))
    neuron(tmp_path / "in" / "DS2", "b", struct(2))
    report = import_ground_truth(tmp_path / "in", tmp_path / "store")
    store = open_traces(tmp_path / "store")
    assert [
        (recording.name, recording.dataset, recording.cell) for recording in store.recordings
    ] == [
        ("DS1/a/1", "DS1", "DS1/a"),
        ("DS1/a/2", "DS1", "DS1/a"),
        ("DS2/b", "DS2", "DS2/b"),
    ]
    assert (report.recordings, report.n_spikes, report.left_out) == ({"DS1": 2, "DS2": 1}, 9, [])
    noise = standardised_noise(struct(0)["fluo_mean"], RATE_HZ)
    assert store.recordings[0].noise == pytest.approx(noise)
    first = store.recordings[0].rows
    assert np.flatnonzero(store.spikes[first]).tolist() == [105, 400]  # 10 ms samples, two in one
    expected = Conditioning()(struct(0)["fluo_mean"], RATE_HZ).samples
    np.testing.assert_allclose(store.calcium[first], expected, atol=1e-5)


def test_frames_without_time_at_the_end_and_spikes_outside_are_dropped(tmp_path: Path) -> None:
    longer = {
        "fluo_time": np.append(struct()["fluo_time"], [np.nan, np.nan]),
        "fluo_mean": np.arange(N + 5.0) % 7,
        "events_AP": np.array([19_999, 20_000, 20_000 + 10_000 * N // 30, 10**7], dtype=np.int32),
    }
    (recording,), left_out = read_neuron(neuron(tmp_path, "a", longer), "x")
    assert len(recording.trace) == N and not left_out
    assert recording.rate_hz == pytest.approx(RATE_HZ, rel=1e-9)
    samples = times_at_100_hz(recording.spike_s, 1000)
    assert np.flatnonzero(samples).tolist() == [0]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"fluo_time": np.full(N, np.nan)}, "fluo_time: expected two frames or more, got 0"),
        (
            {"fluo_mean": np.zeros(N - 1)},
            "fluo_mean: expected 300 frames as fluo_time has, got 299",
        ),
        ({"fluo_time": -np.arange(N) / 30}, "fluo_time: expected times that rise"),
        ({"fluo_time": 2 + (np.arange(N) / 30) ** 2}, "evenly in time, got one 7.*frames off"),
        ({"fluo_mean": np.array("text")}, "fluo_mean: expected numbers, got something else"),
        (
            {"fluo_mean": np.ones((3, 100))},
            r"one row or column of 300 numbers, got shape \(3, 100\)",
        ),
        ({"fluo_mean": np.ones(N)}, "constant at 1"),
    ],
)
def test_a_recording_with_a_fault_is_left_out_alone(
    tmp_path: Path, fields: dict[str, np.ndarray], reason: str, capsys: pytest.CaptureFixture
) -> None:
    neuron(tmp_path / "in", "a", struct(0), struct(1, **fields))
    (tmp_path / "in" / "CAttached_cut_mini.mat").write_bytes(b"MATLAB 5.0" + bytes(200))
    code = cli.main(["import", "ground-truth", str(tmp_path / "in"), str(tmp_path / "store")])
    told = capsys.readouterr()
    assert code == 1 and len(open_traces(tmp_path / "store").recordings) == 1
    assert "CAttached_cut_mini.mat: could not be read as a MATLAB file" in told.err
    lines = [line for line in told.err.splitlines() if "CAttached_a" in line or "in/a/2" in line]
    assert len(lines) == 1
    assert re.search(reason, lines[0])


def test_other_matlab_files_and_empty_folders_are_told(tmp_path: Path) -> None:
    savemat(tmp_path / "CAttached_x_mini.mat", {"other": np.ones(3)})
    with pytest.raises(RecordingError, match="expected a variable CAttached, a row of structs"):
        import_ground_truth(tmp_path, tmp_path / "store")
    (tmp_path / "CAttached_x_mini.mat").unlink()
    with pytest.raises(RecordingError, match=r"expected files such as CAttached_.*, found none"):
        import_ground_truth(tmp_path, tmp_path / "store")


def test_the_fields_own_files_have_the_spikes_of_the_reference(real_data) -> None:
    """Frames, rates and spikes of the same neurons, as an independent reading has them."""
    folder = real_data("calcium", "original")
    for dataset, cell in (
        ("DS03-Cal520-m-S1", "S1_Cal520_cell2"),
        ("DS05-Cal520-zf-pDp", "Cal520_pDp_190118_Fish1_cell3"),
        ("DS20-jRCaMP1a-m-V1", "Mohar16_jRCaMP1a_V1_3"),
    ):
        reference = np.load(folder.parent / f"{dataset}.npz")
        number = reference["name"].tolist().index(cell)
        recordings, left_out = read_neuron(folder / f"CAttached_{cell}_mini.mat", dataset)
        segments = np.flatnonzero(reference["neuron"] == number)
        assert len(recordings) == len(segments) and not left_out
        for recording, segment in zip(recordings, segments, strict=True):
            frames = slice(*reference["start"][segment : segment + 2])
            spikes = slice(*reference["spike_start"][segment : segment + 2])
            np.testing.assert_allclose(recording.trace, reference["dff"][frames], rtol=1e-5)
            assert recording.rate_hz == pytest.approx(reference["rate"][segment], rel=1e-4)
            inside = (recording.spike_s >= 0) & (
                recording.spike_s <= len(recording.trace) / recording.rate_hz
            )
            np.testing.assert_allclose(
                recording.spike_s[inside], reference["spike_time"][spikes], atol=1e-3
            )

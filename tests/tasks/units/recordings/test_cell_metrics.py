"""CellExplorer's struct as its documentation describes it, in versions 5 and 7.3."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from matlab_files import write_mat73
from raphe.core.errors import RecordingError
from raphe.core.firing.histograms import autocorrelogram
from raphe.tasks.units.recordings.read_units import read_units

N_SAMPLES, RATE_HZ = 48, 20_000.0


def as_cells(values: list[object]) -> np.ndarray:
    cells = np.empty(len(values), object)
    cells[:] = values
    return cells


def version_5(path: Path, variables: dict[str, dict[str, object]]) -> Path:
    def stored(value: object) -> object:
        if isinstance(value, dict):
            return {name: stored(of_name) for name, of_name in value.items()}
        return as_cells(value) if isinstance(value, list) else value

    savemat(path, {name: stored(value) for name, value in variables.items()})
    return path


WRITERS = {"5": version_5, "7.3": write_mat73}


@pytest.fixture(params=WRITERS)
def metrics(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[..., Path]:
    """Five cells; the last has no spike and an empty waveform. `changed` replaces fields."""

    def make(**changed: object) -> Path:
        rng = np.random.default_rng(0)
        time_ms = (np.arange(N_SAMPLES) - 16) * 1000 / RATE_HZ
        filt = [-(n + 1.0) * np.exp(-((time_ms / 0.2) ** 2)) for n in range(4)] + [np.full(1, 0.0)]
        fields = {
            "UID": np.arange(1.0, 6),
            "animal": ["M1"] * 5,
            "sessionName": ["M1_day1"] * 5,
            "waveforms": {"filt": filt, "time": [time_ms] * 5},
            "spikes": {
                "times": [np.sort(rng.uniform(0, 60, 300)) for _ in range(4)]
                + [0.0 * rng.random(0)]
            },
            "acg": {"wide": rng.integers(0, 9, (1001, 5)).astype(float)},
            "groundTruthClassification": {"PV": np.array([1.0, 3]), "SST": np.array([2.0])},
            "putativeCellType": ["Pyramidal Cell"] * 4 + ["Narrow Interneuron"],
        } | changed
        fields = {name: value for name, value in fields.items() if value is not None}
        path = tmp_path / "M1_day1.cell_metrics.cellinfo.mat"
        return WRITERS[request.param](path, {"cell_metrics": fields})

    return make


def test_cells_have_waveforms_firing_and_who_they_are(metrics: Callable[..., Path]) -> None:
    read = read_units(metrics())
    units = read.units
    assert units.rate_hz == RATE_HZ and units.present.all() and len(units) == 4
    assert [fact.unit_id for fact in units.facts] == ["1", "2", "3", "4"]
    assert [fact.label for fact in units.facts] == ["PV", "SST", "PV", ""]
    assert {(fact.animal, fact.session) for fact in units.facts} == {("M1", "M1_day1")}
    assert [fact.n_spikes for fact in units.facts] == [300] * 4
    np.testing.assert_allclose(units.waveforms.min(axis=1), [-1, -2, -3, -4], rtol=1e-6)
    assert read.left_out == ["unit 5: has no spikes, no waveform and no intervals to be told by"]


def test_another_field_labels_and_what_it_is_made_of_is_said(metrics: Callable[..., Path]) -> None:
    read = read_units(metrics(), label="putativeCellType")
    assert {fact.label for fact in read.units.facts} == {"Pyramidal Cell"}
    assert "were made from waveforms and firing" in read.remarks[0]


def test_without_times_the_stored_autocorrelogram_is_taken(metrics: Callable[..., Path]) -> None:
    read = read_units(metrics(spikes=None))
    # As long as those of spike times, so that a Phy folder's are told beside it.
    assert read.units.acg.shape == (5, 201) and not read.units.isi.shape[1]
    wide = np.random.default_rng(0)
    for _ in range(4):
        wide.uniform(0, 60, 300)
    expected = wide.integers(0, 9, (1001, 5))[400:601].T
    np.testing.assert_array_equal(read.units.acg, expected)
    assert read.remarks[0] == "there are no spike times, so no intervals are known"


def test_times_beside_it_are_found(metrics: Callable[..., Path]) -> None:
    path = metrics(spikes=None)
    trains = [np.sort(np.random.default_rng(n).uniform(0, 9, 50)) for n in range(5)]
    beside = path.with_name("M1_day1.spikes.cellinfo.mat")
    savemat(beside, {"spikes": {"times": as_cells(trains)}})
    read = read_units(path)
    np.testing.assert_array_equal(read.units.acg[1], autocorrelogram([trains[1]]))


def test_a_cell_of_two_classes_has_no_label(metrics: Callable[..., Path]) -> None:
    both = {"PV": np.array([1.0, 2]), "SST": np.array([2.0])}
    read = read_units(metrics(groundTruthClassification=both))
    assert [fact.label for fact in read.units.facts][:2] == ["PV", ""]
    assert read.remarks[0] == "of two classes, and so without a label: 2"


def test_labels_in_a_cell_each_and_classes_of_none(metrics: Callable[..., Path]) -> None:
    each = [["PV"], ["SST"], ["PV"], "", ""]
    labels = [
        fact.label for fact in read_units(metrics(groundTruthClassification=each)).units.facts
    ]
    assert labels == ["PV", "SST", "PV", ""]
    classes = {"PV": np.array([2.0]), "SST": []}
    read = read_units(metrics(groundTruthClassification=classes))
    assert [fact.label for fact in read.units.facts] == ["", "PV", "", ""]


def test_ids_of_several_sessions_are_told_apart(metrics: Callable[..., Path]) -> None:
    sessions = ["a", "a", "b", "b", "b"]
    read = read_units(metrics(UID=np.array([1.0, 2, 1, 2, 3]), sessionName=sessions))
    assert [fact.unit_id for fact in read.units.facts] == ["a/1", "a/2", "b/1", "b/2"]


def test_waveforms_of_another_length_and_nan_are_missing(metrics: Callable[..., Path]) -> None:
    shapes = [np.sin(np.arange(n)) for n in (48, 48, 40, 48)] + [np.full(48, np.nan)]
    read = read_units(metrics(waveforms={"filt": shapes}))
    assert read.units.present[:, 0].tolist() == [True, True, False, True]
    assert read.units.rate_hz is None
    assert read.remarks[0] == (
        "waveforms of another length than most, and so taken as missing, of 3"
    )


@pytest.mark.parametrize(
    ("changed", "label", "sentence"),
    [
        ({"animal": ["M1"] * 3}, None, "animal to hold one of each of 5 cells, got 3"),
        ({}, "cellType", "own are groundTruthClassification and putativeCellType"),
        ({"groundTruthClassification": {"PV": np.array([7.0, 1])}}, None, "from 1 to 5, got 7"),
        ({"groundTruthClassification": {"PV": np.array([1.0, 0])}}, None, "from 1 to 5, got 0"),
        ({"groundTruthClassification": {"PV": np.array([np.nan])}}, None, "from 1 to 5, got nan"),
        ({"acg": {"wide": np.ones((1000, 5))}, "spikes": None}, None, "odd number of bins"),
        ({"UID": None, "waveforms": None, "spikes": None}, None, "expected cells in cell_metrics"),
    ],
)
def test_what_does_not_fit_is_refused(
    metrics: Callable[..., Path], changed: dict[str, object], label: str | None, sentence: str
) -> None:
    with pytest.raises(RecordingError, match=sentence):
        read_units(metrics(**changed), label=label)


def test_the_rate_must_be_that_of_the_times(metrics: Callable[..., Path]) -> None:
    with pytest.raises(RecordingError, match=r"says 20000 Hz, and --rate-hz 30000"):
        read_units(metrics(), 30_000.0)


def test_another_matlab_file_is_refused(tmp_path: Path) -> None:
    savemat(tmp_path / "x.mat", {"spikes": 1.0})
    with pytest.raises(RecordingError, match="expected a struct cell_metrics, found none"):
        read_units(tmp_path / "x.mat")

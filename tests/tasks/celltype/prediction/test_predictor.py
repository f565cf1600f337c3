"""`raphe.load_bundle(…).predict(…)` says of a cell what `raphe predict` says."""

from pathlib import Path

import numpy as np
import pytest

import raphe
from raphe.core.abf.writer import write_abf
from raphe.tasks.celltype.prediction.cell_input import Reading
from raphe.tasks.celltype.prediction.find_cells import find_cells
from raphe.tasks.celltype.prediction.judge import Judge
from raphe.tasks.celltype.prediction.predictor import CellTypePredictor
from raphe.tasks.celltype.prediction.verdict import CellVerdict, UnreadCell
from raphe.tasks.celltype.spikes.cut_settings import Cut
from raphe.tasks.celltype.spikes.cutting import cut_spikes

RATE_HZ = 40_000.0


@pytest.fixture(scope="module")
def bundle(trained_bundle: Path) -> CellTypePredictor:
    return raphe.load_bundle(trained_bundle, threads=1)


@pytest.fixture
def recording_file(record, tmp_path: Path) -> Path:
    return write_abf(tmp_path / "A260105#001.abf", record("SER", 0), RATE_HZ, "pA")


def test_a_file_gets_the_verdict_of_the_command(bundle, trained_bundle, recording_file) -> None:
    judge = Judge(trained_bundle, 1)
    (cell,), _ = find_cells([recording_file])
    assert bundle.predict(recording_file) == judge.judge(cell.read(Reading(judge.cut))).verdict
    assert bundle.predict(str(recording_file)).files == (recording_file,)


def test_a_recording_gets_the_verdict_of_its_file(bundle, recording_file) -> None:
    assert bundle.predict(raphe.read_abf(recording_file)) == bundle.predict(recording_file)


def test_samples_of_another_program_get_a_verdict(bundle, record) -> None:
    recording = raphe.Recording.from_array(record("SER", 0), RATE_HZ, "pA", "mine")
    verdict = bundle.predict(recording)
    assert (verdict.cell_id, verdict.files) == ("mine", ())
    assert verdict.n_spikes > 10


def test_windows_get_the_probability_of_their_recording(bundle, record) -> None:
    recording = raphe.Recording.from_array(record("SER", 0), RATE_HZ, "pA", "mine")
    windows = cut_spikes(recording, Cut()).waveforms
    verdict = bundle.predict(windows)
    assert verdict.probability == pytest.approx(bundle.predict(recording).probability)
    assert verdict.n_spikes == len(windows)


def test_what_the_bundle_is_can_be_asked(bundle, trained_bundle) -> None:
    assert bundle.path == trained_bundle
    assert bundle.classes == ("SER", "NSER")
    assert bundle.note == "Simulated cells."
    assert "celltype/ensemble" in repr(bundle)


@pytest.mark.parametrize("given", [{"SER": 0.05}, {"SER": 0.05, "NSER": 0.95}])
def test_a_prevalence_is_bayes_rule(bundle, recording_file, given) -> None:
    plain, elsewhere = (bundle.predict(recording_file, prevalence=p) for p in (None, given))
    assert elsewhere.prevalence == pytest.approx({"SER": 0.05, "NSER": 0.95})
    joint = {
        name: plain.probability[name] * share / plain.prevalence[name]
        for name, share in elsewhere.prevalence.items()
    }
    expected = {name: value / sum(joint.values()) for name, value in joint.items()}
    assert elsewhere.probability == pytest.approx(expected)
    low, high = elsewhere.again["SER"]
    assert low <= elsewhere.probability["SER"] <= high
    for before, vote in zip(plain.votes, elsewhere.votes, strict=True):
        assert vote.probability["SER"] < before.probability["SER"]
    assert bundle.predict(recording_file) == plain  # the next call is as it was


def test_shares_that_are_none_are_one_sentence(bundle, recording_file) -> None:
    with pytest.raises(raphe.SettingError, match="expected a share of SER or NSER, got one of DRN"):
        bundle.predict(recording_file, prevalence={"DRN": 0.3})
    with pytest.raises(raphe.SettingError, match="expected shares between 0 and 1"):
        list(bundle.predict_all(recording_file, prevalence={"SER": 30}))


def test_a_folder_is_several_verdicts_and_failures(bundle, recording_file, record) -> None:
    write_abf(recording_file.with_name("second.abf"), record("NSER", 0), RATE_HZ, "pA")
    recording_file.with_name("broken.abf").write_bytes(b"ABF2 and no more")
    answers = list(bundle.predict_all([recording_file.parent]))
    (unread,) = (answer for answer in answers if isinstance(answer, UnreadCell))
    assert (unread.cell_id, unread.verdict, unread.probability, unread.n_spikes) == (
        "broken.abf", "not read", None, 0,
    )  # fmt: skip
    assert unread.files == (recording_file.with_name("broken.abf"),)
    assert unread.reason == str(unread) and "broken.abf: " in unread.reason
    assert {answer.cell_id for answer in answers if isinstance(answer, CellVerdict)} == {
        "A260105#001", "second",
    }  # fmt: skip
    with pytest.raises(raphe.RecordingError, match="expected one cell, got 3; use predict_all"):
        bundle.predict(recording_file.parent)


@pytest.mark.parametrize("kind", [str, Path])
def test_one_path_is_not_its_letters(bundle, recording_file, kind) -> None:
    for path in (recording_file, recording_file.parent):
        (verdict,) = bundle.predict_all(kind(path))
        assert verdict.cell_id == "A260105#001"


def test_a_path_to_nothing_is_not_read(bundle) -> None:
    (unread,) = bundle.predict_all("nowhere.abf")
    assert (unread.cell_id, unread.verdict) == ("nowhere.abf", "not read")
    assert unread.reason == "nowhere.abf: there is no such file or folder"


@pytest.mark.parametrize("cell", [None, 3, [Path("a.abf")], ["a.abf"], [[1, 2], [3]], {}])
def test_what_can_be_no_cell_is_told(bundle, cell) -> None:
    with pytest.raises(raphe.RecordingError, match="expected the path of one cell, a Recording or"):
        bundle.predict(cell)


@pytest.mark.parametrize("threads", [-3, 0, "two", 1.5])
def test_threads_that_cannot_be_are_told(trained_bundle, threads) -> None:
    with pytest.raises(
        raphe.SettingError, match=rf"threads={threads}: expected a whole number fro"
    ):
        raphe.load_bundle(trained_bundle, threads=threads)


@pytest.mark.parametrize(
    ("cell", "error", "sentence"),
    [
        ("nowhere.abf", raphe.RecordingError, "nowhere.abf: there is no such file or folder"),
        (np.zeros((3, 7), np.float32), raphe.SettingError, r"expected windows \(N, 160\) in pA"),
        (np.full((3, 160), np.nan), raphe.RecordingError, "expected numbers, got NaN"),
    ],
)
def test_what_is_no_cell_is_one_sentence(bundle, cell, error, sentence) -> None:
    with pytest.raises(error, match=sentence):
        bundle.predict(cell)


def test_a_recording_in_another_unit_is_told(bundle, record) -> None:
    recording = raphe.Recording.from_array(record("SER", 0), RATE_HZ, "mV", "mine")
    with pytest.raises(raphe.RecordingError, match="mine: expected pA, got mV"):
        bundle.predict(recording)

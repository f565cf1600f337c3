"""`raphe.load_bundle(…).predict(…)` says of a cell what `raphe predict` says."""

import json
import pickle
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import raphe
from raphe.core.abf.writer import write_abf
from raphe.tasks.celltype.prediction.predictor import CellTypePredictor
from raphe.tasks.celltype.spikes.cut_settings import Cut
from raphe.tasks.celltype.spikes.cutting import cut_spikes
from raphe.tasks.celltype.verdicts.cell_input import Reading
from raphe.tasks.celltype.verdicts.find_cells import find_cells
from raphe.tasks.celltype.verdicts.judge import Judge
from raphe.tasks.celltype.verdicts.verdict import CellVerdict, UnreadCell

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


def test_an_option_that_would_do_nothing_is_refused(bundle, recording_file, tmp_path) -> None:
    windows = bundle.example()["windows"]
    with pytest.raises(raphe.RecordingError, match="row: expected none, as only an array"):
        bundle.answer_file(recording_file, {"row": 0})
    with pytest.raises(raphe.SettingError, match="rate_hz: expected none beside windows"):
        bundle.answer({"windows": windows, "rate_hz": 1.0})
    with pytest.raises(raphe.RecordingError, match=r"windows: --unit mV: .* windows in pA"):
        bundle.answer({"windows": windows, "unit": "mV"})
    for option in ({"unit": "mV"}, {"channel": 0}):
        with pytest.raises(raphe.RecordingError, match=f"{next(iter(option))}: expected none"):
            bundle.predict(raphe.read_abf(recording_file), **option)


def test_what_a_verdict_rests_on_is_drawn_of_file_and_recording(bundle, recording_file) -> None:
    verdict = bundle.predict(recording_file)
    for cell in (recording_file, raphe.read_abf(recording_file)):
        caption = bundle.figure(cell).caption
        assert caption.startswith(f"{verdict.cell_id}: {verdict.verdict}. (a)")
        assert f"{verdict.n_spikes} spikes" in caption


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
    assert bundle.note == "Of the data that the networks were trained on: “Simulated cells.”"
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
    low, high = elsewhere.recorded_again["SER"]
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


@pytest.fixture
def json_answer(bundle) -> Callable[[dict], dict]:
    """The answer to values that have been text, as a caller far away has it."""
    return lambda values: json.loads(
        json.dumps(bundle.answer(json.loads(json.dumps(values))), allow_nan=False)
    )


def test_samples_in_json_get_the_verdict_of_their_recording(bundle, record, json_answer) -> None:
    samples = record("SER", 0, 8.0)
    answer = json_answer(
        {"samples": samples.tolist(), "rate_hz": RATE_HZ, "unit": "pA", "cell_id": "mine"}
    )
    verdict = bundle.predict(raphe.Recording.from_array(samples, RATE_HZ, "pA", "mine"))
    assert set(answer) == set(bundle.ANSWER)
    assert answer["verdict"] == verdict.verdict and answer["cell_id"] == "mine"
    assert answer["probability"] == pytest.approx(verdict.probability, rel=1e-4)
    low_high = list(verdict.recorded_again["SER"])
    assert answer["recorded_again"]["SER"] == pytest.approx(low_high, rel=1e-4)
    assert answer["note"] == bundle.note and "files" not in answer
    assert answer["calibrated"] is False
    assert answer["promise"] == Judge(bundle.path, 1).promise
    windows = cut_spikes(raphe.Recording.from_array(samples, RATE_HZ, "pA", "x"), Cut()).waveforms
    of_windows = json_answer({"windows": windows.tolist(), "prevalence": {"SER": 0.05}})
    assert of_windows["n_spikes"] == verdict.n_spikes
    assert of_windows["prevalence"]["SER"] == pytest.approx(0.05)
    assert of_windows["promise"] == Judge(bundle.path, 1).at_prevalence({"SER": 0.05}).promise
    assert json_answer(bundle.example())["n_spikes"] == 2


def test_an_answer_without_spikes_has_the_unit_of_the_bundle(json_answer) -> None:
    answer = json_answer({"samples": [0.0] * 40_000, "rate_hz": RATE_HZ, "unit": "pA"})
    assert (answer["verdict"], answer["unit"], answer["calibrated"]) == ("no spikes", "pA", False)


def test_a_file_gets_its_answer_whatever_it_is_called(bundle, recording_file, json_answer) -> None:
    renamed = recording_file.rename(recording_file.with_name("recording.abf"))
    answer = bundle.answer_file(renamed, {"cell_id": "mine", "prevalence": {"SER": 0.4}})
    assert answer["verdict"] == bundle.predict(renamed, prevalence={"SER": 0.4}).verdict
    assert answer["cell_id"] == "mine" and str(renamed.parent) not in json.dumps(answer)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({}, "expected either samples, with rate_hz and unit, or windows, got neither"),
        ({"samples": [1.0], "windows": [[1.0]]}, "or windows, got both"),
        ({"samples": [1.0], "unit": "pA"}, "rate_hz: expected it beside samples"),
        ({"samples": [1.0], "rate_hz": 40_000}, "unit: expected it beside samples"),
        ({"samples": [1.0], "rate_hz": -3, "unit": "pA"}, "expected a sampling rate in Hz"),
        ({"samples": [], "rate_hz": 4e4, "unit": "pA"}, "expected samples in each sweep"),
        ({"windows": [[0.0] * 100] * 50}, r"bundle: expected windows \(N, 160\) in pA, got"),
        ({"windows": [[0.0] * 160, [0.0]]}, "windows: expected lists of one length"),
        ({"windows": [[None] * 160]}, "expected numbers, got NaN"),
        ({"windows": [[1e308] * 160]}, "expected numbers, got NaN or infinity"),
        ({"windows": [[3e38] * 160]}, r"expected numbers, got some beyond 1e\+15"),
        ({"samples": [1.0] * 9, "rate_hz": 1e300, "unit": "pA"}, "at most 10000000, got 1e.300"),
        ({"samples": [1.0], "file": "/etc/passwd"}, "file: there is no such field"),
        ({"samples": "/etc/passwd", "rate_hz": 1, "unit": "pA"}, "samples: expected a list"),
        ({"windows": [[0.0] * 160], "prevalence": {"X": 0.5}}, "expected a share of SER or NSER"),
    ],
)
def test_values_that_are_no_cell_are_one_sentence(bundle, values, sentence) -> None:
    with pytest.raises(raphe.RapheError) as refused:
        bundle.answer(values)
    told = bundle.sentence(refused.value)
    assert re.search(sentence, told) and len(told) < 300
    assert str(bundle.path) not in told


def _npy(header: str, body: bytes = b"") -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + body


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.npy", b""),
        ("zip.npy", b"PK\x03\x04" + b"\0" * 100),
        ("pickle.npy", b"\x80\x04\x95" + pickle.dumps(print)),
        ("objects.npy", _npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", b"\x80")),
        ("code.npy", _npy("__import__('os').system('touch here')")),
        ("long.npy", _npy("{'descr': '<f4', 'fortran_order': False, 'shape': ()}" + " " * 60_000)),
        ("huge.npy", _npy("{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999, 160)}")),
        ("thin.npy", _npy("{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999, 0)}")),
        ("minus.npy", _npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 160)}")),
        ("words.npy", _npy("{'descr': '<U9', 'fortran_order': False, 'shape': (1, 0)}")),
        ("deep.npy", _npy("(" * 9_000)),
        ("empty.abf", b""),
        ("short.abf", b"ABF2"),
        ("zeros.abf", b"ABF2" + b"\0" * 6000),
        ("full.abf", b"ABF2" + b"\xff" * 6000),
        ("old.abf", b"ABF " + b"\xff" * 6000),
        ("text.csv", b"a,b\n" * 160),
        ("nul.csv", b"\0" * 4000),
        ("bomb.csv", b"1" * 100_000),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_strangers_file_is_one_sentence(
    bundle, tmp_path: Path, name: str, content: bytes
) -> None:
    path = tmp_path / f"recording{Path(name).suffix}"
    path.write_bytes(content)
    with pytest.raises(raphe.RapheError) as refused:
        bundle.answer_file(path, {})
    told = bundle.sentence(refused.value, tmp_path)
    assert told.startswith(path.name) and len(told) < 500
    assert str(tmp_path) not in told
    assert list(tmp_path.iterdir()) == [path]


def test_part_of_a_recording_is_one_sentence(bundle, recording_file) -> None:
    content = recording_file.read_bytes()
    for share in (0.001, 0.01, 0.1, 0.5, 0.99):
        recording_file.write_bytes(content[: int(share * len(content))])
        with pytest.raises(raphe.RecordingError):
            bundle.answer_file(recording_file, {})

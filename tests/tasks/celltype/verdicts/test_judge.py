"""Verdicts on new recordings: right on sound ones, one clear line on all others."""

import csv
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from scipy import signal

from raphe import cli
from raphe.core.abf.writer import write_abf
from raphe.core.bundles.bundle import BUNDLE, BundleError
from raphe.core.files.kind import MANIFEST
from raphe.core.statistics.decision import NOT_SURE
from raphe.tasks.celltype.metrics.recorded_again import log_odds
from raphe.tasks.celltype.network.evidence import Explainer
from raphe.tasks.celltype.prediction.verdict_folder import INDEX
from raphe.tasks.celltype.verdicts.cell_input import CellSpikes, Reading
from raphe.tasks.celltype.verdicts.find_cells import find_cells
from raphe.tasks.celltype.verdicts.judge import Judge
from raphe.tasks.celltype.verdicts.verdict import NO_SPIKES, UNLIKE_TRAINING

RATE_HZ = 40_000.0


@pytest.fixture
def judge(trained_bundle):
    return Judge(trained_bundle)


@pytest.fixture
def verdict_on(judge, tmp_path):
    def call(samples, name="cell", unit="pA", rate_hz=RATE_HZ):
        path = write_abf(tmp_path / f"{name}.abf", samples, rate_hz, unit)
        (cell,), _ = find_cells([path])
        return judge.judge(cell.read(Reading(judge.cut))).verdict

    return call


@pytest.mark.parametrize("label", ["SER", "NSER"])
def test_new_cells_are_called(verdict_on, label, record):
    verdicts = [verdict_on(record(label, index)) for index in range(5)]
    called = [verdict.verdict for verdict in verdicts if verdict.called]
    assert len(called) >= 3
    assert called.count(label) >= len(called) - 1
    for verdict in verdicts:
        assert sum(verdict.probability.values()) == pytest.approx(1)
        low, high = verdict.recorded_again[verdict.leading]
        assert low <= verdict.probability[verdict.leading] <= high


def test_the_probability_is_pooled_then_calibrated(judge, verdict_on, record):
    samples = record("SER", 0)
    verdict = verdict_on(samples)
    ensemble = judge.ensemble
    windows = np.stack([samples[t : t + 160] for t in range(0, 1600, 160)])
    cell = CellSpikes("c", (), windows, np.full(10, np.nan))
    members = ensemble.predict(windows).members.astype(float)
    mean = members.mean(axis=(0, 1))
    expected = mean**judge.decision.calibration.slope
    expected /= expected.sum()
    verdict = judge.judge(cell).verdict
    np.testing.assert_allclose(list(verdict.probability.values()), expected, rtol=1e-5)
    assert [vote.kernel for vote in verdict.votes] == [4, 9, 16]


def test_the_interval_narrows_with_more_spikes(verdict_on, record):
    samples = record("NSER", 1, duration_s=60.0)

    def width(verdict):
        low, high = log_odds(np.array(verdict.recorded_again["SER"]))
        return high - low

    assert width(verdict_on(samples)) < width(verdict_on(samples[: 8 * 40_000]))


def test_other_units_and_rates_give_the_same_verdict(verdict_on, record):
    samples = record("SER", 2)
    plain, scaled = verdict_on(samples), verdict_on(samples / 1000, unit="nA")
    assert scaled.probability["SER"] == pytest.approx(plain.probability["SER"], abs=0.01)


def test_a_silent_cell_has_no_spikes(verdict_on):
    quiet = np.random.default_rng(0).normal(0, 3, 40_000).astype(np.float32)
    verdict = verdict_on(quiet)
    assert (verdict.verdict, verdict.probability, verdict.n_spikes) == (NO_SPIKES, {}, 0)
    assert "never crosses the threshold" in verdict.remarks[0]


def test_the_wrong_polarity_is_told_as_no_spikes(verdict_on, record):
    samples = np.abs(record("SER", 3))
    assert verdict_on(samples).verdict == NO_SPIKES


def test_one_spike_has_a_verdict_without_an_interval(verdict_on, record):
    samples = np.zeros(8000, np.float32)
    whole = record("SER", 4)
    trigger = int(np.flatnonzero(whole < -50)[0])
    samples[2000:2160] = whole[trigger - 40 : trigger + 120]
    verdict = verdict_on(samples)
    assert verdict.n_spikes == 1
    assert verdict.recorded_again is None and not verdict.enough_spikes
    assert "1 spike is not yet enough: more may change the verdict" in verdict.remarks[0]


def test_the_first_spikes_of_a_cell_are_judged_alone(judge, record):
    windows = np.stack([record("SER", 0)[t : t + 160] for t in range(0, 3200, 160)])
    sweep = np.repeat([0, 1], 10)
    whole = CellSpikes("c", (), windows, np.arange(20) / 3, sweep=sweep)
    few = whole.first(12)
    assert [len(train) for train in few.trains] == [10, 2] and len(few) == 12
    assert judge.judge(few).verdict.n_spikes == 12


def test_a_bundle_that_knows_nothing_of_days_gives_no_interval(judge, record, monkeypatch):
    windows = np.stack([record("SER", 0)[t : t + 160] for t in range(0, 3200, 160)])
    cell = CellSpikes("c", (), windows, np.full(len(windows), np.nan))
    assert judge.judge(cell).verdict.recorded_again is not None
    manifest = {**judge.ensemble.manifest, "between_days": None}
    monkeypatch.setattr(type(judge.ensemble), "manifest", manifest)
    verdict = judge.judge(cell).verdict
    assert verdict.recorded_again is None and "(" not in verdict.stated
    assert "is not known" in judge.footnotes[0]


def test_a_decision_of_an_earlier_raphe_is_one_sentence(trained_bundle, tmp_path):
    earlier = shutil.copytree(trained_bundle, tmp_path / "earlier")
    manifest = json.loads((earlier / MANIFEST).read_text())
    del manifest["validation"]["label"]
    (earlier / MANIFEST).write_text(BUNDLE.manifest_text(manifest))
    with pytest.raises(
        BundleError, match=r"validation .*another raphe wrote it: export it again"
    ) as told:
        Judge(earlier)
    assert "\n" not in str(told.value)


def test_artefacts_alone_are_unlike_training(verdict_on):
    samples = np.random.default_rng(0).normal(0, 3, 400_000).astype(np.float32)
    samples[20_000::20_000] = -3000
    verdict = verdict_on(samples)
    assert verdict.verdict == UNLIKE_TRAINING
    assert any("in training" in sentence for sentence in verdict.unlike)


def test_an_amplitude_ten_times_that_of_training_is_never_quietly_called(verdict_on, record):
    assert verdict_on(10 * record("SER", 5)).verdict == UNLIKE_TRAINING


def mains_artefacts(samples):
    """In place of the cell its spikes 100 times a second, all of the same size."""
    first = int(np.flatnonzero(samples < -50)[0])
    altered = np.array(np.roll(samples, 4000))
    quiet = samples[first - 400 : first - 40]
    altered = np.resize(quiet, len(samples))
    for trigger in range(4000, len(samples) - 400, 400):
        altered[trigger - 40 : trigger + 120] = samples[first - 40 : first + 120]
    return altered


def half_the_rate(samples):
    """As a 20 kHz file has it that says 40 kHz."""
    return signal.resample_poly(samples, 1, 2)


def high_pass(samples):
    return signal.sosfilt(signal.butter(2, 300, "high", fs=RATE_HZ, output="sos"), samples)


FAULTS = {mains_artefacts: "mains", half_the_rate: "noise", high_pass: "noise"}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_faulty_rig_or_file_is_unlike_training_and_told_so(verdict_on, record, fault):
    for label in ("SER", "NSER"):
        verdict = verdict_on(fault(record(label, 1)).astype(np.float32))
        assert verdict.verdict == UNLIKE_TRAINING
        assert any(FAULTS[fault] in sentence for sentence in verdict.unlike)


def test_cells_recorded_as_those_of_training_are_like_them(verdict_on, record):
    verdicts = [verdict_on(record(label, i)) for label in ("SER", "NSER") for i in range(5, 10)]
    assert sum(verdict.verdict == UNLIKE_TRAINING for verdict in verdicts) <= 1


def test_weak_evidence_is_not_sure(judge, verdict_on, monkeypatch, record):
    verdict = verdict_on(record("SER", 6))
    surer = 1 + 1e-9
    monkeypatch.setattr(type(judge.decision.not_sure), "decided", lambda self, p: p.max(1) > surer)
    assert verdict.verdict in ("SER", "NSER", NOT_SURE)
    assert verdict_on(record("SER", 6)).verdict == NOT_SURE


def test_evidence_is_the_members_mean_grad_cam(judge, record):
    windows = np.stack([record("SER", 0)[t : t + 160] for t in range(0, 800, 160)])
    cell = CellSpikes("c", (), windows, np.full(5, np.nan))
    expected = np.mean(
        [
            Explainer.from_state(judge.ensemble.state(m), m.columns, RATE_HZ).grad_cam(windows, 0)
            for m in judge.ensemble.members
        ],
        axis=(0, 1),
    )
    np.testing.assert_allclose(judge.evidence(cell, "SER"), expected, rtol=1e-5)


@pytest.fixture
def batch(tmp_path, record):
    folder = tmp_path / "new"
    folder.mkdir()
    write_abf(folder / "good.abf", record("SER", 0), RATE_HZ, "pA")
    write_abf(folder / "silent.abf", np.zeros(40_000), RATE_HZ, "pA")
    (folder / "broken.abf").write_bytes(b"ABF2" + bytes(100))
    write_abf(folder / "volts.abf", record("SER", 0), RATE_HZ, "mV")
    return folder


def test_a_batch_goes_on_past_bad_files(trained_bundle, batch, tmp_path, capsys):
    out = tmp_path / "out"
    options = ["--bundle", str(trained_bundle), "--out", str(out)]
    assert cli.main(["predict", str(batch), *options]) == 1
    shown = capsys.readouterr()
    assert "good: SER" in shown.out
    assert "silent: no spikes" in shown.out
    assert "broken.abf: expected" in shown.err
    assert "volts.abf: expected pA, got mV" in shown.err
    assert "Note: Of the data that the networks were trained on: “Simulated cells.”" in shown.err
    assert "left out (2):" in shown.err
    assert shown.err.endswith("warning: 2 inputs left out (exit code 1)\n")
    *_, counts, files, following = shown.out.splitlines()
    assert counts == "2 cells: 1 SER and 1 without spikes."
    assert files == f"{out}: verdicts.csv, verdicts.json, index.html, card.html"
    assert following == f"next: open {out / 'index.html'}"
    with (out / "verdicts.csv").open() as file:
        rows = {row["cell_id"]: row for row in csv.DictReader(file)}
    assert set(rows) == {"good", "silent"}
    low, probability = (
        float(rows["good"][name]) for name in ("recorded_again_low_SER", "probability_SER")
    )
    assert 0.5 < low <= probability <= 1
    assert [rows[name]["enough_spikes"] for name in ("good", "silent")] == ["true", "false"]
    assert [rows[name]["most_probable_class"] for name in ("good", "silent")] == ["SER", ""]
    assert all(name.partition("SER")[0].strip("N").islower() for name in rows["good"])
    written = json.loads((out / "verdicts.json").read_text())
    assert [cell["cell_id"] for cell in written["cells"]] == ["good", "silent"]
    assert len(written["left_out"]) == 2
    assert written["counts"] == {"SER": 1, "no spikes": 1}


def test_one_sentence_promises_wherever_verdicts_stand(
    trained_bundle, judge, batch, tmp_path, capsys
):
    out = tmp_path / "out"
    command = ["predict", str(batch / "good.abf"), "--bundle", str(trained_bundle)]
    assert cli.main([*command, "--out", str(out)]) == 0
    promise = judge.decision.not_sure.statement()
    assert promise.startswith("on average at most ")
    assert json.loads((out / "verdicts.json").read_text())["promise"] == promise
    pages = [(out / page).read_text() for page in ("index.html", "cells/good.html")]
    card = (trained_bundle / "MODEL_CARD.md").read_text()
    mix = judge.decision.mix_statement(("SER", "NSER"))
    assert mix.startswith("Probabilities hold where cells are ")
    shown = capsys.readouterr()
    for text in (shown.err, card, *pages):
        assert f"Promise: {promise}." in text and mix in text
    for text in (shown.err, *pages):  # what the interval is, and that it was found so
        assert judge.footnotes[0].startswith("“Recorded again”") and judge.footnotes[0] in text
    assert "(recorded again " in shown.out and "if recorded again" in pages[0]
    assert "if recorded again, in 95 % of cases" in pages[1]


def test_each_output_says_for_which_mix_of_classes(trained_bundle, batch, tmp_path, capsys):
    out = tmp_path / "verdicts"
    inputs = str(batch / "good.abf"), "--bundle", str(trained_bundle), "--out", str(out)
    assert cli.main(["predict", *inputs, "--prevalence", "SER=0.05"]) == 0
    written = json.loads((out / "verdicts.json").read_text())
    calibration = written["calibration"]
    assert calibration.startswith(
        "Not calibrated: 6 validation cells are too few, 14 more are needed. Probabilities and "
        "the promised error rate hold where cells are 5.0 % SER and 95.0 % NSER, the prevalence "
        "given. Among the validation cells, weighted to that mix, of the "
    )
    for text in (
        capsys.readouterr().err,
        (out / "index.html").read_text(),
        (out / "cells" / "good.html").read_text(),
    ):
        assert calibration in text
    (row,) = csv.DictReader((out / "verdicts.csv").read_text().splitlines())
    (cell,) = written["cells"]
    assert float(row["prevalence_SER"]) == cell["prevalence"]["SER"] == 0.05


def test_a_prevalence_in_other_words_is_wrong_usage(trained_bundle, batch, capsys):
    options = ["--bundle", str(trained_bundle), "--prevalence", "0.3"]
    with pytest.raises(SystemExit) as leaving:
        cli.main(["predict", str(batch / "good.abf"), *options])
    assert leaving.value.code == 2
    assert "expected CLASS=SHARE for every class or all but one" in capsys.readouterr().err


def test_a_whole_batch_exits_0(trained_bundle, batch, capsys):
    paths = [str(batch / name) for name in ("good.abf", "silent.abf")]
    assert cli.main(["predict", *paths, "--bundle", str(trained_bundle)]) == 0


def test_an_interrupted_batch_keeps_what_is_done(
    trained_bundle, batch, tmp_path, monkeypatch, capsys
):
    judged = Judge.judge

    def once(self, cell):
        if cell.cell_id != "good":
            raise KeyboardInterrupt
        return judged(self, cell)

    monkeypatch.setattr(Judge, "judge", once)
    out = tmp_path / "out"
    paths = [str(batch / name) for name in ("good.abf", "silent.abf")]
    assert cli.main(["predict", *paths, "--bundle", str(trained_bundle), "--out", str(out)]) == 130
    written = json.loads((out / "verdicts.json").read_text())
    assert [cell["cell_id"] for cell in written["cells"]] == ["good"]
    assert f"{out}: holds the 1 of 2 cells judged so far" in capsys.readouterr().err
    assert "The call was interrupted: 1 of 2 cells were judged." in (out / INDEX).read_text()


def test_an_interrupted_call_replaces_nothing_by_a_part(
    trained_bundle, batch, tmp_path, monkeypatch, capsys
):
    out = tmp_path / "out"
    command = ["predict", str(batch / "good.abf"), str(batch / "silent.abf"), "--no-pages"]
    command += ["--bundle", str(trained_bundle), "--out", str(out)]
    assert cli.main(command) == 0
    before = {path: path.read_bytes() for path in out.iterdir()}
    capsys.readouterr()
    judged = Judge.judge

    def once(self, cell):
        if cell.cell_id != "good":
            raise KeyboardInterrupt
        return judged(self, cell)

    monkeypatch.setattr(Judge, "judge", once)
    assert cli.main([*command, "--overwrite"]) == 130
    assert {path: path.read_bytes() for path in out.iterdir()} == before
    assert "nothing was written" in capsys.readouterr().err
    assert [path.name for path in tmp_path.glob(".out*")] == []


def test_verdicts_are_replaced_only_when_that_is_asked_for(trained_bundle, batch, tmp_path, capsys):
    out = tmp_path / "out"
    command = ["predict", str(batch / "good.abf"), "--bundle", str(trained_bundle), "--no-pages"]
    command += ["--out", str(out)]
    assert cli.main(command) == 0
    first = (out / "verdicts.json").stat().st_mtime_ns
    (out / "cells").mkdir()
    (out / "cells" / "of_an_earlier_call.html").touch()
    capsys.readouterr()
    assert cli.main(command) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"error: {out}: exists already; pass --overwrite to replace it"
    assert (out / "verdicts.json").stat().st_mtime_ns == first
    assert cli.main([*command, "--overwrite"]) == 0
    assert (out / "verdicts.json").stat().st_mtime_ns > first
    assert {path.name for path in out.iterdir()} == {"verdicts.json", "verdicts.csv"}


def test_only_a_folder_of_verdicts_alone_is_replaced(trained_bundle, batch, tmp_path, capsys):
    out = tmp_path / "out"
    bundle = shutil.copytree(trained_bundle, tmp_path / "bundle")
    command = ["predict", str(batch / "good.abf"), "--no-pages", "--overwrite", "--out", str(out)]
    assert cli.main([*command, "--bundle", str(bundle)]) == 0

    def refusal(bundle) -> str:
        assert cli.main([*command, "--bundle", str(bundle)]) == 1
        return capsys.readouterr().err

    moved = bundle.rename(out / "bundle")
    assert f"{out}: holds {moved}, which is to be read" in refusal(moved)
    assert "holds bundle/" in refusal(trained_bundle)
    shutil.rmtree(moved)
    (out / "cells").mkdir()
    (out / "cells" / "thesis.docx").touch()
    assert "holds cells/thesis.docx, which raphe did" in refusal(trained_bundle)
    (out / "cells" / "thesis.docx").unlink()
    (out / "verdicts.json").write_text("{}")
    assert "its verdicts.json names no bundle" in refusal(trained_bundle)
    (out / "verdicts.json").unlink()
    assert "exists and holds no verdicts.json" in refusal(trained_bundle)


def test_what_is_read_is_never_replaced(trained_bundle, batch, tmp_path, capsys):
    out = tmp_path / "out"
    command = ["--bundle", str(trained_bundle), "--no-pages", "--out", str(out), "--overwrite"]
    assert cli.main(["predict", str(batch / "good.abf"), *command]) == 0
    for name in (".DS_Store", "Thumbs.db", "desktop.ini"):  # a desktop's own
        (out / name).touch()
    assert cli.main(["predict", str(batch / "good.abf"), *command]) == 0
    moved = (batch / "good.abf").rename(out / "good.abf")
    assert cli.main(["predict", str(moved), *command]) == 1
    assert f"{out}: holds {moved}, which is to be read" in capsys.readouterr().err
    assert moved.exists()


def test_a_mistyped_path_writes_nothing(trained_bundle, batch, tmp_path, capsys):
    out = tmp_path / "out"
    options = ["--bundle", str(trained_bundle), "--no-pages", "--out", str(out)]
    assert cli.main(["predict", str(batch / "godo.abf"), *options]) == 1
    assert "godo.abf: there is no such file or folder" in "".join(capsys.readouterr())
    assert not out.exists()
    assert cli.main(["predict", str(batch / "good.abf"), *options]) == 0


def test_a_missing_bundle_is_one_sentence(tmp_path, batch, capsys):
    assert cli.main(["predict", str(batch), "--bundle", str(tmp_path / "absent")]) == 1
    assert "there is no bundle here" in capsys.readouterr().err


def test_prediction_needs_no_torch(trained_bundle, batch):
    code = (
        "import sys; from raphe import cli; "
        f"command = ['predict', {str(batch / 'good.abf')!r}, '--bundle', {str(trained_bundle)!r}]; "
        "assert cli.main(command) == 0; "
        "heavy = {'torch', 'mlflow', 'pytorch_lightning', 'matplotlib'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)

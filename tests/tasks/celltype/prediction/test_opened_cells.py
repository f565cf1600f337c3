"""A file of cells open in the page: what is shown of it, and what a person's changes do."""

import csv
import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import raphe
from nwb_files import Entry, write_nwb
from raphe.core.abf.writer import write_abf
from raphe.core.bundles.opened_file import Changes, OpenedFile
from raphe.core.errors import RecordingError, SettingError
from raphe.core.recordings.recording import Recording
from raphe.tasks.celltype.metrics.enough_spikes import enough_for_cell, spikes_wanted
from raphe.tasks.celltype.metrics.recorded_again import resampled
from raphe.tasks.celltype.prediction import cell_plots, held_cells
from raphe.tasks.celltype.prediction.cell_view import uncertainty
from raphe.tasks.celltype.prediction.changed_cell import UNMEASURED
from raphe.tasks.celltype.prediction.predictor import CellTypePredictor
from raphe.tasks.celltype.prediction.trace_view import Envelope, envelope
from raphe.tasks.celltype.spikes.cutting import cut_spikes
from raphe.tasks.celltype.verdicts.cell_input import cut_recordings
from raphe.tasks.celltype.verdicts.verdict import share

RATE_HZ = 40_000.0
NONE = Changes()
Opened = tuple[OpenedFile, np.ndarray]


@pytest.fixture(scope="module")
def predictor(trained_bundle: Path) -> CellTypePredictor:
    return raphe.load_bundle(trained_bundle)


@pytest.fixture(scope="module")
def opened(
    predictor: CellTypePredictor, record: Callable, tmp_path_factory: pytest.TempPathFactory
) -> Opened:
    """A recording of 20 s whose file is gone, and its samples."""
    path = tmp_path_factory.mktemp("sent") / "recording.abf"
    samples = record("SER", 0)
    write_abf(path, samples, RATE_HZ, "pA", scale_per_bit=0.01)
    cells = predictor.open_file(path, "A260105#001.abf", {}, {})
    path.unlink()
    return cells, samples


@pytest.fixture
def trace(opened: Opened, tmp_path: Path) -> Path:
    return write_abf(tmp_path / "trace.abf", opened[1], RATE_HZ, "pA", scale_per_bit=0.01)


def test_the_page_says_what_predict_says(opened: Opened, predictor: CellTypePredictor) -> None:
    cells, samples = opened
    rounded = np.round(samples / 0.01) * 0.01
    verdict = predictor.predict(Recording.from_array(rounded, RATE_HZ, "pA", "A260105#001"))
    view = cells.view(None, NONE)
    assert (view.item, view.items) == ("A260105#001", ("A260105#001",))
    assert (view.headline, view.tone) == (verdict.verdict, "called")
    assert view.row["file"] == "A260105#001.abf"
    assert view.row["spikes"] == str(verdict.n_spikes)
    probability = verdict.probability[verdict.leading]
    assert view.row["probability"] == share(probability)
    assert 0 <= view.uncertainty < 1
    values = {fact.name: fact.value for fact in view.facts}
    assert any(verdict.stated.partition(" ")[0] in value for value in values.values())
    assert values["Spikes"] == str(verdict.n_spikes)
    assert json.dumps(view.as_json(), allow_nan=False)


def test_marks_stand_at_the_peaks_and_a_closer_look_shows_each_sample(opened: Opened) -> None:
    cells, samples = opened
    whole = cells.view(None, NONE).plots[0]
    assert (whole.name, whole.x_range, whole.threshold) == ("recording", (0.0, 20.0), -50.0)
    (line,) = whole.lines
    assert min(line.low) == pytest.approx(samples.min(), abs=0.02)
    assert max(line.high) == pytest.approx(samples.max(), abs=0.02)
    at_s, peak = whole.marks.x[3], whole.marks.y[3]
    closer = cells.plot("recording", None, NONE, (at_s - 0.002, at_s + 0.002), 1000)
    (line,) = closer.lines
    index = np.round(np.array(line.x) * RATE_HZ).astype(int)
    np.testing.assert_allclose(line.y, samples[index], atol=0.01)
    assert min(line.y) == pytest.approx(peak, abs=0.01)
    assert list(closer.marks.number) == [3]
    wide = cells.plot("recording", None, NONE, (5.0, 15.0), 50)
    assert 45 <= len(wide.lines[0].x) <= 55
    assert wide.lines[0].x[0] == pytest.approx(5.0, abs=0.01)
    assert 14.5 < wide.lines[0].x[-1] <= 15.0
    part = samples[200_000:600_000]
    assert min(wide.lines[0].low) == pytest.approx(part.min(), abs=0.02)


def test_a_rejected_spike_leaves_everything(opened: Opened, predictor: CellTypePredictor) -> None:
    cells, samples = opened
    rejected = frozenset({0, 5})
    before, view = cells.view(None, NONE), cells.view(None, Changes(rejected=rejected))
    n = len(before.plots[0].marks.number)
    judge = predictor._judge
    rounded = np.round(samples / 0.01) * 0.01
    cell = cut_recordings(
        "A260105#001", (), [Recording.from_array(rounded, RATE_HZ, "pA", "A260105#001")], judge.cut
    )
    kept = np.array([number not in rejected for number in range(n)])
    expected = judge.judge(cell.accepted(kept)).verdict
    assert view.row["spikes"] == str(n - 2) == str(expected.n_spikes)
    assert view.row["firing rate (Hz)"] == f"{expected.firing_rate_hz:.4g}"
    assert view.row["changed by hand"] == f"2 of {n} spikes were left out by hand"
    assert any(f"2 of {n} spikes were left out by hand." in text for text in view.sentences)
    marks = view.plots[0].marks
    assert [number for number, ok in zip(marks.number, marks.accepted, strict=True) if not ok] == [
        0, 5
    ]  # fmt: skip
    shown = {row[0]: row[1] for table in view.tables for row in table.rows}
    was = {row[0]: row[1] for table in before.tables for row in table.rows}
    assert shown != was
    assert cells.view(None, NONE) == before


def test_all_spikes_may_be_left_out(opened: Opened) -> None:
    cells, _ = opened
    n = len(cells.view(None, NONE).plots[0].marks.number)
    view = cells.view(None, Changes(rejected=frozenset(range(n))))
    assert (view.headline, view.tone, view.uncertainty) == ("no spikes", "nothing", None)
    assert f"All {n} spikes were left out by hand." in view.sentences
    assert not any("never crosses" in sentence for sentence in view.sentences)
    assert [plot.name for plot in view.plots] == ["recording"]
    assert not {fact.name for fact in view.facts} & {"Promise", "Tested", "Calibrated"}


def test_what_the_test_cells_came_to_stands_beside_the_promise(
    opened: Opened, predictor: CellTypePredictor
) -> None:
    cells, _ = opened
    test = predictor.manifest["figures"]["test"]
    wrong, called, n = test["n_called_wrong"], test["n_called"], test["n_cells"]
    facts = {fact.name: fact.value for fact in cells.view(None, NONE).facts}
    assert facts["Tested"].startswith(f"{wrong} of {n} called wrong")
    methods = " ".join(cells.take("methods", None, NONE).contents.decode().split())
    assert f"{called} were called and {wrong} of these wrongly" in methods
    assert predictor._judge.at_prevalence({"SER": 0.3}).tested is None  # another rule


@pytest.mark.parametrize(("wrong", "more"), [(1, False), (2, True)])
def test_where_more_test_cells_are_called_wrong_than_is_promised_it_is_said(
    predictor: CellTypePredictor, monkeypatch: pytest.MonkeyPatch, wrong: int, more: bool
) -> None:
    judge = predictor._judge
    promised = replace(judge.decision.not_sure, promised_error=0.05)
    monkeypatch.setattr(judge, "decision", replace(judge.decision, not_sure=promised))
    test = {"n_cells": 30, "n_called": 24, "n_called_wrong": wrong}
    monkeypatch.setitem(judge.ensemble.manifest["figures"], "test", test)
    words, meaning = judge.tested
    assert words == f"{wrong} of 30 called wrong" + ", more than promised" * more
    assert ("6.7 % of all, more than promised" in meaning) == more
    assert ("believe those" in judge.footnotes[1]) == more


def test_a_threshold_cuts_anew_as_the_bundles_own_function_does(
    opened: Opened, predictor: CellTypePredictor
) -> None:
    cells, samples = opened
    rounded = np.round(samples / 0.01) * 0.01
    cut = replace(predictor._judge.cut, threshold_pa=-80.0)
    expected = cut_spikes(Recording.from_array(rounded, RATE_HZ, "pA", "cell"), cut)
    view = cells.view(None, Changes(threshold=-80.0))
    plot = view.plots[0]
    assert plot.threshold == -80.0
    assert len(plot.marks.number) == len(expected)
    assert view.row["changed by hand"] == (
        "the threshold was set by hand to −80 pA in place of the bundle's −50 pA"
    )
    assert cells.view(None, Changes(threshold=-50.0)).row["changed by hand"] == ""


def test_every_file_to_take_says_what_was_changed(opened: Opened) -> None:
    cells, _ = opened
    changes = Changes(-55.0, frozenset({1}))
    names = [take.name for take in cells.view(None, changes).takes]
    assert names == ["csv", "json", "pdf", "methods"]
    taken = {name: cells.take(name, None, changes) for name in names if name != "pdf"}
    assert taken["csv"].name == "A260105_001.csv"
    (row,) = csv.DictReader(taken["csv"].contents.decode().splitlines())
    n = int(row["n_spikes"]) + 1
    by_hand = "the threshold was set by hand to −55 pA in place of the bundle's −50 pA"
    by_hand += f"; 1 of {n} spikes was left out by hand"
    assert row["changed_by_hand"].startswith(by_hand)
    of_bundle = json.loads(taken["json"].contents)
    assert row["content_hash"] == of_bundle["bundle"]["content_hash"]
    assert (row["note"], row["promise"]) == (of_bundle["note"], of_bundle["promise"])
    assert float(row["least_probability_called"]) == of_bundle["least_probability_called"]
    changed = json.loads(taken["json"].contents)["changed_by_hand"]
    assert (changed["threshold"], changed["threshold_of_bundle"]) == (-55.0, -50.0)
    assert (changed["n_spikes_cut"], changed["spikes_left_out"]) == (n, [1])
    assert json.loads(taken["json"].contents)["promise"].endswith(f". {UNMEASURED}.")
    plain = json.loads(cells.take("json", None, NONE).contents)
    assert plain["promise"] and UNMEASURED not in plain["promise"]
    text = " ".join(taken["methods"].contents.decode().split())
    assert f"({n - 1} spikes, cut at a downward crossing of −55 pA from a recording of 20" in text
    assert f"raphe {raphe.__version__}" in text
    assert json.loads(taken["json"].contents)["bundle"]["content_hash"][:12] in text
    assert "The threshold was set by hand to −55 pA in place of the bundle's −50 pA and 1" in text
    assert UNMEASURED in text and UNMEASURED not in methods_of(cells, NONE)


def test_a_promise_is_not_repeated_for_what_was_changed_by_hand(opened: Opened) -> None:
    cells, _ = opened
    view, plain = cells.view(None, Changes(rejected=frozenset({1}))), cells.view(None, NONE)
    (promise,) = (fact for fact in view.facts if fact.name == "Promise")
    assert promise.warns and promise.meaning.endswith(UNMEASURED)
    assert f"{UNMEASURED}." in view.sentences
    assert not any(UNMEASURED in fact.meaning for fact in plain.facts)
    assert f"{UNMEASURED}." not in plain.sentences


def test_a_threshold_that_nothing_reaches_is_to_be_moved_back(opened: Opened) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sentences = opened[0].view(None, Changes(threshold=-1e300)).sentences
    assert "The trace never crosses the threshold: move it towards 0." in sentences


def test_what_a_firing_rate_is_stands_beside_it(opened: Opened) -> None:
    for rejected, left_out in ((frozenset(), False), (frozenset({2}), True)):
        view = opened[0].view(None, Changes(rejected=rejected))
        (rate,) = (fact for fact in view.facts if fact.name == "Firing rate")
        assert rate.meaning.startswith("1 over the mean interval between spikes of a sweep")
        assert ("left out by hand" in rate.meaning) == left_out


def test_the_mean_is_said_to_be_of_all_spikes(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cell_plots, "SPIKES_DRAWN", 7)
    n = opened[0].view(None, NONE).row["spikes"]
    caption = opened[0].plot("spikes", None, NONE, (0, 1), 100).caption
    assert caption.startswith(f"7 of {n} spikes; mean and SD are of all {n}. ")


def test_a_prevalence_that_was_given_is_said_wherever_the_verdict_is(
    predictor: CellTypePredictor, trace: Path
) -> None:
    cells = predictor.open_file(trace, "mine.abf", {"prevalence": {"SER": 0.05}}, {})
    view = cells.view(None, NONE)
    assert view.row["prevalence given"] == "5.0 % SER and 95.0 % NSER"
    sentence = "The probability and the verdict assume that cells are "
    sentence += "5.0 % SER and 95.0 % NSER, the prevalence given."
    assert sentence in view.sentences and sentence in methods_of(cells, NONE)
    taken = cells.take("csv", None, NONE).contents.decode()
    (row,) = csv.DictReader(taken.splitlines())
    assert row["prevalence_given"] == "5.0 % SER and 95.0 % NSER"


def test_windows_that_were_cut_before_are_not_said_to_be_cut_by_the_bundle(
    opened: Opened, predictor: CellTypePredictor, tmp_path: Path
) -> None:
    spikes = cut_spikes(
        Recording.from_array(opened[1], RATE_HZ, "pA", "cell"), predictor._judge.cut
    )
    np.save(tmp_path / "mine.npy", spikes.waveforms[:1])
    cells = predictor.open_file(tmp_path / "mine.npy", "mine.npy", {}, {})
    text = methods_of(cells, NONE)
    assert "(1 spike, cut beforehand)" in text and "crossing" not in text
    taken = json.loads(cells.take("json", None, NONE).contents)
    assert taken["changed_by_hand"]["threshold"] is None
    peaks, spike = cells.view(None, NONE).plots[:2]
    assert (peaks.name, peaks.x_range) == ("peaks", (0.5, 1.5))
    assert peaks.caption == "The size of the peak of the one spike, cut beforehand."
    assert (spike.x_label, spike.x_range[0]) == ("time from window start (ms)", 0.0)
    (recorded,) = (plot for plot in opened[0].view(None, NONE).plots if plot.name == "spikes")
    assert (recorded.x_label, recorded.x_range[0]) == ("time from crossing (ms)", -1.0)
    for cell, plot in ((tmp_path / "mine.npy", spike), (opened[1], recorded)):
        if isinstance(cell, np.ndarray):
            cell = Recording.from_array(cell, RATE_HZ, "pA", "cell")
        for axes in predictor.figure(cell).axes[1:3]:  # the figure for a paper says the same
            assert (axes.get_xlabel(), axes.get_xlim()[0]) == (plot.x_label, plot.x_range[0])


def methods_of(cells: OpenedFile, changes: Changes) -> str:
    return " ".join(cells.take("methods", None, changes).contents.decode().split())


@pytest.mark.parametrize("leading", [0.6, 0.99])
def test_what_is_less_known_comes_first(opened: Opened, leading: float) -> None:
    """One spike before many, and below chance a lower end before a higher one."""
    changed = opened[0]._changed(None, NONE)

    def found(again: float | None) -> float:
        ends = again and {"SER": (again, 0.995), "NSER": (0.005, 1 - again)}
        probability = {"SER": leading, "NSER": 1 - leading}
        verdict = replace(changed.verdict, unlike=(), probability=probability, recorded_again=ends)
        return uncertainty(verdict, changed.judge)

    in_order = [found(again) for again in (None, 0.1, 0.3, 0.55)]
    assert in_order == sorted(in_order, reverse=True) and len(set(in_order)) == 4
    assert 0 < in_order[-1] < in_order[0] < 1
    few = replace(changed.verdict, unlike=(), enough_spikes=False)
    assert uncertainty(few, changed.judge) > max(in_order)


def test_the_page_to_print_holds_its_words_as_text(opened: Opened) -> None:
    taken = opened[0].take("pdf", None, Changes(rejected=frozenset({1})))
    assert (taken.name, taken.media_type) == ("A260105_001.pdf", "application/pdf")
    assert taken.contents.startswith(b"%PDF")
    with pytest.raises(SettingError, match="expected one of csv, json, pdf and methods"):
        opened[0].take("exe", None, NONE)


def test_each_current_of_a_file_is_an_item(predictor: CellTypePredictor, tmp_path: Path) -> None:
    samples = np.zeros((2, 20_000), np.float32)
    samples[0, [1000, 5000]] = samples[1, 9000] = -1e-10
    path = tmp_path / "recording.nwb"
    series = [
        Entry("VoltageClampSeries", name, current, electrode)
        for electrode, (name, current) in enumerate(zip(("left", "right"), samples, strict=True))
    ]
    write_nwb(path, series, rate_hz=RATE_HZ)
    cells = predictor.open_file(path, "two.nwb", {}, {})
    asked = [
        predictor.open_file(path, "two.nwb", {"channel": "1", **values}, {})
        for values in ({}, {"cell_id": "mine"})
    ]
    path.unlink()
    view = cells.view(None, NONE)
    assert view.items == ("two left", "two right") and cells.part is None
    assert [one.view(None, NONE).items for one in asked] == [("two right",), ("mine",)]
    assert [one.part for one in asked] == ["two right"] * 2  # as the table of labels names it
    assert [cells.view(item, NONE).row["spikes"] for item in view.items] == ["2", "1"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (Changes(threshold=10.0), "expected a value below 0 pA"),
        (Changes(threshold=0.0), "expected a value below 0 pA"),
        (Changes(rejected=frozenset({10_000})), "from 0 to .* got 10000"),
        (Changes(rejected=frozenset({-1})), "from 0 to .* got -1"),
    ],
)
def test_changes_that_make_no_sense_are_refused(
    opened: Opened, changes: Changes, reason: str
) -> None:
    with pytest.raises(SettingError, match=reason):
        opened[0].view(None, changes)


def test_a_threshold_within_the_noise_is_refused(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("raphe.tasks.celltype.prediction.changed_cell.MOST_SPIKES", 100)
    with pytest.raises(RecordingError, match=r"at most 100 spikes, got .*within the noise"):
        opened[0].view(None, Changes(threshold=-5.0))


def test_units_of_an_array_are_items(bundle_of_units: Path, tmp_path: Path) -> None:
    windows = np.load(next(bundle_of_units.parent.glob("store/spikes.npy")))[:4]
    path = tmp_path / "recording.npy"
    np.save(path, windows)
    cells = raphe.load_bundle(bundle_of_units).open_file(path, "probe 3.npy", {}, {})
    path.unlink()
    view = cells.view("probe 3_2", NONE)
    assert view.items == tuple(f"probe 3_{row}" for row in range(4))
    assert (view.plots[0].name, view.plots[0].threshold) == ("peaks", None)
    assert view.plots[0].title == "Peaks of the windows"
    assert view.plots[1].caption.startswith("The one window. ")
    assert "from 1 window" in view.sentences[0]
    assert len(view.plots[0].marks.number) == 1
    with pytest.raises(SettingError, match="no threshold cuts them anew"):
        cells.view("probe 3_2", Changes(threshold=-50.0))
    with pytest.raises(SettingError, match="item: expected one of the 4"):
        cells.view("probe 3_9", NONE)


def test_what_is_held_is_what_was_stored(opened: Opened) -> None:
    n_samples = len(opened[1])
    assert 2 * n_samples < opened[0].n_bytes < 3 * n_samples  # int16, an envelope, the spikes
    assert held_cells.SAMPLES_A_STRETCH == 256


def test_a_missing_sample_hides_no_spike_from_afar() -> None:
    samples = np.array([1.0, np.nan, -80.0, 2.0, np.nan, np.nan, 3.0, 4.0], np.float32)
    low, high = envelope(samples, 4, 1.0)
    np.testing.assert_array_equal((low, high), ((-80, 3), (2, 4)))
    coarser = Envelope(0.0, 1.0, samples, samples).coarser(2)
    np.testing.assert_array_equal((coarser.low, coarser.high), ((-80, 3), (2, 4)))
    assert np.isnan(envelope(samples[4:6], 2, 1.0)).all()


def test_more_spikes_are_wanted_until_the_rule_has_enough(predictor: CellTypePredictor) -> None:
    """Against the rule itself, on as many more of the same spikes."""
    decision = predictor._judge.decision
    threshold = decision.not_sure.threshold
    rng = np.random.default_rng(0)
    first = np.clip(rng.normal(threshold + 0.04, 0.15, 12), 0.01, 0.99)
    members = np.stack([first, 1 - first], axis=-1)[None]
    uncalibrated = replace(decision, method="none", calibration=type(decision.calibration)())
    wanted = spikes_wanted(uncalibrated, members, [1])
    assert wanted is not None
    many = np.tile(members, (1, 1 + -(-wanted // 12), 1))
    probability = uncalibrated.of_cell(many, [1])
    again = resampled(uncalibrated, many, [1])
    assert enough_for_cell(probability, again, many.shape[1], uncalibrated.not_sure)
    few = resampled(uncalibrated, members, [1])
    assert not enough_for_cell(probability, few, 12, uncalibrated.not_sure)
    assert spikes_wanted(uncalibrated, members[:, :4], [1]) is None

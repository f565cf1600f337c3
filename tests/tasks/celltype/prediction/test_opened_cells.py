"""A file of cells open in the page: what is shown of it, and what a person's changes do."""

import csv
import json
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
from raphe.tasks.celltype.prediction import held_cells
from raphe.tasks.celltype.prediction.predictor import CellTypePredictor
from raphe.tasks.celltype.spikes.cutting import cut_spikes
from raphe.tasks.celltype.verdicts.cell_input import cut_recordings

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


def test_the_page_says_what_predict_says(opened: Opened, predictor: CellTypePredictor) -> None:
    cells, samples = opened
    rounded = np.round(samples / 0.01) * 0.01
    verdict = predictor.predict(Recording.from_array(rounded, RATE_HZ, "pA", "A260105#001"))
    view = cells.view(None, NONE)
    assert (view.item, view.items) == ("A260105#001", ("A260105#001",))
    assert (view.headline, view.tone) == (verdict.verdict, "called")
    assert view.row["file"] == "A260105#001.abf"
    assert view.row["spikes"] == str(verdict.n_spikes)
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
    assert f"2 of {n} spikes were left out by hand." in view.sentences
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
    assert f"{n} of {n} spikes were left out by hand." in view.sentences
    assert not any("never crosses" in sentence for sentence in view.sentences)
    assert [plot.name for plot in view.plots] == ["recording"]


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
    assert view.row["changed by hand"] == "the threshold was −80 pA, the bundle's is −50 pA"
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
    by_hand = f"the threshold was −55 pA, the bundle's is −50 pA; 1 of {n} spikes was left out"
    assert row["changed_by_hand"].startswith(by_hand)
    changed = json.loads(taken["json"].contents)["changed_by_hand"]
    assert (changed["threshold"], changed["threshold_of_bundle"]) == (-55.0, -50.0)
    assert (changed["n_spikes_cut"], changed["spikes_left_out"]) == (n, [1])
    text = " ".join(taken["methods"].contents.decode().split())
    assert f"({n - 1} spikes, cut at a downward crossing of −55 pA from a recording of 20" in text
    assert f"raphe {raphe.__version__}" in text
    assert json.loads(taken["json"].contents)["bundle"]["content_hash"][:12] in text
    assert "By hand, the threshold was −55 pA" in text


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
    path.unlink()
    view = cells.view(None, NONE)
    assert view.items == ("two left", "two right")
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
    assert len(view.plots[0].marks.number) == 1
    with pytest.raises(SettingError, match="no threshold cuts them anew"):
        cells.view("probe 3_2", Changes(threshold=-50.0))
    with pytest.raises(SettingError, match="item: expected one of the 4"):
        cells.view("probe 3_9", NONE)


def test_what_is_held_is_what_was_stored(opened: Opened) -> None:
    n_samples = len(opened[1])
    assert 2 * n_samples < opened[0].n_bytes < 3 * n_samples  # int16, an envelope, the spikes
    assert held_cells.SAMPLES_A_STRETCH == 256


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

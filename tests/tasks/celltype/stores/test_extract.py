"""Labelled recordings become one store, past those that cannot be read."""

import csv
import hashlib
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from raphe.core.abf.writer import write_abf
from raphe.core.errors import RecordingError, SettingError, StoreError
from raphe.core.files.store import check_store
from raphe.tasks.celltype.recordings.read_recording import read_recording
from raphe.tasks.celltype.spikes.cut_settings import Cut
from raphe.tasks.celltype.stores.extract import extract
from raphe.tasks.celltype.stores.open_spikes import open_spikes
from raphe.tasks.celltype.stores.spike_set import Cell
from raphe.tasks.celltype.stores.spike_store import SpikeStoreWriter

SER, NSER = "A260105#001", "A260105#002"


def write_recording(
    path: Path, at=(1000, 5000), rate_hz=40_000.0, unit="pA", depth=-100.0, width=3
) -> Path:
    """Half a second with a spike of so many samples at each of these places."""
    samples = np.zeros(20_000, np.float32)
    for place in at:
        samples[place : place + width] = depth
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_abf(path, samples, rate_hz, unit)


def two_cells(folder: Path) -> Path:
    write_recording(folder / "SER" / f"{SER}.abf")
    at = (20, 2000, 2010, 9000, 12_000)
    write_recording(folder / "NSER" / f"{NSER}.abf", at, depth=-60, width=4)
    return folder


def write_table(folder: Path, *rows: dict[str, str], delimiter=",") -> None:
    with (folder / "cells.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)


def test_case_tells_neither_columns_nor_classes_apart(tmp_path):
    for width, name in enumerate("abcd", start=3):
        write_recording(tmp_path / "rec" / f"{name}.abf", width=width)
    labels = {"a": "SER", "b": "ser", "c": "NSER", "d": "Nser"}
    rows = ({"File": name, "Cell_Id": f"cell {name}", "Label": labels[name]} for name in labels)
    write_table(tmp_path / "rec", *rows)
    report = extract(tmp_path / "rec", tmp_path / "store")
    assert report.per_class == {"SER": (2, 4), "NSER": (2, 4)}
    cells = {cell.cell_id: cell.label for cell in open_spikes(tmp_path / "store").cells}
    assert cells == {"cell a": 0, "cell b": 0, "cell c": 1, "cell d": 1}


def test_folders_give_the_labels_and_the_report_adds_up(tmp_path):
    report = extract(two_cells(tmp_path / "rec"), tmp_path / "store")
    assert (report.n_spikes, report.n_cells, report.n_crossings) == (5, 2, 7)
    assert report.dropped == {"dead time": 1, "edge": 1, "suspect samples": 0}
    assert report.per_class == {"SER": (1, 2), "NSER": (1, 3)}
    assert report.failed == []
    check_store(tmp_path / "store")
    spikes = open_spikes(tmp_path / "store")
    assert spikes.classes == ("SER", "NSER")
    assert (spikes.rate_hz, spikes.unit, spikes.n_samples) == (40_000.0, "pA", 160)
    by_id = {cell.cell_id: index for index, cell in enumerate(spikes.cells)}
    assert spikes.cells[by_id[SER]] == Cell(SER, 0, "2026-01-05")
    ser = np.flatnonzero(spikes.cell == by_id[SER])
    assert spikes.trigger[ser].tolist() == [1000, 5000]
    assert set(spikes.label[ser]) == {0}
    np.testing.assert_allclose(spikes.read(ser)[:, 39:44], [[0, -100, -100, -100, 0]] * 2, atol=0.1)


def test_manifest_says_how_it_was_cut_and_from_which_files(tmp_path):
    recordings = two_cells(tmp_path / "rec")
    extract(recordings, tmp_path / "store", Cut(threshold_pa=-40.0))
    facts = open_spikes(tmp_path / "store").facts
    assert facts["cut"]["threshold_pa"] == -40.0
    digest = hashlib.sha256((recordings / "SER" / f"{SER}.abf").read_bytes()).hexdigest()
    assert facts["sources"][f"SER/{SER}.abf"] == digest


def test_the_same_recordings_give_the_same_store_wherever_they_lie(tmp_path):
    for place in ("a", "b"):
        extract(two_cells(tmp_path / place), tmp_path / f"{place}.store")
    first, second = (open_spikes(tmp_path / f"{place}.store") for place in ("a", "b"))
    assert first.content_hash == second.content_hash
    extract(tmp_path / "a", tmp_path / "c.store", Cut(dead_time_ms=0.0))
    assert open_spikes(tmp_path / "c.store").content_hash != first.content_hash


def test_a_batch_goes_on_past_bad_files_and_lists_them(tmp_path):
    recordings = two_cells(tmp_path / "rec")
    bad = recordings / "SER" / "A260105#003.abf"
    bad.write_bytes((recordings / "SER" / f"{SER}.abf").read_bytes()[:3000])
    write_recording(recordings / "SER" / "A260105#004.abf", rate_hz=5000.0)
    write_recording(recordings / "SER" / "A260105#005.abf", unit="mV")
    write_recording(recordings / "A260105#006.abf")
    write_recording(recordings / "SER" / "A260105#007.abf", at=())
    report = extract(recordings, tmp_path / "store")
    assert report.n_spikes == 5
    assert [file.name for file in report.silent] == ["A260105#007.abf"]
    lines = "\n".join(sorted(report.failure_lines()))
    assert len(report.failed) == 4
    for number, reason in ((3, "A260105#003"), (4, "5000 Hz"), (5, "--accept-unit mV")):
        assert f"#00{number}.abf" in lines
        assert reason in lines
    assert "#006.abf: no label" in lines
    assert lines.count(str(bad)) == 1


def test_the_table_gives_id_class_day_and_animal(tmp_path):
    recordings = tmp_path / "rec"
    write_recording(recordings / "monday" / "one.abf")
    write_recording(recordings / "two.abf", at=(3000,), width=4)
    write_table(
        recordings,
        {"file": "monday/one.abf", "cell_id": "c1", "label": "NSER", "day": "2024-02-29",
         "animal": "m7"},
        {"file": "two.abf", "cell_id": "", "label": "SER", "day": "", "animal": ""},
        {"file": "three.abf", "cell_id": "", "label": "SER", "day": "", "animal": ""},
        delimiter=";",
    )  # fmt: skip
    report = extract(recordings, tmp_path / "store")
    cells = {cell.cell_id: cell for cell in open_spikes(tmp_path / "store").cells}
    assert cells == {"c1": Cell("c1", 1, "2024-02-29", "m7"), "two": Cell("two", 0)}
    assert [str(failure) for failure in report.failed] == [
        f"{recordings / 'three.abf'}: listed in cells.csv, but there is no such recording"
    ]


def test_two_recordings_of_one_cell_are_one_cell(tmp_path):
    recordings = two_cells(tmp_path / "rec")
    write_recording(recordings / "SER" / "extra" / f"{SER}.abf", at=(3000,))
    report = extract(recordings, tmp_path / "store")
    assert report.per_class["SER"] == (1, 3)


def test_a_cell_with_two_classes_is_an_error_that_names_both_files(tmp_path):
    recordings = two_cells(tmp_path / "rec")
    write_recording(recordings / "NSER" / f"{SER}.abf")
    with pytest.raises(RecordingError, match=rf"{SER}.*class.*{SER}\.abf") as error:
        extract(recordings, tmp_path / "store")
    assert str(Path("SER") / SER) in str(error.value)
    assert str(Path("NSER") / SER) in str(error.value)
    assert not (tmp_path / "store").exists()


def test_folder_and_table_that_disagree_leave_the_file_out(tmp_path):
    recordings = two_cells(tmp_path / "rec")
    write_table(recordings, {"file": f"SER/{SER}.abf", "label": "NSER"})
    report = extract(recordings, tmp_path / "store")
    assert report.per_class == {"SER": (0, 0), "NSER": (1, 3)}
    assert "cells.csv calls it NSER" in report.failure_lines()[0]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [{"name": "x"}],
            "expected columns file and label .cell_id, day, animal and channel are optional",
        ),
        ([{"file": "", "label": "SER"}], "line 2: expected a file"),
        ([{"file": "a.abf", "label": "serotonergic"}], "line 2: expected label SER, NSER, not"),
        ([{"file": "a.abf", "day": "29/02/2024"}], "line 2: expected a day such as 2014-03-13"),
    ],
)
def test_a_table_that_cannot_be_understood_is_told(tmp_path, rows, message):
    write_recording(tmp_path / "a.abf")
    write_table(tmp_path, *rows)
    with pytest.raises(RecordingError, match=message):
        extract(tmp_path, tmp_path / "store")


def test_recordings_without_labels_get_both_remedies(tmp_path):
    write_recording(tmp_path / "rec" / "a.abf")
    with pytest.raises(RecordingError, match=r"folders SER and NSER, or list them in .*cells\.csv"):
        extract(tmp_path / "rec", tmp_path / "store")


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (
            [{"file": "x.abf", "label": "SER"}, {"file": "b.abf", "label": "SER"}],
            r"cells\.csv lists 2 files that are not there, the first: .*x\.abf",
        ),
        ([{"file": "b.abf", "label": "SER"}], "cells.csv lists 1 file that is not there, the "),
        ([{"file": "a.abf", "class": "SER"}], r"cells\.csv has no column label"),
    ],
)
def test_a_table_that_labels_nothing_is_not_denied(tmp_path, rows, reason):
    write_recording(tmp_path / "rec" / "a.abf")
    write_table(tmp_path / "rec", *rows)
    with pytest.raises(RecordingError, match=rf"1 recording, none with a label \({reason}"):
        extract(tmp_path / "rec", tmp_path / "store")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_as_spreadsheets_and_windows_write_it(tmp_path, delimiter):
    recordings = tmp_path / "rec"
    write_recording(recordings / "monday" / "one.abf")
    write_recording(recordings / "two.abf", at=(3000,), width=4)
    write_table(
        recordings,
        {" File": "monday\\one.abf ", "LABEL ": " ser"},
        {" File": " two", "LABEL ": "Nser"},
        {" File": "", "LABEL ": ""},
        delimiter=delimiter,
    )
    report = extract(recordings, tmp_path / "store")
    assert report.per_class == {"SER": (1, 2), "NSER": (1, 1)}
    assert report.failed == []


def test_a_name_without_suffix_that_fits_two_files_is_asked_about(tmp_path):
    write_recording(tmp_path / "a.abf")
    write_recording(tmp_path / "a.ABF", at=(3000,))
    if len(list(tmp_path.iterdir())) < 2:
        pytest.skip("this file system does not tell a.abf from a.ABF")
    write_table(tmp_path, {"file": "a", "label": "SER"})
    with pytest.raises(RecordingError, match=r"'a' fits a\.ABF and a\.abf; write the suffix"):
        extract(tmp_path, tmp_path / "store")


def test_a_file_listed_twice_may_not_differ(tmp_path):
    recordings = tmp_path / "rec"
    write_recording(recordings / "a.abf")
    row = {"file": "a.abf", "label": "SER", "animal": "m1"}
    write_table(recordings, row, row)
    assert extract(recordings, tmp_path / "store").n_spikes == 2
    write_table(recordings, row, {**row, "file": "a", "label": "NSER"})
    with pytest.raises(RecordingError, match=r"lines 2 and 3 say different things of a\.abf"):
        extract(recordings, tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_a_copy_under_another_name_is_left_out(tmp_path):
    recordings = two_cells(tmp_path / "rec")
    first = recordings / "SER" / f"{SER}.abf"
    copy = recordings / "SER" / "copy of it.abf"
    copy.write_bytes(first.read_bytes())
    report = extract(recordings, tmp_path / "store")
    assert report.per_class == {"SER": (1, 2), "NSER": (1, 3)}
    assert report.failure_lines() == [f"{copy}: same bytes as {first}"]


def test_a_copy_with_another_label_is_an_error_that_names_both_files(tmp_path):
    recordings = two_cells(tmp_path / "rec")
    first = recordings / "SER" / f"{SER}.abf"
    copy = recordings / "NSER" / "copy.abf"
    copy.write_bytes(first.read_bytes())
    with pytest.raises(
        RecordingError, match=r"labelled SER .*same bytes|same bytes .*labelled SER"
    ) as error:
        extract(recordings, tmp_path / "store")
    assert str(first) in str(error.value)
    assert str(copy) in str(error.value)
    assert not (tmp_path / "store").exists()


def test_of_several_channels_the_one_in_the_accepted_unit_is_cut(tmp_path, real_data):
    """18425108.abf: a channel in nA and one in mV, in which SciPy's find_peaks counts 20 spikes."""
    file = tmp_path / "rec" / "SER" / "a.abf"
    file.parent.mkdir(parents=True)
    file.write_bytes(real_data("abf", "18425108.abf").read_bytes())
    cut = Cut(threshold_pa=1.0, polarity="up", dead_time_ms=0.0, accept_unit="mV")
    extract(tmp_path / "rec", tmp_path / "mv", cut)
    spikes = open_spikes(tmp_path / "mv")
    assert spikes.unit == "mV"
    assert spikes.n == 20
    assert spikes.read(slice(None))[:, cut.n_before].min() > 1
    with pytest.raises(RecordingError, match="expected mV, got nA"):
        extract(tmp_path / "rec", tmp_path / "na", cut, channel="nA")


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ({"threshold_pa": 50.0}, "threshold_pa (--threshold-pa): "),
        ({"threshold_pa": None, "mad_factor": 0.0}, "mad_factor (--mad): "),
        ({"rate_hz": 1.0}, "rate_hz (--rate-hz): "),
        ({"pre_ms": -1.0}, "pre_ms (--pre-ms): "),
        ({"post_ms": 0.0}, "post_ms (--post-ms): "),
        ({"dead_time_ms": -1.0}, "dead_time_ms (--dead-time-ms): "),
        (
            {"pre_ms": 0.05, "post_ms": 0.1},
            "pre_ms (--pre-ms), post_ms (--post-ms): expected a window of 8 samples or more "
            "(0.2 ms at 40000 Hz), got 6 (0.15 ms)",
        ),
    ],
)
def test_a_wrong_setting_is_named_with_its_option(setting, named):
    with pytest.raises(SettingError) as error:
        Cut(**setting)
    assert str(error.value).startswith(named)


def test_the_shortest_window_that_is_taken():
    assert Cut(pre_ms=0.1, post_ms=0.1).n_samples == 8


def test_no_recordings_no_folder_no_spikes_and_nothing_readable_are_told(tmp_path):
    (tmp_path / "empty").mkdir()
    for folder, message in (
        (tmp_path / "empty", r"no \.abf or \.nwb file"),
        (tmp_path / "nowhere", "no such folder"),
    ):
        with pytest.raises(RecordingError, match=message):
            extract(folder, tmp_path / "store")
    write_recording(tmp_path / "flat" / "SER" / "a.abf", at=())
    with pytest.raises(RecordingError, match="no spike in 1 recording read"):
        extract(tmp_path / "flat", tmp_path / "store")
    (tmp_path / "flat" / "SER" / "a.abf").write_bytes(b"")
    with pytest.raises(RecordingError, match=r"no recording could be read: .*a\.abf"):
        extract(tmp_path / "flat", tmp_path / "store")
    assert not (tmp_path / "store").exists()


# ---- the store itself


def write_store(path: Path, n=10) -> np.ndarray:
    waveforms = np.random.default_rng(0).normal(size=(n, 8)).astype(np.float32)
    with SpikeStoreWriter(path, ("SER", "NSER"), n_samples=8) as writer:
        half = n // 2
        writer.add(Cell("a", 0), waveforms[:half], np.arange(half))
        writer.add(Cell("b", 1), waveforms[half:], np.arange(half, n))
        writer.finish(40_000.0, "pA", {})
    return waveforms


def test_rows_are_read_in_the_order_asked_and_after_pickling(tmp_path):
    waveforms = write_store(tmp_path / "store")
    spikes = open_spikes(tmp_path / "store")
    rows = np.array([9, 0, 3, 3])
    pickled = pickle.dumps(spikes)
    assert len(pickled) < 1000  # a worker opens the store anew
    for opened in (spikes, pickle.loads(pickled)):
        np.testing.assert_array_equal(opened.read(rows), waveforms[rows])
        np.testing.assert_array_equal(opened.read(slice(2, 5)), waveforms[2:5])
        assert opened.read(rows).dtype == np.float32
    for wrong in ([10], [-1]):
        with pytest.raises(IndexError):
            spikes.read(np.array(wrong))


def test_a_cell_cannot_change_its_class(tmp_path):
    window = np.zeros((1, 8), np.float32)
    with SpikeStoreWriter(tmp_path / "store", ("SER", "NSER"), 8) as writer:
        writer.add(Cell("a", 0), window, np.zeros(1, np.int64))
        with pytest.raises(StoreError, match="cell a is SER in one place and NSER in another"):
            writer.add(Cell("a", 1), window, np.zeros(1, np.int64))


def test_a_missing_store_names_the_commands_that_make_one(tmp_path):
    with pytest.raises(StoreError, match="raphe extract, raphe import csv or raphe import npy"):
        open_spikes(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(StoreError, match="neither a store nor"):
        open_spikes(tmp_path / "empty")


@pytest.mark.parametrize(
    "note", ["città".encode("latin-1"), "a note".encode("utf-16")], ids=["latin-1", "utf-16"]
)
def test_a_note_that_cannot_be_read_is_told_before_anything_is_cut(tmp_path, monkeypatch, note):
    folder = two_cells(tmp_path / "rec")
    (folder / "note.txt").write_bytes(note)
    monkeypatch.setattr("raphe.tasks.celltype.stores.extract.read_recording", pytest.fail)
    with pytest.raises(RecordingError, match=r"note\.txt: is not text in UTF-8; save it as UTF-8"):
        extract(folder, tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_one_bad_file_costs_itself_alone(tmp_path, monkeypatch):
    folder = two_cells(tmp_path / "rec")
    os.mkfifo(folder / "SER" / "pipe.abf")
    (folder / "NSER" / os.fsdecode(b"caf\xe9.abf")).touch()
    write_recording(folder / "SER" / "defect.abf", width=5)
    read = read_recording

    def with_a_defect(path, *options):
        if path.stem == "defect":
            raise KeyError("a defect of ours")
        return read(path, *options)

    monkeypatch.setattr("raphe.tasks.celltype.stores.extract.read_recording", with_a_defect)
    report = extract(folder, tmp_path / "store")
    assert report.n_cells == 2
    reasons = {failure.path.name: failure.message for failure in report.failed}
    assert reasons.pop("pipe.abf") == "expected a file, got a pipe"
    assert reasons.pop(os.fsdecode(b"caf\xe9.abf")) == "its name is not UTF-8; rename it"
    assert "please report it" in reasons.pop("defect.abf")
    assert not reasons


def test_a_table_of_cells_that_is_a_link_to_nothing_is_not_taken_as_absent(tmp_path):
    folder = two_cells(tmp_path / "rec")
    (folder / "cells.csv").symlink_to(tmp_path / "unmounted" / "cells.csv")
    with pytest.raises(RecordingError, match=r"cells\.csv: is a link that leads to no file"):
        extract(folder, tmp_path / "store")


def test_a_note_cannot_write_over_a_terminal(tmp_path):
    folder = two_cells(tmp_path / "rec")
    (folder / "note.txt").write_text("\ufeffof\n one  rig\x1b[2J", encoding="utf-8")
    extract(folder, tmp_path / "store")
    assert open_spikes(tmp_path / "store").note == r"of one rig\x1b[2J"

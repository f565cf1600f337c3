"""Pairs of files into a store, and what is left out of it."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raphe import cli
from raphe.core.errors import RecordingError, StoreError
from raphe.tasks.calcium.recordings.conditioning import Conditioning
from raphe.tasks.calcium.recordings.trace_set import TraceOptions
from raphe.tasks.calcium.stores import import_traces as import_module
from raphe.tasks.calcium.stores.import_traces import import_traces
from raphe.tasks.calcium.stores.labelled import counts_at_100_hz
from raphe.tasks.calcium.stores.pairs import find_pairs
from raphe.tasks.calcium.stores.trace_store import open_traces

N = 300


def table(columns: dict[str, np.ndarray]) -> str:
    rows = zip(*columns.values(), strict=True)
    lines = [",".join("" if np.isnan(value) else f"{value:g}" for value in row) for row in rows]
    return "\n".join([",".join(columns), *lines]) + "\n"


def pair(folder: Path, name: str, calcium: dict, spikes: dict) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.calcium.csv").write_text(table(calcium))
    (folder / f"{name}.spikes.csv").write_text(table(spikes))


def wavy(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=N).round(3)


def test_the_challenges_own_files_stay_as_they_are(tmp_path: Path) -> None:
    calcium = {"0": wavy(0), "1": np.where(np.arange(N) < 250, wavy(1), np.nan)}
    spikes = {"0": np.arange(N) % 3, "1": np.where(np.arange(N) < 250, np.arange(N) % 2, np.nan)}
    pair(tmp_path / "in", "7.train", calcium, spikes)
    report = import_traces(tmp_path / "in", tmp_path / "store")
    assert (report.recordings, report.n_spikes, report.left_out) == ({"7": 2}, 300 + 125, [])
    store = open_traces(tmp_path / "store")
    assert [(recording.name, recording.n_samples) for recording in store.recordings] == [
        ("7/0", 300),
        ("7/1", 250),
    ]
    np.testing.assert_array_equal(store.calcium[300:], wavy(1)[:250].astype(np.float32))
    np.testing.assert_array_equal(store.spikes[300:], np.arange(250) % 2)


def test_other_files_are_conditioned_and_their_spikes_moved(tmp_path: Path) -> None:
    pair(tmp_path / "in", "mine", {"a": wavy(0)}, {"a": np.arange(N) % 3})
    with pytest.raises(RecordingError, match="pass --rate HZ"):
        import_traces(tmp_path / "in", tmp_path / "store")
    report = import_traces(tmp_path / "in", tmp_path / "store", TraceOptions(rate_hz=30.0))
    store = open_traces(tmp_path / "store")
    assert report.n_spikes == 300 and store.recordings[0].imaging_hz == 30.0
    assert np.isnan(store.recordings[0].noise)  # nothing tells that they are ΔF/F
    np.testing.assert_array_equal(store.calcium, Conditioning()(wavy(0), 30.0).samples)
    assert np.flatnonzero(store.spikes)[0] in (3, 4, 5, 6)  # the second frame: 33 to 67 ms


def test_traces_of_one_neuron_are_one_cell(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    counts = np.arange(N) % 3
    pair(folder, "x", {"a": wavy(0), "b": wavy(1), "c": wavy(2)}, dict.fromkeys("abc", counts))
    cells = folder / "x.cells.csv"
    cells.write_text("\ufeffCell;Trace\nn2;c\nn1;a\nn1;b\n", encoding="utf-8")  # as Excel has it
    import_traces(folder, tmp_path / "store", TraceOptions(rate_hz=30.0))
    recordings = open_traces(tmp_path / "store").recordings
    assert [recording.cell for recording in recordings] == ["x/n1", "x/n1", "x/n2"]
    manifest = json.loads((tmp_path / "store" / "manifest.json").read_text())
    assert "x.cells.csv" in manifest["sources"]
    for text, said in {
        "trace,cell\na,n1\nb,n1\n": "one row for each of a, b and c, as in .*, got a and b",
        "trace,cell\na,n1\nb,\nc,n2\n": "the name of a cell beside each trace, got none of b",
        "trace,neuron\na,n1\nb,n1\nc,n2\n": "columns trace and cell, got trace, neuron",
    }.items():
        cells.write_text(text)
        with pytest.raises(RecordingError, match=said):
            import_traces(folder, tmp_path / "other", TraceOptions(rate_hz=30.0))


def test_which_cells_without_traces_is_said(tmp_path: Path) -> None:
    (tmp_path / "y.cells.csv").write_text("trace,cell\na,n1\n")
    _, alone = find_pairs(tmp_path)
    assert alone == [f"{tmp_path / 'y.cells.csv'}: expected y.calcium.csv beside it, found none"]


def test_spikes_may_be_given_as_times(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "mine.calcium.csv").write_text(table({"a": wavy(0), "b": wavy(1)}))
    times = folder / "mine.spike_times.csv"
    times.write_text("b,a\n0.005,2.5\n9.998,\n0.005,\n")  # in any order, of 10 s
    options = TraceOptions(rate_hz=30.0)
    report = import_traces(folder, tmp_path / "store", options)
    store = open_traces(tmp_path / "store")
    first, second = (np.flatnonzero(store.spikes[r.rows]).tolist() for r in store.recordings)
    assert (first, second) == ([250], [0, 999]) and report.n_spikes == 4
    assert store.spikes[store.recordings[1].rows][0] == 2
    times.write_text("b,a\n5,2500\n")  # in ms
    with pytest.raises(RecordingError, match=r"column a: expected times from 0 to 10 s.*got 2500"):
        import_traces(folder, tmp_path / "store2", options)
    times.write_text("b\n5\n")
    with pytest.raises(RecordingError, match="a column for each of a and b"):
        import_traces(folder, tmp_path / "store2", options)
    (folder / "mine.spikes.csv").write_text(table({"a": wavy(0) * 0, "b": wavy(1) * 0}))
    with pytest.raises(RecordingError, match=r"mine\.spike_times\.csv and mine\.spikes\.csv are"):
        import_traces(folder, tmp_path / "store2", options)
    (folder / "other.spike_times.csv").touch()
    (folder / "mine.spikes.csv").unlink()
    assert "expected other.calcium.csv beside it" in find_pairs(folder)[1][0]


@pytest.mark.parametrize(("name", "unit_s"), [("time_s", 1), ("time (ms)", 1e-3), ("time", 1)])
def test_spike_times_are_on_the_clock_of_the_traces(tmp_path: Path, name: str, unit_s) -> None:
    clock = (12.5 + np.arange(N) / 25).round(3) / unit_s
    (tmp_path / "x.calcium.csv").write_text(table({name: clock, "a": wavy(0)}))
    times = tmp_path / "x.spike_times.csv"
    times.write_text("a\n12.505\n14.5\n")
    options = TraceOptions(rate_hz=25.0)
    report = import_traces(tmp_path, tmp_path / "store", options)
    assert np.flatnonzero(open_traces(tmp_path / "store").spikes).tolist() == [0, 200]
    assert "x.calcium.csv's clock, which shows 12.5 s at the first frame" in report.notes[-1]
    times.write_text("a\n2.0\n")
    refused = (
        r"expected times from 12\.5 to 24\.5 s.* got 2 to 2; the times are those of x\.calcium"
    )
    with pytest.raises(RecordingError, match=refused):
        import_traces(tmp_path, tmp_path / "store2", options)
    times.unlink()
    counts = {name: clock - 12.5 / unit_s, "a": np.arange(N) % 2}
    (tmp_path / "x.spikes.csv").write_text(table(counts))
    with pytest.raises(
        RecordingError, match=r"first frame at 12\.5 s as in x\.calcium\.csv, got 0"
    ):
        import_traces(tmp_path, tmp_path / "store2", options)


def test_no_dataset_is_called_as_nothing_held_out_is(tmp_path: Path) -> None:
    pair(tmp_path / "in", "none", {"a": wavy(0)}, {"a": np.arange(N) % 3})
    with pytest.raises(StoreError, match="none/a: a dataset or a cell cannot be called none"):
        import_traces(tmp_path / "in", tmp_path / "store", TraceOptions(rate_hz=25.0))


@pytest.mark.parametrize("header", ["a", "b,a", "a;b\n"])
def test_a_table_without_times_is_one_of_silent_traces(tmp_path: Path, header: str) -> None:
    names = sorted(header.strip().replace(";", ",").split(","))
    traces = {name: wavy(seed) for seed, name in enumerate(names)}
    (tmp_path / "x.calcium.csv").write_text(table(traces))
    (tmp_path / "x.spike_times.csv").write_text(header)
    report = import_traces(tmp_path, tmp_path / "store", TraceOptions(rate_hz=25.0))
    assert (report.n_spikes, report.recordings, report.left_out) == (0, {"x": len(names)}, [])


@given(st.floats(5, 400), st.lists(st.integers(0, 3), min_size=1, max_size=50))
def test_spikes_stay_in_their_frame(rate_hz: float, spikes: list[int]) -> None:
    n = int(np.ceil(len(spikes) * 100 / rate_hz))
    moved = counts_at_100_hz(np.array(spikes), rate_hz, n)
    assert moved.sum() == sum(spikes)
    ends = np.arange(1, len(spikes) + 1) * 100 / rate_hz  # of each frame, in samples
    reached = np.concatenate([[0], np.cumsum(moved)]).astype(int)
    for count, end in zip(np.cumsum(spikes), ends, strict=True):
        whole = int(end)  # samples that have ended by then
        assert reached[whole] <= count <= reached[min(whole + 1, n)]


def test_within_a_frame_spikes_lie_anywhere() -> None:
    """At 7.5 Hz a frame lasts 133 ms: one spike of it lies evenly in them, two in a half each."""
    one = np.flatnonzero(counts_at_100_hz(np.ones(4000), 6.25, 64_000, "a")) % 16
    shares = np.bincount(one, minlength=16) / 4000
    np.testing.assert_allclose(shares, 1 / 16, atol=0.015)
    two = counts_at_100_hz(np.full(500, 2), 6.25, 8000, "a").reshape(500, 2, 8).sum(2)
    assert (two == 1).all()
    again, other = (counts_at_100_hz(np.ones(50), 6.25, 800, name) for name in ("a", "b"))
    assert (counts_at_100_hz(np.ones(50), 6.25, 800, "a") == again).all()
    assert (other != again).any()


def test_a_recording_with_a_fault_is_left_out_and_listed(tmp_path: Path) -> None:
    good, nan = wavy(0), np.full(N, np.nan)
    holed = np.where((np.arange(N) >= 120) & (np.arange(N) < 150), np.nan, wavy(1))
    sieve = np.where(np.arange(N) % 5 == 2, np.nan, wavy(1))
    infinite = np.where(np.arange(N) == 150, np.inf, wavy(2))
    calcium = {
        "good": good,
        "empty": nan,
        "flat": np.ones(N),
        "holed": holed,
        "sieve": sieve,
        "infinite": infinite,
        "twin": good,
        "odd": wavy(3),
        "silent": wavy(4),
    }
    spikes = dict.fromkeys(calcium, np.arange(N) % 2) | {"odd": np.full(N, 0.5)}
    spikes["silent"] = np.zeros(N)
    pair(tmp_path / "in", "1.train", calcium, spikes)
    report = import_traces(tmp_path / "in", tmp_path / "store")
    assert report.left_out == [
        "1/empty: there is no stretch in which both calcium and spikes are known",
        "1/flat: constant at 1",
        "1/holed: a gap of 0.300 s inside it, at most 0.25 s are bridged; cut it there into two "
        "recordings",
        "1/sieve: 20% of its frames missing, at most 10% are bridged",
        "1/infinite: 1 of 300 samples infinite",
        "1/twin: the same trace as 1/good",
        "1/odd: its spikes are not counts",
    ]
    assert [recording.name for recording in open_traces(tmp_path / "store").recordings] == [
        "1/good",
        "1/silent",
    ]


def test_what_makes_no_store_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    with pytest.raises(RecordingError, match="expected a folder"):
        import_traces(folder, tmp_path / "store")
    folder.mkdir()
    with pytest.raises(RecordingError, match=r"expected pairs such as 4\.train\.calcium\.csv"):
        import_traces(folder, tmp_path / "store")
    pair(folder, "1.train", {"0": np.ones(N)}, {"0": np.arange(N) % 2})
    with pytest.raises(StoreError, match="got none; 1/0: constant at 1"):
        import_traces(folder, tmp_path / "store")
    pair(folder, "1.train", {"0": wavy(0)}, {"0": np.arange(N - 1) % 2})
    with pytest.raises(RecordingError, match="expected 1 recordings of 300 samples at 100 Hz"):
        import_traces(folder, tmp_path / "store")
    pair(folder, "1.train", {"0": wavy(0)}, {"0": np.arange(N) % 2})
    shutil.copy(folder / "1.train.calcium.csv", folder / "1.test.calcium.csv")
    report = import_traces(folder, tmp_path / "without")
    assert "found no 1.test.spikes.csv" in report.left_out[0] and report.recordings == {"1": 1}
    shutil.copy(folder / "1.train.spikes.csv", folder / "1.test.spikes.csv")
    with pytest.raises(RecordingError, match="are both of dataset 1"):
        import_traces(folder, tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_the_command_says_what_it_took(tmp_path: Path, capsys) -> None:
    calcium = {"0": wavy(0), "1": np.ones(N)}
    pair(tmp_path / "in", "1.train", calcium, dict.fromkeys(calcium, np.arange(N) % 2))
    arguments = ["import", "traces", str(tmp_path / "in"), str(tmp_path / "store")]
    assert cli.main(arguments) == 1  # something is left out
    printed = capsys.readouterr()
    assert "1 recording with 150 spikes, of dataset 1" in printed.out
    assert "1/1: constant at 1" in printed.err
    assert cli.main(arguments) == 1
    assert "pass --overwrite" in capsys.readouterr().err
    pair(tmp_path / "in", "1.train", {"0": wavy(0)}, {"0": np.arange(N) % 2})
    assert cli.main([*arguments, "--overwrite"]) == 0


def test_bad_pairs_stop_no_other(tmp_path: Path, capsys) -> None:
    folder, spikes = tmp_path / "in", {"0": np.arange(N) % 2}
    for name in ("1.train", "2.train", "3.train", "4.train"):
        pair(folder, name, {"0": wavy(int(name[0]))}, spikes)
    (folder / "2.train.calcium.csv").write_bytes(b"\x00 no such file")
    pair(folder, "3.train", {"0": wavy(3)}, {"0": np.arange(N - 1) % 2})
    assert cli.main(["import", "traces", str(folder), str(tmp_path / "store")]) == 1
    told = capsys.readouterr()
    assert "2 recordings with 300 spikes, of dataset 1, 4" in told.out
    assert "left out (2):" in told.err and "2.train.calcium.csv" in told.err
    assert "expected 1 recordings of 300 samples" in told.err
    assert len(open_traces(tmp_path / "store").recordings) == 2


def test_what_is_no_fluorescence_is_not_trained_on(tmp_path: Path) -> None:
    blanked, spikes = 400 + wavy(0), {"a": np.arange(N) % 3, "b": np.arange(N) % 3}
    blanked = blanked + np.random.default_rng(0).normal(0, 0.1, N)
    blanked[100:110] = 0
    pair(tmp_path / "in", "x", {"a": wavy(1), "b": blanked}, spikes)
    report = import_traces(tmp_path / "in", tmp_path / "store", TraceOptions(rate_hz=30.0))
    (line,) = report.left_out
    assert "a gap of 0.333 s inside it" in line and "10 frames blanked at 0" in line


def test_short_gaps_are_bridged_and_said(tmp_path: Path, capsys) -> None:
    """A blanked frame near the beginning, as of zebrafish, loses no recording."""
    traces = {name: 400 + wavy(seed) for seed, name in enumerate("abc")}
    traces["a"][1] = traces["b"][2] = -900.0
    traces["b"][150:157] = np.nan  # 0.233 s at 30 Hz
    spikes = np.arange(N) % 3
    pair(tmp_path / "in", "fish", traces, dict.fromkeys(traces, spikes))
    words = ["import", "traces", str(tmp_path / "in"), str(tmp_path / "store"), "--rate", "30"]
    assert cli.main(words) == 0
    told = capsys.readouterr().err
    assert (
        "fish: 3 gaps of 0.233 s at most in 2 recordings, where frames are missing, bridged by a "
        "line" in told
    )
    store = open_traces(tmp_path / "store")
    assert [recording.n_spikes for recording in store.recordings] == [spikes.sum()] * 3
    assert np.ptp(store.calcium) < 5  # dark frames are in none
    spikes_unknown = np.where(np.arange(N) == 150, np.nan, spikes)
    pair(tmp_path / "in", "fish", {"a": traces["a"]}, {"a": spikes_unknown})
    assert cli.main([*words, "--overwrite"]) == 1
    assert "1 count of spikes missing inside it; cut it there" in capsys.readouterr().err


def test_conditioning_says_nothing_of_the_challenges_files(tmp_path: Path, capsys) -> None:
    pair(tmp_path / "in", "1.train", {"0": wavy(0)}, {"0": np.arange(N) % 2})
    arguments = ["import", "traces", str(tmp_path / "in"), str(tmp_path / "store")]
    assert cli.main([*arguments, "--baseline", "20"]) == 1
    assert "1.train.calcium.csv: --baseline says nothing of it" in capsys.readouterr().err


def test_the_organisers_counts(real_data, tmp_path: Path) -> None:
    folder = real_data("spikefinder", "4.train.calcium.csv.gz").parent
    report = import_traces(folder, tmp_path / "store")
    assert report.recordings == {"4": 6, "5": 9, "6": 9} and not report.left_out
    store = open_traces(tmp_path / "store")
    for dataset, samples, spikes in (("4", 166578, 7607), ("5", 152271, 8810), ("6", 173982, 2735)):
        of_dataset = [recording for recording in store.recordings if recording.dataset == dataset]
        assert sum(recording.n_samples for recording in of_dataset) == samples
        assert sum(recording.n_spikes for recording in of_dataset) == spikes


def test_a_counter_in_the_file_of_spikes_is_no_recording(tmp_path: Path) -> None:
    frames, spikes = np.arange(N), {"a": np.arange(N) % 3}
    pair(tmp_path / "in", "x", {"a": wavy(0)}, {"FrameCounter": frames, **spikes})
    report = import_traces(tmp_path / "in", tmp_path / "store", TraceOptions(rate_hz=30.0))
    assert (report.recordings, report.n_spikes) == ({"x": 1}, 300)
    assert len(report.notes) == 1 and "'FrameCounter' rises evenly by 1" in report.notes[0]
    pair(
        tmp_path / "in",
        "x",
        {"Time (s)": frames / 30, "a": wavy(0)},
        {"Time (s)": frames, **spikes},
    )
    with pytest.raises(RecordingError, match=r"x\.spikes\.csv: .* which is 1 Hz, not 30"):
        import_traces(tmp_path / "in", tmp_path / "other", TraceOptions(rate_hz=30.0))


def test_the_two_files_have_their_recordings_in_one_order(tmp_path: Path) -> None:
    counts = np.arange(N) % 3
    pair(tmp_path / "in", "x", {"a": wavy(0), "b": wavy(1)}, {"b": counts, "a": counts})
    with pytest.raises(RecordingError, match=r"in the order of x\.calcium\.csv, got b where .* a"):
        import_traces(tmp_path / "in", tmp_path / "store", TraceOptions(rate_hz=30.0))


def test_whatever_lies_in_the_folder_is_taken_or_told(tmp_path: Path, monkeypatch) -> None:
    folder = tmp_path / "in"
    for name, seed in (("1.train", 0), ("2.train", 1)):
        pair(folder, name, {"0": wavy(seed)}, {"0": np.arange(N) % 3})
    shutil.copy(folder / "1.train.spikes.csv", folder / "3.train.spikes.csv")
    os.mkfifo(folder / "4.train.calcium.csv")
    (folder / "5.train.calcium.csv").symlink_to("unmounted.csv")
    (folder / "notes.csv").touch()
    of_pair = import_module._read_pair

    def with_a_defect(dataset, *others):
        if dataset == "2":
            raise KeyError("a defect of ours")
        return of_pair(dataset, *others)

    monkeypatch.setattr(import_module, "_read_pair", with_a_defect)
    report = import_traces(folder, tmp_path / "store")
    assert report.recordings == {"1": 1}
    told = "\n".join(report.left_out)
    assert len(report.left_out) == 4 and "notes.csv" not in told
    assert "3.train.spikes.csv: expected its traces beside it" in told
    assert "4.train.calcium.csv: expected a file, got a pipe" in told
    assert "5.train.calcium.csv: is a link that leads to no file" in told
    assert "2.train.calcium.csv: could not be read, and not because of a fault" in told


def test_the_two_files_need_not_be_of_one_format(tmp_path: Path) -> None:
    np.save(tmp_path / "x.calcium.npy", [wavy(0), wavy(1)])
    counts = {"a": np.arange(N) % 3, "b": np.zeros(N)}
    (tmp_path / "x.spikes.csv").write_text(table(counts))
    report = import_traces(tmp_path, tmp_path / "store", TraceOptions(rate_hz=30.0))
    assert (report.recordings, report.n_spikes, report.left_out) == ({"x": 2}, 300, [])
    np.save(tmp_path / "x.spikes.npy", list(counts.values()))
    with pytest.raises(RecordingError, match=r"x\.spikes\.csv and x\.spikes\.npy are all of x\.c"):
        find_pairs(tmp_path)


def test_what_can_teach_nothing_is_said(tmp_path: Path, capsys) -> None:
    """Recordings of three frames, and files in which no neuron ever fires."""
    silent = {"a": np.zeros(N)}
    pair(tmp_path / "in", "x", {"a": wavy(0)}, silent)
    pair(tmp_path / "in", "y", {"a": wavy(1)}, {"a": np.arange(N) % 2})
    pair(tmp_path / "in", "z", {"a": wavy(2)[:59]}, {"a": np.arange(59) % 2})
    words = ["import", "traces", str(tmp_path / "in"), str(tmp_path / "store"), "--rate", "30"]
    assert cli.main(words) == 1
    told = capsys.readouterr().err
    assert "x: none of its recordings has a spike; if neurons fired" in told
    assert "y: none" not in told
    assert "z/a: it is only 1.97 s long, expected 2 s or more" in told

"""A folder in which recordings grow, finish and break, looked at with a clock of our own."""

import json
import os
import signal
import time
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

import raphe
from raphe import cli
from raphe.core.abf.header import BLOCK
from raphe.core.abf.writer import DATA, write_abf
from raphe.core.bundles.opened_file import Changes
from raphe.core.errors import RecordingError, StoreError
from raphe.core.files.left_out import Failure
from raphe.tasks.celltype.prediction import watch as watch_module
from raphe.tasks.celltype.prediction.verdict_folder import STATE, WatchedFolder
from raphe.tasks.celltype.prediction.watch import LiveFolder, Notice, Stamp, Watch
from raphe.tasks.celltype.verdicts.cell_input import Reading
from raphe.tasks.celltype.verdicts.judge import Judge

RATE_HZ = 40_000.0


class Clock:
    """Time that passes when it is told to."""

    def __init__(self, now):
        self.now = now

    def __call__(self):
        return self.now


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "rig"
    path.mkdir()
    return path


@pytest.fixture
def clock():
    return Clock(0.0)


@pytest.fixture(scope="module")
def judge(trained_bundle):
    return Judge(trained_bundle)


@pytest.fixture
def make_watch(judge, folder, clock):
    def make(**options):
        return Watch(folder, judge, Reading(judge.cut), settled_s=10.0, clock=clock, **options)

    return make


@pytest.fixture
def watch(make_watch):
    """A watch that has looked once, when there was nothing."""
    watch = make_watch()
    assert not list(watch.look())
    return watch


@pytest.fixture
def put(clock):
    def write(path, content):
        """Write a file a second later; what the disk says of its time is years off."""
        path.write_bytes(content)
        clock.now += 1
        os.utime(path, (1e9 + clock.now, 1e9 + clock.now))

    return write


@pytest.fixture
def whole(tmp_path, record):
    return write_abf(tmp_path / "whole.abf", record("SER", 0), RATE_HZ, "pA").read_bytes()


def up_to(whole, share):
    begin = DATA * BLOCK
    return whole[: begin + int(share * (len(whole) - begin))]


def test_a_growing_file_is_told_of_at_each_look(watch, folder, whole, put, clock):
    path = folder / "cell.abf"
    spikes = []
    for share in (0.2, 0.6, 1.0):
        put(path, up_to(whole, share))
        (news,) = watch.look()
        assert not news.final
        spikes.append(news.result.verdict.n_spikes)
    assert spikes == sorted(spikes)
    assert 0 < spikes[0] < spikes[-1]
    assert not list(watch.look())  # nothing new
    clock.now += 10
    (news,) = watch.look()
    assert news.final
    assert news.result.verdict.n_spikes == spikes[-1]
    assert not list(watch.look())


def test_a_half_written_header_is_waited_for(watch, folder, whole, put, clock):
    path = folder / "cell.abf"
    for n_bytes in (0, 100, 2000):
        put(path, whole[:n_bytes])
        assert not list(watch.look())
    put(path, whole)
    (news,) = watch.look()
    assert not news.final


def test_a_file_that_stays_broken_is_told_once(watch, folder, whole, put, clock):
    put(folder / "cell.abf", whole[:2000])
    assert not list(watch.look())
    clock.now += 10
    (news,) = watch.look()
    assert news.final
    assert isinstance(news.result, Failure)
    assert not list(watch.look())


def test_a_finished_file_that_grows_on_is_judged_anew(watch, folder, whole, put, clock):
    path = folder / "cell.abf"
    put(path, whole)
    assert [news.final for news in watch.look()] == [False]
    clock.now += 10
    assert [news.final for news in watch.look()] == [True]
    put(path, whole + bytes(2))
    assert [news.final for news in watch.look()] == [False]


def test_one_bad_file_stops_no_other(watch, folder, whole, tmp_path, put, clock):
    put(folder / "a.abf", b"no recording")
    silent = write_abf(tmp_path / "b.abf", np.zeros(40_000), RATE_HZ, "pA")
    put(folder / "b.abf", silent.read_bytes())
    (folder / "notes.txt").write_text("x")
    list(watch.look())
    clock.now += 10
    bad, good = watch.look()
    assert isinstance(bad.result, Failure)
    assert good.result.verdict.verdict == "no spikes"


@pytest.mark.parametrize(("share", "enough"), [(0.05, False), (1.0, True)])
def test_enough_needs_spikes_that_leave_the_verdict(watch, folder, whole, put, share, enough):
    put(folder / "cell.abf", up_to(whole, share))
    (news,) = watch.look()
    verdict = news.result.verdict
    assert verdict.enough_spikes == enough
    assert any("not yet enough" in remark for remark in verdict.remarks) != enough


@pytest.fixture
def silent(tmp_path):
    """A whole recording that is judged at once: nothing crosses the threshold."""
    return write_abf(tmp_path / "silent.abf", np.zeros(40_000), RATE_HZ, "pA").read_bytes()


@pytest.mark.parametrize("off_s", [3600, -3600, 0])
def test_what_the_clock_of_the_rig_says_does_not_count(watch, folder, silent, clock, off_s):
    path = folder / "cell.abf"
    for share in (0.5, 0.7, 1.0):
        path.write_bytes(up_to(silent, share))
        os.utime(path, (clock.now + off_s, clock.now + off_s))
        clock.now += 1
        assert [news.final for news in watch.look()] == [False]
    clock.now += 9.9
    assert not list(watch.look())
    clock.now += 0.1
    assert [news.final for news in watch.look()] == [True]


def test_what_was_there_before_the_first_look_is_judged_once_when_it_has_settled(
    make_watch, folder, silent, put, clock
):
    put(folder / "old.abf", silent)
    watch = make_watch()
    assert not list(watch.look())
    clock.now += 10
    assert [news.final for news in watch.look()] == [True]


def test_a_file_that_is_locked_is_tried_again(watch, folder, silent, put, clock, monkeypatch):
    put(folder / "cell.abf", silent)
    list(watch.look())
    clock.now += 10
    locked = Path.open

    def refusing(path, *arguments, **options):
        if path.suffix == ".abf":
            raise PermissionError(13, "locked by the acquisition program", str(path))
        return locked(path, *arguments, **options)

    with monkeypatch.context() as patches:
        patches.setattr(Path, "open", refusing)
        (news,) = watch.look()
        assert not news.final
        assert "could not be opened, and is tried again" in str(news.result)
        assert not list(watch.look())  # told once
    (news,) = watch.look()
    assert news.final and news.result.verdict.verdict == "no spikes"


def test_a_file_that_vanishes_while_it_is_read_ends_nothing(
    watch, folder, silent, put, clock, monkeypatch
):
    put(folder / "a.abf", silent)
    put(folder / "b.abf", silent)
    list(watch.look())
    clock.now += 10
    stamp_of = Stamp.of

    def vanishing(path):
        stamp = stamp_of(path)
        if path.name == "a.abf":
            path.unlink()
        return stamp

    monkeypatch.setattr(Stamp, "of", vanishing)
    (news,) = watch.look()
    assert news.path.name == "b.abf" and news.final


def test_no_exception_of_one_file_ends_the_watch(watch, folder, silent, put, clock, monkeypatch):
    put(folder / "a.abf", silent)
    put(folder / "b.abf", silent)
    list(watch.look())
    clock.now += 10
    judge = watch.judge.judge

    def with_a_defect(cell):
        if cell.cell_id == "a":
            raise ZeroDivisionError
        return judge(cell)

    monkeypatch.setattr(watch.judge, "judge", with_a_defect)
    bad, good = watch.look()
    assert "please report it" in str(bad.result)
    assert good.result.verdict.verdict == "no spikes"


def test_folders_and_pipes_called_as_recordings_are_told_once(watch, folder, silent, put, clock):
    (folder / "session.abf").mkdir()
    put(folder / "session.abf" / "a.abf", silent)
    put(folder / "session.abf" / "b.abf", silent)
    os.mkfifo(folder / "pipe.abf")
    told = [news for news in watch.look() if news.final]
    assert [str(news.result) for news in told] == [
        f"{folder / 'pipe.abf'}: expected a file, got a pipe"
    ]
    clock.now += 10
    assert [news.path.name for news in watch.look()] == ["a.abf", "b.abf"]


def test_a_folder_that_is_gone_is_waited_for(watch, folder, silent, put, clock, tmp_path):
    put(folder / "cell.abf", silent)
    list(watch.look())
    clock.now += 10
    assert [news.final for news in watch.look()] == [True]
    away = folder.rename(tmp_path / "away")
    (notice,) = watch.look()
    assert isinstance(notice, Notice) and notice.text.endswith("; waiting for it")
    assert not list(watch.look())
    folder.mkdir()  # where a share was mounted
    assert [notice.text for notice in watch.look()] == [
        f"{folder}: is there again",
    ]
    folder.rmdir()
    away.rename(folder)
    clock.now += 20
    assert not list(watch.look())  # what was judged is not judged again


def test_a_folder_that_is_suddenly_empty_is_told(watch, folder, silent, put, clock):
    put(folder / "cell.abf", silent)
    list(watch.look())
    (folder / "cell.abf").unlink()
    (notice,) = watch.look()
    assert "held 1 recording and is empty now; is its disk connected?" in notice.text
    assert not list(watch.look())


def settle(watch, clock):
    """What comes when all that is there has settled."""
    list(watch.look())
    clock.now += 10
    return list(watch.look())


def test_verdicts_are_kept_and_a_new_start_goes_on(
    make_watch, judge, folder, silent, put, clock, tmp_path
):
    out = tmp_path / "verdicts"
    reading = {"channel": None, "unit": None}
    put(folder / "a.abf", silent)
    (folder / "b.abf").write_bytes(b"no recording")
    saved = WatchedFolder(out, judge, folder, reading)
    for news in settle(make_watch(), clock):
        saved.add(news.path, news.stamp, news.result)
    first = json.loads((out / "verdicts.json").read_text())
    assert [cell["files"] for cell in first["cells"]] == [["rig/a.abf"]]
    assert [failure["file"] for failure in first["left_out"]] == ["rig/b.abf"]
    assert str(tmp_path) not in "".join(
        file.read_text() for file in out.rglob("*") if file.is_file()
    )
    put(folder / "c.abf", silent + bytes(2))
    again = WatchedFolder(out, judge, folder, reading)
    news = settle(make_watch(judged=again.judged), clock)
    assert [new.path.name for new in news] == ["c.abf"]
    again.add(news[0].path, news[0].stamp, news[0].result)
    second = json.loads((out / "verdicts.json").read_text())
    assert second["cells"][:1] == first["cells"]
    assert [cell["cell_id"] for cell in second["cells"]] == ["a", "c"]
    assert {page.name for page in (out / "cells").iterdir()} == {"a.html", "c.html"}
    put(folder / "c.abf", up_to(silent, 0.5))  # a file that was judged is written anew
    (news,) = settle(make_watch(judged=again.judged), clock)
    again.add(news.path, news.stamp, news.result)
    assert {page.name for page in (out / "cells").iterdir()} == {"a.html", "c.html"}


def test_a_folder_of_something_else_is_not_filled(judge, folder, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / ".DS_Store").touch()
    WatchedFolder(out, judge, folder, {}, pages=False)
    (out / "notes.txt").touch()
    with pytest.raises(StoreError, match=f"holds no {STATE}, so no watch goes on there"):
        WatchedFolder(out, judge, folder, {})
    (out / STATE).write_text("{")
    with pytest.raises(StoreError, match="could not be read; choose another --out"):
        WatchedFolder(out, judge, folder, {})


def test_verdicts_of_another_call_are_not_mixed_in(
    make_watch, judge, folder, silent, put, clock, tmp_path
):
    out = tmp_path / "out"
    put(folder / "a.abf", silent)
    (news,) = settle(make_watch(), clock)
    WatchedFolder(out, judge, folder, {"unit": "pA"}, pages=False).add(
        news.path, news.stamp, news.result
    )
    with pytest.raises(StoreError, match="another --channel or --unit; choose another --out"):
        WatchedFolder(out, judge, folder, {"unit": "nA"}, pages=False)
    for damage in ({"page": "../x.html"}, {"verdict": {}}, {"size": None, "left_out": 1}, {}):
        state = json.loads((out / STATE).read_text())
        state["files"] = {"a.abf": {**state["files"]["a.abf"], **damage} if damage else None}
        other = tmp_path / f"other{len(list(tmp_path.iterdir()))}"
        other.mkdir()
        (other / STATE).write_text(json.dumps(state))
        with pytest.raises(StoreError, match=f"{STATE}: could not be read"):
            WatchedFolder(other, judge, folder, {"unit": "pA"}, pages=False)
    with pytest.raises(StoreError, match="another folder; choose another --out"):
        WatchedFolder(out, judge, tmp_path, {"unit": "pA"}, pages=False)


def test_ctrl_c_ends_it_with_a_line_and_what_is_kept(
    trained_bundle, folder, silent, tmp_path, monkeypatch, capsys
):
    (folder / "a.abf").write_bytes(silent)
    os.mkfifo(folder / "pipe.abf")
    naps = iter([None, KeyboardInterrupt])

    def nap(_):
        if nap_ends := next(naps):
            raise nap_ends

    monkeypatch.setattr(time, "sleep", nap)
    out = tmp_path / "out"
    arguments = ["--bundle", str(trained_bundle), "--out", str(out), "--settled", "1e-9"]
    assert cli.main(["watch", str(folder), *arguments, "--no-pages"]) == 1
    told = capsys.readouterr()
    assert told.err.endswith("warning: 1 file left out (exit code 1)\n")
    assert "not judged yet" not in told.err
    assert told.out.splitlines()[-3:] == [
        "1 cell: 1 without spikes; 1 file left out.",
        f"{out}: verdicts.csv, verdicts.json",
        f"next: open {out / 'verdicts.csv'}",
    ]


def test_a_signal_that_ends_it_is_told_by_the_exit_code(
    trained_bundle, folder, silent, tmp_path, monkeypatch, capsys
):
    (folder / "a.abf").write_bytes(silent)
    naps = iter([lambda: None, lambda: signal.raise_signal(signal.SIGTERM)])
    monkeypatch.setattr(time, "sleep", lambda _: next(naps)())
    out = tmp_path / "out"
    arguments = ["--bundle", str(trained_bundle), "--out", str(out), "--settled", "1e-9"]
    assert cli.main(["watch", str(folder), *arguments, "--no-pages"]) == 128 + signal.SIGTERM
    assert capsys.readouterr().out.splitlines()[-1] == f"next: open {out / 'verdicts.csv'}"


def test_two_watches_do_not_fill_one_folder(trained_bundle, folder, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"
    arguments = ["--bundle", str(trained_bundle), "--out", str(out), "--no-pages"]
    monkeypatch.setattr(time, "sleep", Mock(side_effect=KeyboardInterrupt))
    with WatchedFolder(out, Judge(trained_bundle), folder, {}, pages=False).held():
        assert cli.main(["watch", str(folder), *arguments]) == 1
        told = capsys.readouterr().err
        assert f"error: {out}: another watch is filling this folder; end that one" in told
    assert cli.main(["watch", str(folder), *arguments]) == 0


def test_a_file_that_had_not_settled_is_told_when_the_watch_ends(
    trained_bundle, folder, silent, monkeypatch, capsys
):
    (folder / "a.abf").write_bytes(silent)
    monkeypatch.setattr(time, "sleep", Mock(side_effect=KeyboardInterrupt))
    arguments = ["--bundle", str(trained_bundle), "--settled", "100"]
    assert cli.main(["watch", str(folder), *arguments]) == 0
    assert (
        "1 file is not judged yet, as it was not seen unchanged for 100 s; the same command "
        "judges it\n" in capsys.readouterr().err
    )


def test_the_page_is_told_of_old_files_at_once_and_of_new_ones_as_they_grow(
    folder, whole, put, clock
):
    put(folder / "newer.abf", whole)
    put(folder / "older.abf", whole)
    os.utime(folder / "older.abf", (1e9, 1e9))
    live = LiveFolder(folder, clock)
    assert [(s.path.name, s.state) for s in live.poll()] == [
        ("older.abf", "settled"),
        ("newer.abf", "settled"),
    ]
    put(folder / "cell.abf", up_to(whole, 0.5))
    put(folder / "cell.nwb", b"half")
    (sighting,) = live.poll()
    assert (sighting.path.name, sighting.state) == ("cell.abf", "growing")
    assert sighting.sentence == "still growing, 803 kB so far"
    assert not live.poll()
    clock.now += 10
    assert [(s.path.name, s.state) for s in live.poll()] == [
        ("cell.abf", "settled"),
        ("cell.nwb", "settled"),
    ]
    assert not live.growing
    assert not live.poll()


def test_the_page_is_told_once_of_what_is_locked(folder, whole, put, clock, monkeypatch):
    put(folder / "cell.abf", whole)
    live = LiveFolder(folder, clock)
    locked = PermissionError(13, "Permission denied")
    monkeypatch.setattr(watch_module, "_refused", lambda path: locked)
    (sighting,) = live.poll()
    assert sighting.state == "not read"
    assert "could not be opened, and is tried again" in sighting.sentence
    clock.now += 10
    assert not live.poll()
    monkeypatch.setattr(watch_module, "_refused", lambda path: None)
    assert [sighting.state for sighting in live.poll()] == ["settled"]


def test_a_growing_file_is_opened_as_far_as_it_goes(trained_bundle, folder, whole, put):
    predictor = raphe.load_bundle(trained_bundle)
    path = folder / "cell.abf"
    put(path, up_to(whole, 0.5))
    with pytest.raises(RecordingError, match="the file is cut"):
        predictor.open_file(path, "cell.abf", {}, {})
    path.unlink()
    live = predictor.watch(folder, {})
    assert not live.poll()
    put(path, up_to(whole, 0.5))
    assert [sighting.state for sighting in live.poll()] == ["growing"]
    view = predictor.open_file(path, "cell.abf", {}, {}).view(None, Changes())
    assert view.sentences[0].startswith("The file is still growing")
    assert 0 < float(view.row["recorded (s)"]) < 20
    assert view.progress.startswith(f"{view.row['spikes']} spikes, ")
    assert ("not yet enough" in view.progress) == (view.row["enough spikes"] != "yes")

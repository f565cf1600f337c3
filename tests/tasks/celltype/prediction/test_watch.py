"""A folder in which recordings grow, finish and break, looked at with a clock of our own."""

import numpy as np
import pytest

from raphe.core.abf.header import BLOCK
from raphe.core.abf.writer import DATA, write_abf
from raphe.core.files.left_out import Failure
from raphe.tasks.celltype.prediction.cell_input import Reading
from raphe.tasks.celltype.prediction.judge import Judge
from raphe.tasks.celltype.prediction.watch import Watch

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


@pytest.fixture
def watch(trained_bundle, folder, clock):
    judge = Judge(trained_bundle)
    return Watch(folder, judge, Reading(judge.cut), settled_s=10.0, clock=clock)


@pytest.fixture
def put(clock):
    def write(path, content):
        """Write a file and let it be as old as the clock says."""
        path.write_bytes(content)
        clock.now = path.stat().st_mtime + 1

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
    clock.now += 10
    (news,) = watch.look()
    assert news.final
    assert isinstance(news.result, Failure)
    assert not list(watch.look())


def test_a_finished_file_that_grows_on_is_judged_anew(watch, folder, whole, put, clock):
    path = folder / "cell.abf"
    put(path, whole)
    clock.now += 10
    assert [news.final for news in watch.look()] == [True]
    put(path, whole + bytes(2))
    assert [news.final for news in watch.look()] == [False]


def test_one_bad_file_stops_no_other(watch, folder, whole, tmp_path, put, clock):
    put(folder / "a.abf", b"no recording")
    silent = write_abf(tmp_path / "b.abf", np.zeros(40_000), RATE_HZ, "pA")
    put(folder / "b.abf", silent.read_bytes())
    (folder / "notes.txt").write_text("x")
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

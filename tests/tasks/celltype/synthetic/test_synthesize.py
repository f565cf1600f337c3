"""Shards are the same however they are made, survive a kill, and tell what is wrong with them."""

import pickle
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections import namedtuple
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from raphe.core.errors import SettingError, StoreError
from raphe.core.files.store import open_store
from raphe.core.jobs.shares import Share, share_held
from raphe.core.statistics.splits import PARTS
from raphe.tasks.celltype.stores.open_spikes import check_spikes, open_spikes
from raphe.tasks.celltype.stores.spike_set import SYNTHETIC_NOTE
from raphe.tasks.celltype.stores.split import require_split, split_spikes
from raphe.tasks.celltype.synthetic.mask_store import open_masks
from raphe.tasks.celltype.synthetic.synthesize import synthesize
from raphe.tasks.celltype.synthetic.synthesizer import Recipe, Synthesizer
from waiting import HANG_S, wait_until


@pytest.fixture
def sources(make_spikes, make_masks):
    """Paths of a store and of masks that fit it."""
    return make_spikes(note="made up").path, make_masks().path


def make(sources, out: Path, **settings):
    """30 spikes of each class, in shards of 25, 25 and 10."""
    return synthesize(
        *sources, out, **{"per_class": 30, "shard_size": 25, "workers": 1, **settings}
    )


def contents(out: Path) -> dict[str, bytes]:
    files = (path for path in out.rglob("*") if path.is_file() and path.name != ".lock")
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


def times(out: Path) -> dict[str, int]:
    return {path.parent.name: path.stat().st_mtime_ns for path in out.glob("shard-*/spikes.npy")}


def test_the_store_opens_as_one_and_holds_what_online_making_gives(sources, tmp_path):
    report = make(sources, tmp_path / "out")
    assert report.new_shards == ["shard-00000", "shard-00001", "shard-00002"]
    assert (report.n_spikes, report.n_shards) == (60, 3)
    check_spikes(tmp_path / "out")
    originals, spikes = open_spikes(sources[0]), open_spikes(tmp_path / "out")
    online = Synthesizer(originals, open_masks(sources[1]), split_spikes(originals)).make(
        np.arange(60)
    )
    for opened in (spikes, pickle.loads(pickle.dumps(spikes))):
        rows = np.array([59, 0, 25, 24, 25, 50])
        np.testing.assert_array_equal(opened.read(rows), online.waveforms[rows])
        np.testing.assert_array_equal(opened.read(slice(None)), online.waveforms)
        np.testing.assert_array_equal(opened.trigger[rows], originals.trigger[online.parent[rows]])
        for name in ("label", "cell", "part"):
            np.testing.assert_array_equal(getattr(opened, name), getattr(online, name))
    assert spikes.cells == originals.cells
    assert (spikes.classes, spikes.rate_hz, spikes.unit) == (("SER", "NSER"), 40_000.0, "pA")
    assert spikes.note == f"{SYNTHETIC_NOTE} made up"
    assert report.per_part == {name: int((online.part == i).sum()) for i, name in enumerate(PARTS)}
    for name in ("parent", "mask", "offset"):
        stored = [open_store(tmp_path / "out" / shard).arrays[name] for shard in report.new_shards]
        np.testing.assert_array_equal(np.concatenate(stored), getattr(online, name))
    with pytest.raises(IndexError):
        spikes.read(np.array([60]))
    shard = open_spikes(tmp_path / "out" / "shard-00001")  # each shard is a store of its own
    np.testing.assert_array_equal(shard.read(slice(None)), online.waveforms[25:50])


def test_workers_change_no_byte_and_a_second_run_makes_nothing(sources, tmp_path):
    make(sources, tmp_path / "one")
    make(sources, tmp_path / "two", workers=2)
    whole = contents(tmp_path / "one")
    assert contents(tmp_path / "two") == whole
    before = times(tmp_path / "one")
    assert make(sources, tmp_path / "one").new_shards == []
    assert times(tmp_path / "one") == before
    assert contents(tmp_path / "one") == whole


def test_shares_joined_are_the_single_run_byte_for_byte(sources, tmp_path):
    make(sources, tmp_path / "one", shard_size=7)
    out = tmp_path / "out"
    reports = [make(sources, out, shard_size=7, share=Share(number, 4)) for number in (4, 2, 1)]
    assert reports[0].new_shards == ["shard-00003", "shard-00007"]
    assert (reports[0].n_spikes, sum(reports[0].per_part.values())) == (14, 14)
    with pytest.raises(StoreError, match="unfinished; run the same raphe synthesize command"):
        open_spikes(out)
    assert make(sources, out, shard_size=7, share=Share(2, 4)).new_shards == []
    joined = make(sources, out, shard_size=7)
    assert joined.new_shards == ["shard-00002", "shard-00006"]  # of the share that never ran
    assert contents(out) == contents(tmp_path / "one")
    assert make(sources, out, shard_size=7, share=Share(9, 9)).n_spikes == 4


def test_a_share_replaces_its_own_shards_alone(sources, tmp_path):
    out = tmp_path / "out"
    make(sources, out)
    with pytest.raises(StoreError, match=r"other smoothing, width, gain or seed.*--overwrite"):
        make(sources, out, recipe=Recipe(seed=7), share=Share(2, 3))
    before = times(out)
    other = {"recipe": Recipe(seed=7), "overwrite": True}
    assert make(sources, out, share=Share(2, 3), **other).new_shards == ["shard-00001"]
    after = times(out)
    kept = {name for name in before if after[name] == before[name]}
    assert kept == {"shard-00000", "shard-00002"}
    with pytest.raises(StoreError, match="unfinished"):
        open_spikes(out)
    make(sources, out, **other)
    make(sources, tmp_path / "fresh", recipe=Recipe(seed=7))
    assert contents(out) == contents(tmp_path / "fresh")


def test_shares_are_not_joined_while_one_is_at_work(sources, tmp_path):
    out = tmp_path / "out"
    make(sources, out, share=Share(1, 2))
    with ExitStack() as stack:
        share_held(out, Share(1, 2), stack)
        with pytest.raises(StoreError, match="share-1-of-2 is still at work there; wait"):
            make(sources, out)
        with pytest.raises(StoreError, match="another process is at work on share 1/2"):
            make(sources, out, share=Share(1, 2))
        make(sources, out, share=Share(2, 2))
    make(sources, out)


def test_the_size_of_shards_and_blocks_changes_no_spike(sources, tmp_path, monkeypatch):
    make(sources, tmp_path / "one")
    monkeypatch.setattr("raphe.tasks.celltype.synthetic.shards.WRITE_ROWS", 7)
    make(sources, tmp_path / "two", shard_size=1000)
    first, second = open_spikes(tmp_path / "one"), open_spikes(tmp_path / "two")
    np.testing.assert_array_equal(first.read(slice(None)), second.read(slice(None)))


# Held after four shards, in its workers too, so that the kill comes in the middle.
HELD = """
import sys, time
from pathlib import Path
from raphe.tasks.celltype.synthetic.synthesize import synthesize
from raphe.tasks.celltype.synthetic.synthesizer import Synthesizer

def held(self, index, make=Synthesizer.make):
    while index[0] >= 400 and Path(sys.argv[5]).exists():
        time.sleep(0.01)
    return make(self, index)

Synthesizer.make = held
if __name__ == "__main__":
    synthesize(*sys.argv[1:4], per_class=2_000, shard_size=100, workers=int(sys.argv[4]))
"""


def kill_after_four_shards(sources, out: Path, workers: int) -> None:
    """Returns when all of its processes have ended."""
    script, hold = out.with_name("run.py"), out.with_name("hold")
    script.write_text(HELD)
    hold.touch()
    arguments = [sys.executable, str(script), *map(str, sources), str(out), str(workers), str(hold)]
    run = subprocess.Popen(arguments, stdout=subprocess.PIPE)
    try:
        wait_until(lambda: len(list(out.glob("shard-*"))) == 4, run)
    finally:
        run.kill()
        run.wait()
        hold.unlink()
    run.communicate(timeout=HANG_S)  # its workers notice at their next block, and close its output
    assert run.returncode == -signal.SIGKILL


@pytest.mark.parametrize("workers", [1, 2])
def test_after_a_kill_the_same_command_makes_only_what_is_missing(sources, tmp_path, workers):
    out = tmp_path / "out"
    kill_after_four_shards(sources, out, workers)
    with pytest.raises(StoreError, match=r"unfinished; run the same raphe synthesize command"):
        open_spikes(out)
    there = times(out)
    assert len(there) == 4
    left = [path for path in out.iterdir() if path.name.endswith(".partial")]
    settings = {"per_class": 2_000, "shard_size": 100, "workers": workers}
    report = synthesize(*sources, out, **settings)
    assert sorted(report.new_shards) == [f"shard-{number:05d}" for number in range(4, 40)]
    after = times(out)
    assert {name: after[name] for name in there} == there
    assert not any(path.exists() for path in left)
    synthesize(*sources, tmp_path / "unbroken", **settings)
    unbroken = contents(tmp_path / "unbroken")
    resumed = contents(out)
    assert resumed.keys() == unbroken.keys()
    assert all(resumed[name] == unbroken[name] for name in unbroken)


def test_workers_end_with_the_run_that_was_killed(sources, tmp_path):
    """Else a second run would find orphans writing beside it."""
    out = tmp_path / "out"
    kill_after_four_shards(sources, out, workers=2)
    assert len(list(out.glob("shard-*"))) == 4
    assert not list(out.glob(".shard-*")), "a worker that hears of it takes its half shard away"


@pytest.mark.parametrize("harm", ["missing", "flipped", "short", "no manifest", "no array"])
def test_a_damaged_shard_is_named_and_only_it_is_made_anew(sources, tmp_path, harm):
    out = tmp_path / "out"
    make(sources, out)
    whole, before = contents(out), times(out)
    shard = out / "shard-00001"
    file = shard / "spikes.npy"
    if harm == "missing":
        shutil.rmtree(shard)
    elif harm == "flipped":
        data = bytearray(file.read_bytes())
        data[-3] ^= 1
        file.write_bytes(data)
    elif harm == "short":
        file.write_bytes(file.read_bytes()[:-4])
    elif harm == "no manifest":
        (shard / "manifest.json").unlink()
    else:
        file.unlink()
    with pytest.raises(StoreError, match=r"shard-00001.*run the same raphe synthesize command"):
        check_spikes(out)
    if harm != "flipped":  # opening does not read every byte
        with pytest.raises(StoreError, match=r"shard-00001.*run the same raphe synthesize"):
            open_spikes(out)
    assert make(sources, out).new_shards == ["shard-00001"]
    assert contents(out) == whole
    after = times(out)
    assert all(after[name] == before[name] for name in ("shard-00000", "shard-00002"))


def test_a_shard_of_another_synthesis_is_noticed_when_opening(sources, tmp_path):
    make(sources, tmp_path / "one")
    make(sources, tmp_path / "two", recipe=Recipe(seed=7))
    shutil.rmtree(tmp_path / "one" / "shard-00001")
    shutil.copytree(tmp_path / "two" / "shard-00001", tmp_path / "one" / "shard-00001")
    with pytest.raises(StoreError, match=r"shard-00001: is not the shard that .* finished with"):
        open_spikes(tmp_path / "one")


def test_one_that_was_killed_within_its_first_shard_goes_on(sources, tmp_path):
    out = tmp_path / "out"
    left = out / f".shard-00000.{socket.gethostname()}.{2**22 + 1}.7.0123abcd.partial"
    left.mkdir(parents=True)
    (left / "spikes.npy").write_bytes(b"half")
    (out / ".lock").touch()
    make(sources, out)
    assert not left.exists()


def test_too_small_a_disk_is_refused_before_anything_is_made(sources, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    per_spike, overhead = 16 * 4 + 1 + 4 + 8 + 1 + 8 + 4 + 4, 2**20
    needed = 60 * per_spike + 3 * overhead
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, needed - 1))
    with pytest.raises(
        StoreError, match=r"60 more synthetic spikes would take 3\.2 MB, .* has 3\.2 MB free; free"
    ):
        make(sources, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, needed))
    make(sources, tmp_path / "out")
    # What is whole needs no room, and what is damaged gives its own back.
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, 0))
    (tmp_path / "out" / "shard-00001" / "label.npy").write_bytes(b"")
    assert make(sources, tmp_path / "out").new_shards == ["shard-00001"]


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"recipe": Recipe(width=5)}, "other smoothing, width, gain or seed"),
        ({"seed": 7}, "other split settings"),
        ({"split": "day"}, "other split settings"),
        ({"shard_size": 20}, "has spikes 0 to 24, not those of this division"),
        ({"per_class": 25}, "shard-00002: is beyond the 50 spikes asked for"),
    ],
)
def test_shards_of_other_settings_stay_unless_overwriting_is_asked_for(
    sources, tmp_path, other, told
):
    out = tmp_path / "out"
    make(sources, out)
    whole = contents(out)
    with pytest.raises(StoreError, match=f"{told}.*--overwrite"):
        make(sources, out, **other)
    assert contents(out) == whole
    make(sources, out, overwrite=True, **other)
    make(sources, tmp_path / "fresh", **other)
    assert contents(out) == contents(tmp_path / "fresh")


@pytest.mark.parametrize("foreign", [0, 1])  # spikes that are no synthetic ones, masks
def test_another_store_in_the_place_of_a_shard_is_told_and_stays(sources, tmp_path, foreign):
    out = tmp_path / "out"
    make(sources, out, share=Share(1, 2))
    shutil.copytree(sources[foreign], out / "shard-00001")
    whole = contents(out)
    for more in ({}, {"overwrite": True}):
        with pytest.raises(StoreError, match="shard-00001: is no shard of synthetic spikes; move"):
            make(sources, out, **more)
    assert contents(out) == whole


@pytest.mark.parametrize("changed", ["waveforms", "mask"])
def test_shards_that_another_raphe_has_made_are_not_joined(sources, tmp_path, monkeypatch, changed):
    out = tmp_path / "out"

    def made_otherwise(self, index, make=Synthesizer.make):
        samples = make(self, index)
        return replace(samples, **{changed: getattr(samples, changed) + 1})

    with monkeypatch.context() as patch:
        patch.setattr(Synthesizer, "make", made_otherwise)
        make(sources, out, share=Share(2, 3))
    with pytest.raises(StoreError, match=r"shard-00001: holds other spikes .* remove it, and"):
        make(sources, out)
    shutil.rmtree(out / "shard-00001")
    assert make(sources, out).new_shards == ["shard-00001", "shard-00002"]


def test_a_shard_with_a_file_of_anothers_is_not_removed(sources, tmp_path):
    out = tmp_path / "out"
    make(sources, out)
    (out / "shard-00001" / "thesis.txt").write_text("years of work")
    whole = contents(out)
    with pytest.raises(StoreError, match=r"shard-00001: holds thesis\.txt, which raphe did not"):
        make(sources, out, overwrite=True, shard_size=20)
    assert contents(out) == whole


def test_more_spikes_keep_the_shards_that_are_whole(sources, tmp_path):
    make(sources, tmp_path / "out")
    report = make(sources, tmp_path / "out", per_class=40, overwrite=True)
    assert report.new_shards == ["shard-00002", "shard-00003"]


def test_a_changed_original_store_is_told(sources, tmp_path, make_spikes, make_masks):
    make(sources, tmp_path / "out")
    changed = make_spikes(per_cell=6, folder="changed").path
    with pytest.raises(StoreError, match=r"shard-00000: was made from other spikes .content hash"):
        make((changed, sources[1]), tmp_path / "out")
    with pytest.raises(StoreError, match=r"shard-00000: was made from other masks .content hash"):
        make((sources[0], make_masks(per_cell=5, folder="more").path), tmp_path / "out")


def test_training_for_another_split_or_store_is_refused(sources, tmp_path, make_spikes):
    make(sources, tmp_path / "out")
    synthetic, originals = open_spikes(tmp_path / "out"), open_spikes(sources[0])
    require_split(synthetic, split_spikes(originals), originals)
    with pytest.raises(StoreError, match=r"another split of .*kind cell there, day here"):
        require_split(synthetic, split_spikes(originals, "day"), originals)
    with pytest.raises(StoreError, match="seed 42 there, 1 here"):
        require_split(synthetic, split_spikes(originals, seed=1), originals)
    other = make_spikes(14, folder="other")
    with pytest.raises(StoreError, match=re.escape(f"other spikes than {other.path} holds now")):
        require_split(synthetic, split_spikes(other), other)
    with pytest.raises(
        StoreError, match="holds no synthetic spikes; make it with raphe synthesize"
    ):
        require_split(originals, split_spikes(originals), originals)


def test_a_spike_in_another_part_than_its_cell_is_refused(sources, tmp_path):
    make(sources, tmp_path / "out")
    parts = np.load(tmp_path / "out" / "shard-00001" / "part.npy", mmap_mode="r+")
    leaked = int(np.flatnonzero(parts == PARTS.index("test"))[0])
    parts[leaked] = PARTS.index("train")
    parts.flush()
    originals = open_spikes(sources[0])
    with pytest.raises(StoreError, match=rf"spike {25 + leaked} of cell c\d\d is not in the part"):
        require_split(open_spikes(tmp_path / "out"), split_spikes(originals), originals)


def test_two_at_once_foreign_folders_and_settings_are_refused(sources, tmp_path):
    (tmp_path / "busy").mkdir()
    with FileLock(tmp_path / "busy" / ".lock"), pytest.raises(StoreError, match="another raphe"):
        make(sources, tmp_path / "busy")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("")
    with pytest.raises(StoreError, match="holds no synthetic shards, so nothing is written"):
        make(sources, tmp_path / "mine", overwrite=True)
    for name in ("per_class", "shard_size", "workers"):
        with pytest.raises(SettingError, match=name):
            make(sources, tmp_path / "out", **{name: 0})
    assert not (tmp_path / "out").exists()


def test_a_failing_worker_ends_the_run_with_one_sentence(sources, tmp_path):
    out = tmp_path / "out"
    make(sources, out)
    (out / "manifest.json").unlink()
    shutil.rmtree(out / "shard-00001")
    (out / "shard-00001").write_text("a file where a folder belongs")
    with pytest.raises(StoreError, match="shard-00001"):
        make(sources, out, workers=2)
    assert (out / "shard-00002" / "manifest.json").exists()

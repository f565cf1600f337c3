"""Files are there whole, whoever writes them at once and whatever ends a writer."""

import errno
import os
import re
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from raphe.core.errors import StoreError
from raphe.core.files.atomic import FolderBuilder, open_whole, recover, write_file
from raphe.core.files.leavings import hidden_sibling, is_empty, sweep

N_WRITES = 200


def _write_again_and_again(path: Path, letter: str) -> None:
    for _ in range(N_WRITES):
        write_file(path, letter * 10_000)


def test_two_processes_write_one_path_and_each_file_is_whole(tmp_path):
    path = tmp_path / "verdicts.csv"
    processes = [
        get_context("spawn").Process(target=_write_again_and_again, args=(path, letter))
        for letter in "ab"
    ]
    for process in processes:
        process.start()
    contents = set()
    while any(process.is_alive() for process in processes):
        if path.exists():
            contents.add(path.read_text())
    assert [process.exitcode for process in processes] == [0, 0]
    assert contents <= {"a" * 10_000, "b" * 10_000}
    assert list(tmp_path.iterdir()) == [tmp_path / "verdicts.csv"]


def test_threads_of_one_process_do_not_meet_either(tmp_path):
    path = tmp_path / "state.json"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda letter: _write_again_and_again(path, letter), "abcdefgh"))
    assert list(tmp_path.iterdir()) == [tmp_path / "state.json"]


def test_text_is_utf_8_with_its_line_ends_as_they_are(tmp_path):
    write_file(tmp_path / "text", "µV\n\r\n")
    assert (tmp_path / "text").read_bytes() == "µV\n\r\n".encode()
    assert write_file(str(tmp_path / "bytes"), b"\x00\xff").read_bytes() == b"\x00\xff"


def test_a_body_that_fails_leaves_the_file_that_was_there(tmp_path):
    path = write_file(tmp_path / "x", "old")
    with pytest.raises(KeyError), open_whole(path) as file:
        file.write(b"half of the new")
        raise KeyError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [tmp_path / "x"]


def test_a_name_as_long_as_names_can_be_is_written(tmp_path):
    assert write_file(tmp_path / ("x" * 255), "text").read_text() == "text"


def test_what_the_system_refuses_is_told_with_the_path(tmp_path):
    place = tmp_path / "none" / "x"
    with pytest.raises(StoreError) as told:
        write_file(place, "text")
    assert str(told.value) == (
        f"{place}: could not be written: there is no folder {place.parent}; check the path, or "
        "make that folder"
    )
    with pytest.raises(StoreError, match="it is a folder where a file is expected"):
        write_file(tmp_path, "text")
    with pytest.raises(StoreError, match="/dev/full: is a device, not a file"):
        write_file("/dev/full", "text")
    assert Path("/dev/full").is_char_device()


@pytest.fixture
def full_disk(monkeypatch) -> None:
    """Nothing can be brought to the disk, nor closed while it holds what could not."""

    def refuse(_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_is_one_sentence_and_nothing_is_left(tmp_path):
    with pytest.raises(StoreError) as told:
        write_file(tmp_path / "x", "text")
    assert re.fullmatch(
        rf"the disk of {tmp_path}/x is full \([\d.]+ [kMGT]?B free\); free some room and run the "
        "same command again",
        str(told.value),
    )
    builder = FolderBuilder(tmp_path / "folder", "marker")
    with pytest.raises(StoreError, match=r"the disk of .*folder is full"), builder:
        (builder.folder / "marker").touch()
        builder.commit()
    assert list(tmp_path.iterdir()) == []


def test_an_error_while_writing_is_told_though_the_file_cannot_be_closed_either(tmp_path):
    with pytest.raises(StoreError, match="is full"), open_whole(tmp_path / "x") as file:
        held = file.write(b"held back")
        assert held
        file.close = refuse_to_close
        raise OSError(errno.EDQUOT, "Disk quota exceeded")
    assert list(tmp_path.iterdir()) == []


def refuse_to_close() -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_place_where_a_disk_is_mounted_cannot_be_replaced(tmp_path):
    with pytest.raises(StoreError, match=r"a disk is mounted there, .*; name a folder in it"):
        FolderBuilder("/proc", "marker")


def test_a_link_stays_one_and_its_target_is_replaced(tmp_path):
    write_file(tmp_path / "target", "old")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    write_file(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "new"


def test_a_folder_and_its_files_are_flushed_before_and_after_they_get_their_name(
    tmp_path, monkeypatch
):
    flushed = []
    sync = os.fsync

    def note(descriptor: int) -> None:
        is_named = (tmp_path / "folder").exists()
        flushed.append((is_named, str(Path(f"/proc/self/fd/{descriptor}").readlink())))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    with FolderBuilder(tmp_path / "folder", "marker") as builder:
        (builder.folder / "pages").mkdir()
        (builder.folder / "pages" / "a.html").touch()
        builder.commit()
    hidden = str(builder.folder)
    before = {path for is_named, path in flushed if not is_named}
    assert before == {hidden, f"{hidden}/pages", f"{hidden}/pages/a.html"}
    assert (True, str(tmp_path)) in flushed


def _left_by(process: int, start: int, host: str | None = None, name: str = "raphe-file") -> str:
    return f".{name}.{host or socket.gethostname()}.{process}.{start}.0123abcd.partial"


def test_what_a_killed_writer_left_is_removed_and_a_running_one_is_left_alone(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    own_start = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    running, elsewhere = _left_by(os.getpid(), own_start), _left_by(ended.pid, 7, "another-host")
    names = (_left_by(ended.pid, 7), _left_by(os.getpid(), own_start - 1), running, elsewhere)
    for name in names:  # the second: its number is now another process's
        (tmp_path / name).touch()
    write_file(tmp_path / "x", "text")
    assert {path.name for path in tmp_path.iterdir()} == {running, elsewhere, "x"}


def test_folders_that_a_killed_writer_was_filling_are_removed_too(tmp_path):
    half = tmp_path / _left_by(2**22 + 1, 7, name="store")
    (half / "sub").mkdir(parents=True)
    (half / "sub" / "x").touch()
    FolderBuilder(tmp_path / "store", "marker").__exit__()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_nothing_but_our_own_leavings_is_empty(tmp_path):
    assert is_empty(tmp_path)
    (tmp_path / ".lock").touch()
    (tmp_path / _left_by(2**22 + 1, 7, name="shard-00000")).mkdir()
    assert is_empty(tmp_path)
    sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]
    (tmp_path / ".git").mkdir()
    assert not is_empty(tmp_path)


@pytest.mark.parametrize("foreign", ["thesis.txt", "below/thesis.txt", "below/link"])
def test_a_folder_with_a_file_of_anothers_is_not_replaced(tmp_path, foreign):
    def write():
        own = {"marker", "below/part"}
        with FolderBuilder(tmp_path / "out", "marker", True, lambda path: own) as builder:
            (builder.folder / "below").mkdir()
            for name in own:
                (builder.folder / name).touch()
            builder.commit()

    write()
    (tmp_path / "out" / ".DS_Store").touch()  # which no person made
    write()
    file = tmp_path / "out" / foreign
    file.symlink_to(tmp_path) if file.name == "link" else file.write_text("years of work")
    with pytest.raises(StoreError, match=f"out: holds {foreign}, which raphe did not write there"):
        write()
    assert file.exists() and len(list(tmp_path.iterdir())) == 1


def test_what_comes_to_a_folder_while_its_replacement_is_made_is_kept(tmp_path):
    with FolderBuilder(tmp_path / "out", "marker", overwrite=True) as builder:
        (builder.folder / "marker").touch()
        (tmp_path / "out").mkdir()
        for name in ("marker", "thesis.txt"):
            (tmp_path / "out" / name).touch()
        with pytest.raises(StoreError, match=r"holds thesis\.txt, which raphe did not write"):
            builder.commit()
    assert (tmp_path / "out" / "thesis.txt").exists()


def test_a_folder_with_the_longest_of_names_is_replaced_and_put_back(tmp_path):
    path = tmp_path / ("x" * 255)
    for content in "ab":
        with FolderBuilder(path, "marker", overwrite=True) as builder:
            (builder.folder / "marker").write_text(content)
            builder.commit()
    assert (path / "marker").read_text() == "b"
    assert list(tmp_path.iterdir()) == [path]
    old = hidden_sibling(path, "old")
    path.rename(old.with_name(re.sub(r"\.\d+\.(\d+)\.", rf".{2**22 + 1}.\1.", old.name)))
    recover(path)
    assert list(tmp_path.iterdir()) == [path]

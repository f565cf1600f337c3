"""Files are there whole, whoever writes them at once and whatever ends a writer."""

import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from raphe.core.errors import StoreError
from raphe.core.files import atomic
from raphe.core.files.atomic import open_whole, write_file

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
    with pytest.raises(StoreError, match=r"none/x: could not be written: .*No such file"):
        write_file(tmp_path / "none" / "x", "text")


def test_what_a_killed_writer_left_is_removed_and_a_running_one_is_left_alone(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    host = socket.gethostname()
    left = tmp_path / f"{atomic.FILE_PREFIX}{host}.{ended.pid}.00.partial"
    running = tmp_path / f"{atomic.FILE_PREFIX}{host}.{os.getpid()}.00.partial"
    elsewhere = tmp_path / f"{atomic.FILE_PREFIX}another-host.{ended.pid}.00.partial"
    for file in (left, running, elsewhere):
        file.touch()
    write_file(tmp_path / "x", "text")
    assert sorted(tmp_path.iterdir()) == sorted([running, elsewhere, tmp_path / "x"])

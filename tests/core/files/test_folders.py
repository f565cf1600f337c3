"""A walk through a folder tells of everything that it does not take; nothing makes it wait."""

import os
import socket
from pathlib import Path

import pytest

from raphe.core.errors import RecordingError
from raphe.core.files.folders import file_in, list_files


def is_abf(path: Path) -> bool:
    return path.suffix.lower() == ".abf"


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "recordings"
    path.mkdir()
    (path / "whole.abf").touch()
    return path


@pytest.fixture
def unreadable(monkeypatch):
    """A folder that may not be listed, also for root, as whom containers run tests."""
    scandir, refused = os.scandir, set()

    def refusing(path):
        if Path(path) in refused:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    return refused.add


def left_out(folder: Path) -> dict[str, str]:
    """Reasons by the path below the folder; the whole file is taken in any case."""
    listing = list_files(folder, is_abf)
    assert folder / "whole.abf" in listing.files
    return {
        failure.path.relative_to(folder).as_posix(): failure.message for failure in listing.left_out
    }


def test_files_come_in_the_order_of_their_paths_without_hidden_ones_and_the_systems_own(folder):
    for name in ("b/c.ABF", "a.abf", ".hidden.abf", ".trash/d.abf", "__MACOSX/e.abf", "notes.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    listing = list_files(folder, is_abf)
    assert listing.files == [folder / "a.abf", folder / "b" / "c.ABF", folder / "whole.abf"]
    assert not listing.left_out
    assert list_files(folder, is_abf, below=False).files == [
        folder / "a.abf",
        folder / "whole.abf",
    ]


def test_a_folder_that_may_not_be_listed_is_told(folder, unreadable):
    (folder / "SER" / "day").mkdir(parents=True)
    unreadable(folder / "SER" / "day")
    assert left_out(folder) == {
        "SER/day": "this folder could not be listed (Permission denied)",
    }


def test_what_is_neither_a_file_nor_a_folder_is_told_and_never_opened(folder):
    os.mkfifo(folder / "pipe.abf")
    os.mkfifo(folder / "control")  # not looked for
    here = os.open(folder, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"/proc/self/fd/{here}/socket.abf")  # a short path: 108 bytes at most
    os.close(here)
    (folder / "empty.abf").mkdir()
    assert left_out(folder) == {
        "empty.abf": "expected a file, got a folder with none in it",
        "pipe.abf": "expected a file, got a pipe",
        "socket.abf": "expected a file, got a socket",
    }


def test_links_are_followed_once_and_those_to_nowhere_are_told(folder, tmp_path):
    elsewhere = tmp_path / "share"
    (elsewhere / "below").mkdir(parents=True)
    (elsewhere / "below" / "far.abf").touch()
    (folder / "SER").symlink_to(elsewhere)
    (folder / "again").symlink_to(elsewhere / "below")
    (elsewhere / "back").symlink_to(folder)
    (folder / "up").symlink_to(tmp_path)
    (folder / "gone").symlink_to(tmp_path / "unmounted")
    (folder / "loop.abf").symlink_to("loop.abf")
    reasons = left_out(folder)
    assert folder / "SER" / "below" / "far.abf" in list_files(folder, is_abf).files
    assert "where its files are taken" in reasons.pop("again")
    assert "where its files are taken" in reasons.pop("SER/back")
    assert "in which it lies itself" in reasons.pop("up")
    assert "is a link that leads to no file" in reasons.pop("gone")
    assert "is a link that leads to no file" in reasons.pop("loop.abf")
    assert not reasons


def test_a_name_that_is_not_utf_8_costs_that_file_alone(folder):
    for name in (b"caf\xe9.abf", b"caf\xe9.txt"):
        (folder / os.fsdecode(name)).touch()
    (folder / os.fsdecode(b"d\xe9j\xe0")).mkdir()
    failures = list_files(folder, is_abf).left_out
    assert [str(failure).removeprefix(f"{folder}/") for failure in failures] == [
        "caf\\xe9.abf: its name is not UTF-8; rename it",
        "d\\xe9j\\xe0: its name is not UTF-8; rename it",
    ]


def test_a_file_that_vanishes_while_its_folder_is_listed_is_told(folder, monkeypatch):
    scandir = os.scandir
    (folder / "gone.abf").symlink_to("whole.abf")

    class Vanishing:
        def __init__(self, path):
            self.entries = scandir(path)

        def __enter__(self):
            entries = list(self.entries)
            (folder / "gone.abf").unlink(missing_ok=True)
            return iter(entries)

        def __exit__(self, *_):
            self.entries.close()

    monkeypatch.setattr(os, "scandir", Vanishing)
    assert left_out(folder) == {"gone.abf": "vanished while the folder was listed"}


def test_a_table_is_found_whatever_its_case_and_never_taken_as_absent(folder):
    assert file_in(folder, "cells.csv", RecordingError) is None
    (folder / "Cells.CSV").touch()
    assert file_in(folder, "cells.csv", RecordingError) == folder / "Cells.CSV"
    (folder / "cells.csv").touch()
    with pytest.raises(RecordingError, match="one name but for the case"):
        file_in(folder, "cells.csv", RecordingError)


@pytest.mark.parametrize("kind", ["a link", "a pipe", "a folder"])
def test_a_table_that_is_no_file_is_refused(folder, kind):
    path = folder / "cells.csv"
    {
        "a link": lambda: path.symlink_to("gone.csv"),
        "a pipe": lambda: os.mkfifo(path),
        "a folder": path.mkdir,
    }[kind]()
    with pytest.raises(RecordingError, match=kind):
        file_in(folder, "cells.csv", RecordingError)


def test_what_is_no_folder_is_told_by_what_it_is(tmp_path):
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    for name in ("file", "pipe"):
        (failure,) = list_files(tmp_path / name, lambda path: True).left_out
        assert failure.message == f"expected a folder, got a {name}"

"""An error of the disk is one sentence that names the path."""

import errno
import sys
from pathlib import Path

import pytest

from raphe.core.errors import SettingError, StoreError
from raphe.core.files import refusals
from raphe.harness.start.explain import user_line


def test_a_folder_that_cannot_be_made() -> None:
    with pytest.raises(FileNotFoundError) as failed:
        Path("/proc/nothere").mkdir(parents=True)
    assert user_line(failed.value) == (
        "/proc/nothere: could not be used: there is no such file or folder; check the path"
    )


def test_a_folder_that_cannot_be_written_to() -> None:
    assert user_line(OSError(errno.EACCES, "why", "folder")) == (
        "folder: could not be used: permission is denied; choose a place that is yours, or ask for "
        "access"
    )


def test_a_full_disk_is_told_by_the_place_that_the_arguments_name(tmp_path, monkeypatch) -> None:
    full = tmp_path / "runs"
    monkeypatch.setattr(sys, "argv", ["train.py", f"runs_root={full}", "seed=3"])
    room = {full: 0, Path("3"): 10**9}
    monkeypatch.setattr(refusals, "free_bytes", lambda place: room.get(Path(place), 10**9))
    told = f"the disk of {full} is full (0 B free); free some room and run the same command again"
    assert user_line(OSError(errno.ENOSPC, "No space left on device")) == told
    assert user_line(OSError("Can't write data (errno = 28, error message = 'No space')")) == told
    stopped = SettingError("tracking stopped answering (database or disk is full)")
    assert user_line(stopped) == told
    assert user_line(StoreError("the disk of here is full (0 B free)")).startswith(
        "the disk of here"
    )


def test_an_error_without_a_number_and_a_file_is_a_defect_of_ours() -> None:
    assert user_line(OSError("why")) is None
    assert user_line(OSError(errno.EIO, "why")).startswith(
        "a file could not be used: the disk fail"
    )


def test_what_a_server_answers_is_told_without_its_password() -> None:
    from mlflow.exceptions import MlflowException

    refused = MlflowException("API request to http://me:SECRET@host/api failed\nmore\nlines")
    assert user_line(refused) == (
        "tracking: API request to http://***@host/api failed; see to it and run the same command "
        "again to go on"
    )

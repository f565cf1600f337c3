"""An error of the disk is one sentence that names the path."""

import errno
from pathlib import Path

import pytest

from raphe.harness.start.explain import user_line


def test_a_folder_that_cannot_be_made() -> None:
    with pytest.raises(FileNotFoundError) as failed:
        Path("/proc/nothere").mkdir(parents=True)
    assert user_line(failed.value) == (
        "/proc/nothere: No such file or directory; check that the path is there and can be read "
        "or written"
    )


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOSPC, errno.ENOTDIR])
def test_a_folder_that_cannot_be_written_to(number: int) -> None:
    line = user_line(OSError(number, "why", "folder"))
    assert line == "folder: why; name a folder that can be written to"


def test_an_error_that_names_no_file_is_a_defect_of_ours() -> None:
    assert user_line(OSError(errno.EIO, "why")) is None

"""What is prepared has a name that its making decides, and is made by one process at a time."""

import os
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from raphe.core.errors import RecordingError, StoreError
from raphe.core.files.prepared import digest, existing_store, files_of, preparing


def test_a_digest_tells_facts_apart_and_not_their_order_in_a_mapping():
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert len({digest(1), digest(2), digest(1, 2), digest([1, 2]), digest("1")}) == 5


def test_a_store_that_is_not_there_is_told_with_the_remedy(tmp_path: Path):
    assert existing_store(str(tmp_path), "make one") == tmp_path
    with pytest.raises(StoreError, match=r"data\.store=.*none: no such store; make one"):
        existing_store(tmp_path / "none", "make one")


def test_one_process_prepares_at_a_time(tmp_path: Path):
    with preparing(tmp_path / "new" / "folder") as folder:
        assert folder == tmp_path / "new" / "folder"
        with pytest.raises(Timeout):
            FileLock(folder / ".lock").acquire(timeout=0)
    FileLock(folder / ".lock").acquire(timeout=0)


def test_files_are_told_by_name_size_and_time(tmp_path: Path):
    recordings = tmp_path / "recordings"
    (recordings / "SER").mkdir(parents=True)
    (recordings / "a.csv").write_text("1")
    (recordings / "SER" / "b.abf").write_text("22")
    before = files_of(recordings, below=True)
    assert [(Path(name).name, size) for name, size, _ in before] == [("b.abf", 2), ("a.csv", 1)]
    assert [Path(name).name for name, *_ in files_of(recordings)] == ["a.csv"]
    os.utime(recordings / "a.csv", ns=(0, 0))
    assert digest(files_of(recordings, below=True)) != digest(before)
    with pytest.raises(RecordingError, match=r"prepare\.recordings=.*a\.csv: expected a folder"):
        files_of(recordings / "a.csv")

"""Files go on where a call was interrupted or killed, and never mix two calls' items."""

from pathlib import Path

import pytest

from raphe.core.errors import StoreError
from raphe.tasks.calcium.prediction.growing_files import NOTED_EVERY, GrowingFiles

BEGIN = {"a": b"head", "b": b""}


def item(n: int) -> dict[str, bytes]:
    return {"a": b"%04d" % n, "b": b"x" * (n % 3)}


def test_a_killed_call_is_gone_on_with_from_its_last_note(tmp_path: Path) -> None:
    files = GrowingFiles(tmp_path, "one", BEGIN)
    for n in range(NOTED_EVERY + 5):
        files.append(item(n))
    for name, file in files._files.items():  # what a killed process leaves: half an item
        file.write(b"half")
        file.flush()
        assert (tmp_path / name).stat().st_size
    files._lock.release()
    again = GrowingFiles(tmp_path, "one", BEGIN)
    assert again.done == NOTED_EVERY
    for n in range(NOTED_EVERY, 100):
        again.append(item(n))
    again.note()
    again.close()
    for name, begin in BEGIN.items():
        assert (tmp_path / name).read_bytes() == begin + b"".join(item(n)[name] for n in range(100))


def test_an_interrupted_call_loses_nothing(tmp_path: Path) -> None:
    files = GrowingFiles(tmp_path, "one", BEGIN)
    files.append(item(0))
    files.note()
    files.close()
    assert GrowingFiles(tmp_path, "one", BEGIN).done == 1


def test_items_of_another_identity_are_not_gone_on_with(tmp_path: Path) -> None:
    files = GrowingFiles(tmp_path, "one", BEGIN)
    files.append(item(0))
    files.note()
    files.close()
    with pytest.raises(StoreError, match=r"an earlier call left 1 done, .* pass --overwrite"):
        GrowingFiles(tmp_path, "other", BEGIN)
    anew = GrowingFiles(tmp_path, "other", BEGIN, anew=True)
    assert anew.done == 0 and (tmp_path / "a").read_bytes() == b"head"


def test_a_folder_that_lost_bytes_is_begun_anew(tmp_path: Path) -> None:
    files = GrowingFiles(tmp_path, "one", BEGIN)
    files.append(item(1))
    files.note()
    files.close()
    (tmp_path / "a").write_bytes(b"he")
    assert GrowingFiles(tmp_path, "one", BEGIN).done == 0


def test_two_calls_at_once_do_not_mix(tmp_path: Path) -> None:
    first = GrowingFiles(tmp_path, "one", BEGIN)
    with pytest.raises(StoreError, match="another call is writing there"):
        GrowingFiles(tmp_path, "one", BEGIN)
    first.close()
    GrowingFiles(tmp_path, "one", BEGIN).close()

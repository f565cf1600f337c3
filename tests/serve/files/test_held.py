"""How much is held: whatever was not asked for longest gives way, what is in use stays."""

import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from http_caller import Caller, answering
from raphe.serve.limits import Limits
from serve.toy_predictor import Toy
from waiting import until

BIG = 10**9  # bytes that a toy's big file says to take


def opened(caller: Caller, text: str = "1 9 8 7") -> str:
    answer = caller.post("/files?name=a.txt", text.encode())
    assert answer.status == 201
    return f"/files/{answer.json['id']}"


def statuses(caller: Caller, paths: list[str]) -> list[int]:
    return [caller.get(path).status for path in paths]


def test_of_too_many_the_one_unused_longest_gives_way(toy: Toy) -> None:
    with answering(toy, Limits(held_files=3)) as caller:
        paths = [opened(caller) for _ in range(3)]
        assert caller.get(paths[0]).status == 200  # the second was not asked for longest
        paths.append(opened(caller))
        assert statuses(caller, paths) == [200, 404, 200, 200]


def test_of_too_many_bytes_some_give_way(toy: Toy) -> None:
    with answering(toy, Limits(held_bytes=int(2.5 * BIG))) as caller:
        paths = [opened(caller, "big 1 9"), opened(caller), opened(caller, "big 1 9")]
        paths.append(opened(caller, "big 1 9"))
        assert statuses(caller, paths) == [404, 200, 200, 200]


def test_what_alone_takes_too_much_is_refused_and_drives_no_other_out(toy: Toy) -> None:
    with answering(toy, Limits(held_bytes=BIG - 1)) as caller:
        path = opened(caller)
        answer = caller.post("/files?name=a.txt", b"big 1 9")
        assert answer.status == 413
        assert answer.sentence.startswith("this file takes 1.0 GB to hold, more than the 1.0 GB")
        assert caller.get(path).status == 200


def test_what_lies_on_the_disk_and_what_was_decided_count_too(toy: Toy) -> None:
    with answering(toy, Limits(held_bytes=25_000)) as caller:
        first = opened(caller, f"current {'1 ' * 5000}")  # its file is kept for the second
        assert caller.get(first).status == 200
        second = opened(caller, "1 9 8 7")
        caller.put_json(f"{second}/changes", {"rejected": list(range(200))})
        assert statuses(caller, [first, second]) == [404, 200]


def test_what_nobody_asks_for_is_removed_in_time(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("raphe.serve.app.TIDY_S", 0.02)
    ahead_s = [0.0]
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + ahead_s[0])
    monkeypatch.setattr("raphe.serve.files.held.time", clock)
    with answering(toy, Limits(held_s=3600)) as caller:
        path, unused = opened(caller), opened(caller, "current 1 9")
        assert any(file.is_file() for file in tmp_path.rglob("*"))
        ahead_s[0] = 1800
        assert caller.get(path).status == 200
        ahead_s[0] = 4000
        until(lambda: not any(file.is_file() for file in tmp_path.rglob("*")))
        assert statuses(caller, [path, unused]) == [200, 404]


def test_a_file_is_its_senders_alone(toy: Toy) -> None:
    """Two files of one name and contents are two; what one decides changes nothing of the other."""
    with answering(toy, Limits()) as caller:
        one, other = opened(caller), opened(caller)
        assert one != other
        caller.put_json(f"{one}/changes", {"threshold": 8.5})
        assert caller.get(one).json["view"]["headline"] == "not sure"
        assert caller.get(other).json["view"]["headline"] == "many"
        caller.delete(one)
        assert caller.get(other).status == 200

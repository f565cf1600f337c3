"""States on disk: read anew only where they may have changed."""

from dataclasses import replace
from pathlib import Path

import pytest

from raphe.harness.sweeps import states
from raphe.harness.sweeps.states import MemberState, States, write_finished, write_state

RUNNING = MemberState("k=1", "RUNNING", 1, 9)


@pytest.fixture
def n_read(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that are read."""
    read: list[Path] = []
    of_file = states.read_state
    monkeypatch.setattr(states, "read_state", lambda file: read.append(file) or of_file(file))
    return read


def test_what_has_ended_is_read_once(tmp_path: Path, n_read: list[Path]) -> None:
    for number in range(20):
        write_state(tmp_path, number, replace(RUNNING, label=f"k={number}", status="FINISHED"))
    write_state(tmp_path, 20, RUNNING)
    (tmp_path / "21").mkdir()  # begun, without a state
    (tmp_path / ".hydra").mkdir()
    seen = States(tmp_path)
    assert len(seen.by_number()) == len(n_read) == 21
    assert len(seen.by_number()) == 21 and len(n_read) == 21
    write_state(tmp_path, 20, replace(RUNNING, epoch=2))
    assert seen.by_number()[20].epoch == 2 and len(n_read) == 22


def test_a_member_that_was_given_up_may_come_back(tmp_path: Path) -> None:
    seen = States(tmp_path)
    assert seen.all() == []
    write_state(tmp_path, 0, replace(RUNNING, status="FAILED"))
    assert seen.by_number()[0].status == "FAILED"
    write_state(tmp_path, 0, replace(RUNNING, status="FINISHED"))
    assert seen.by_number()[0].status == "FINISHED"


def test_what_an_earlier_call_finished_comes_first(tmp_path: Path) -> None:
    before = replace(RUNNING, status="SKIPPED", label="k=0")
    write_finished(tmp_path, [before])
    write_state(tmp_path, 0, RUNNING)
    assert States(tmp_path).all() == [before, RUNNING]
    assert list(States(tmp_path).by_number()) == [0]

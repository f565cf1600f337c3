"""How far a sweep is said to be, from the states of its members."""

from pathlib import Path

import pytest

from raphe.harness.sweeps.bar import SweepBar, SweepProgress
from raphe.harness.sweeps.states import MemberState
from waiting import until

FINISHED = MemberState("k=1", "FINISHED", metric="val/loss", value=0.25, run_id="a")
SKIPPED = MemberState("k=2", "SKIPPED", metric="val/loss", value=0.5, run_id="b")
HALF = MemberState("k=3", "RUNNING", 5, 10, "val/loss", 0.41234)


def test_what_is_left_is_estimated_within_the_first_member() -> None:
    progress = SweepProgress([HALF], n_members=2, elapsed_s=20.0)
    assert progress.share == 0.25
    assert progress.times == ", 20 s so far, about 1 min left"
    assert progress.at_work == "k=3 epoch 5/10, val/loss 0.412"


def test_what_an_earlier_call_finished_makes_the_rest_no_quicker() -> None:
    progress = SweepProgress([SKIPPED, FINISHED, HALF], n_members=4, elapsed_s=30.0)
    assert progress.share == 0.5  # of the three that this call trains, one and a half
    assert progress.times == ", 30 s so far, about 30 s left"
    assert SweepProgress([SKIPPED], n_members=1, elapsed_s=3.0).times == ", 3 s so far"


def test_a_member_that_failed_makes_the_rest_no_quicker() -> None:
    failed = MemberState("k=4", "FAILED", error="of another shape")
    progress = SweepProgress([failed, FINISHED, HALF], n_members=4, elapsed_s=30.0)
    assert progress.share == 0.5 and progress.times == ", 30 s so far, about 30 s left"
    assert SweepProgress([failed], n_members=1, elapsed_s=3.0).times == ", 3 s so far"


def test_of_many_at_work_two_are_named() -> None:
    states = [MemberState(f"k={k}", "RUNNING", 1, 9) for k in range(5)]
    assert SweepProgress(states, 5, 1.0).at_work == "k=0 epoch 1/9; k=1 epoch 1/9; 3 more"


def test_a_log_has_a_line_for_each_end_and_from_time_to_time(
    tmp_path: Path, capfd: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("raphe.harness.sweeps.bar.POLL_S", 0.01)
    monkeypatch.setattr("raphe.harness.sweeps.bar.EVERY_S", 0.02)
    monkeypatch.setattr(
        "raphe.harness.sweeps.bar.States.all", lambda states: [SKIPPED, FINISHED, HALF]
    )
    told: list[str] = []
    with SweepBar(tmp_path, 4, "cross-validation").shown():
        until(lambda: told.append(capfd.readouterr().err) or "".join(told).count("\n") > 2)
    first, second, third, *_ = "".join(told).splitlines()
    assert first == "cross-validation: 1 of 4: k=2 had finished before, val/loss 0.500, 0 s so far"
    assert second.startswith("cross-validation: 2 of 4: k=1 finished, val/loss 0.250, ")
    assert third.startswith("cross-validation: 2 of 4 done: k=3 epoch 5/10, val/loss 0.412, ")


def test_nobody_knows_how_long_a_sweep_takes_whose_members_announce_themselves() -> None:
    begun = MemberState("k=9", "RUNNING")
    progress = SweepProgress([FINISHED, begun], None, 30.0)
    assert progress.share is None and progress.times == ", 30 s so far"
    assert progress.at_work == "k=9 begins"

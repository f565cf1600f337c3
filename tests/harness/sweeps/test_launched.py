"""A sweep that was left to a cluster, told by what its members and SLURM say of it."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from omegaconf import OmegaConf

from raphe.harness.settings.configuration import keep_own_folder, own_folder
from raphe.harness.slurm.queue import Queued, SlurmError
from raphe.harness.sweeps import launched
from raphe.harness.sweeps.finding import FoundSweep
from raphe.harness.sweeps.parent import JOBS_TAG
from raphe.harness.sweeps.plan import SweepPlan
from raphe.harness.sweeps.states import MemberState
from raphe.harness.tracking import SWEEP_TAG

LABELS = [f"model.degree={degree}" for degree in (1, 2, 3)]


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> FoundSweep:
    """Three members: one that has finished, two at work as far as they have said."""
    plan = SweepPlan("run", {"model.degree": ["1", "2", "3"]}, 1, launched=LABELS)
    states = [
        MemberState(label, status, epoch=1, n_epochs=3)
        for label, status in zip(LABELS, ("FINISHED", "RUNNING", "RUNNING"), strict=True)
    ]
    monkeypatch.setattr(launched, "_plan", lambda *_: plan)
    monkeypatch.setattr(launched, "_states", lambda *_: states)
    tags = {SWEEP_TAG: "key", JOBS_TAG: "12:0:3"}
    run: Any = SimpleNamespace(run_id="run", name="sweep", status="RUNNING", tags=tags)
    tracker: Any = SimpleNamespace(options=[])
    return FoundSweep(tracker, run)


def test_who_is_at_work_without_a_job_is_not_told_to_be(found: FoundSweep, monkeypatch) -> None:
    monkeypatch.setattr(launched, "queued", lambda _: {"12_1": Queued("RUNNING", "None")})
    told = launched.status(found)
    assert "3 members, 1 finished, 1 at work and 1 whose job is gone" in told
    assert "model.degree=2 epoch 1/3" in told and "model.degree=3" not in told


def test_where_slurm_cannot_be_asked_members_are_what_they_said(found, monkeypatch) -> None:
    def silent(_: object) -> dict[str, Queued]:
        raise SlurmError("squeue: there is no such command here")

    monkeypatch.setattr(launched, "queued", silent)
    told = launched.status(found)
    assert "1 finished and 2 at work" in told and "there is no such command" in told


def test_settings_of_a_record_know_the_folder_of_a_task_of_ones_own(tmp_path: Path) -> None:
    config = OmegaConf.create({"data_root": "data"})
    OmegaConf.set_struct(config, True)
    keep_own_folder(config, tmp_path)
    assert own_folder(config) == tmp_path

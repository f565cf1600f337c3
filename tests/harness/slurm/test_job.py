"""When a job's time is over: put back, or ended where more of the same would not help."""

from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

pytest.importorskip("submitit")

from raphe.core.errors import SettingError
from raphe.harness.launchers.member_job import MemberJob
from raphe.harness.slurm import job as jobs
from raphe.harness.slurm.job import SlurmJob
from raphe.harness.sweeps.states import MemberState, write_state

MEMBER = ([], 0)  # its overrides and number


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SlurmJob:
    monkeypatch.setattr(jobs, "_ran_s", lambda: 60 * 10 - 120)
    launcher = {"timeout_min": 10, "notice_s": 120, "max_requeues": 2}
    config = OmegaConf.create({"hydra": {"launcher": launcher, "sweep": {"dir": str(tmp_path)}}})
    unused: Any = None
    return SlurmJob(MemberJob(unused, config, unused, {}))


def put_back(job: SlurmJob, folder: Path, epoch: int | None) -> SlurmJob:
    if epoch is not None:
        write_state(folder, 0, MemberState("model.degree=1", "RUNNING", epoch=epoch, n_epochs=9))
    return job.checkpoint(*MEMBER).function


def test_a_time_limit_shorter_than_an_epoch_ends_the_member(job: SlurmJob, tmp_path: Path) -> None:
    job = put_back(job, tmp_path, epoch=None)
    with pytest.raises(SettingError, match=r"timeout_min=10: 2 jobs in a row ended no epoch"):
        put_back(job, tmp_path, epoch=0)


def test_a_member_that_goes_on_is_put_back_as_often_as_it_may(
    job: SlurmJob, tmp_path: Path
) -> None:
    job = put_back(put_back(job, tmp_path, epoch=0), tmp_path, epoch=1)
    with pytest.raises(SettingError, match=r"max_requeues=2: .* once more, after epoch 3;"):
        put_back(job, tmp_path, epoch=3)


def test_a_job_that_is_preempted_may_be_so_for_ever(
    job: SlurmJob, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(jobs, "_ran_s", lambda: 60.0)
    for _ in range(5):
        assert put_back(job, tmp_path, epoch=0) == job

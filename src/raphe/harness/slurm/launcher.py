"""Launch a sweep's members as jobs of SLURM's, wait for them, and cancel them where one ends it.

submitit writes the jobs, and puts one whose time is over back into the queue: SLURM sends USR2
before, the member ends, and goes on from its last epoch when its turn comes again.
"""

from collections.abc import Sequence
from typing import Any

from hydra.core.utils import JobReturn

from raphe.core.ending import uninterrupted
from raphe.harness.launchers.member_job import results_of
from raphe.harness.slurm.job import SlurmJob
from raphe.harness.slurm.submission import cancelled_unless_done, executor_of, submit
from raphe.harness.slurm.waiting import LOGS, wait
from raphe.harness.sweeps.callback import SweepCallback

LAUNCHER = "hydra.launcher"


def launch(
    job: SlurmJob,
    job_overrides: Sequence[Sequence[str]],
    first: int,
    *,
    array_parallelism: int,
    detach: bool,
    poll_s: float,
    **of_jobs: Any,
) -> list[JobReturn]:
    """Submit the members, from number `first` on, and wait until they have ended.

    The settings are explained in conf/hydra/launcher/slurm.yaml; `of_jobs` are those of
    `executor_of`. Raises SettingError where SLURM does not take the jobs.
    """
    parent = SweepCallback.running()
    executor = executor_of(parent.folder / LOGS, **of_jobs)
    numbers = range(first, first + len(job_overrides))
    members = [
        (list(overrides), number) for overrides, number in zip(job_overrides, numbers, strict=True)
    ]
    with uninterrupted():
        arrays, _ = submit(executor, job, members, first, array_parallelism, LAUNCHER)
        with cancelled_unless_done(arrays):
            parent.submitted(arrays, job_overrides)
    if detach:
        return results_of(numbers, {})
    with cancelled_unless_done(arrays):
        wait(parent, arrays, poll_s)
    return results_of(numbers, parent.values)

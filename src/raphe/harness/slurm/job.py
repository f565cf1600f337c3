"""What a job of SLURM's runs on its node: one member of a sweep."""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
from submitit import JobEnvironment
from submitit.helpers import DelayedSubmission

from raphe.core.ending import interrupted, interruptible
from raphe.core.errors import SettingError
from raphe.harness.launchers.member_job import MemberJob
from raphe.harness.slurm.queue import require_server_on_node
from raphe.harness.sweeps.states import STATE_FILE, read_state

EARLY_S = 60.0  # by which SLURM, which looks once a minute, may tell a job before it was to
MOST_IN_VAIN = 2  # jobs in a row that were given all their time and ended no epoch


@dataclass(frozen=True)
class SlurmJob:
    """Pickled where the sweep is launched, called on the node; put back into the queue where its
    time is over, and called again."""

    member: MemberJob
    n_over: int = 0  # how often its time was over …
    n_in_vain: int = 0  # … in a row, without another epoch than this that it had ended
    epoch: int = 0

    def __call__(self, overrides: Sequence[str], number: int) -> None:
        config = self.member.compose(overrides, number, JobEnvironment().job_id)
        require_server_on_node(config.tracking.uri)
        try:
            with interruptible():
                self.member.run(config)
        except KeyboardInterrupt as interruption:  # cancelled, preempted or put back
            sys.exit(interrupted(interruption))

    def checkpoint(self, overrides: Sequence[str], number: int) -> DelayedSubmission:
        """What submitit puts back into the queue: the member finds its own checkpoint.

        Raises SettingError, which ends the member, where more jobs like this one would not help.
        """
        hydra = self.member.config.hydra
        launcher = hydra.launcher
        time_s = 60 * launcher.timeout_min
        if _ran_s() < time_s - launcher.notice_s - EARLY_S:  # preempted, or by hand
            return DelayedSubmission(self, overrides, number)
        epoch = max(self.epoch, _epoch(Path(hydra.sweep.dir) / str(number)))
        n_in_vain = 0 if epoch > self.epoch else self.n_in_vain + 1
        if n_in_vain == MOST_IN_VAIN:
            raise SettingError(
                f"hydra.launcher.timeout_min={launcher.timeout_min}: {n_in_vain} jobs in a row "
                f"ended no epoch in that time, each beginning again after epoch {epoch}; give it "
                "more"
            )
        if self.n_over == launcher.max_requeues:
            raise SettingError(
                f"hydra.launcher.max_requeues={launcher.max_requeues}: its time was over once "
                f"more, after epoch {epoch}; the same command again goes on from there, and "
                "hydra.launcher.timeout_min gives it more"
            )
        job = replace(self, n_over=self.n_over + 1, n_in_vain=n_in_vain, epoch=epoch)
        return DelayedSubmission(job, overrides, number)


def _ran_s() -> float:
    """How long this job has been at work."""
    return time.time() - psutil.Process().create_time()


def _epoch(folder: Path) -> int:
    """The last epoch that a member has ended, from 1; 0 of none."""
    file = folder / STATE_FILE
    return read_state(file).epoch if file.exists() else 0

"""What a job of SLURM's runs on its node: one member of a sweep."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from submitit import JobEnvironment
from submitit.helpers import DelayedSubmission

from raphe.core.ending import interrupted, interruptible
from raphe.harness.launchers.member_job import MemberJob
from raphe.harness.slurm.queue import require_server_on_node


@dataclass(frozen=True)
class SlurmJob:
    """Pickled where the sweep is launched, called on the node; put back into the queue where its
    time is over, and called again."""

    member: MemberJob

    def __call__(self, overrides: Sequence[str], number: int) -> None:
        config = self.member.compose(overrides, number, JobEnvironment().job_id)
        require_server_on_node(config.tracking.uri)
        try:
            with interruptible():
                self.member.run(config)
        except KeyboardInterrupt as interruption:  # cancelled, preempted or put back
            sys.exit(interrupted(interruption))

    def checkpoint(self, *arguments: Any) -> DelayedSubmission:
        """What submitit puts back into the queue: the member finds its own checkpoint."""
        return DelayedSubmission(self, *arguments)

"""Wait for members that are jobs of SLURM's, and tell of those that are gone without a word."""

import itertools
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from raphe.core.sentences import counted, printable
from raphe.harness.slurm.job_log import said_last
from raphe.harness.slurm.queue import JobArray, Queued, SlurmError, end_of, jobs_of, queued

if TYPE_CHECKING:  # loads MLflow
    from raphe.harness.sweeps.parent import SweepParent

LOGS = ".submitit"  # of a sweep's folder
MISSED = 3  # looks at the queue in a row: a state reaches a shared disk late
USUAL = {"None", "Resources", "Priority", "BeginTime", "JobArrayTaskLimit", "Dependency"}

HELD = re.compile(r"held", re.IGNORECASE)
# Reasons, in SLURM's words, that no other job's end takes away.
FOR_GOOD = re.compile(
    r"^(Partition(Config|TimeLimit|NodeLimit)|BadConstraints|DependencyNeverSatisfied"
    r"|Invalid(Account|QOS)|(Account|QOS)NotAllowed|\w+PerJob\w*)$"
)


class Watch:
    """The jobs of members that have not ended, as SLURM's queue has them."""

    def __init__(self, arrays: Sequence[JobArray]) -> None:
        self._arrays, self._jobs = arrays, jobs_of(arrays)
        self._missed: Counter[int] = Counter()
        self._told: set[str] = set()
        self._reasons: set[str] = set()  # to wait, that were told

    def lost(self, ended: set[int]) -> list[int]:
        """Members whose jobs are gone, and are so for some time, though they have not ended."""
        try:
            queue = queued(self._arrays)
        except SlurmError as error:  # its controller may be restarted
            self._tell(f"{error}; a job that dies is not seen until it answers")
            return []
        self._tell_who_waits(queue)
        for number, job in self._jobs.items():
            is_missed = job not in queue and number not in ended
            self._missed[number] = self._missed[number] + 1 if is_missed else 0
        return [number for number, n_missed in self._missed.items() if n_missed >= MISSED]

    def _tell_who_waits(self, queue: Mapping[str, Queued]) -> None:
        """Once for each reason: jobs of one array wait for the same."""
        waiting: dict[str, list[str]] = {}
        for job, entry in queue.items():
            if entry.state == "PENDING" and entry.reason not in USUAL | self._reasons:
                waiting.setdefault(entry.reason, []).append(job)
        for reason, jobs in waiting.items():
            self._reasons.add(reason)
            who = f"{jobs[0]} waits"
            if len(jobs) > 1:
                who = f"{jobs[0]} and {counted('other', len(jobs) - 1)} wait"
            what_now = ""
            if HELD.search(reason):
                what_now = f"; `scontrol release {jobs[0]}` lets it go"
            elif FOR_GOOD.search(reason):
                what_now = (
                    "; that does not pass by itself: end the jobs, and give them settings that "
                    "the cluster has room for"
                )
            self._tell(f"job {who}: {reason}{what_now}")

    def _tell(self, note: str) -> None:
        if note not in self._told:
            self._told.add(note)
            print(f"note: SLURM: {printable(note)}", file=sys.stderr, flush=True)


def wait(
    parent: "SweepParent",
    arrays: Sequence[JobArray],
    poll_s: float,
    most: int | None = None,
    look: Callable[[], object] = lambda: None,
) -> list[int]:
    """Return once every member has ended, or its job without it; those that have not.

    They are none unless `most` limits how often the queue is looked at. `look` is called before.
    """
    watch, jobs = Watch(arrays), jobs_of(arrays)
    for n_looks in itertools.count(1):
        look()
        ended = parent.ended
        for number in watch.lost(ended):
            parent.lose(number, _why(jobs[number], parent.folder))
            ended.add(number)
        if set(jobs) <= ended or n_looks == most:
            break
        time.sleep(poll_s)
    return sorted(set(jobs) - ended)


def _why(job: str, folder: Path) -> str:
    log = folder / LOGS / f"{job}_0_log.err"
    return f"its SLURM job {job} {end_of(job)}{said_last(log)}"

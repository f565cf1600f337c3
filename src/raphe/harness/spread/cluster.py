"""Shares as jobs of a SLURM cluster, through submitit."""

import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from submitit import Job
from submitit.core.utils import FailedJobError
from submitit.helpers import DelayedSubmission

from raphe.core.ending import uninterrupted
from raphe.core.files.atomic import make_folder
from raphe.core.jobs.shares import Share
from raphe.harness.slurm.queue import JobArray, end_of
from raphe.harness.slurm.submission import cancelled_unless_done, executor_of, submit
from raphe.harness.slurm.waiting import Watch
from raphe.harness.spread.share_command import ShareEnd, command_of, how_it_ended


@dataclass(frozen=True)
class ShareJob:
    """Pickled where shares are submitted, called on the node; put back into the queue where its
    time is over, and called again: the share makes what is missing of it."""

    words: tuple[str, ...]

    def __call__(self, share: Share) -> int:
        # SLURM sends it to every process of the job; it is submitit's to heed, here.
        before = signal.signal(signal.SIGUSR2, signal.SIG_IGN)
        process = subprocess.Popen(command_of(self.words, share), stdin=subprocess.DEVNULL)
        signal.signal(signal.SIGUSR2, before)
        try:
            return process.wait()
        except BaseException:  # put back, cancelled
            process.terminate()
            process.wait()
            raise

    def checkpoint(self, share: Share) -> DelayedSubmission:
        """What submitit puts back into the queue."""
        return DelayedSubmission(self, share)


def run_on_slurm(
    words: Sequence[str], n: int, settings: Mapping[str, Any], at_once: int | None, logs: Path
) -> list[ShareEnd]:
    """Make n shares of a command as jobs of SLURM's; how each ended, in the order of shares.

    Args:
        settings: of the launcher, see conf/hydra/launcher/slurm.yaml.

    Whatever ends this cancels the jobs. Raises SettingError where SLURM does not take them.
    """
    make_folder(logs)
    of_jobs = dict(settings)
    parallel, poll_s = of_jobs.pop("array_parallelism"), of_jobs.pop("poll_s")
    executor = executor_of(logs.resolve(), **of_jobs)
    shares = [Share(number, n) for number in range(1, n + 1)]
    with uninterrupted():
        each = [(share,) for share in shares]
        job = ShareJob(tuple(words))
        arrays, jobs = submit(executor, job, each, 0, at_once or parallel, "--set")
    names = " ".join(array.job for array in arrays)
    print(f"{n} shares are SLURM's: {names}", flush=True)
    with cancelled_unless_done(arrays):
        lost = _wait(arrays, jobs, poll_s)
    return [
        ShareEnd(share, lost.get(place) or _how(job), job.paths.stderr)
        for place, (share, job) in enumerate(zip(shares, jobs, strict=True))
    ]


def _wait(arrays: Sequence[JobArray], jobs: Sequence[Job], poll_s: float) -> dict[int, str]:
    """Return once every job has left a result or is gone; those that are gone, and how they ended.

    submitit alone would wait for ever where SLURM keeps no accounts.
    """
    watch, lost = Watch(arrays), dict[int, str]()
    while True:
        ended = {place for place, job in enumerate(jobs) if job.paths.result_pickle.exists()}
        for place in set(watch.lost(ended)) - lost.keys():
            lost[place] = end_of(jobs[place].job_id)
        if len(ended | lost.keys()) == len(jobs):
            return {place: how for place, how in lost.items() if place not in ended}
        time.sleep(poll_s)


def _how(job: Job) -> str:
    """How a share ended whose job has left a result; "" where it is made."""
    try:
        return how_it_ended(job.result())
    except FailedJobError:
        return "failed"

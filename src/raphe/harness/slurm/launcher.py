"""Launch a sweep's members as jobs of SLURM's, wait for them, and cancel them where one ends it.

submitit writes the jobs, and puts one whose time is over back into the queue: SLURM sends USR2
before, the member ends, and goes on from its last epoch when its turn comes again.
"""

import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus
from submitit import SlurmExecutor
from submitit.core.utils import FailedJobError, FailedSubmissionError

from raphe.core.ending import uninterrupted
from raphe.core.errors import SettingError
from raphe.core.sentences import counted, first_line
from raphe.harness.slurm.job import Job
from raphe.harness.slurm.queue import JobArray, SlurmError, cancel, largest_array
from raphe.harness.slurm.waiting import LOGS, wait
from raphe.harness.sweeps.callback import SweepCallback

LAUNCHER = "hydra.launcher"


def launch(
    job: Job,
    job_overrides: Sequence[Sequence[str]],
    first: int,
    *,
    timeout_min: int,
    max_requeues: int,
    notice_s: int,
    cpus_per_task: int,
    array_parallelism: int,
    setup: Sequence[str],
    sbatch: Any,
    detach: bool,
    poll_s: float,
    **of_sbatch: Any,
) -> list[JobReturn]:
    """Submit the members, from number `first` on, and wait until they have ended.

    Args:
        of_sbatch: partition, mem_gb, gpus_per_node and what else sbatch knows by that name.

    The others are explained in conf/hydra/launcher/slurm.yaml. Raises SettingError where SLURM
    does not take the jobs.
    """
    parent = SweepCallback.running()
    executor = SlurmExecutor(parent.folder / LOGS, max_num_timeout=max_requeues)
    memory_gb = of_sbatch.pop("mem_gb")
    parameters = {
        "job_name": "raphe",
        "time": timeout_min,
        "signal_delay_s": notice_s,
        "cpus_per_task": cpus_per_task,
        # What SLURM 22.05 and newer do not hand on to a job's step by themselves.
        "srun_args": [f"--cpus-per-task={cpus_per_task}"],
        "setup": list(setup) or None,
        "mem": None if memory_gb is None else f"{round(memory_gb * 1024)}M",
        "additional_parameters": {"requeue": True, **sbatch},
        **of_sbatch,
    }
    executor.update_parameters(
        **{name: value for name, value in parameters.items() if value is not None}
    )
    with uninterrupted():
        arrays = _submit(executor, job, job_overrides, first, array_parallelism)
        parent.submitted(arrays, job_overrides)
    numbers = range(first, first + len(job_overrides))
    if detach:
        return _results(numbers, {})
    try:
        wait(parent, arrays, poll_s)
    except KeyboardInterrupt:
        _cancel(arrays)
        raise
    return _results(numbers, parent.values)


def _submit(
    executor: SlurmExecutor,
    job: Job,
    job_overrides: Sequence[Sequence[str]],
    first: int,
    at_once: int,
) -> list[JobArray]:
    """In as few arrays as the cluster allows, which together have `at_once` members at work."""
    most = largest_array()
    starts = range(0, len(job_overrides), most)
    executor.update_parameters(array_parallelism=max(1, at_once // len(starts)))
    arrays: list[JobArray] = []
    singletons = Singleton.get_state()
    try:
        for start in starts:
            batch = [list(overrides) for overrides in job_overrides[start : start + most]]
            numbers = [first + start + place for place in range(len(batch))]
            jobs = executor.map_array(job, batch, numbers, [singletons] * len(batch))
            number = jobs[0].job_id.partition("_")[0]
            arrays.append(JobArray(number, numbers[0], len(batch)))
    except (FailedJobError, FailedSubmissionError, OSError) as error:
        if arrays:
            _cancel(arrays)
        raise SettingError(
            f"{LAUNCHER}: SLURM did not take the jobs ({_refusal(error)}); correct the settings"
        ) from error
    return arrays


def _refusal(error: Exception) -> str:
    """What sbatch said, of an error that has the whole of it."""
    said = [line for line in str(error).splitlines() if line.startswith("sbatch: error:")]
    return said[-1].removeprefix("sbatch: error:").strip() if said else first_line(error, 200)


def _cancel(arrays: Sequence[JobArray]) -> None:
    n_jobs = counted("job", sum(array.n for array in arrays))
    names = " ".join(array.job for array in arrays)
    try:
        cancel(arrays)
    except SlurmError as error:
        print(f"{error}; the jobs go on: `scancel {names}` ends them", file=sys.stderr)
    else:
        print(f"{n_jobs} of SLURM's ({names}) cancelled", file=sys.stderr, flush=True)


def _results(numbers: Sequence[int], values: Mapping[int, float]) -> list[JobReturn]:
    """What Hydra's sweeper is told of members: what they came to, NaN where that is not known."""
    results = [JobReturn(status=JobStatus.COMPLETED) for _ in numbers]
    for number, result in zip(numbers, results, strict=True):
        result.return_value = values.get(number, math.nan)
    return results

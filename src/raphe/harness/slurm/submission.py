"""How jobs are handed to SLURM by submitit: in as few arrays as the cluster allows."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from submitit import Job, SlurmExecutor
from submitit.core.utils import FailedJobError, FailedSubmissionError

from raphe.core.errors import SettingError
from raphe.core.sentences import counted, first_line
from raphe.harness.slurm.queue import JobArray, SlurmError, cancel, largest_array


def executor_of(
    logs: Path,
    *,
    timeout_min: int,
    max_requeues: int,
    notice_s: int,
    cpus_per_task: int,
    mem_gb: float | None,
    setup: Sequence[str],
    sbatch: Mapping[str, Any],
    **of_sbatch: Any,
) -> SlurmExecutor:
    """What submits jobs, by the settings that conf/hydra/launcher/slurm.yaml explains.

    Args:
        logs: the folder of what jobs print.
        of_sbatch: partition, gpus_per_node and what else sbatch knows by that name.
    """
    executor = SlurmExecutor(logs, max_num_timeout=max_requeues)
    parameters = {
        "job_name": "raphe",
        "time": timeout_min,
        "signal_delay_s": notice_s,
        "cpus_per_task": cpus_per_task,
        # What SLURM 22.05 and newer do not hand on to a job's step by themselves.
        "srun_args": [f"--cpus-per-task={cpus_per_task}"],
        "setup": list(setup) or None,
        "mem": None if mem_gb is None else f"{round(mem_gb * 1024)}M",
        "additional_parameters": {"requeue": True, **sbatch},
        **of_sbatch,
    }
    executor.update_parameters(
        **{name: value for name, value in parameters.items() if value is not None}
    )
    return executor


def submit(
    executor: SlurmExecutor,
    call: Callable[..., object],
    arguments: Sequence[tuple[Any, ...]],
    first: int,
    at_once: int,
    told: str,
) -> tuple[list[JobArray], list[Job]]:
    """A job for each of the arguments, numbered from `first` on, together `at_once` at work.

    Raises SettingError where SLURM does not take them; `told` names the settings.
    """
    most = largest_array()
    starts = range(0, len(arguments), most)
    executor.update_parameters(array_parallelism=max(1, at_once // len(starts)))
    arrays: list[JobArray] = []
    jobs: list[Job] = []
    try:
        for start in starts:
            batch = arguments[start : start + most]
            of_batch = executor.map_array(call, *map(list, zip(*batch, strict=True)))
            number = of_batch[0].job_id.partition("_")[0]
            arrays.append(JobArray(number, first + start, len(batch)))
            jobs += of_batch
    except (FailedJobError, FailedSubmissionError, OSError) as error:
        if arrays:
            cancel_and_tell(arrays)
        raise SettingError(
            f"{told}: SLURM did not take the jobs ({_refusal(error)}); correct the settings"
        ) from error
    return arrays, jobs


@contextmanager
def cancelled_unless_done(arrays: Sequence[JobArray]) -> Iterator[None]:
    """Cancel the jobs where anything ends who waits for them: an interruption, or a full disk."""
    try:
        yield
    except BaseException:
        cancel_and_tell(arrays)
        raise


def cancel_and_tell(arrays: Sequence[JobArray]) -> None:
    n_jobs = counted("job", sum(array.n for array in arrays))
    names = " ".join(array.job for array in arrays)
    try:
        cancel(arrays)
    except SlurmError as error:
        print(f"{error}; the jobs go on: `scancel {names}` ends them", file=sys.stderr)
    else:
        print(f"{n_jobs} of SLURM's ({names}) cancelled", file=sys.stderr, flush=True)


def _refusal(error: Exception) -> str:
    """What sbatch said, of an error that has the whole of it."""
    said = [line for line in str(error).splitlines() if line.startswith("sbatch: error:")]
    return said[-1].removeprefix("sbatch: error:").strip() if said else first_line(error, 200)

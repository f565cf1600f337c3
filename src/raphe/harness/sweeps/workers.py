"""The members of a sweep on one machine: how many are trained at once, in a process each.

A network as small as celltype's gains little from a second thread: two processes of one thread
train two members in a third less time than one process of two threads (docs/how_to/choose_k.md).
"""

import math
from collections.abc import Mapping, Sequence

from hydra._internal.core_plugins.basic_launcher import BasicLauncher
from hydra.core.utils import JobReturn, JobStatus
from hydra.types import HydraContext, TaskFunction
from hydra_plugins.hydra_joblib_launcher.joblib_launcher import JoblibLauncher
from joblib import effective_n_jobs
from joblib.externals.loky.process_executor import TerminatedWorkerError
from omegaconf import DictConfig, OmegaConf

from raphe.core.errors import SettingError
from raphe.core.threads import available_cores, available_memory_bytes, threads_of_process
from raphe.harness.sweeps.callback import SweepCallback

LOCAL_LAUNCHER = "hydra_plugins.raphe_local.LocalLauncher"
FEWEST = 4  # members that are worth it: a process loads for as long as some epochs take
MEMBER_BYTES = 2 * 2**30  # a process with torch and MLflow takes .9 GB, and its data


def n_workers(config: DictConfig, parameters: Mapping[str, Sequence[str]] | None) -> int:
    """How many members of a sweep are trained at once in this process or beside it.

    Where hydra.launcher.n_jobs does not say it, as many as there are cores for their threads, and
    memory; one elsewhere than on a processor, of fewer than four members, and where nobody knows
    how many there will be.

    Args:
        parameters: the values of what is swept; None of an open sweep.

    Raises:
        SettingError: for a number that cannot be.
    """
    n_jobs = OmegaConf.select(config, "hydra.launcher.n_jobs")
    if OmegaConf.select(config, "hydra.launcher._target_") != LOCAL_LAUNCHER:
        return effective_n_jobs(n_jobs or 1)  # -1, of joblib's own, is every core
    if n_jobs is not None:
        if type(n_jobs) is not int or n_jobs < 1:
            raise SettingError(
                f"hydra.launcher.n_jobs={n_jobs}: expected a whole number of members to train at "
                "once, 1 or more, or null for as many as there is room for"
            )
        return n_jobs
    n_members = math.prod(map(len, parameters.values())) if parameters is not None else 1
    if n_members < FEWEST or config.trainer.get("accelerator") != "cpu":
        return 1
    n_cores = available_cores()
    n_threads = config.threads or threads_of_process(n_cores)
    return max(1, min(n_members, n_cores // n_threads, available_memory_bytes() // MEMBER_BYTES))


def launch(
    context: HydraContext,
    task_function: TaskFunction,
    config: DictConfig,
    job_overrides: Sequence[Sequence[str]],
    first: int,
) -> Sequence[JobReturn]:
    """Train the members, from number `first` on, so many at once as the sweep's plan says.

    Where a process of theirs is killed, the sweep ends with what has finished.
    """
    parent = SweepCallback.running()
    at_once = min(parent.plan.n_workers, len(job_overrides))
    launcher = BasicLauncher() if at_once == 1 else JoblibLauncher(n_jobs=at_once, batch_size=1)
    launcher.setup(hydra_context=context, task_function=task_function, config=config)
    try:
        return launcher.launch(job_overrides, initial_job_idx=first)
    except TerminatedWorkerError:
        numbers = range(first, first + len(job_overrides))
        return results_of(numbers, parent.values)


def results_of(numbers: Sequence[int], values: Mapping[int, float]) -> list[JobReturn]:
    """What Hydra's sweeper is told of members: what they came to, NaN where that is not known."""
    results = [JobReturn(status=JobStatus.COMPLETED) for _ in numbers]
    for number, result in zip(numbers, results, strict=True):
        result.return_value = values.get(number, math.nan)
    return results

"""The members of a sweep on one machine: how many are trained at once, in a process each.

A network as small as celltype's gains little from a second thread: two processes of one thread
train two members in a third less time than one process of two threads (docs/how_to/choose_k.md).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hydra._internal.core_plugins.basic_launcher import BasicLauncher
from hydra.core.utils import JobReturn
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from raphe.core.errors import SettingError
from raphe.core.threads import available_cores, available_memory_bytes, threads_of_process
from raphe.harness.launchers.member_job import MemberJob, results_of
from raphe.harness.launchers.processes import import_ahead, run_all
from raphe.harness.settings.composed import plain, without_hydra
from raphe.harness.sweeps.callback import SweepCallback
from raphe.harness.sweeps.swept import foreseen_members

LOCAL_LAUNCHER = "hydra_plugins.raphe_local.LocalLauncher"
FEWEST = 4  # members that are worth it: a server loads for as long as some epochs take
MEMBER_BYTES = 2 * 2**30  # torch and MLflow take .9 GB, where they cannot be shared, and its data
OWN = "raphe."


def n_workers(config: DictConfig, n_members: int) -> int:
    """How many members of a sweep are trained at once in this process or beside it.

    Where hydra.launcher.n_jobs does not say it, as many as there are cores for their threads, and
    memory; one elsewhere than on a processor, and of fewer than four members, of which an open
    sweep has one after the other.

    Raises:
        SettingError: for a number that cannot be.
    """
    n_jobs = OmegaConf.select(config, "hydra.launcher.n_jobs")
    if not _is_used(config):
        return n_jobs if type(n_jobs) is int and n_jobs > 0 else 1
    if n_jobs is not None:
        if type(n_jobs) is not int or n_jobs < 1:
            raise SettingError(
                f"hydra.launcher.n_jobs={n_jobs}: expected a whole number of members to train at "
                "once, 1 or more, or null for as many as there is room for"
            )
        return n_jobs
    if n_members < FEWEST or config.trainer.get("accelerator") != "cpu":
        return 1
    n_cores = available_cores()
    n_threads = config.threads or threads_of_process(n_cores)
    return max(1, min(n_members, n_cores // n_threads, available_memory_bytes() // MEMBER_BYTES))


def load_ahead(config: DictConfig) -> None:
    """Let processes for a sweep's members load while this one prepares what they share."""
    if _is_used(config) and n_workers(config, foreseen_members(config)) > 1:
        import_ahead(modules_of(config))


def launch(
    context: HydraContext,
    task_function: TaskFunction,
    config: DictConfig,
    job_overrides: Sequence[Sequence[str]],
    first: int,
) -> Sequence[JobReturn]:
    """Train the members, from number `first` on, so many at once as the sweep's plan says.

    Where a process of theirs is killed, the others go on with the rest.
    """
    parent = SweepCallback.running()
    at_once = min(parent.plan.n_workers, len(job_overrides))
    if at_once == 1:
        launcher = BasicLauncher()
        launcher.setup(hydra_context=context, task_function=task_function, config=config)
        return launcher.launch(job_overrides, initial_job_idx=first)
    numbers = range(first, first + len(job_overrides))
    members = [
        (list(overrides), number) for overrides, number in zip(job_overrides, numbers, strict=True)
    ]
    run_all(MemberJob.of(context, config, task_function), members, at_once)
    return results_of(numbers, parent.values)


def modules_of(config: DictConfig) -> list[str]:
    """What every member imports: the harness, and what the settings name of raphe's own tasks."""
    targets = _targets(plain(without_hydra(config)))
    own = (target.rpartition(".")[0] for target in targets if target.startswith(OWN))
    return ["raphe.harness.run", *dict.fromkeys(own)]


def _is_used(config: DictConfig) -> bool:
    """Whether no other launcher is named."""
    return OmegaConf.select(config, "hydra.launcher._target_") == LOCAL_LAUNCHER


def _targets(section: Mapping[str, Any]) -> Iterator[str]:
    for name, value in section.items():
        if name == "_target_":
            yield value
        elif isinstance(value, Mapping):
            yield from _targets(value)

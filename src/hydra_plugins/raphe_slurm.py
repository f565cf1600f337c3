"""Where Hydra looks for launchers: what `hydra/launcher=slurm` names. It loads little, as Hydra
imports it at every start."""

from collections.abc import Sequence
from typing import Any

from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class SlurmLauncher(Launcher):
    """Each member of a sweep a job of SLURM's; see raphe.harness.slurm.launcher."""

    def __init__(self, **settings: Any) -> None:
        self._settings = settings

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        self._context, self._task_function, self._config = hydra_context, task_function, config

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        from raphe.harness.launchers.member_job import MemberJob
        from raphe.harness.slurm.job import SlurmJob
        from raphe.harness.slurm.launcher import launch

        job = SlurmJob(MemberJob.of(self._context, self._config, self._task_function))
        return launch(job, job_overrides, initial_job_idx, **self._settings)

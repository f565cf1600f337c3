"""Where Hydra looks for launchers: what `hydra/launcher=local`, the default, names. It loads
little, as Hydra imports it at every start."""

from collections.abc import Sequence

from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class LocalLauncher(Launcher):
    """Members of a sweep on this machine, several at once; see raphe.harness.launchers.local."""

    def __init__(self, n_jobs: int | None = None) -> None:
        self.n_jobs = n_jobs

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        self._context, self._task_function, self._config = hydra_context, task_function, config

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        from raphe.harness.launchers.local import launch

        members = job_overrides, initial_job_idx
        return launch(self._context, self._task_function, self._config, *members)

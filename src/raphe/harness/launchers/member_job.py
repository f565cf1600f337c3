"""A member of a sweep in another process than the one that launches it, here or on a node."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus, run_job, setup_globals
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict


@dataclass(frozen=True)
class MemberJob:
    """Pickled by the launcher, called in the other process with a member's overrides and number."""

    context: HydraContext
    config: DictConfig  # of the launching command, Hydra's own part too
    task_function: TaskFunction
    singletons: Mapping[type, Any]

    @classmethod
    def of(
        cls, context: HydraContext, config: DictConfig, task_function: TaskFunction
    ) -> "MemberJob":
        """What a launcher is given, and the state of Hydra in its process."""
        return cls(context, config, task_function, Singleton.get_state())

    def __call__(self, overrides: Sequence[str], number: int) -> None:
        config = self.compose(overrides, number, f"{self.config.hydra.job.name}_{number}")
        self.run(config)

    def compose(self, overrides: Sequence[str], number: int, job_id: str) -> DictConfig:
        """The member's own settings, Hydra's part too."""
        Singleton.set_state(dict(self.singletons))
        setup_globals()
        config = self.context.config_loader.load_sweep_config(self.config, list(overrides))
        with open_dict(config.hydra.job):
            config.hydra.job.id, config.hydra.job.num = job_id, number
        HydraConfig.instance().set_config(config)
        return config

    def run(self, config: DictConfig) -> None:
        """Train the member. Raises what kept it from being begun."""
        done = run_job(
            task_function=self.task_function,
            config=config,
            job_dir_key="hydra.sweep.dir",
            job_subdir_key="hydra.sweep.subdir",
            hydra_context=self.context,
        )
        _ = done.return_value  # raises it


def results_of(numbers: Sequence[int], values: Mapping[int, float]) -> list[JobReturn]:
    """What Hydra's sweeper is told of members: what they came to, NaN where that is not known."""
    results = [JobReturn(status=JobStatus.COMPLETED) for _ in numbers]
    for number, result in zip(numbers, results, strict=True):
        result.return_value = values.get(number, math.nan)
    return results

"""What a job of SLURM's runs on its node: one member of a sweep."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.singleton import Singleton
from hydra.core.utils import run_job, setup_globals
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict
from submitit import JobEnvironment
from submitit.helpers import DelayedSubmission

from raphe.core.ending import interrupted, interruptible
from raphe.harness.slurm.queue import require_server_on_node


@dataclass(frozen=True)
class Job:
    """Pickled where the sweep is launched, called on the node; put back into the queue where its
    time is over, and called again."""

    context: HydraContext
    config: DictConfig  # of the launching command, Hydra's own part too
    task_function: TaskFunction

    def __call__(
        self, overrides: Sequence[str], number: int, singletons: Mapping[type, Any]
    ) -> None:
        Singleton.set_state(dict(singletons))
        setup_globals()
        config = self.context.config_loader.load_sweep_config(self.config, list(overrides))
        with open_dict(config.hydra.job):
            config.hydra.job.id, config.hydra.job.num = JobEnvironment().job_id, number
        HydraConfig.instance().set_config(config)
        require_server_on_node(config.tracking.uri)
        try:
            with interruptible():
                done = run_job(
                    task_function=self.task_function,
                    config=config,
                    job_dir_key="hydra.sweep.dir",
                    job_subdir_key="hydra.sweep.subdir",
                    hydra_context=self.context,
                )
        except KeyboardInterrupt as interruption:  # cancelled, preempted or put back
            sys.exit(interrupted(interruption))
        _ = done.return_value  # raises what kept the member from being begun

    def checkpoint(self, *arguments: Any) -> DelayedSubmission:
        """What submitit puts back into the queue: the member finds its own checkpoint."""
        return DelayedSubmission(self, *arguments)

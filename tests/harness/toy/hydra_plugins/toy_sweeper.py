"""A sweeper that finds its members one after the other, by what earlier ones came to."""

from collections.abc import Sequence

from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class DescentSweeper(Sweeper):
    """Goes on to the next whole number as long as that lowers the value that a member returns."""

    def __init__(self, setting: str, first: int, most: int) -> None:
        self.setting, self.first, self.most = setting, first, most

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: Sequence[str]) -> None:
        lowest = float("inf")
        for step in range(self.most):
            overrides = [*arguments, f"{self.setting}={self.first + step}"]
            (job,) = self.launcher.launch([overrides], step)
            if not job.return_value < lowest:
                return
            lowest = job.return_value

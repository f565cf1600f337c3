"""Where Hydra looks for sweepers: what `hydra/sweeper=grid`, the default, names. It loads little,
as Hydra imports it at every start."""

from collections.abc import Sequence
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_loader import ConfigLoader
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

MOST_KEPT = 100  # members whose settings wait in memory, about 1 MB each


class GridSweeper(BasicSweeper):
    """Hydra's own, all combinations, made for many: what has finished is not launched again."""

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        loader: Any = ComposedOnce(hydra_context.config_loader)
        context = HydraContext(config_loader=loader, callbacks=hydra_context.callbacks)
        super().setup(hydra_context=context, task_function=task_function, config=config)

    def split_arguments(self, overrides: Any, max_batch_size: int | None) -> list[list[list[str]]]:
        from raphe.harness.sweeps.callback import SweepCallback

        (members,) = BasicSweeper.split_arguments(overrides, None)
        left = SweepCallback.running().to_launch(members)
        return list(self.split_overrides_to_chunks(left, max_batch_size)) if left else []

    def validate_batch_is_legal(self, batch: Sequence[Sequence[str]]) -> None:
        """Compose each value of each setting once, not each combination."""
        seen: set[str] = set()
        fresh = []
        for overrides in batch:
            if not seen.issuperset(overrides):
                fresh.append(overrides)
                seen.update(overrides)
        super().validate_batch_is_legal(fresh)


class ComposedOnce:
    """Hydra's loader of settings; what it composed to see whether a member can be is kept for the
    member, where that runs in this process: an eighth of a second of CPU for each."""

    def __init__(self, loader: ConfigLoader) -> None:
        self._loader = loader
        self._kept: dict[tuple[str, ...], DictConfig] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def __reduce__(self) -> tuple[Any, ...]:
        return ComposedOnce, (self._loader,)  # nothing is kept for other processes

    def load_sweep_config(
        self, master_config: DictConfig, sweep_overrides: list[str]
    ) -> DictConfig:
        """As Hydra's own, the first and the second time that they are asked for."""
        member = tuple(sweep_overrides)
        if member in self._kept:
            return self._kept.pop(member)  # the member's own: a run may change it
        composed = self._loader.load_sweep_config(master_config, sweep_overrides)
        if len(self._kept) < MOST_KEPT:
            self._kept[member] = composed
        return composed

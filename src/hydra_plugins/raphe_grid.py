"""Where Hydra looks for sweepers: what `hydra/sweeper=grid`, the default, names. It loads little,
as Hydra imports it at every start."""

from collections.abc import Sequence
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper


class GridSweeper(BasicSweeper):
    """Hydra's own, all combinations, made for many: what has finished is not launched again."""

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

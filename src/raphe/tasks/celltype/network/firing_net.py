"""The published network beside branches that see how the cell fires, fused late.

N spikes, T samples, D numbers of a cell's firing, C classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import torch
from torch import Tensor

from raphe.core.firing.branch_net import BranchNet, Dropout
from raphe.core.ranges import Count, Range, check_ranges
from raphe.tasks.celltype.network.net import CellTypeNet


@dataclass(frozen=True)
class Firing:
    """Settings of the branches. Raises SettingError for those that cannot be.

    hidden: units of each branch.
    dropout: share of these left out at random in training.
    branch_dropout: share of the branches, likewise: what is missing in use is known from training.
    noise: added to each number in training, in SD over the cells: few cells are easily learnt by
        heart.
    """

    hidden: Count = 8
    dropout: Dropout = 0.5
    branch_dropout: Dropout = 0.2
    noise: Annotated[float, Range(0)] = 0.5

    def __post_init__(self) -> None:
        check_ranges(Firing, vars(self), "model.firing")


class FiringNet(CellTypeNet):
    """A spike's logits, to which those of its cell's intervals and autocorrelogram are added.

    A branch that is missing adds nothing; without firing it is a CellTypeNet.

    Args:
        firing: of the branches.
        dims: how many numbers each of them has, D in sum.
        settings: of CellTypeNet.

    Raises:
        SettingError: as CellTypeNet.
    """

    def __init__(self, firing: Firing, dims: Sequence[int], **settings: Any) -> None:
        super().__init__(**settings)
        self.noise = firing.noise
        self.firing = BranchNet(
            1,
            dims,
            self.dense.out_features,
            firing.hidden,
            firing.dropout,
            firing.branch_dropout,
        )
        self.firing.bias.requires_grad_(False)  # stays 0: the dense layer has one

    def forward(
        self, x: Tensor, generator: torch.Generator | None = None, firing: Tensor | None = None
    ) -> Tensor:
        """As CellTypeNet.forward, with the firing of each spike's cell, (N, D), NaN where missing.

        None: nothing is known of the firing of any.
        """
        logits = super().forward(x, generator)
        return logits if firing is None else logits + self.of_firing(firing)

    def of_firing(self, firing: Tensor) -> Tensor:
        """What firing (N, D) adds to the logits: (N, C), 0 where all of it is missing."""
        logits: Tensor = self.firing(firing, self.noise)[0]
        return logits

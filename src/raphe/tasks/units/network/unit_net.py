"""A network of three branches, waveform, intervals and autocorrelogram, fused late.

N units, M members.
"""

import torch
from torch import Tensor

from raphe.core.firing.branch_net import BranchNet


class UnitNet(BranchNet):
    """As BranchNet; one of a unit's branches always stays, as nothing else is known of it."""

    def kept(self, present: Tensor) -> Tensor:
        kept = super().kept(present)
        return torch.where(kept.any(dim=2, keepdim=True), kept, present.float())

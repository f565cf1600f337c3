"""Networks of several branches, each of its own numbers, fused late.

Many small ones are trained side by side, as members of one batched matrix product. N cells, D
numbers a cell (of all branches), M members, H hidden units a branch, C classes.
"""

from collections.abc import Sequence
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional

from raphe.core.ranges import Count, Range, check_ranges

Dropout = Annotated[float, Range(0, 1, ends="least", noun="a share")]
FARTHEST = 5.0  # SD: an input farther out is one so far out
OUTPUT_GAIN = 0.5  # of the first weights of the last layer


class Branch(nn.Module):
    """One layer of hidden units beside a linear classifier of the branch's numbers."""

    def __init__(self, n_members: int, n_inputs: int, hidden: int, n_classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_members, n_inputs, hidden) / n_inputs**0.5)
        self.bias = nn.Parameter(torch.zeros(n_members, 1, hidden))
        self.linear = nn.Parameter(torch.zeros(n_members, n_inputs, n_classes))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden units (M, N, H) and logits (M, N, C) of scaled inputs (M, N, D of it)."""
        hidden = functional.gelu(torch.baddbmm(self.bias, x, self.weight))
        return hidden, torch.bmm(x, self.linear)


class BranchNet(nn.Module):
    """M networks at once. A branch that is missing adds nothing, in training as in use.

    Args:
        n_members: M.
        dims: how many numbers each branch has, 0 for one that there is not; D in sum.
        n_classes: C.
        hidden: units of each branch.
        dropout: share of the hidden units left out at random in training.
        branch_dropout: share of the branches, likewise.

    Raises:
        SettingError: a size that cannot be.
    """

    def __init__(
        self,
        n_members: int,
        dims: Sequence[int],
        n_classes: int,
        hidden: Count = 24,
        dropout: Dropout = 0.5,
        branch_dropout: Dropout = 0.1,
    ) -> None:
        super().__init__()
        check_ranges(BranchNet.__init__, locals(), "model")
        self.dims = [n for n in dims if n]
        self.dropout, self.branch_dropout = dropout, branch_dropout
        self.branches = nn.ModuleList(Branch(n_members, n, hidden, n_classes) for n in self.dims)
        n_hidden = hidden * len(self.dims)
        output = torch.randn(n_members, n_hidden, n_classes) * OUTPUT_GAIN / n_hidden**0.5
        self.output = nn.Parameter(output)
        self.bias = nn.Parameter(torch.zeros(n_members, 1, n_classes))
        # Of what each member was trained on; the module sets them.
        self.register_buffer("mean", torch.zeros(n_members, 1, sum(self.dims)))
        self.register_buffer("scale", torch.ones(n_members, 1, sum(self.dims)))

    def forward(self, x: Tensor, noise: float = 0.0) -> Tensor:
        """Logits (M, N, C) of inputs (N, D), NaN where a branch is missing.

        `noise` is added to scaled inputs in training, in SD.
        """
        scaled = ((x - self.mean) / self.scale).clamp(-FARTHEST, FARTHEST)  # (M, N, D)
        blocks = scaled.split(self.dims, dim=2)
        present = torch.stack([block.isfinite().all(dim=2) for block in blocks], dim=2)
        weight = self.kept(present).unsqueeze(3)  # (M, N, branches, 1)
        hidden, logits = [], self.bias
        for number, (branch, block) in enumerate(zip(self.branches, blocks, strict=True)):
            block = block.nan_to_num()
            if self.training and noise:
                block = block + noise * torch.randn_like(block)
            of_branch, linear = branch(block)
            hidden.append(of_branch * weight[:, :, number])
            logits = logits + linear * weight[:, :, number]
        fused = functional.dropout(torch.cat(hidden, dim=2), self.dropout, self.training)
        return logits + torch.bmm(fused, self.output)

    def kept(self, present: Tensor) -> Tensor:
        """Which branches count, of those that are there, bool (M, N, branches): 1.0 or 0.0.

        In training some are left out.
        """
        if not (self.training and self.branch_dropout):
            return present.float()
        drawn = torch.rand(present.shape, device=present.device) >= self.branch_dropout
        return (present & drawn).float()

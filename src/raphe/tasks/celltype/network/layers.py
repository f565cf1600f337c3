"""Pooling, comparing columns and dropping out with backward passes of their own.

Autograd's general rules cost most of a training step on so small a network: zero-filling and
scattering for each pooling, one random number for each feature. Masks are of the values' own type,
since an operation on two types takes three to five times as long. N spikes, L samples, F filters.
"""

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx

RANDOM_BITS = 16  # of one dropout decision: the share dropped is exact to 2⁻¹⁶
BITS_PER_DRAW = 64


def pool_pairs(x: Tensor) -> Tensor:
    """Keep the larger of each two neighbours: (N, L, F) → (N, L // 2, F). As max_pool1d(2)."""
    return _PoolPairs.apply(x)


def larger_column(each: Tensor, other: Tensor) -> Tensor:
    """The larger of two columns' features (N, L, F); all spikes may share one other, (1, L, F)."""
    return larger_of_columns(torch.cat([each, other]), len(each))


def larger_of_columns(both: Tensor, n: int) -> Tensor:
    """The same with one column below the other: (n + n, L, F) or (n + 1, L, F) → (n, L, F)."""
    return _LargerOfColumns.apply(both, n)


def relu_dropout(x: Tensor, share: float, generator: torch.Generator | None = None) -> Tensor:
    """Drop this share of the features (N, L, F) after ReLU and scale the rest: (N, L, F).

    As relu and dropout do.
    `generator` draws what is dropped; by default torch's own.
    """
    return _ReluDropout.apply(x, share, generator)


class _PoolPairs(Function):
    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor) -> Tensor:
        """(N, L, F) → (N, L // 2, F)."""
        first, second = _pairs(x).unbind(2)
        ctx.save_for_backward(torch.ge(first, second, out=torch.empty_like(first)))
        ctx.length = x.shape[1]
        return torch.maximum(first, second)

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> Tensor:
        """(N, L // 2, F) → (N, L, F); 0 for an odd last sample."""
        (first_is_larger,) = ctx.saved_tensors
        n, pooled, n_filters = grad.shape
        spread = grad.new_empty(n, ctx.length, n_filters)
        spread[:, 2 * pooled :] = 0
        first, second = _pairs(spread).unbind(2)
        torch.mul(grad, first_is_larger, out=first)
        torch.sub(grad, first, out=second)
        return spread


class _LargerOfColumns(Function):
    @staticmethod
    def forward(ctx: FunctionCtx, both: Tensor, n: int) -> Tensor:
        """(n + n, L, F) or (n + 1, L, F) → (n, L, F)."""
        each, other = both[:n], both[n:]
        larger, each_is_larger = both.new_empty(2, *each.shape)
        torch.maximum(each, other, out=larger)
        ctx.save_for_backward(torch.gt(each, other, out=each_is_larger))
        ctx.shape, ctx.strides = both.shape, both.stride()
        return larger

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor, None]:
        """(n, L, F) → the shape of `both`; a column that all share has the sum over spikes."""
        (each_is_larger,) = ctx.saved_tensors
        both = grad.new_empty_strided(ctx.shape, ctx.strides)
        to_each, to_other = both[: len(grad)], both[len(grad) :]
        torch.mul(grad, each_is_larger, out=to_each)
        if len(to_other) == len(grad):
            torch.sub(grad, to_each, out=to_other)
        else:
            torch.sub(grad.sum(0), to_each.sum(0), out=to_other[0])
        return both, None


class _ReluDropout(Function):
    @staticmethod
    def forward(
        ctx: FunctionCtx, x: Tensor, share: float, generator: torch.Generator | None
    ) -> Tensor:
        """(N, L, F) → (N, L, F), of any floating type."""
        least = round(share * 2**RANDOM_BITS) - 2 ** (RANDOM_BITS - 1)
        exact = torch.promote_types(x.dtype, torch.float32)  # holds every int16
        kept = _random_bits(x, generator).to(exact).ge_(least)
        kept = kept.mul_(x).relu_().mul_(1 / (1 - share)).to(x.dtype)
        ctx.save_for_backward(kept)
        ctx.share = share
        return kept

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor, None, None]:
        """(N, L, F) → (N, L, F)."""
        (kept,) = ctx.saved_tensors
        passed = torch.ops.aten.threshold_backward(grad, kept, 0)
        return passed.mul_(1 / (1 - ctx.share)), None, None


def _pairs(x: Tensor) -> Tensor:
    """View (N, L, F) as (N, L // 2, 2, F); an odd last sample is left out."""
    n, length, n_filters = x.shape
    return x[:, : length // 2 * 2].view(n, length // 2, 2, n_filters)


def _random_bits(like: Tensor, generator: torch.Generator | None) -> Tensor:
    """Uniform int16 in the shape of `like`, four from each 64-bit draw."""
    per_draw = BITS_PER_DRAW // RANDOM_BITS
    draws = torch.empty(-(-like.numel() // per_draw), dtype=torch.int64, device=like.device)
    draws.random_(-(2**63), None, generator=generator)
    return draws.view(torch.int16)[: like.numel()].view(like.shape)

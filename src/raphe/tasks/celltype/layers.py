"""The network's layers with backward passes of their own: the published numbers, sooner.

Autograd's general rules cost most of a training step on so small a network: zero-filling and
scattering for each pooling, one random number for each feature. N spikes, L samples, F filters;
filters lie innermost, (N, L, F), as the convolutions leave them.
"""

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx

RANDOM_BITS = 16  # of one dropout decision: the share dropped is exact to 2⁻¹⁶
BITS_PER_DRAW = 64


def convolve(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Convolve windows (N, T) with filters (F, k): (N, T − k + 1, F). As conv1d, no padding."""
    return _Convolve.apply(x, weight, bias)


def pool_pairs(x: Tensor) -> Tensor:
    """Keep the larger of each two neighbours: (N, L, F) → (N, L // 2, F). As max_pool1d(2)."""
    return _PoolPairs.apply(x)


def larger_column(each: Tensor, shared: Tensor) -> Tensor:
    """The larger of each spike's features (N, L, F) and those all spikes share (1, L, F)."""
    return _LargerColumn.apply(each, shared)


def relu_dropout(x: Tensor, share: float) -> Tensor:
    """Drop this share of the features after ReLU and scale the rest, as relu and dropout do."""
    return _ReluDropout.apply(x, share)


class _Convolve(Function):
    """One matrix product over all windows of length k; faster than a convolution of one channel."""

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        n, n_samples = x.shape
        n_filters, kernel = weight.shape
        windows = x.unfold(1, kernel, 1).reshape(-1, kernel)  # (N, T) → (N · L, k)
        ctx.save_for_backward(windows, weight)
        ctx.n_samples = n_samples
        product = torch.addmm(bias, windows, weight.t())  # → (N · L, F)
        return product.view(n, n_samples - kernel + 1, n_filters)

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        # Under autocast the gradient comes in a shorter type than the weights.
        windows, weight = (saved.to(grad.dtype) for saved in ctx.saved_tensors)
        n, length, n_filters = grad.shape
        kernel = weight.shape[1]
        flat = grad.reshape(-1, n_filters)
        # Sample t gets window l's share at place t − l: a diagonal of (l, place), which becomes a
        # column when the places are reversed and each row of memory is read one place further on.
        shares = grad.new_zeros(n, ctx.n_samples + kernel - 1, kernel)
        shares[:, kernel - 1 : kernel - 1 + length] = (flat @ weight.flip(1)).view(
            n, length, kernel
        )
        diagonals = shares.as_strided(
            (n, ctx.n_samples, kernel), (shares.stride(0), kernel, kernel + 1)
        )
        return diagonals.sum(2), flat.t() @ windows, flat.sum(0)


class _PoolPairs(Function):
    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor) -> Tensor:
        first, second = _pairs(x).unbind(2)
        ctx.save_for_backward(first >= second)
        ctx.length = x.shape[1]
        return torch.maximum(first, second)

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> Tensor:
        (first_is_larger,) = ctx.saved_tensors
        n, pooled, n_filters = grad.shape
        spread = grad.new_empty(n, ctx.length, n_filters)
        spread[:, 2 * pooled :] = 0
        first, second = _pairs(spread).unbind(2)
        torch.mul(grad, first_is_larger, out=first)
        torch.sub(grad, first, out=second)
        return spread


class _LargerColumn(Function):
    @staticmethod
    def forward(ctx: FunctionCtx, each: Tensor, shared: Tensor) -> Tensor:
        ctx.save_for_backward(each > shared)
        return torch.maximum(each, shared)

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor, Tensor]:
        (each_is_larger,) = ctx.saved_tensors
        to_each = grad * each_is_larger
        return to_each, (grad.sum(0) - to_each.sum(0))[None]


class _ReluDropout(Function):
    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, share: float) -> Tensor:
        keep = _random_bits(x) >= round(share * 2**RANDOM_BITS) - 2 ** (RANDOM_BITS - 1)
        scale = (keep & (x > 0)).to(x.dtype).mul_(1 / (1 - share))
        ctx.save_for_backward(scale)
        return x * scale

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor, None]:
        (scale,) = ctx.saved_tensors
        return grad * scale, None


def _pairs(x: Tensor) -> Tensor:
    """View (N, L, F) as (N, L // 2, 2, F); an odd last sample is left out."""
    n, length, n_filters = x.shape
    return x[:, : length // 2 * 2].view(n, length // 2, 2, n_filters)


def _random_bits(like: Tensor) -> Tensor:
    """Uniform int16 in the shape of `like`, four from each 64-bit draw."""
    per_draw = BITS_PER_DRAW // RANDOM_BITS
    draws = torch.empty(-(-like.numel() // per_draw), dtype=torch.int64, device=like.device)
    draws.random_(-(2**63), None)
    return draws.view(torch.int16)[: like.numel()].view(like.shape)

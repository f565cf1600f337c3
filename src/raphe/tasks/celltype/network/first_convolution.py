"""The first convolution, of one channel, with the scaling before and the pooling after it.

L samples of a spike, N spikes, F filters, k samples a filter. The two outputs that pooling compares
see k + 1 samples, a pair's window: so one matrix product for each pair, over windows that are views
of the spikes, gives both. Its gradient by these filters holds those by scale and shift as well,
and none by the input is needed.
"""

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx
from torch.nn import functional


def convolve_first(x: Tensor, scale: Tensor, shift: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Scale and shift each sample, convolve, add the bias, keep the larger of each two outputs.

    Takes spikes (N, L), scale and shift (L,), filters (F, k) and bias (F,). Returns
    ((L − k + 1) // 2, N, F), as conv1d without padding and max_pool1d(2).
    """
    return _ConvolveFirst.apply(x, scale, shift, weight, bias)


def pair_filters(weight: Tensor) -> Tensor:
    """Filters (F, k) at the first and at the second place of a pair's window: (k + 1, 2 F)."""
    n_filters, kernel = weight.shape
    filters = weight.new_zeros(kernel + 1, 2, n_filters)
    filters[:kernel, 0] = weight.t()
    filters[1:, 1] = weight.t()
    return filters.view(kernel + 1, 2 * n_filters)


def convolve_pairs(x: Tensor, filters: Tensor) -> tuple[Tensor, Tensor]:
    """First and second output of each pair, (pairs, N, F) both, from (N, L) and pair_filters."""
    windows = _windows(x, len(filters))
    both = torch.bmm(windows, filters.expand(len(windows), -1, -1))  # → (pairs, N, 2 F)
    first, second = both.chunk(2, dim=2)
    return first, second


def _windows(x: Tensor, size: int) -> Tensor:
    """View the windows of all pairs: (N, L) → (pairs, N, size)."""
    return x.unfold(1, size, 2).transpose(0, 1)


def _add_windows(windows: Tensor, n_samples: int) -> Tensor:
    """Add values (N, size, pairs) of windows up at their samples: (N, L)."""
    size = windows.shape[1]
    return functional.fold(windows, (1, n_samples), (1, size), stride=(1, 2))[:, 0, 0]


class _ConvolveFirst(Function):
    @staticmethod
    def forward(
        ctx: FunctionCtx, x: Tensor, scale: Tensor, shift: Tensor, weight: Tensor, bias: Tensor
    ) -> Tensor:
        filters = pair_filters(weight)
        first, second = convolve_pairs(torch.addcmul(shift, x, scale), filters)
        pooled = torch.maximum(first, second).add_(bias)
        ctx.save_for_backward(x, scale, shift, filters, first.ge_(second))
        return pooled

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor | None, ...]:
        # Under autocast the gradient comes in a shorter type than the weights.
        x, scale, shift, filters, first_is_larger = (
            saved.to(grad.dtype) for saved in ctx.saved_tensors
        )
        n_pairs, n, n_filters = grad.shape
        size, n_samples = len(filters), len(scale)
        kernel = size - 1
        both = grad.new_empty(n_pairs, n, 2 * n_filters)
        first, second = both.chunk(2, dim=2)
        torch.mul(grad, first_is_larger, out=first)
        torch.sub(grad, first, out=second)

        total = both.sum(1)  # (pairs, 2 F)
        by_place = torch.bmm(_windows(x, size).transpose(1, 2), both)  # (pairs, k + 1, 2 F)
        scales, shifts = (_windows(sample[None], size)[:, 0] for sample in (scale, shift))
        of_filters = (by_place * scales[:, :, None]).sum(0).addmm_(shifts.t(), total)
        of_weight = of_filters[:kernel, :n_filters] + of_filters[1:, n_filters:]
        of_scales, of_shifts = (by_place * filters).sum(2), total @ filters.t()  # (pairs, k + 1)
        of_samples = torch.stack([of_scales, of_shifts]).transpose(1, 2)
        of_scale, of_shift = _add_windows(of_samples, n_samples)
        of_x = None
        if ctx.needs_input_grad[0]:
            of_windows = both @ filters.t()  # → (pairs, N, k + 1)
            of_x = _add_windows(of_windows.permute(1, 2, 0), n_samples) * scale
        return of_x, of_scale, of_shift, of_weight.t(), total.view(-1, n_filters).sum(0)

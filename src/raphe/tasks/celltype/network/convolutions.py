"""Both convolutions, each with the pooling after it; the first with the scaling before it, too.

The first convolution has one channel. The two outputs that pooling compares see k + 1 samples, a
pair's window: so one matrix product for each pair, over windows that are views of the spikes, gives
both. Its gradient by these filters holds those by scale and shift as well.

The second is most of the network's work, in three forms. Values are (L, N, C): each tap of a
filter, and each frequency, meets one block of memory. Each form takes filters (F, C, k) and returns
((L − k + 1) // 2, N, F), as conv1d without padding and max_pool1d(2).

L samples of a spike or of the features, N spikes, C channels, F filters, k samples a filter; all
floating point, of one type.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx
from torch.nn import functional

from raphe.tasks.celltype.network.layers import pool_pairs
from raphe.tasks.celltype.network.spectral import Transforms, spectral_convolve

# The k from which the frequency domain is faster, by benchmarks/results/convolution.md.
SPECTRAL_FROM = 7


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
        """Spikes (N, L), scale and shift (L,), filters (F, k), bias (F,) → (pairs, N, F)."""
        filters = pair_filters(weight)
        first, second = convolve_pairs(torch.addcmul(shift, x, scale), filters)
        pooled = torch.maximum(first, second).add_(bias)
        ctx.save_for_backward(x, scale, shift, filters, first.ge_(second))
        return pooled

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Gradient (pairs, N, F) → by spikes (N, L) if wanted, scale and shift (L,), filters
        (F, k), bias (F,)."""
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


def convolve_second(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Convolve (L, N, C) in the fastest form for these filters, this type and this device."""
    if x.device.type != "cpu" or x.dtype.itemsize < 4 or torch.is_autocast_enabled("cpu"):
        return convolve_by_library(x, weight, bias)  # elsewhere faster; else too coarse for waves
    if weight.shape[2] < SPECTRAL_FROM:
        return convolve_by_taps(x, weight, bias)
    return spectral_convolve(x, weight, bias)


def prepared_second(weight: Tensor, bias: Tensor, length: int) -> Callable[[Tensor], Tensor]:
    """`convolve_second` of filters (F, C, k), bias (F,) for L = `length`, transformed once.

    Without gradients; what is returned takes (L, N, C) and gives ((L − k + 1) // 2, N, F).
    """
    kernel = weight.shape[2]
    if kernel < SPECTRAL_FROM:
        return partial(convolve_by_taps, weight=weight, bias=bias)
    transforms = Transforms.between(kernel, length, weight.dtype, weight.device)
    filters = transforms.of_filters(weight)

    def convolve(x: Tensor) -> Tensor:
        return torch.maximum(*transforms.outputs_of(transforms.of_spikes(x), filters, bias))

    return convolve


def convolve_by_library(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Convolve (L, N, C) by torch's conv2d, as one picture with its channels last in memory."""
    image = x.permute(2, 0, 1)[None]  # (1, C, L, N)
    return _pooled(functional.conv2d(image, weight[..., None], bias)[0].permute(1, 2, 0))


def convolve_by_taps(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Convolve (L, N, C) as a sum of one matrix product for each sample of the filters."""
    return _pooled(_ConvolveByTaps.apply(x, weight, bias))


def _pooled(x: Tensor) -> Tensor:
    """Keep the larger of each two samples: (L, N, F) → (L // 2, N, F)."""
    return pool_pairs(x.flatten(1)[None]).view(-1, *x.shape[1:])


class _ConvolveByTaps(Function):
    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Values (L, N, C), filters (F, C, k), bias (F,) → (L − k + 1, N, F), not yet pooled."""
        length, n, n_channels = x.shape
        kernel = weight.shape[2]
        taps = weight.permute(2, 1, 0).contiguous()  # (k, C, F)
        rows = x.view(length * n, n_channels)
        seen = (length - kernel + 1) * n
        y = torch.addmm(bias, rows[:seen], taps[0])
        for tap in range(1, kernel):
            y.addmm_(rows[tap * n : tap * n + seen], taps[tap])
        ctx.save_for_backward(rows, taps)
        return y.view(-1, n, len(weight))

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gradient (L − k + 1, N, F) → by values (L, N, C), filters (F, C, k), bias (F,)."""
        rows, taps = ctx.saved_tensors
        _, n, n_filters = grad.shape
        grad = grad.reshape(-1, n_filters)
        of_rows, of_taps = torch.zeros_like(rows), torch.empty_like(taps)
        for tap in range(len(taps)):
            seen = slice(tap * n, tap * n + len(grad))
            of_rows[seen].addmm_(grad, taps[tap].t())
            torch.mm(rows[seen].t(), grad, out=of_taps[tap])
        return of_rows.view(-1, n, rows.shape[1]), of_taps.permute(2, 1, 0), grad.sum(0)

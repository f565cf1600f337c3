"""The second convolution with the pooling after it: most of the network's work, in three forms.

L samples, N spikes, C channels, F filters, k samples a filter. Values are (L, N, C): each tap of a
filter, and each frequency, meets one block of memory. Each form takes filters (F, C, k) and returns
((L − k + 1) // 2, N, F), as conv1d without padding and max_pool1d(2).
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


def convolve_second(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Convolve (L, N, C) in the fastest form for these filters, this type and this device."""
    if x.device.type != "cpu" or x.dtype.itemsize < 4 or torch.is_autocast_enabled("cpu"):
        return convolve_by_library(x, weight, bias)  # elsewhere faster; else too coarse for waves
    if weight.shape[2] < SPECTRAL_FROM:
        return convolve_by_taps(x, weight, bias)
    return spectral_convolve(x, weight, bias)


def prepared_second(weight: Tensor, bias: Tensor, length: int) -> Callable[[Tensor], Tensor]:
    """`convolve_second` for spikes of `length`, without gradients, its filters transformed once."""
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
    return pool_pairs(x.flatten(1)[None]).view(-1, *x.shape[1:])


class _ConvolveByTaps(Function):
    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
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
        rows, taps = ctx.saved_tensors
        _, n, n_filters = grad.shape
        grad = grad.reshape(-1, n_filters)
        of_rows, of_taps = torch.zeros_like(rows), torch.empty_like(taps)
        for tap in range(len(taps)):
            seen = slice(tap * n, tap * n + len(grad))
            of_rows[seen].addmm_(grad, taps[tap].t())
            torch.mm(rows[seen].t(), grad, out=of_taps[tap])
        return of_rows.view(-1, n, rows.shape[1]), of_taps.permute(2, 1, 0), grad.sum(0)

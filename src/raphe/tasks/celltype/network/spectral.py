"""Convolution and pooling in the frequency domain, by matrix products alone.

A kernel costs the same here however long it is: at k = 20 a quarter of the direct multiplications.
L samples, N spikes, C channels, F filters, k samples a filter; values are (L, N, C).

A circular convolution of n ≥ L samples ends with the n − k + 1 outputs of an ordinary one. n = 2 h
with h odd, so that each frequency f < h has a partner f + h, and one of the two is even. The even
one needs only the sum of a spike's halves, the odd one only their difference; the first of two
neighbouring outputs needs only the sum of the partners' products, the second only their difference.
That halves each transform and leaves side by side what pooling compares. A complex product is made
of three real ones (Karatsuba): three rows a frequency, but one for f = 0 and one for its partner.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx


def spectral_convolve(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Convolve (L, N, C) with filters (F, C, k), keep the larger of each two outputs.

    Returns ((L − k + 1) // 2, N, F), as conv1d without padding and max_pool1d(2), for values of at
    least 32 bits.
    """
    return _SpectralConvolve.apply(x, weight, bias)


@dataclass(frozen=True)
class Transforms:
    """Matrices for one length of filters and of spikes; R rows for one half of the frequencies."""

    spikes: Tensor  # (2, R, h)
    filters: Tensor  # (2 R, k)
    outputs: Tensor  # (2, pairs, R)

    @classmethod
    @cache
    def between(
        cls, kernel: int, length: int, dtype: torch.dtype, device: torch.device
    ) -> "Transforms":
        """Those for filters of k = `kernel` samples on L = `length` samples, of this type."""
        n_outputs = (length - kernel + 1) // 2 * 2
        n_samples = n_outputs + kernel - 1
        n_samples += (2 - n_samples) % 4  # twice an odd number
        half = n_samples // 2
        low = np.arange((half + 1) // 2)
        even, odd = np.where(low % 2, low + half, low), np.where(low % 2, low, low + half)

        def wave(frequency: np.ndarray, first: int, stop: int, step: int = 1) -> np.ndarray:
            places = np.arange(first, stop, step)
            return np.exp(2j * np.pi * np.outer(frequency, places) / n_samples)

        spikes, filters, outputs = [], [], []
        for frequency in (even, odd):
            at = wave(-frequency, 0, half)
            spikes.append(_rows(at.real, at.imag, at.real + at.imag))
            at = wave(frequency, 0, kernel)
            filters.append(_rows(at.imag - at.real, at.imag + at.real, at.real))
        for first in (0, 1):
            at = wave(even, first, n_outputs, 2) / n_samples
            at[1:] *= 2  # with the conjugate frequency
            outputs.append(_rows(-at.imag, -at.real, at.real - at.imag).T)
        matrices = np.stack(spikes), np.concatenate(filters), np.stack(outputs)
        return cls(*(torch.tensor(matrix, dtype=dtype, device=device) for matrix in matrices))

    @property
    def half(self) -> int:
        """h, half of the samples of a transform."""
        return self.spikes.shape[2]

    def of_spikes(self, x: Tensor) -> Tensor:
        """Transform values: (L, N, C) → (2 R, N, C)."""
        _, n, n_channels = x.shape
        rows = x[: 2 * self.half].view(-1, n * n_channels)
        low, high = rows[: self.half], rows[self.half :]
        halves = x.new_empty(2, self.half, n * n_channels)
        torch.add(low[: len(high)], high, out=halves[0, : len(high)])
        torch.sub(low[: len(high)], high, out=halves[1, : len(high)])
        halves[:, len(high) :] = low[len(high) :]
        return torch.bmm(self.spikes, halves).view(-1, n, n_channels)

    def of_spikes_backward(self, grad: Tensor, length: int) -> Tensor:
        """The gradient by values of that by their transform: (2 R, N, C) → (L, N, C)."""
        _, n, n_channels = grad.shape
        grad = grad.view(2, -1, n * n_channels)
        total, difference = torch.bmm(self.spikes.transpose(1, 2), grad)
        rows = grad.new_empty(length, n * n_channels)
        low, high = rows[: self.half], rows[self.half : 2 * self.half]
        torch.add(total, difference, out=low)
        torch.sub(total[: len(high)], difference[: len(high)], out=high)
        rows[2 * self.half :] = 0
        return rows.view(length, n, n_channels)

    def of_filters(self, weight: Tensor) -> Tensor:
        """Transform filters: (F, C, k) → (2 R, F, C)."""
        return (self.filters @ weight.flatten(0, 1).t()).view(-1, *weight.shape[:2])

    def of_filters_backward(self, grad: Tensor) -> Tensor:
        """The gradient by filters of that by their transform: (2 R, F, C) → (F, C, k)."""
        return (grad.flatten(1).t() @ self.filters).view(*grad.shape[1:], -1)

    def outputs_of(self, spikes: Tensor, filters: Tensor, bias: Tensor) -> Tensor:
        """(2 R, N, C) and (2 R, F, C) → (2, pairs, N, F): the first and second of each pair."""
        products = torch.bmm(spikes, filters.transpose(1, 2))  # → (2 R, N, F)
        products[0] += 2 * self.half * bias  # frequency 0 is the sum of n outputs
        halves = _sum_and_difference(products.view(2, -1, products[0].numel()))
        return torch.bmm(self.outputs, halves).view(2, -1, *products.shape[1:])

    def outputs_of_backward(self, grad: Tensor) -> Tensor:
        """(2, pairs, N, F) → (2 R, N, F), of the products."""
        halves = torch.bmm(self.outputs.transpose(1, 2), grad.flatten(2))
        return _sum_and_difference(halves).view(-1, *grad.shape[2:])


def _rows(*kinds: np.ndarray) -> np.ndarray:
    """Interleave three kinds of rows (frequencies, n); the first frequency has the last alone."""
    return np.stack(kinds, axis=1).reshape(-1, kinds[0].shape[1])[2:]


def _sum_and_difference(halves: Tensor) -> Tensor:
    """Replace two halves (2, …) by their sum and difference; in place, as memory is the limit."""
    first, second = halves
    first.add_(second)
    torch.sub(first, second, alpha=2, out=second)
    return halves


class _SpectralConvolve(Function):
    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Values (L, N, C), filters (F, C, k), bias (F,) → (pairs, N, F)."""
        transforms = Transforms.between(weight.shape[2], len(x), x.dtype, x.device)
        spikes, filters = transforms.of_spikes(x), transforms.of_filters(weight)
        first, second = transforms.outputs_of(spikes, filters, bias)
        pooled = torch.maximum(first, second)
        ctx.save_for_backward(spikes, filters, first.ge_(second))
        ctx.transforms, ctx.length = transforms, len(x)
        return pooled

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gradient (pairs, N, F) → by values (L, N, C), filters (F, C, k), bias (F,)."""
        spikes, filters, first_is_larger = ctx.saved_tensors
        transforms = ctx.transforms
        both = grad.new_empty(2, *grad.shape)
        torch.mul(grad, first_is_larger, out=both[0])
        torch.sub(grad, both[0], out=both[1])
        products = transforms.outputs_of_backward(both)
        of_filters = torch.bmm(products.transpose(1, 2), spikes)  # → (2 R, F, C)
        of_spikes = torch.bmm(products, filters)  # → (2 R, N, C)
        return (
            transforms.of_spikes_backward(of_spikes, ctx.length),
            transforms.of_filters_backward(of_filters),
            2 * transforms.half * products[0].sum(0),
        )

"""The first convolution with its scaling and pooling, against torch's layers one after another."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from raphe.tasks.celltype.network.convolutions import (
    convolve_first,
    convolve_pairs,
    pair_filters,
)


def inputs(n: int, n_samples: int, n_filters: int, kernel: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes = [(n, n_samples), (n_samples,), (n_samples,), (n_filters, kernel), (n_filters,)]
    return [
        torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True)
        for shape in shapes
    ]


def layer_by_layer(x: Tensor, scale: Tensor, shift: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    x = functional.conv1d((x * scale + shift)[:, None], weight[:, None], bias)
    return functional.max_pool1d(x, 2).permute(2, 0, 1)


@pytest.mark.parametrize(
    ("n_samples", "kernel"), [(160, 1), (160, 20), (160, 53), (160, 159), (7, 6), (9, 2), (10, 2)]
)
def test_is_conv1d_and_max_pool1d_with_gradients(n_samples: int, kernel: int) -> None:
    given = inputs(3, n_samples, 5, kernel)
    ours, theirs = convolve_first(*given), layer_by_layer(*given)
    torch.testing.assert_close(ours, theirs)
    weights = torch.randn_like(theirs)
    by_ours = torch.autograd.grad((ours * weights).sum(), given)
    by_theirs = torch.autograd.grad((theirs * weights).sum(), given)
    for ours, theirs in zip(by_ours, by_theirs, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_gradients_are_those_of_finite_differences() -> None:
    assert torch.autograd.gradcheck(convolve_first, inputs(2, 9, 3, 4))


def test_pairs_are_the_outputs_of_conv1d_in_turn() -> None:
    x, _, _, weight, _ = inputs(3, 20, 5, 4)
    first, second = convolve_pairs(x, pair_filters(weight))
    expected = functional.conv1d(x[:, None], weight[:, None]).permute(2, 0, 1)  # (17, N, F)
    torch.testing.assert_close(first, expected[0:16:2])
    torch.testing.assert_close(second, expected[1:17:2])

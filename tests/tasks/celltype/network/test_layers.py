"""The layers' own backward passes, against torch's general ones."""

import pytest
import torch
from torch import Tensor, nn

from raphe.tasks.celltype.network.layers import (
    larger_column,
    larger_of_columns,
    pool_pairs,
    relu_dropout,
)
from raphe.tasks.celltype.network.net import CellTypeNet


def random(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64, requires_grad=True)


def assert_same(ours, theirs, *inputs: Tensor) -> None:
    """Equal outputs, and equal gradients for the same gradient of the output."""
    output, expected = ours(*inputs), theirs(*inputs)
    torch.testing.assert_close(output, expected)
    grad = random(*output.shape, seed=9).detach()
    for a, b in zip(
        torch.autograd.grad(output, inputs, grad),
        torch.autograd.grad(expected, inputs, grad),
        strict=True,
    ):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("length", [2, 3, 140, 141])
def test_pool_pairs_is_max_pool1d(length: int) -> None:
    def max_pool1d(x: Tensor) -> Tensor:
        return nn.functional.max_pool1d(x.transpose(1, 2), 2).transpose(1, 2)

    assert_same(pool_pairs, max_pool1d, random(3, length, 4))


def test_of_two_equal_neighbours_the_first_gets_the_gradient_as_in_max_pool1d() -> None:
    x = torch.ones(1, 2, 1, requires_grad=True)
    pool_pairs(x).sum().backward()
    assert x.grad.flatten().tolist() == [1, 0]


@pytest.mark.parametrize("n_others", [1, 3])
def test_larger_column_is_maximum(n_others: int) -> None:
    assert_same(larger_column, torch.maximum, random(3, 6, 4), random(n_others, 6, 4, seed=1))


@pytest.mark.parametrize("n_others", [1, 3])
def test_larger_of_columns_is_maximum_in_any_memory_order(n_others: int) -> None:
    def ours(both: Tensor) -> Tensor:
        return larger_of_columns(both.transpose(0, 1), 3)

    def theirs(both: Tensor) -> Tensor:
        each, other = both.transpose(0, 1).tensor_split([3])
        return torch.maximum(each, other)

    assert_same(ours, theirs, random(6, 3 + n_others, 4))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_relu_dropout_drops_its_share_and_keeps_the_mean(share: float) -> None:
    torch.manual_seed(0)
    x = torch.ones(1000, 1000, requires_grad=True)
    out = relu_dropout(x, share)
    dropped = (out == 0).float()
    assert dropped.mean().item() == pytest.approx(share, abs=5 * (share * (1 - share) / 1e6) ** 0.5)
    assert out.mean().item() == pytest.approx(1, abs=0.02)
    assert torch.allclose(out[out > 0], torch.tensor(1 / (1 - share)))
    for axis in (0, 1):  # as many in each row and column, so that no pattern repeats
        spread = dropped.mean(dim=axis).std().item()
        assert spread == pytest.approx((share * (1 - share) / 1000) ** 0.5, rel=0.15)
    neighbours = torch.stack([dropped[:, :-1].flatten(), dropped[:, 1:].flatten()])
    assert torch.corrcoef(neighbours)[0, 1].abs().item() < 0.005


def test_relu_dropout_passes_gradient_where_it_passed_the_value() -> None:
    x = random(20, 30)
    out = relu_dropout(x, 0.5)
    out.sum().backward()
    assert torch.equal(x.grad, 2.0 * (out > 0))
    assert not (out > 0)[x <= 0].any()


def test_relu_dropout_drops_its_share_in_bfloat16() -> None:
    x = torch.ones(2000, 2000, dtype=torch.bfloat16)
    out = relu_dropout(x, 0.1, torch.Generator().manual_seed(0))
    assert out.dtype == torch.bfloat16
    assert (out == 0).float().mean().item() == pytest.approx(0.1, abs=5 * (0.09 / 4e6) ** 0.5)


def test_relu_dropout_follows_the_seed() -> None:
    x = torch.ones(50, 50)
    drawn = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        drawn.append(relu_dropout(x, 0.5))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


@pytest.mark.parametrize("kernel", [1, 8, 20])
def test_a_network_learns_in_bfloat16(kernel: int) -> None:
    torch.manual_seed(0)
    net = CellTypeNet(kernel)
    current = 30 * torch.randn(64, 160)
    exact = net.eval()(current)
    net.train()
    with torch.autocast("cpu", torch.bfloat16):
        logits = net(current)
        logits.float().square().mean().backward()
        net.eval()
        rounded = net(current)
    assert all(parameter.grad.isfinite().all() for parameter in net.parameters())
    assert (rounded.float() - exact).abs().max() < 0.05 * exact.abs().max()

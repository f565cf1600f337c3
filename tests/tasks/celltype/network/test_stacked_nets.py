"""All members in one set of operations against each network on its own."""

import pytest
import torch
from torch import Tensor

from raphe.core.errors import SettingError
from raphe.tasks.celltype.network.net import CellTypeNet
from raphe.tasks.celltype.network.stacked_nets import StackedNets

SEED = 5


def nets(kernels, **settings) -> list[CellTypeNet]:
    """Networks whose every weight counts: new ones have no bias, and a norm without effect."""
    torch.manual_seed(0)
    nets = [CellTypeNet(kernel, **settings) for kernel in kernels]
    for net in nets:
        for parameter in net.parameters():
            parameter.data += 0.05 * torch.randn_like(parameter)
    return nets


def currents(n: int, n_samples: int = 160) -> Tensor:
    return 40 * torch.randn(n, n_samples, generator=torch.Generator().manual_seed(1)) - 20


def generators(n: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(SEED + index) for index in range(n)]


@pytest.mark.parametrize("columns", [1, 2])
def test_every_kernel_answers_as_its_network_does(columns: int) -> None:
    members = nets(range(1, 33), columns=columns)
    stack, x = StackedNets(members), currents(6)
    with torch.no_grad():
        expected = torch.stack([net.eval()(x) for net in members])
        torch.testing.assert_close(stack.logits(x), expected, rtol=0, atol=1e-5)
        trained = torch.stack(
            [
                net.train()(x, generator)
                for net, generator in zip(members, generators(32), strict=True)
            ]
        )
        torch.testing.assert_close(stack.logits(x, generators(32)), trained, rtol=0, atol=1e-5)
    assert (trained - expected).abs().max() > 0.1  # dropout dropped something


@pytest.mark.parametrize("n_samples", [40, 41, 43])
def test_windows_of_other_lengths(n_samples: int) -> None:
    members = nets([1, 2, 5, 13], filters=(3, 5), n_classes=3, n_samples=n_samples)
    x = currents(4, n_samples)
    expected = torch.stack([net.eval()(x) for net in members])
    torch.testing.assert_close(StackedNets(members).logits(x), expected, rtol=0, atol=1e-5)


def test_gradients_are_those_of_each_network_and_padding_has_none() -> None:
    # In float64: a maximum of near equals may fall to either in float32.
    members = [net.double().train() for net in nets([1, 4, 20, 32], filters=(4, 6))]
    stack, x = StackedNets(members), currents(5).double()
    stack.logits(x, generators(4)).square().sum().backward()
    for net, generator in zip(members, generators(4), strict=True):
        net(x, generator).square().sum().backward()
    for key, weight in stack.weights.items():
        for net, gradient in zip(members, stack.unstack(key, weight.grad), strict=True):
            expected = net.get_parameter(key).grad
            torch.testing.assert_close(gradient, expected, rtol=1e-9, atol=1e-9)
        is_weight = stack.stack(key, [torch.ones_like(net.get_parameter(key)) for net in members])
        assert not (weight.grad * (1 - is_weight)).any()


def test_members_may_differ_in_dropout() -> None:
    members = [nets([8], dropout=share)[0].train() for share in (0.0, 0.9)]
    stack, x = StackedNets(members), currents(3)
    stacked = stack.logits(x, generators(2))
    for net, generator, logits in zip(members, generators(2), stacked, strict=True):
        torch.testing.assert_close(logits, net(x, generator), rtol=0, atol=1e-5)


def test_weights_come_back_as_they_were() -> None:
    members = nets([1, 20], filters=(4, 6))
    before = [{key: value.clone() for key, value in net.state_dict().items()} for net in members]
    stack = StackedNets(members)
    for net in members:
        for parameter in net.parameters():
            parameter.data.zero_()
    stack.write_back()
    for net, expected in zip(members, before, strict=True):
        torch.testing.assert_close(dict(net.state_dict()), expected, rtol=0, atol=0)


def test_networks_that_differ_in_more_are_refused() -> None:
    with pytest.raises(SettingError, match=r"with the same columns, got \[1, 2\]"):
        StackedNets([CellTypeNet(3, columns=1), CellTypeNet(3, columns=2)])
    with pytest.raises(SettingError, match=r"with the same filters"):
        StackedNets([CellTypeNet(3), CellTypeNet(3, filters=(4, 8))])

"""The network against the published table, Keras' rules and its own slower path."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import raphe.tasks.celltype.network.net as net_module
from raphe.core.errors import SettingError
from raphe.tasks.celltype.network.kernel_size import largest_kernel
from raphe.tasks.celltype.network.net import CellTypeNet

TIME_S = torch.arange(160) / 40_000


def spikes(n: int, seed: int = 0) -> torch.Tensor:
    """Currents (n, 160) in pA, of a size seen in recordings."""
    return torch.randn(n, 160, generator=torch.Generator().manual_seed(seed)) * 40


def trained_looking(**settings_of_net) -> CellTypeNet:
    """A network whose scale, shift and biases are not the neutral ones it starts with."""
    torch.manual_seed(1)
    net = CellTypeNet(**settings_of_net)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return net.eval()


def count(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_parameters_of_each_layer_as_published():
    net = CellTypeNet(kernel=20)
    counts = [count(layer) for layer in (net.norm, net.conv1, net.conv2, net.dense)]
    assert counts == [320, 672, 41_024, 3_202]
    assert count(net) == 45_218


@pytest.mark.parametrize(("kernel", "parameters"), [(1, 7_618), (5, 15_554), (32, 69_026)])
def test_parameters_of_other_kernels_as_published(kernel, parameters):
    assert count(CellTypeNet(kernel=kernel)) == parameters


def test_shapes_after_each_layer_as_published(monkeypatch):
    net = CellTypeNet(kernel=20)
    seen = []
    for name in ("convolve_first", "convolve_second", "larger_of_columns", "relu_dropout"):
        layer = getattr(net_module, name)
        monkeypatch.setattr(
            net_module, name, lambda *args, layer=layer: seen.append(layer(*args)) or seen[-1]
        )
    logits = net(spikes(3))
    pool1, pool2, columns, features = seen
    assert pool1.shape == (70, 3 + 1, 32)  # of 141 samples, the spikes and the ramp
    assert pool2.shape == (25, 3 + 1, 64)  # of 51 samples
    assert columns.shape == features.shape == (3, 25, 64)
    assert net.dense.in_features == 1600
    assert logits.shape == (3, 2)


def published_logits(net: CellTypeNet, x: torch.Tensor) -> torch.Tensor:
    """The network as the paper lists it, layer by layer on both columns at once, x (N, T, 2)."""
    mean = x.mean(dim=1, keepdim=True)
    variance = x.var(dim=1, keepdim=True, correction=0)
    x = (x - mean) / (variance + 1e-3).sqrt()
    x = x * net.norm.weight[:, None] + net.norm.bias[:, None]
    x = x[:, None]  # (N, 1, T, 2)
    conv2d, max_pool2d = torch.nn.functional.conv2d, torch.nn.functional.max_pool2d
    x = conv2d(x, net.conv1.weight.transpose(2, 3), net.conv1.bias).relu()
    x = max_pool2d(x, (2, 1))
    x = conv2d(x, net.conv2.weight.transpose(2, 3), net.conv2.bias).relu()
    x = max_pool2d(x, (2, 2))
    return net.dense(x.flatten(1))


def with_gradients(logits: torch.Tensor, net: CellTypeNet) -> list[torch.Tensor]:
    """The logits and the gradients of a mean over the batch, as in training."""
    return [logits, *torch.autograd.grad(logits.square().mean(), list(net.parameters()))]


def assert_all_close(results: list[torch.Tensor], expected: list[torch.Tensor]) -> None:
    for result, one_expected in zip(results, expected, strict=True):
        torch.testing.assert_close(result, one_expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kernel", [1, 7, 20, 32])
def test_equals_the_published_order_of_operations_with_gradients(kernel):
    net = trained_looking(kernel=kernel).double()
    x = torch.stack([TIME_S.expand(64, 160), spikes(64)], dim=2).double()
    assert_all_close(with_gradients(net(x), net), with_gradients(published_logits(net, x), net))


@pytest.mark.parametrize("kernel", [1, 20])
def test_current_alone_equals_time_and_current_with_gradients(kernel):
    net = trained_looking(kernel=kernel).double()
    current = spikes(64).double()
    both = torch.stack([net.time_s.expand(64, 160), current], dim=2)
    assert_all_close(with_gradients(net(current), net), with_gradients(net(both), net))


def test_current_alone_equals_time_and_current_in_single_precision():
    net = trained_looking(kernel=20)
    both = torch.stack([TIME_S.expand(64, 160), spikes(64)], dim=2)
    torch.testing.assert_close(net(spikes(64)), net(both), rtol=1e-5, atol=1e-6)


def test_time_column_takes_part():
    net = trained_looking(kernel=20)
    early = torch.stack([TIME_S.expand(4, 160), spikes(4)], dim=2)
    steep = torch.stack([1000 * TIME_S.expand(4, 160), spikes(4)], dim=2)
    assert not torch.allclose(net(early), net(steep), atol=1e-3)


def test_one_column_ignores_time():
    net = trained_looking(columns=1)
    both = torch.stack([1000 * TIME_S.expand(4, 160), spikes(4)], dim=2)
    torch.testing.assert_close(net(both), net(spikes(4)), rtol=0, atol=0)
    assert count(net) == 45_218


def test_time_column_follows_the_rate():
    assert CellTypeNet(rate_hz=20_000, n_samples=80).time_s[-1].item() == pytest.approx(79 / 20_000)


def test_starts_as_keras_does():
    torch.manual_seed(0)
    net = CellTypeNet(kernel=20)
    fans = {net.conv1: (20, 20 * 32), net.conv2: (20 * 32, 20 * 64), net.dense: (1600, 2)}
    for layer, (fan_in, fan_out) in fans.items():
        limit = math.sqrt(6 / (fan_in + fan_out))
        assert 0.97 * limit < layer.weight.abs().max() <= limit
        assert layer.weight.std().item() == pytest.approx(limit / math.sqrt(3), rel=0.05)
        assert not layer.bias.any()
    assert (net.norm.weight == 1).all() and (net.norm.bias == 0).all()


def fits(kernel: int, n_samples: int) -> bool:
    try:
        net = CellTypeNet(kernel=kernel, n_samples=n_samples, filters=(1, 1))
    except SettingError:
        return False
    assert net(torch.zeros(1, n_samples)).shape == (1, 2)
    return True


@pytest.mark.parametrize("n_samples", [*range(1, 32), 79, 80, 159, 160, 161])
def test_largest_kernel_against_the_constructor(n_samples):
    accepted = [kernel for kernel in range(1, n_samples + 2) if fits(kernel, n_samples)]
    assert accepted == list(range(1, largest_kernel(n_samples) + 1))


def test_too_long_a_kernel_names_the_largest_that_fits():
    with pytest.raises(SettingError, match=r"kernel=54 .* largest that fits is 53"):
        CellTypeNet(kernel=54)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"kernel": 0}, "kernel=0: expected a whole number"),
        ({"kernel": 2.5}, "got 2.5"),
        ({"columns": 3}, "columns=3: expected 1"),
        ({"filters": (32,)}, r"filters=\[32\]: expected two"),
        ({"filters": (32, 0)}, r"filters=\[32,0\]: expected two"),
        ({"dropout": 1.0}, r"dropout=1\.0: expected a share from 0 to less than 1"),
        ({"n_classes": 1}, "at least 2"),
        ({"n_samples": 3}, "3 samples is too short"),
    ],
)
def test_impossible_settings_are_refused(setting, message):
    with pytest.raises(SettingError, match=message):
        CellTypeNet(**setting)


@pytest.mark.parametrize("shape", [(160,), (4, 159), (4, 2, 160), (4, 160, 3), (4, 160, 2, 1)])
def test_wrong_input_shape_is_named(shape):
    with pytest.raises(SettingError, match=r"current \(N, 160\).*got \(" + str(shape[0])):
        CellTypeNet()(torch.zeros(shape))


@given(st.lists(st.floats(-60, 60, width=32), min_size=2, max_size=5))
def test_two_classes_have_the_published_sigmoids_and_more_a_softmax(values):
    logits = torch.tensor([values], dtype=torch.float64)
    probability = CellTypeNet.class_probability(logits)
    outputs = CellTypeNet.probabilities(logits)
    torch.testing.assert_close(probability, outputs / outputs.sum(), rtol=1e-9, atol=1e-12)
    expected = 1 / (1 + (-logits).exp()) if len(values) == 2 else logits.exp() / logits.exp().sum()
    torch.testing.assert_close(outputs, expected, rtol=1e-9, atol=1e-12)
    # The class with the largest logit keeps the largest probability, up to rounding.
    assert probability[0, logits.argmax()] >= probability.max() * (1 - 1e-12)


def test_class_probability_survives_tiny_sigmoids():
    probability = CellTypeNet.class_probability(torch.tensor([[-200.0, -201.0]]))
    assert probability[0, 0].item() == pytest.approx(1 / (1 + math.exp(-1)), rel=1e-6)

"""The network over whole traces, and its ensemble."""

import pytest
import torch

from raphe.core.errors import SettingError
from raphe.tasks.calcium.network.rate_net import RateEnsemble, RateNet, mean_and_deviation, padded

RATE = torch.zeros(1, 1)  # the logarithm of 30 frames/s over 30


@pytest.fixture
def net() -> RateNet:
    torch.manual_seed(0)
    return RateNet(channels=8, dilations=(1, 2)).eval()


def test_every_sample_has_a_rate_that_is_not_negative(net: RateNet) -> None:
    rate = net(torch.randn(3, 400), torch.zeros(3, 1))
    assert rate.shape == (1, 3, 400) and (rate > 0).all()


def test_untrained_a_sample_depends_on_its_neighbourhood_alone(net: RateNet) -> None:
    """4 steps of the first kernel and 2 + 4 of the blocks: 10 steps to each side.

    The mean and deviation over the trace do not count yet: their scale is 1, their shift 0.
    """
    x = torch.randn(1, 800)
    changed = x.clone()
    changed[0, 400:404] += 5.0
    moved = (net(changed, RATE) - net(x, RATE)).abs()[0, 0] > 1e-6
    first, last = moved.nonzero()[0].item(), moved.nonzero()[-1].item()
    assert first >= 400 - 40 and last < 404 + 40
    assert moved[400:404].any()


def test_trained_it_adapts_to_the_whole_trace(net: RateNet) -> None:
    for block in net.blocks:
        torch.nn.init.normal_(block.adapt.weight, std=2.0)
    x = torch.randn(1, 800)
    changed = x.clone()
    changed[0, 700:] *= 10
    assert (net(changed, RATE) - net(x, RATE)).abs()[0, 0, :100].max() > 1e-4


def test_the_frame_rate_is_heeded(net: RateNet) -> None:
    x = torch.randn(1, 400)
    assert (net(x, RATE + 1) - net(x, RATE)).abs().max() > 1e-4


def test_steps_of_little_weight_hardly_count() -> None:
    x = torch.randn(1, 3, 50)
    weight = torch.ones(1, 1, 50)
    weight[..., 30:] = 1e-6
    of_all = mean_and_deviation(x, weight)
    of_first = mean_and_deviation(x[..., :30], weight[..., :30])
    for weighed, first in zip(of_all, of_first, strict=True):
        torch.testing.assert_close(weighed, first, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("latency", [0, 3])
def test_a_causal_network_waits_for_its_latency_and_no_longer(latency: int) -> None:
    torch.manual_seed(0)
    net = RateNet(channels=8, dilations=(1, 2), latency=latency).eval()
    for block in net.blocks:
        torch.nn.init.normal_(block.adapt.weight, std=0.5)
    x = torch.randn(1, 800)
    changed = x.clone()
    changed[0, 400:] *= 10
    before = 400 - 4 * latency
    first, second = net(x, RATE)[0, 0], net(changed, RATE)[0, 0]
    torch.testing.assert_close(second[:before], first[:before], rtol=0, atol=1e-6)
    assert (second - first).abs()[before : before + 4].max() > 1e-4


def test_what_was_seen_so_far_is_scaled_as_if_it_were_all() -> None:
    x, weight = torch.randn(2, 3, 50), torch.rand(2, 1, 50) + 0.1
    mean, deviation = mean_and_deviation(x, weight, so_far=True)
    for step in (0, 7, 49):
        whole = mean_and_deviation(x[..., : step + 1], weight[..., : step + 1])
        torch.testing.assert_close(mean[..., step : step + 1], whole[0], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(deviation[..., step : step + 1], whole[1], rtol=1e-3, atol=1e-3)


def test_a_shape_it_cannot_take_is_told(net: RateNet) -> None:
    for shape in ((400,), (1, 401)):
        with pytest.raises(SettingError, match=r"T a multiple of 4"):
            net(torch.zeros(shape), RATE)


@pytest.mark.parametrize("length", [397, 398, 399, 400])
def test_any_length_is_inferred(length: int) -> None:
    ensemble = RateEnsemble(2, 8, (1,)).eval()
    x = torch.randn(2, length)
    assert ensemble.infer(x, torch.zeros(2, 1)).shape == (2, 2, length)
    held = padded(x)
    assert held.shape[1] == 400 and (held[:, length:] == x[:, -1:]).all()


def test_a_gain_belongs_to_one_member() -> None:
    ensemble = RateEnsemble(2, 8, (1,)).eval()
    x = torch.randn(1, 400)
    before = ensemble.infer(x, RATE)
    ensemble.gain[1] = 3.0
    after = ensemble.infer(x, RATE)
    torch.testing.assert_close(after[0], before[0])
    torch.testing.assert_close(after[1], 3 * before[1])

"""The density that a posterior is: normalised, sampled as it says, moved by its summary."""

import pytest
import torch

from raphe.core.errors import SettingError
from raphe.tasks.glif.features.least_squares import N_FEATURES
from raphe.tasks.glif.network.posterior_net import CONTEXT, WIDEST, PosteriorNet
from raphe.tasks.glif.network.trace_encoder import EncoderSize

SMALL = EncoderSize(filters=(2, 2, 2), units=2, heads=1, features=3)


@pytest.fixture
def net() -> PosteriorNet:
    """Two quantities; weights far from where they begin."""
    torch.manual_seed(0)
    net = PosteriorNet(2, None)
    with torch.no_grad():
        for value in net.parameters():
            value.add_(0.05 * torch.randn_like(value))
    return net.eval()


def _given(centre: float, spread: float) -> tuple[torch.Tensor, ...]:
    context = torch.randn(1, CONTEXT, generator=torch.Generator().manual_seed(1))
    return context, torch.full((1, 2), centre), torch.full((1, 2), spread)


@torch.no_grad()
def test_the_density_integrates_to_one(net: PosteriorNet) -> None:
    context, centre, spread = _given(0.3, 0.2)
    grid = torch.linspace(-12, 12, 500)
    z = torch.cartesian_prod(0.3 + 0.2 * grid, 0.3 + 0.2 * grid)
    density = net.log_prob(z[:, None], context, centre, spread)[:, 0].exp()
    cell = float((0.2 * (grid[1] - grid[0])) ** 2)
    assert float(density.sum()) * cell == pytest.approx(1, abs=0.01)


@torch.no_grad()
def test_samples_have_the_densitys_moments(net: PosteriorNet) -> None:
    context, centre, spread = _given(-1.0, 0.5)
    torch.manual_seed(2)
    samples = net.sample(20_000, context, centre, spread)[:, 0]
    grid = torch.linspace(-8, 6, 400)
    z = torch.cartesian_prod(grid, grid)
    weight = net.log_prob(z[:, None], context, centre, spread)[:, 0].exp()
    weight = weight / weight.sum()
    mean = (weight[:, None] * z).sum(0)
    torch.testing.assert_close(samples.mean(0), mean, atol=0.03, rtol=0)
    deviation = ((weight[:, None] * (z - mean) ** 2).sum(0)).sqrt()
    torch.testing.assert_close(samples.std(0), deviation, atol=0.03, rtol=0)


@torch.no_grad()
def test_the_summary_moves_and_scales_it_but_not_beyond_the_prior(net: PosteriorNet) -> None:
    def drawn(centre: float, spread: float) -> torch.Tensor:
        torch.manual_seed(3)
        return net.sample(100, *_given(centre, spread))

    plain = drawn(0.0, 1e-4)  # far below the widest, a scale is the spread's
    torch.testing.assert_close(drawn(2.0, 1e-3), 2 + 10 * plain, atol=1e-4, rtol=0)
    widest = drawn(0.0, 100.0)
    assert (widest - widest.mean(dim=0)).abs().max() < 10 * WIDEST


def test_a_reader_changes_the_context_and_features_are_checked() -> None:
    torch.manual_seed(0)
    net = PosteriorNet(5, SMALL)
    traces = torch.zeros(2, 2, 2000)
    traces[:, 0] = -70
    traces[1, 0, 500:] = -60
    context = net.embed(traces, torch.zeros(2, N_FEATURES))
    assert not torch.allclose(context[0], context[1])
    with pytest.raises(SettingError, match=rf"features: expected \(B, {N_FEATURES}\), got \(2, 3"):
        net.embed(traces, torch.zeros(2, 3))


@torch.no_grad()
def test_traces_do_not_know_each_other() -> None:
    torch.manual_seed(0)
    net = PosteriorNet(5, SMALL).eval()
    traces = torch.randn(3, 2, 2000)
    features = torch.randn(3, N_FEATURES)
    alone = torch.cat([net.embed(traces[i : i + 1], features[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(net.embed(traces, features), alone, atol=1e-5, rtol=1e-4)


def test_without_sbi_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "sbi.neural_nets", None)
    with pytest.raises(SettingError, match=r"sbi, which is not installed: pip install .*\[train\]"):
        PosteriorNet(2, None)

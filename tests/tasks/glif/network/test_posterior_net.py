"""The density that a posterior is: normalised, sampled as it says, moved by its summary."""

import numpy as np
import pytest
import torch

from raphe.core.errors import SettingError
from raphe.tasks.glif.features.least_squares import N_FEATURES
from raphe.tasks.glif.network.posterior_net import CONTEXT, WIDEST, PosteriorNet
from raphe.tasks.glif.network.trace_encoder import EncoderSize
from raphe.tasks.glif.synthetic.quantities import CAPACITANCE, RESISTANCE

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
    grid = torch.linspace(-12, 12, 240)
    z = torch.cartesian_prod(0.3 + 0.2 * grid, 0.3 + 0.2 * grid)
    density = net.log_prob(z[:, None], context, centre, spread)[:, 0].exp()
    cell = float((0.2 * (grid[1] - grid[0])) ** 2)
    assert float(density.sum()) * cell == pytest.approx(1, abs=0.01)


@torch.no_grad()
def test_samples_have_the_densitys_moments(net: PosteriorNet) -> None:
    context, centre, spread = _given(-1.0, 0.5)
    torch.manual_seed(2)
    samples = net.sample(20_000, context, centre, spread)[:, 0]
    grid = torch.linspace(-8, 6, 200)
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


def test_no_step_of_the_flow_changes_capacitance_and_resistance_at_once() -> None:
    """Of one half they are independent given the context, whatever is learnt."""
    net = PosteriorNet(5, None)
    pair = {int(np.flatnonzero(net.order == at)[0]) for at in (CAPACITANCE, RESISTANCE)}
    for step in net.flow_steps():
        assert len(pair & set(step.first)) == len(pair & set(step.second)) == 1


@torch.no_grad()
def test_mixing_makes_two_quantities_go_together_and_leaves_each_its_spread() -> None:
    torch.manual_seed(0)
    net = PosteriorNet(5, None).eval()
    context = torch.randn(1, CONTEXT)
    centre, spread = torch.zeros(1, 5), torch.full((1, 5), 0.01)
    noise = torch.randn(4000, 1, 5)
    plain = net.draw(noise, context, centre, spread)[:, 0].numpy()
    rows, columns = np.tril_indices(5, -1)
    places = net.order.tolist().index(RESISTANCE), net.order.tolist().index(CAPACITANCE)
    at = int(np.flatnonzero((rows == max(places)) & (columns == min(places)))[0])
    net.mixing[1].bias[at] = -1.5  # for rows of length 1: −1.5 / √(1 + 1.5²) = −0.83
    mixed = net.draw(noise, context, centre, spread)[:, 0].numpy()
    assert abs(np.corrcoef(plain.T)[CAPACITANCE, RESISTANCE]) < 0.1
    assert np.corrcoef(mixed.T)[CAPACITANCE, RESISTANCE] == pytest.approx(-0.83, abs=0.08)
    np.testing.assert_allclose(mixed.std(axis=0), plain.std(axis=0), rtol=0.1)
    moved = np.abs(mixed - plain).max(axis=0) > 0
    assert moved.sum() == 1 and moved[RESISTANCE]


def test_the_density_of_a_draw_is_that_of_its_noise_over_how_far_it_is_stretched() -> None:
    """Five quantities, one of which the flow has at another place than the context's centre."""
    torch.manual_seed(0)
    net = PosteriorNet(5, None).double()
    with torch.no_grad():
        for value in net.parameters():
            value.add_(0.1 * torch.randn_like(value))
    context, noise = torch.randn(1, CONTEXT).double(), torch.randn(5).double()
    centre, spread = torch.randn(1, 5).double(), torch.rand(1, 5).double() / 4

    def draw(noise: torch.Tensor) -> torch.Tensor:
        return net.draw(noise[None, None], context, centre, spread)[0, 0]

    stretched = torch.autograd.functional.jacobian(draw, noise).slogdet().logabsdet
    expected = torch.distributions.Normal(0, 1).log_prob(noise).sum() - stretched.detach()
    with torch.no_grad():
        density = net.log_prob(draw(noise)[None, None], context, centre, spread)[0, 0]
    assert float(density) == pytest.approx(float(expected), abs=1e-6)


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

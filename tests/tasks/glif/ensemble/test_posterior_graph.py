"""The graph's draws against torch's of the same noise."""

import numpy as np
import pytest
import torch

from raphe.tasks.glif.ensemble.bundle import PosteriorGraph
from raphe.tasks.glif.ensemble.posterior_graph import posterior_graph
from raphe.tasks.glif.features.least_squares import N_FEATURES, LeastSquaresEstimate
from raphe.tasks.glif.network.posterior_net import SPLINE_BOUND, PosteriorNet
from raphe.tasks.glif.network.trace_encoder import EncoderSize, least_samples

B, S = 4, 300
SIZE = EncoderSize(filters=(4, 6, 8), units=5, heads=2, features=7)


def perturbed(n_quantities: int, size: EncoderSize | None) -> PosteriorNet:
    """A net with weights far from where they begin."""
    torch.manual_seed(0)
    net = PosteriorNet(n_quantities, size)
    with torch.no_grad():
        for value in net.parameters():
            value.add_(0.05 * torch.randn_like(value))
    return net.eval()


def traces_of(n_samples: int) -> np.ndarray:
    """Voltages in mV with dead times, one of which begins the trace, and currents in pA."""
    rng = np.random.default_rng(1)
    voltage, current = rng.normal(-65, 10, (B, n_samples)), rng.normal(0, 100, (B, n_samples))
    voltage[0, 200:260] = voltage[1, :40] = np.nan
    return np.stack([voltage, current], axis=1).astype(np.float32)


def estimate_of(n_quantities: int) -> LeastSquaresEstimate:
    rng = np.random.default_rng(2)
    return LeastSquaresEstimate(
        rng.normal(size=(B, n_quantities)).astype(np.float32),
        rng.uniform(1e-3, 1, (B, n_quantities)).astype(np.float32),
        rng.normal(size=(B, N_FEATURES)).astype(np.float32),
    )


def noise_of(n_quantities: int) -> np.ndarray:
    """Some of it beyond the splines, where the flow's first step is the identity."""
    noise = np.random.default_rng(3).standard_normal((S, B, n_quantities), np.float32)
    noise[:20] *= 3
    assert (np.abs(noise) > SPLINE_BOUND).any()
    return noise


@torch.no_grad()
def torch_draws(
    net: PosteriorNet, traces: np.ndarray, estimate: LeastSquaresEstimate, noise: np.ndarray
) -> np.ndarray:
    context = net.embed(torch.from_numpy(traces), torch.from_numpy(estimate.features))
    given = (torch.from_numpy(array) for array in (estimate.centre, estimate.spread))
    return net.draw(torch.from_numpy(noise), context, *given).numpy()


@pytest.mark.parametrize("n_quantities", [2, 5, 9, 15])
def test_the_graph_draws_what_torch_draws(n_quantities: int) -> None:
    net, traces = perturbed(n_quantities, None), traces_of(400)
    estimate, noise = estimate_of(n_quantities), noise_of(n_quantities)
    draws = PosteriorGraph(posterior_graph(net), 1).draw(traces, estimate, noise)
    expected = torch_draws(net, traces, estimate, noise)
    np.testing.assert_allclose(draws, expected, atol=1e-5, rtol=1e-5)
    assert draws.shape == (S, B, n_quantities) and draws.dtype == np.float32
    assert draws.std(axis=0).min() > 1e-3  # no constant


@pytest.mark.parametrize("n_samples", [least_samples(), 3001])
def test_the_encoder_is_torchs(n_samples: int) -> None:
    net, traces = perturbed(5, SIZE), traces_of(n_samples)
    estimate, noise = estimate_of(5), noise_of(5)
    graph = PosteriorGraph(posterior_graph(net), 1)
    draws = graph.draw(traces, estimate, noise)
    np.testing.assert_allclose(
        draws, torch_draws(net, traces, estimate, noise), atol=1e-5, rtol=1e-5
    )
    others = graph.draw(traces[::-1].copy(), estimate, noise)
    assert np.abs(others - draws).max() > 1e-3  # the traces are read


def test_a_trace_alone_is_drawn_from_as_among_others() -> None:
    graph, traces = PosteriorGraph(posterior_graph(perturbed(5, SIZE)), 1), traces_of(1000)
    estimate, noise = estimate_of(5), noise_of(5)
    together = graph.draw(traces, estimate, noise)
    for b in range(B):
        row = slice(b, b + 1)
        alone = LeastSquaresEstimate(
            estimate.centre[row], estimate.spread[row], estimate.features[row]
        )
        draws = graph.draw(traces[row], alone, noise[:, row])
        np.testing.assert_allclose(draws, together[:, row], atol=1e-5, rtol=1e-5)

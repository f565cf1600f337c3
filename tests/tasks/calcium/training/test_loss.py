"""The loss is the challenge's score, and what fixes the scale."""

import numpy as np
import torch

from raphe.tasks.calcium.metrics.scores import score
from raphe.tasks.calcium.training.loss import FEWEST_PER_BIN, POISSON_SHARE, correlation, rate_loss


def trains(seed: int, n: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    spikes = rng.poisson(0.05, (n, 400)).astype(np.float32)
    return torch.from_numpy(spikes + rng.gamma(1.0, 0.1, (n, 400)).astype("f4")), torch.from_numpy(
        spikes
    )


def test_without_its_share_of_likelihood_it_is_one_less_the_score(monkeypatch) -> None:
    expected, spikes = trains(0)
    monkeypatch.setattr("raphe.tasks.calcium.training.loss.POISSON_SHARE", 0.0)
    loss = rate_loss(expected, spikes)
    for lost, rate, train in zip(loss, expected, spikes, strict=True):
        np.testing.assert_allclose(
            1 - lost, score([rate.numpy()], [train.numpy()])["correlation"], 1e-4
        )


def test_the_true_count_is_the_best_scale() -> None:
    """A correlation is the same for every scale; the likelihood is best at the true one."""
    _, spikes = trains(1)
    shape = spikes + 0.02
    shape = shape * spikes.sum() / shape.sum()
    losses = [rate_loss(shape * scale, spikes).sum().item() for scale in (0.5, 0.8, 1.0, 1.25, 2.0)]
    assert int(np.argmin(losses)) == 2


def test_a_stretch_without_spikes_asks_for_none() -> None:
    spikes = torch.zeros(1, 400)
    expected = torch.full((1, 400), 0.1, requires_grad=True)
    loss = rate_loss(expected, spikes)
    loss.sum().backward()
    assert torch.isfinite(loss).all() and (expected.grad > 0).all()
    assert loss.item() < 2 * POISSON_SHARE / FEWEST_PER_BIN


def test_a_constant_has_no_correlation() -> None:
    assert correlation(torch.ones(1, 50), torch.rand(1, 50)).abs() < 1e-3

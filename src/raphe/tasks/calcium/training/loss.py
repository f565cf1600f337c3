"""What training of a RateNet minimises: the challenge's own score, and the count of spikes.

N stretches, T samples, n bins of 40 ms; what is before them, as heads, may be anything.
"""

from torch import Tensor

from raphe.tasks.calcium.recordings.sampling import binned

POISSON_SHARE = 0.3  # enough to fix the scale that a correlation leaves open
FEWEST_PER_BIN = 0.003  # a stretch counts by its rate, as if it had at least this: 0.075 spikes/s
EPSILON = 1e-6


def rate_loss(expected: Tensor, spikes: Tensor) -> Tensor:
    """1 − Pearson's r in each stretch plus a share of its negative Poisson log-likelihood: (…, N).

    Args:
        expected: spikes expected in each sample, (…, N, T) at 100 Hz.
        spikes: those that there were, (…, N, T). Stretches without any have no correlation.
    """
    expected, spikes = binned(expected, spikes)  # (…, N, T) → (…, N, n)
    likelihood = (expected - spikes * (expected + 1e-4).log()).mean(-1)
    poisson = likelihood / (spikes.mean(-1) + FEWEST_PER_BIN)
    fired = (spikes.sum(-1) > 0).to(expected.dtype)
    return fired * (1 - correlation(expected, spikes)) + POISSON_SHARE * poisson


def heads_loss(expected: Tensor, spikes: Tensor) -> Tensor:
    """The mean loss of a network's heads (H, N, T), and of their mean, which is what is used of
    several: a scalar. Spikes are one head's (N, T) or of each (H, N, T)."""
    loss = rate_loss(expected, spikes).mean()
    if len(expected) == 1:
        return loss
    return (loss + rate_loss(expected.mean(0), spikes.mean(0)).mean()) / 2


def correlation(a: Tensor, b: Tensor) -> Tensor:
    """Pearson's r of each row of two (…, N, n): (…, N); 0 where one is constant."""
    a, b = (x - x.mean(-1, keepdim=True) for x in (a, b))
    return (a * b).sum(-1) / (a.square().sum(-1) * b.square().sum(-1) + EPSILON).sqrt()

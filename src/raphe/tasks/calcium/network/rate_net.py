"""A network that reads a whole calcium trace at once and says how many spikes each sample holds.

It works at 25 Hz, the resolution of the challenge's score: four samples at 100 Hz become channels
of one step and four again at the end, at a sixteenth of the cost. The trace comes in units of its
noise, see network_input, so that what is signal is told by its size, and the frame rate beside it.

Each block also sees mean and deviation of its features over the whole trace, by which it adapts to
what kind of recording it is. Its steps count by a weight that the network gives them itself: an
hour of silence at the end of a trace need not change what its beginning looks like.

With a latency it is causal: what it says of a step depends on that step, those before it and so
many after it; mean and deviation, also of the trace itself, are those so far.

N traces, T samples, S = T / 4 steps, C channels, H heads, M members.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from raphe.core.errors import SettingError

STRIDE = 4  # samples in a step
FIRST_KERNEL, KERNEL = 9, 5  # steps
RARER = -3.0  # of an untrained network of several heads: 0.7 spikes/s
RARE = -2.0  # added before the softplus: an untrained network says a rate, but a low one
EPSILON = 1e-6  # of a variance
LARGEST_WEIGHT = 5.0  # logarithm of the weight that a step has in mean and deviation, at most


class AdaptiveBlock(nn.Module):
    """A dilated convolution, scaled and shifted by the trace's features, added to its input.

    Untrained, the scale is 1 and the shift 0.
    """

    def __init__(self, channels: int, dilation: int, causal: bool = False) -> None:
        super().__init__()
        self.causal = causal
        reach = dilation * (KERNEL - 1) // (1 if causal else 2)
        self.wide = nn.Conv1d(channels, channels, KERNEL, dilation=dilation, padding=reach)
        self.mix = nn.Conv1d(channels, channels, 1)
        self.weight = nn.Conv1d(channels, 1, 1)
        self.summary = nn.Linear(2 * channels, channels // 2)
        self.adapt = nn.Linear(channels // 2, 2 * channels)
        nn.init.zeros_(self.adapt.weight)
        nn.init.zeros_(self.adapt.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return features (N, C, S) of features (N, C, S)."""
        h = self.wide(x)[..., : x.shape[2]].relu()  # (N, C, S): what lies ahead is cut off
        weight = (LARGEST_WEIGHT * self.weight(h).tanh()).exp()  # (N, 1, S)
        features = torch.cat(mean_and_deviation(h, weight, self.causal), 1).transpose(1, 2)
        scale, shift = self.adapt(self.summary(features).relu()).transpose(1, 2).chunk(2, 1)
        return x + self.mix(h * (1 + scale) + shift)


class RateNet(nn.Module):
    """Dilated convolutions over a trace; see the module's docstring.

    Args:
        channels: of every layer.
        dilations: of the blocks, in steps of 40 ms.
        latency: steps that a causal network waits for; None sees the whole trace.
        heads: how many rates it says of a trace; one network may learn what several say.
    """

    def __init__(
        self,
        channels: int = 32,
        dilations: Sequence[int] = (1, 2, 4, 8, 16),
        latency: int | None = None,
        heads: int = 1,
    ) -> None:
        super().__init__()
        self.latency, self.heads = latency, heads
        causal = latency is not None
        reach = (FIRST_KERNEL - 1) // (1 if causal else 2)
        self.first = nn.Conv1d(STRIDE, channels, FIRST_KERNEL, padding=reach)
        self.frame_rate = nn.Linear(1, channels)
        self.blocks = nn.ModuleList(
            AdaptiveBlock(channels, dilation, causal) for dilation in dilations
        )
        self.dense = nn.Conv1d(channels, channels, 1)
        self.readout = nn.Conv1d(channels, heads * STRIDE, 1)
        if heads > 1:  # which learn of a teacher how seldom spikes are: far above, all else dies
            nn.init.constant_(self.readout.bias, RARER)

    def forward(self, x: Tensor, log_frame_rate: Tensor) -> Tensor:
        """Return the spikes expected in each sample, by each head (H, N, T).

        Args:
            x: calcium (N, T) in units of its noise, see network_input.
            log_frame_rate: of its frames (N, 1), see network_input.

        Raises:
            SettingError: for any other shape; T is a multiple of 4.
        """
        if x.ndim != 2 or x.shape[1] % STRIDE:
            raise SettingError(
                f"the network takes calcium (N, T) of T a multiple of {STRIDE}, got "
                f"{tuple(x.shape)}; hold the last sample, see padded"
            )
        x = x.asinh() if self.latency is None else held(scaled_so_far(x), self.latency * STRIDE)
        x = x.unflatten(1, (-1, STRIDE)).transpose(1, 2)  # (N, T) → (N, 4, S)
        of_rate = self.frame_rate(log_frame_rate)[..., None]  # (N, C, 1)
        x = (self.first(x)[..., : x.shape[2]] + of_rate).relu()  # → (N, C, S)
        for block in self.blocks:
            x = block(x)
        x = self.readout(self.dense(x).relu())[..., self.latency or 0 :]  # → (N, 4 H, S)
        x = nn.functional.softplus(x + RARE).unflatten(1, (self.heads, STRIDE))  # → (N, H, 4, S)
        return x.permute(1, 0, 3, 2).flatten(2)  # → (H, N, T)


class RateEnsemble(nn.Module):
    """Networks that were trained apart; `gain` scales what each of their heads expects, and grows
    with the frame rate by `gain_power`, which no training sets."""

    def __init__(
        self,
        members: int,
        channels: int,
        dilations: Sequence[int],
        latency: int | None = None,
        heads: int = 1,
    ) -> None:
        super().__init__()
        self.members = nn.ModuleList(
            RateNet(channels, dilations, latency, heads) for _ in range(members)
        )
        self.register_buffer("gain", torch.ones(members * heads))
        self.register_buffer("gain_power", torch.zeros(()), persistent=False)

    def forward(self, x: Tensor, log_frame_rate: Tensor) -> Tensor:
        """Return all heads' expected spikes in a sample (M H, N, T), see RateNet.forward."""
        expected = torch.cat([member(x, log_frame_rate) for member in self.members])
        of_rate = (self.gain_power * log_frame_rate).exp()  # (N, 1)
        return expected * self.gain[:, None, None] * of_rate

    @torch.inference_mode()
    def infer(self, x: Tensor, log_frame_rate: Tensor) -> Tensor:
        """As forward, of traces (N, T) of any length."""
        return self(padded(x), log_frame_rate)[..., : x.shape[1]]


def mean_and_deviation(x: Tensor, weight: Tensor, so_far: bool = False) -> tuple[Tensor, Tensor]:
    """Of features (N, C, S) over time, each step of a weight (N, 1, S) above 0.

    Returns:
        (N, C, 1) each; `so_far` (N, C, S) each, of the steps up to each.
    """
    if so_far:
        total = weight.cumsum(2)
        mean = (weight * x).cumsum(2) / total
        variance = ((weight * x.square()).cumsum(2) / total - mean.square()).relu()
    else:
        share = weight / weight.sum(2, keepdim=True)
        mean = (share * x).sum(2, keepdim=True)
        variance = (share * (x - mean).square()).sum(2, keepdim=True)
    return mean, (variance + EPSILON).sqrt()


def scaled_so_far(x: Tensor) -> Tensor:
    """Traces (N, T) as z-scores of what had been seen of them when each sample came."""
    alike = torch.ones_like(x[:, None])
    mean, deviation = mean_and_deviation(x[:, None], alike, so_far=True)
    return (x - mean[:, 0]) / deviation[:, 0]


def padded(x: Tensor) -> Tensor:
    """Traces (N, T) with the last sample held until T is a multiple of 4."""
    return held(x, -x.shape[1] % STRIDE)


def held(x: Tensor, n: int) -> Tensor:
    """Traces (N, T) with the last sample held for n more: (N, T + n)."""
    return nn.functional.pad(x[:, None], (0, n), mode="replicate")[:, 0]

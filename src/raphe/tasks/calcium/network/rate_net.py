"""A network that reads a whole calcium trace at once and says how many spikes each sample holds.

It works at 25 Hz, the resolution of the challenge's score: four samples at 100 Hz become channels
of one step and four again at the end, at a sixteenth of the cost. Each block also sees mean and
deviation of its features over the whole trace, by which it adapts to what kind of recording it is.

With a latency it is causal: what it says of a step depends on that step, those before it and so
many after it; mean and deviation, also of the trace itself, are those so far.

N traces, T samples, S = T / 4 steps, C channels, M members.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from raphe.core.errors import SettingError

STRIDE = 4  # samples in a step
FIRST_KERNEL, KERNEL = 9, 5  # steps
RARE = -2.0  # added before the softplus: an untrained network says a rate, but a low one
EPSILON = 1e-6  # of a variance


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
        self.summary = nn.Linear(2 * channels, channels // 2)
        self.adapt = nn.Linear(channels // 2, 2 * channels)
        nn.init.zeros_(self.adapt.weight)
        nn.init.zeros_(self.adapt.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return features (N, C, S) of features (N, C, S)."""
        h = self.wide(x)[..., : x.shape[2]].relu()  # (N, C, S): what lies ahead is cut off
        features = torch.cat(mean_and_deviation(h, self.causal), 1).transpose(1, 2)
        scale, shift = self.adapt(self.summary(features).relu()).transpose(1, 2).chunk(2, 1)
        return x + self.mix(h * (1 + scale) + shift)


class RateNet(nn.Module):
    """Dilated convolutions over a trace; see the module's docstring.

    Args:
        channels: of every layer.
        dilations: of the blocks, in steps of 40 ms.
        latency: steps that a causal network waits for; None sees the whole trace.
    """

    def __init__(
        self,
        channels: int = 32,
        dilations: Sequence[int] = (1, 2, 4, 8, 16),
        latency: int | None = None,
    ) -> None:
        super().__init__()
        self.latency = latency
        causal = latency is not None
        reach = (FIRST_KERNEL - 1) // (1 if causal else 2)
        self.first = nn.Conv1d(STRIDE, channels, FIRST_KERNEL, padding=reach)
        self.blocks = nn.ModuleList(
            AdaptiveBlock(channels, dilation, causal) for dilation in dilations
        )
        self.dense = nn.Conv1d(channels, channels, 1)
        self.readout = nn.Conv1d(channels, STRIDE, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the spikes expected in each sample (N, T) of z-scored calcium (N, T).

        Raises:
            SettingError: for any other shape; T is a multiple of 4.
        """
        if x.ndim != 2 or x.shape[1] % STRIDE:
            raise SettingError(
                f"the network takes calcium (N, T) of T a multiple of {STRIDE}, got "
                f"{tuple(x.shape)}; hold the last sample, see padded"
            )
        if self.latency is not None:
            x = held(scaled_so_far(x), self.latency * STRIDE)
        x = x.unflatten(1, (-1, STRIDE)).transpose(1, 2)  # (N, T) → (N, 4, S)
        x = self.first(x)[..., : x.shape[2]].relu()  # → (N, C, S)
        for block in self.blocks:
            x = block(x)
        x = self.readout(self.dense(x).relu())[..., self.latency or 0 :]  # → (N, 4, S)
        return nn.functional.softplus(x + RARE).transpose(1, 2).flatten(1)  # → (N, T)


class RateEnsemble(nn.Module):
    """Networks that were trained apart; `gain` scales what each expects."""

    def __init__(
        self, members: int, channels: int, dilations: Sequence[int], latency: int | None = None
    ) -> None:
        super().__init__()
        self.members = nn.ModuleList(RateNet(channels, dilations, latency) for _ in range(members))
        self.register_buffer("gain", torch.ones(members))

    def forward(self, x: Tensor) -> Tensor:
        """Return each member's expected spikes in a sample (M, N, T) of calcium (N, T)."""
        return torch.stack([member(x) for member in self.members]) * self.gain[:, None, None]

    @torch.inference_mode()
    def infer(self, x: Tensor) -> Tensor:
        """As forward, of z-scored traces (N, T) of any length."""
        return self(padded(x))[..., : x.shape[1]]


def mean_and_deviation(x: Tensor, so_far: bool = False) -> tuple[Tensor, Tensor]:
    """Of features (N, C, S) over time: (N, C, 1) each; or of those so far: (N, C, S) each."""
    if so_far:
        n = torch.arange(1, x.shape[2] + 1, device=x.device, dtype=x.dtype)
        mean = x.cumsum(2) / n
        variance = (x.square().cumsum(2) / n - mean.square()).relu()
    else:
        mean = x.mean(2, keepdim=True)
        variance = (x - mean).square().mean(2, keepdim=True)
    return mean, (variance + EPSILON).sqrt()


def scaled_so_far(x: Tensor) -> Tensor:
    """Traces (N, T) as z-scores of what had been seen of them when each sample came."""
    mean, deviation = mean_and_deviation(x[:, None], so_far=True)
    return (x - mean[:, 0]) / deviation[:, 0]


def padded(x: Tensor) -> Tensor:
    """Traces (N, T) with the last sample held until T is a multiple of 4."""
    return held(x, -x.shape[1] % STRIDE)


def held(x: Tensor, n: int) -> Tensor:
    """Traces (N, T) with the last sample held for n more: (N, T + n)."""
    return nn.functional.pad(x[:, None], (0, n), mode="replicate")[:, 0]

"""A network that reads a whole calcium trace at once and says how many spikes each sample holds.

It works at 25 Hz, the resolution of the challenge's score: four samples at 100 Hz become channels
of one step and four again at the end, at a sixteenth of the cost. Each block also sees mean and
deviation of its features over the whole trace, by which it adapts to what kind of recording it is.
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


class Block(nn.Module):
    """A dilated convolution, scaled and shifted by the whole trace's features, added to its input.

    Untrained, the scale is 1 and the shift 0.
    """

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        reach = dilation * (KERNEL // 2)
        self.wide = nn.Conv1d(channels, channels, KERNEL, dilation=dilation, padding=reach)
        self.mix = nn.Conv1d(channels, channels, 1)
        self.summary = nn.Linear(2 * channels, channels // 2)
        self.adapt = nn.Linear(channels // 2, 2 * channels)
        nn.init.zeros_(self.adapt.weight)
        nn.init.zeros_(self.adapt.bias)

    def forward(self, x: Tensor) -> Tensor:
        h = self.wide(x).relu()  # (N, C, S)
        mean = h.mean(2)
        deviation = ((h - mean[..., None]).square().mean(2) + EPSILON).sqrt()
        seen = self.summary(torch.cat([mean, deviation], 1)).relu()
        scale, shift = self.adapt(seen)[..., None].chunk(2, 1)  # (N, C, 1) each
        return x + self.mix(h * (1 + scale) + shift)


class RateNet(nn.Module):
    """Dilated convolutions over a trace; see the module's docstring.

    Args:
        channels: of every layer.
        dilations: of the blocks, in steps of 40 ms.
    """

    def __init__(self, channels: int = 32, dilations: Sequence[int] = (1, 2, 4, 8, 16)) -> None:
        super().__init__()
        self.first = nn.Conv1d(STRIDE, channels, FIRST_KERNEL, padding=FIRST_KERNEL // 2)
        self.blocks = nn.ModuleList(Block(channels, dilation) for dilation in dilations)
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
        x = x.unflatten(1, (-1, STRIDE)).transpose(1, 2)  # (N, T) → (N, 4, S)
        x = self.first(x).relu()  # → (N, C, S)
        for block in self.blocks:
            x = block(x)
        x = self.readout(self.dense(x).relu())  # → (N, 4, S)
        return nn.functional.softplus(x + RARE).transpose(1, 2).flatten(1)  # → (N, T)


class RateEnsemble(nn.Module):
    """Networks that were trained apart; `gain` brings each to the training spikes' count."""

    def __init__(self, members: int, channels: int, dilations: Sequence[int]) -> None:
        super().__init__()
        self.members = nn.ModuleList(RateNet(channels, dilations) for _ in range(members))
        self.register_buffer("gain", torch.ones(members))

    def forward(self, x: Tensor) -> Tensor:
        """Return each member's expected spikes in a sample (M, N, T) of calcium (N, T)."""
        return torch.stack([member(x) for member in self.members]) * self.gain[:, None, None]

    @torch.inference_mode()
    def infer(self, x: Tensor) -> Tensor:
        """As forward, of z-scored traces (N, T) of any length."""
        return self(padded(x))[..., : x.shape[1]]


def padded(x: Tensor) -> Tensor:
    """Traces (N, T) with the last sample held until T is a multiple of 4."""
    return nn.functional.pad(x[:, None], (0, -x.shape[1] % STRIDE), mode="replicate")[:, 0]

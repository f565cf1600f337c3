"""The small network that is trained on one recording alone (Rupprecht & Gerhard 2017).

Its first layers are convolutions whose weights differ from place to place. B windows, P places, C
channels.
"""

import math

import torch
from torch import Tensor, nn

WINDOW, BEFORE = 100, 40  # samples, and how many of them precede the predicted one
SMOOTHING = 2.5  # width of the target's kernel, wider than that of the large network
TAPS, FILTERS, STRIDES = (32, 32), (32, 16), (2, 1)
DENSE, DROPOUT, POOL = 32, 0.5, 2
CHUNK = 8192  # windows answered at once


class LocallyConnected(nn.Module):
    """A convolution without weight sharing: (B, T, C) → (B, P, filters), as Keras 2 had it."""

    def __init__(self, places: int, channels: int, filters: int, taps: int, stride: int) -> None:
        super().__init__()
        self.taps, self.stride = taps, stride
        n_inputs = taps * channels
        self.weight = nn.Parameter(torch.empty(places, n_inputs, filters))
        self.bias = nn.Parameter(torch.zeros(places, 1, filters))
        limit = math.sqrt(6 / (places * (n_inputs + filters)))  # Glorot, as Keras counts it
        nn.init.uniform_(self.weight, -limit, limit)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, P, filters) of (B, T, C); each of the P places has weights of its own."""
        x = x.unfold(1, self.taps, self.stride).transpose(2, 3).flatten(2)  # → (B, P, taps · C)
        return torch.baddbmm(self.bias, x.transpose(0, 1), self.weight).transpose(0, 1)


class SingleNet(nn.Module):
    """Two locally connected layers, pooling, a dense layer at both places left, a read-out."""

    def __init__(self) -> None:
        super().__init__()
        places, layers = WINDOW, []
        for channels, filters, taps, stride in zip(
            (1, FILTERS[0]), FILTERS, TAPS, STRIDES, strict=True
        ):
            places = (places - taps) // stride + 1
            layers.append(LocallyConnected(places, channels, filters, taps, stride))
        self.local1, self.local2 = layers
        self.dense = nn.Linear(FILTERS[1], DENSE)
        self.readout = nn.Linear(places // POOL * DENSE, 1)
        self.dropout = nn.Dropout(DROPOUT)
        for layer in (self.dense, self.readout):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return the rate (B, 1) of the sample after the 40th of z-scored windows (B, 100)."""
        x = self.dropout(self.local1(x[..., None]).relu())  # → (B, 35, 32)
        x = self.local2(x).relu()  # → (B, 4, 16)
        x = self.dropout(x.unflatten(1, (-1, POOL)).amax(2))  # → (B, 2, 16)
        x = self.dense(x).relu()  # → (B, 2, 32)
        return self.readout(self.dropout(x.flatten(1)))

    @torch.inference_mode()
    def infer(self, x: Tensor) -> Tensor:
        """Return the rate (N − 100,) of a whole z-scored trace (N,), samples 40 to N − 61."""
        windows = x.unfold(0, WINDOW, 1)[:-1]
        return torch.cat([self(part)[:, 0] for part in windows.split(CHUNK)])

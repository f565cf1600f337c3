"""Voltage and current of seconds read as a whole: convolutions, a BiLSTM, attention over time.

Three strided convolutions shorten a trace 200 times before the recurrent layer sees it, so that
50 000 samples train in batches of 64 within 2 GB. Attention looks at every stretch of the trace:
a threshold shows at spikes, a time constant where the current moves.

B traces, T samples, C channels (voltage, current), F features, S = T / 200 steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn

from raphe.core.errors import SettingError
from raphe.core.ranges import Count, Numbers, Range, check_ranges

VOLTAGE, CURRENT = 0, 1  # the channels
# What brings a fitted cell's numbers to about 1: half of them lie within these.
VOLTAGE_CENTRE_MV, VOLTAGE_SPREAD_MV = -65.0, 15.0
CURRENT_SPREAD_PA = 100.0
STRIDES, KERNELS = (10, 5, 4), (20, 15, 12)

Filters = Annotated[Sequence[int], Numbers("3 whole numbers", Range(1), n=3)]  # one a stride


@dataclass(frozen=True)
class EncoderSize:
    """How large the layers are. Raises SettingError."""

    filters: Filters = (16, 32, 64)
    units: Count = 64  # of the LSTM in each direction
    heads: Count = 4  # of the attention
    features: Count = 64  # that come out

    def __post_init__(self) -> None:
        check_ranges(EncoderSize, vars(self), "model")


class TraceEncoder(nn.Module):
    """Features (B, F) of traces (B, 2, T): absolute voltage in mV and current in pA."""

    def __init__(self, size: EncoderSize | None = None) -> None:
        super().__init__()
        size = size or EncoderSize()
        channels = (3, *size.filters)  # voltage, current, and where the voltage is NaN
        self.convolutions = nn.ModuleList(
            nn.Conv1d(channels[i], channels[i + 1], KERNELS[i], STRIDES[i])
            for i in range(len(STRIDES))
        )
        self.norms = nn.ModuleList(nn.GroupNorm(1, filters) for filters in size.filters)
        self.lstm = nn.LSTM(size.filters[-1], size.units, bidirectional=True, batch_first=True)
        self.norm = nn.LayerNorm(2 * size.units)
        self.attention = nn.Linear(2 * size.units, size.heads)
        self.readout = nn.Linear(2 * size.units * (size.heads + 1) + 4, size.features)

    def forward(self, traces: Tensor) -> Tensor:
        """Features (B, F) of traces (B, 2, T). NaN in the voltage is dead time.

        Raises SettingError for another shape, a trace that is too short or a current with NaN.
        """
        x = self._scaled(traces)  # (B, 2, T) → (B, 3, T)
        extremes = _extremes(traces[:, VOLTAGE])  # (B, 4)
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = norm(nn.functional.gelu(convolution(x)))  # → (B, 64, S)
        x = self.norm(self.lstm(x.transpose(1, 2))[0])  # → (B, S, 2 H)
        weight = self.attention(x).softmax(dim=1)  # (B, S, heads)
        pooled = torch.einsum("bsh,bsf->bhf", weight, x).flatten(1)  # → (B, heads × 2 H)
        return self.readout(torch.cat([pooled, x.mean(dim=1), extremes], dim=1))

    def _scaled(self, traces: Tensor) -> Tensor:
        shortest = least_samples()
        if traces.ndim != 3 or traces.shape[1] != 2 or traces.shape[2] < shortest:
            raise SettingError(
                f"traces: expected (B, 2, T), voltage and current, of {shortest} samples or more, "
                f"got {tuple(traces.shape)}"
            )
        voltage, current = traces[:, VOLTAGE], traces[:, CURRENT]
        if current.isnan().any():
            raise SettingError("current: expected finite samples in pA, got NaN")
        dead = voltage.isnan()
        scaled = (voltage - VOLTAGE_CENTRE_MV) / VOLTAGE_SPREAD_MV
        scaled = torch.where(dead, torch.zeros_like(scaled), scaled)
        return torch.stack([scaled, current / CURRENT_SPREAD_PA, dead.to(scaled.dtype)], dim=1)


def least_samples() -> int:
    """The shortest trace that leaves one step."""
    n = 1
    for stride, kernel in zip(reversed(STRIDES), reversed(KERNELS), strict=True):
        n = (n - 1) * stride + kernel
    return n


def _extremes(voltage_mv: Tensor) -> Tensor:
    """Largest, smallest, first value and share of dead time of each voltage: (B, 4), scaled.

    A strided average blurs the one sample below a spike that bounds the threshold.
    """
    dead = voltage_mv.isnan()
    low, high = (torch.where(dead, bound, voltage_mv) for bound in (torch.inf, -torch.inf))
    values = torch.stack([high.amax(dim=1), low.amin(dim=1), voltage_mv[:, 0]], dim=1)
    values = (values.nan_to_num(VOLTAGE_CENTRE_MV) - VOLTAGE_CENTRE_MV) / VOLTAGE_SPREAD_MV
    return torch.cat([values, dead.float().mean(dim=1, keepdim=True)], dim=1)

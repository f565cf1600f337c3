"""The network of the "LSTM GLIF" study: a bidirectional LSTM's last states, and a linear read-out.

B traces, T samples of the longest, H units.
"""

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from raphe.core.errors import SettingError
from raphe.tasks.glif.lstm_study.lstm_kernel import LastStates
from raphe.tasks.glif.metrics.names import TARGETS

UNITS = 5


class LstmPublished(nn.Module):
    """Reads voltages in mV; answers the study's scaled targets (see `grid`).

    375 parameters, named and initialised as torch.nn.LSTM and Linear do. On a processor it runs
    compiled (see `lstm_kernel`), elsewhere as torch.nn.LSTM: the same numbers but for rounding.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(1, UNITS, bidirectional=True, batch_first=True)
        self.readout = nn.Linear(2 * UNITS, len(TARGETS))

    def forward(self, voltage_mv: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Answer float32 (B, 5) for voltages (B, T), the first `lengths` (B,) samples of each.

        Without lengths all of each. Raises SettingError for another shape, or an empty trace.
        """
        if voltage_mv.ndim != 2:
            raise SettingError(
                f"voltage: expected traces (B, T) in mV, got shape {tuple(voltage_mv.shape)}"
            )
        if lengths is None:
            lengths = torch.full((len(voltage_mv),), voltage_mv.shape[1])
        if not (lengths > 0).all():
            row = int((lengths <= 0).nonzero()[0])
            raise SettingError(f"voltage: trace {row} has no sample that is not NaN")
        return self.readout(self.last_states(voltage_mv, lengths.cpu()))

    def last_states(self, voltage_mv: Tensor, lengths: Tensor) -> Tensor:
        """The last state of each direction, forward first: (B, 2 H)."""
        if voltage_mv.is_cuda:
            return self._by_torch(voltage_mv, lengths)
        stacked = (
            torch.stack([getattr(self.lstm, f"{name}_l0{side}") for side in ("", "_reverse")])
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        w_in, w_rec, bias_in, bias_rec = stacked
        last = LastStates.apply(voltage_mv, lengths, w_in[..., 0], w_rec, bias_in + bias_rec)
        return last.flatten(1)  # (B, 2, H) → (B, 2 H)

    def _by_torch(self, voltage_mv: Tensor, lengths: Tensor) -> Tensor:
        packed = pack_padded_sequence(
            voltage_mv[..., None], lengths, batch_first=True, enforce_sorted=False
        )
        _, (hidden, _) = self.lstm(packed)  # (2, B, H)
        return hidden.transpose(0, 1).flatten(1)

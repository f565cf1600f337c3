"""The network of Rupprecht & Gerhard 2017 (Spikefinder-Elephant): a spike rate from 128 samples.

One sample's rate is read from the 32 samples before it, itself and the 95 after it. Over a whole
trace each layer runs once: what pooling merges depends on where the window begins, so the pooled
signal is kept in two shifted copies, after both poolings in four. N windows or traces, T samples.
"""

import torch
from torch import Tensor, nn

from raphe.core.errors import SettingError

WINDOW, BEFORE = 128, 32  # samples, and how many of them precede the predicted one
AFTER = WINDOW - BEFORE
KERNELS, FILTERS, DENSE = (41, 21, 7), (50, 60, 70), 300
POOL = 2
STEPS = ((WINDOW - KERNELS[0] - KERNELS[1] + 2) // POOL - KERNELS[2] + 1) // POOL  # 14
CHUNK = 4096  # samples inferred at once; the values of more would leave the cache


class ElephantNet(nn.Module):
    """Three convolutions, two poolings, a dense layer at each of 14 steps, and a linear read-out.

    120 131 parameters, initialised as Keras does.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(1, FILTERS[0], KERNELS[0])
        self.conv2 = nn.Conv1d(FILTERS[0], FILTERS[1], KERNELS[1])
        self.conv3 = nn.Conv1d(FILTERS[1], FILTERS[2], KERNELS[2])
        self.dense = nn.Linear(FILTERS[2], DENSE)
        self.readout = nn.Linear(STEPS * DENSE, 1)
        for layer in self.children():
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return the rate (N, T − 127) of z-scored calcium (N, T), T ≥ 128, as a z-score.

        The first value belongs to sample 32, the last to sample T − 96.

        Raises:
            SettingError: for any other shape.
        """
        if x.ndim != 2 or x.shape[1] < WINDOW:
            raise SettingError(
                f"the network takes calcium (N, T) of T ≥ {WINDOW} samples, got {tuple(x.shape)}"
            )
        return self._window(x) if x.shape[1] == WINDOW else self._whole(x)

    @torch.inference_mode()
    def infer(self, x: Tensor) -> Tensor:
        """Return the rate (N, T) of whole z-scored traces (N, T), as a z-score.

        As in the original it is 0, the mean, for the first 32 and the last 96 samples, and for all
        of a trace that is not longer than a window.
        """
        rate = torch.zeros_like(x)
        n_inferred = x.shape[1] - WINDOW
        for start in range(0, n_inferred, CHUNK):
            stop = min(start + CHUNK, n_inferred)
            rate[:, BEFORE + start : BEFORE + stop] = self(x[:, start : stop + WINDOW - 1])
        return rate

    # ReLU follows the pooling, not the convolution: the result is the same, on half the values.

    def _window(self, x: Tensor) -> Tensor:
        x = self.conv1(x[:, None]).relu_()  # (N, 128) → (N, 50, 88)
        x = nn.functional.max_pool1d(self.conv2(x), POOL).relu_()  # → (N, 60, 68) → (N, 60, 34)
        x = nn.functional.max_pool1d(self.conv3(x), POOL).relu_()  # → (N, 70, 28) → (N, 70, 14)
        x = self.dense(x.transpose(1, 2)).relu_()  # → (N, 14, 300)
        return self.readout(x.flatten(1))  # time-major → (N, 4200) → (N, 1)

    def _whole(self, x: Tensor) -> Tensor:
        n_traces, n_rates = len(x), x.shape[1] - WINDOW + 1
        quarter = -(-n_rates // POOL**2)
        x = nn.functional.pad(x, (0, POOL**2 * quarter - n_rates))  # so that the copies are equal
        x = self.conv1(x[:, None]).relu_()  # → (N, 50, T − 40)
        x = _pool_shifted(self.conv2(x)).relu_()  # → (2 N, 60, (T − 61) / 2)
        x = _pool_shifted(self.conv3(x)).relu_()  # → (4 N, 70, quarter + 13)
        x = self.dense(x.transpose(1, 2)).relu_()  # → (4 N, quarter + 13, 300)
        # Each step of the read-out, shifted to the window that it belongs to.
        steps = x @ self.readout.weight.view(STEPS, DENSE).T  # → (4 N, quarter + 13, 14)
        rate = steps.unfold(1, STEPS, 1).diagonal(dim1=2, dim2=3).sum(-1)  # → (4 N, quarter)
        rate = rate.view(POOL, POOL, n_traces, quarter).permute(2, 3, 0, 1)
        return rate.flatten(1)[:, :n_rates] + self.readout.bias


def _pool_shifted(x: Tensor) -> Tensor:
    """Pool (N, C, L), L odd, in pairs that begin at even samples and again at odd ones.

    Returns (2 N, C, (L − 1) / 2), the even pairs first.
    """
    pairs = torch.maximum(x[..., :-1], x[..., 1:])
    return torch.cat([pairs[..., 0::2], pairs[..., 1::2]])

"""A small bidirectional LSTM over very long sequences of scalars, compiled.

torch spends two microseconds on a step of five units, most of it overhead; here it is a fraction
of one, and the two directions run at once. B sequences, T samples of one, H units; gates in
torch's order i, f, g, o; the directions are 0, forward, and 1, backward.
"""

import math

import numpy as np
import torch
from numba import njit, prange
from torch import Tensor

GATES = 4
COMPILE = {"cache": True, "error_model": "numpy"}


@njit(inline="always", **COMPILE)
def _sigmoid(x):
    return np.float32(1) / (np.float32(1) + math.exp(-x))


@njit(fastmath={"contract"}, **COMPILE)
def _run(x, backward, w_in, w_rec, bias, gates, cells, hidden):
    """One sequence (T,) in one direction; keeps gates (T, 4 H), cells and hidden (T + 1, H)."""
    n, n_units = len(x), hidden.shape[1]
    total = np.empty(GATES * n_units, np.float32)
    for t in range(n):
        sample = x[n - 1 - t] if backward else x[t]
        for k in range(GATES * n_units):
            total[k] = bias[k] + w_in[k] * sample
        for j in range(n_units):
            h = hidden[t, j]
            for k in range(GATES * n_units):
                total[k] += w_rec[j, k] * h
        for j in range(n_units):
            i, f = _sigmoid(total[j]), _sigmoid(total[n_units + j])
            g, o = math.tanh(total[2 * n_units + j]), _sigmoid(total[3 * n_units + j])
            cell = f * cells[t, j] + i * g
            gates[t, j], gates[t, n_units + j] = i, f
            gates[t, 2 * n_units + j], gates[t, 3 * n_units + j] = g, o
            cells[t + 1, j] = cell
            hidden[t + 1, j] = o * math.tanh(cell)


@njit(fastmath={"contract"}, **COMPILE)
def _run_back(x, backward, w_in, w_rec, gates, cells, hidden, d_last, d_in, d_rec, d_bias, d_x):
    """Gradients of one sequence from that of its last hidden state (H,)."""
    n, n_units = len(x), hidden.shape[1]
    one = np.float32(1)
    d_total = np.empty(GATES * n_units, np.float32)
    d_hidden, d_cell = d_last.copy(), np.zeros(n_units, np.float32)
    for t in range(n - 1, -1, -1):
        at = n - 1 - t if backward else t
        for j in range(n_units):
            i, f = gates[t, j], gates[t, n_units + j]
            g, o = gates[t, 2 * n_units + j], gates[t, 3 * n_units + j]
            squashed = math.tanh(cells[t + 1, j])
            dc = d_cell[j] + d_hidden[j] * o * (one - squashed * squashed)
            d_total[j] = dc * g * i * (one - i)
            d_total[n_units + j] = dc * cells[t, j] * f * (one - f)
            d_total[2 * n_units + j] = dc * i * (one - g * g)
            d_total[3 * n_units + j] = d_hidden[j] * squashed * o * (one - o)
            d_cell[j] = dc * f
        sample, along = x[at], np.float32(0)
        for k in range(GATES * n_units):
            d_bias[k] += d_total[k]
            d_in[k] += d_total[k] * sample
            along += d_total[k] * w_in[k]
        d_x[at] += along
        for j in range(n_units):
            h, total = hidden[t, j], np.float32(0)
            for k in range(GATES * n_units):
                d_rec[j, k] += d_total[k] * h
                total += d_total[k] * w_rec[j, k]
            d_hidden[j] = total


@njit(parallel=True, **COMPILE)
def _forward(x, lengths, w_in, w_rec, bias, gates, cells, hidden):
    for task in prange(2 * len(x)):
        b, d = task // 2, task % 2
        n = lengths[b]
        _run(
            x[b, :n], d == 1, w_in[d], w_rec[d], bias[d], gates[b, d], cells[b, d], hidden[b, d]
        )  # fmt: skip


@njit(parallel=True, **COMPILE)
def _backward(x, lengths, w_in, w_rec, gates, cells, hidden, d_last, d_in, d_rec, d_bias, d_x):
    for task in prange(2 * len(x)):
        b, d = task // 2, task % 2
        n = lengths[b]
        _run_back(
            x[b, :n], d == 1, w_in[d], w_rec[d], gates[b, d], cells[b, d], hidden[b, d],
            d_last[b, d], d_in[b, d], d_rec[b, d], d_bias[b, d], d_x[b, d],
        )  # fmt: skip


class LastStates(torch.autograd.Function):
    """The last hidden states (B, 2, H) of sequences (B, T) of these lengths (B,).

    Weights as torch.nn.LSTM has them, both directions stacked: input (2, 4 H), recurrent
    (2, 4 H, H), bias (2, 4 H), the sum of torch's two. float32, on the processor.
    """

    @staticmethod
    def forward(
        ctx, x: Tensor, lengths: Tensor, w_in: Tensor, w_rec: Tensor, bias: Tensor
    ) -> Tensor:
        """float32 (B, 2, H) of x float32 (B, T), lengths int64 (B,) and the weights above."""
        n_batch, n_units = len(x), w_rec.shape[2]
        longest = int(lengths.max())
        arrays = (
            x.detach().contiguous().numpy(),
            lengths.numpy(),
            w_in.detach().contiguous().numpy(),
            w_rec.detach().transpose(1, 2).contiguous().numpy(),  # (2, H, 4 H)
        )
        gates = np.empty((n_batch, 2, longest, GATES * n_units), np.float32)
        cells = np.zeros((n_batch, 2, longest + 1, n_units), np.float32)
        hidden = np.zeros_like(cells)
        _forward(*arrays, bias.detach().contiguous().numpy(), gates, cells, hidden)
        ctx.kept = (*arrays, gates, cells, hidden)
        last = np.stack([hidden[b, :, n] for b, n in enumerate(lengths.tolist())])
        return torch.from_numpy(last)

    @staticmethod
    def backward(ctx, d_last: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of x (B, T), of no lengths, and of the weights, from those of the last hidden
        states float32 (B, 2, H)."""
        x, lengths, w_in, w_rec, *states = ctx.kept
        n_batch, n_units = len(x), w_rec.shape[1]
        d_in = np.zeros((n_batch, 2, GATES * n_units), np.float32)
        d_rec = np.zeros((n_batch, 2, n_units, GATES * n_units), np.float32)
        d_bias, d_x = np.zeros_like(d_in), np.zeros((n_batch, 2, x.shape[1]), np.float32)
        d_last = np.ascontiguousarray(d_last.numpy())
        _backward(x, lengths, w_in, w_rec, *states, d_last, d_in, d_rec, d_bias, d_x)
        sums = (torch.from_numpy(array.sum(axis=0)) for array in (d_in, d_rec, d_bias))
        d_in, d_rec, d_bias = sums
        return torch.from_numpy(d_x.sum(axis=1)), None, d_in, d_rec.transpose(1, 2), d_bias

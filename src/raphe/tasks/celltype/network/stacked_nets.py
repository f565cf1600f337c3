"""The networks of a bank as one set of operations, as an accelerator likes them.

Each weight of all members is one tensor, padded with zeros at its end to the longest kernel. Both
convolutions run in the frequency domain, where a kernel costs the same however long it is. What
they leave beyond a member's own samples meets zeros in its dense layer.

M members, N spikes, R rows (the spikes and, in the two-column network, the ramp), T samples,
F filters, L samples of a layer, P samples left after the last pooling, C classes.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from raphe.core.errors import SettingError
from raphe.tasks.celltype.network.kernel_size import pooled_samples
from raphe.tasks.celltype.network.layers import (
    BITS_PER_DRAW,
    RANDOM_BITS,
    larger_column,
    pool_pairs,
)
from raphe.tasks.celltype.network.net import NORM_EPSILON, CellTypeNet

OF_KERNEL = ("conv1.weight", "conv2.weight", "dense.weight")  # their size depends on the kernel


class StackedNets:
    """The weights of M networks that differ in kernel and dropout alone, and their forward pass.

    Raises:
        SettingError: for networks that differ in more.
    """

    def __init__(self, nets: Sequence[CellTypeNet]) -> None:
        self.nets = nets
        self.columns, self.n_samples, self.filters = _common_settings(nets)
        self.n_left = [pooled_samples(self.n_samples, net.conv1.kernel_size[1]) for net in nets]
        self.time_s = nets[0].time_s
        self.keys = [key for key, _ in nets[0].named_parameters()]
        values = {key: [net.get_parameter(key).detach() for net in nets] for key in self.keys}
        self.weights = {key: self.stack(key, values[key]).requires_grad_() for key in self.keys}
        # Without it the padding would learn.
        self._is_weight = {
            key: self.stack(key, [torch.ones_like(value) for value in values[key]])
            for key in OF_KERNEL
        }
        self._dropout = _StackedDropout(self) if any(net.dropout for net in nets) else None

    def stack(self, key: str, values: Sequence[Tensor]) -> Tensor:
        """Pad what has the shape of the members' weight `key`, and stack it: (M, …)."""
        rows = [_rows(key, value, self.filters) for value in values]
        longest = max(row.shape[-1] for row in rows)
        stacked = rows[0].new_zeros(len(rows), *rows[0].shape[:-1], longest)
        for place, row in zip(stacked, rows, strict=True):
            place[..., : row.shape[-1]] = row
        return stacked

    def unstack(self, key: str, stacked: Tensor) -> list[Tensor]:
        """The reverse of `stack`: (M, …) to M tensors in the shapes of the members' weights."""
        values = [torch.empty_like(net.get_parameter(key)) for net in self.nets]
        for place, value in zip(stacked.detach(), values, strict=True):
            rows = _rows(key, value, self.filters)
            rows.copy_(place[..., : rows.shape[-1]])
        return values

    @torch.no_grad()
    def write_back(self) -> None:
        """Give the networks their weights."""
        for key, stacked in self.weights.items():
            for net, value in zip(self.nets, self.unstack(key, stacked), strict=True):
                net.get_parameter(key).copy_(value)

    def logits(
        self, current: Tensor, generators: Sequence[torch.Generator] | None = None
    ) -> Tensor:
        """Return logits (M, N, C) of current (N, T) in pA.

        Given each member's generator, dropout is drawn as CellTypeNet draws it in training.
        """
        weight = self.weights | {
            key: self.weights[key] * is_weight for key, is_weight in self._is_weight.items()
        }
        x = current if self.columns == 1 else torch.cat([current, self.time_s[None]])  # (R, T)
        x = nn.functional.layer_norm(x, (self.n_samples,), eps=NORM_EPSILON)
        x = torch.addcmul(weight["norm.bias"], x[:, None], weight["norm.weight"])  # → (R, M, T)
        x = _correlate(x[:, :, None], weight["conv1.weight"][:, :, None])  # → (R, M, F₁, T)
        x = (_pool(x) + weight["conv1.bias"][..., None]).relu()  # → (R, M, F₁, T // 2)
        x = _pool(_correlate(x, weight["conv2.weight"]))[..., : max(self.n_left)]
        x = x + weight["conv2.bias"][..., None]  # (R, M, F₂, P)
        if self.columns == 2:
            spikes, ramp = x.flatten(2).tensor_split([len(current)])
            x = larger_column(spikes, ramp).view(-1, *x.shape[1:])  # → (N, M, F₂, P)
        x = x.relu()
        if generators is not None and self._dropout is not None:
            x = x * self._dropout.scale(len(x), generators)
        logits = torch.einsum("nmfp,mcfp->mnc", x, weight["dense.weight"])
        return logits + weight["dense.bias"][:, None]


class _StackedDropout:
    """The draws of `relu_dropout` for each member, with a few operations for all of them.

    Each draws for the samples that it has left, (N, its P, F₂); a table of places brings its bits
    to (N, M, F₂, P).
    """

    def __init__(self, nets: StackedNets) -> None:
        self._n_left, self._n_filters = nets.n_left, nets.filters[1]
        self._device = nets.time_s.device
        shares = torch.tensor([net.dropout for net in nets.nets], dtype=torch.float64)
        least = (shares * 2**RANDOM_BITS).round() - 2 ** (RANDOM_BITS - 1)
        self._least = least.to(self._device, torch.int32)[:, None, None]  # (M, 1, 1)
        self._scale = (1 / (1 - shares)).to(self._device, torch.float32)[:, None, None]
        self._n_spikes = 0

    def scale(self, n_spikes: int, generators: Sequence[torch.Generator]) -> Tensor:
        """What to multiply the features (N, M, F₂, P) with."""
        if n_spikes != self._n_spikes:
            self._allot(n_spikes)
        for draws, generator in zip(self._draws, generators, strict=True):
            draws.random_(-(2**63), None, generator=generator)
        bits = self._bits.view(torch.int16)[self._places]
        return (bits >= self._least) * self._scale

    def _allot(self, n_spikes: int) -> None:
        self._n_spikes = n_spikes
        counts = [n_spikes * n_left * self._n_filters for n_left in self._n_left]
        per_draw = BITS_PER_DRAW // RANDOM_BITS
        n_draws = [-(-count // per_draw) for count in counts]
        self._bits = torch.zeros(sum(n_draws), dtype=torch.int64, device=self._device)
        self._draws = self._bits.split(n_draws)
        shape = (n_spikes, len(counts), self._n_filters, max(self._n_left))
        self._places = torch.zeros(shape, dtype=torch.int64, device=self._device)
        begin = 0
        for member, (count, n_left) in enumerate(zip(counts, self._n_left, strict=True)):
            places = torch.arange(begin, begin + count, device=self._device)
            places = places.view(n_spikes, n_left, self._n_filters).transpose(1, 2)
            self._places[:, member, :, :n_left] = places
            begin += n_draws[member] * per_draw


def _rows(key: str, value: Tensor, filters: tuple[int, int]) -> Tensor:
    """View a weight so that its last axis alone depends on the kernel."""
    if key == "conv1.weight":
        return value[:, 0, 0]  # (F₁, k)
    if key == "conv2.weight":
        return value[:, :, 0]  # (F₂, F₁, k)
    if key == "dense.weight":
        return value.unflatten(1, (filters[1], -1))  # (C, F₂, P)
    return value


def _correlate(x: Tensor, weight: Tensor) -> Tensor:
    """Slide filters (M, O, I, k) over (R, M, I, L): (R, M, O, L); only L − k + 1 are valid.

    The others take in samples from the beginning.
    """
    length = x.shape[-1]
    spectrum, filters = torch.fft.rfft(x), torch.fft.rfft(weight, length)
    product = torch.einsum("rmif,moif->rmof", spectrum, filters.conj())
    return torch.fft.irfft(product, length)


def _pool(x: Tensor) -> Tensor:
    """Keep the larger of each two neighbours on the last axis."""
    return pool_pairs(x.reshape(-1, x.shape[-1], 1)).view(*x.shape[:-1], -1)


def _common_settings(nets: Sequence[CellTypeNet]) -> tuple[int, int, tuple[int, int]]:
    settings: Mapping[str, set] = {
        "columns": {net.columns for net in nets},
        "window": {net.n_samples for net in nets},
        "filters": {(net.conv1.out_channels, net.conv2.out_channels) for net in nets},
        "classes": {net.dense.out_features for net in nets},
    }
    for name, values in settings.items():
        if len(values) > 1:
            raise SettingError(
                f"a bank on an accelerator needs members with the same {name}, got "
                f"{sorted(values)}; set bank.way=one_by_one"
            )
    return tuple(values.pop() for values in settings.values())[:3]

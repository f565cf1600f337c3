"""Trained networks asked together about the same spikes, on a processor: for choosing among them.

M members, N spikes, T samples, D numbers of a cell's firing, C classes, F filters, P samples left
after the last pooling.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy

import torch
from torch import Tensor
from torch.nn import functional

from raphe.core.errors import SettingError
from raphe.tasks.celltype.network.convolutions import (
    convolve_pairs,
    pair_filters,
    prepared_second,
)
from raphe.tasks.celltype.network.firing_net import FiringNet
from raphe.tasks.celltype.network.net import NORM_EPSILON, CellTypeNet

SPIKES_AT_ONCE = 128  # few enough that what a layer makes of them stays in the cache of a core


class EnsembleForward:
    """The probabilities that several networks give, several times faster than one after another.

    What depends on the weights alone is made beforehand. Blocks of spikes run on as many threads
    as torch may use, each by itself: products so small gain little when threads share them.

    Args:
        nets: of any kernels, for one window and the same classes. They are copied.
        as_published: give `CellTypeNet.probabilities`, whose sum may be other than 1.

    Raises:
        SettingError: if there is no network, or their windows or classes differ.
    """

    @torch.no_grad()
    def __init__(self, nets: Sequence[CellTypeNet], as_published: bool = False) -> None:
        shapes = sorted({(net.n_samples, net.dense.out_features) for net in nets})
        if len(shapes) != 1:
            got = " and ".join(f"{samples} samples, {classes}" for samples, classes in shapes)
            raise SettingError(
                "an ensemble needs networks for one length of window and one number of classes, "
                f"got {got or 'no network'}; leave out those that differ"
            )
        ((self.n_samples, self.n_classes),) = shapes
        self._answer = CellTypeNet.probabilities if as_published else CellTypeNet.class_probability
        self._members = [_Member(deepcopy(net).cpu()) for net in nets]

    def __call__(self, current: Tensor, firing: Tensor | None = None) -> Tensor:
        """Return `CellTypeNet.class_probability` of each member (M, N, C) for current (N, T) in pA,
        of the weights' type.

        `firing` (N, D) is that of each spike's cell, for members that look at it; None: unknown.

        Raises:
            SettingError: for current of another shape.
        """
        if current.ndim != 2 or current.shape[1] != self.n_samples:
            raise SettingError(
                f"the ensemble takes current (N, {self.n_samples}), got {tuple(current.shape)}; "
                "cut the spikes with its window"
            )
        probabilities = current.new_empty(len(self._members), len(current), self.n_classes)
        n_threads = torch.get_num_threads()
        size = max(1, min(SPIKES_AT_ONCE, -(-len(current) // n_threads)))

        @torch.inference_mode()
        def predict(start: int) -> None:
            block = slice(start, start + size)
            x = functional.layer_norm(current[block], (self.n_samples,), eps=NORM_EPSILON)
            of_cells = None if firing is None else firing[block]
            for member, probability in zip(self._members, probabilities, strict=True):
                probability[block] = self._answer(member.logits(x, of_cells))

        try:
            with ThreadPoolExecutor(
                n_threads, initializer=torch.set_num_threads, initargs=(1,)
            ) as threads:
                list(threads.map(predict, range(0, len(current), size)))
        finally:
            torch.set_num_threads(n_threads)  # for threads to come: the last setting holds for them
        return probabilities


class _Member:
    """One network's weights, as its forward pass likes them."""

    def __init__(self, net: CellTypeNet) -> None:
        self._scale, self._shift = net.norm.weight, net.norm.bias
        weight, self._first_bias = net.conv1.weight[:, 0, 0], net.conv1.bias
        self._first_filters = pair_filters(weight)
        n_pairs = (net.n_samples - weight.shape[1] + 1) // 2
        weight = net.conv2.weight[:, :, 0]
        self._second = prepared_second(weight, net.conv2.bias, n_pairs)
        # What ReLU and the time column, the same for every spike, leave at least: (P, 1, F) or ().
        self._least = weight.new_zeros(())
        if net.columns == 2:
            self._least = net.branch(net.time_s[None]).relu().transpose(0, 1).contiguous()
        weight, self._dense_bias = net.dense.weight, net.dense.bias
        self._dense = weight.unflatten(1, (len(net.conv2.bias), -1)).permute(2, 0, 1).contiguous()
        self._of_firing = net.eval().of_firing if isinstance(net, FiringNet) else None

    def logits(self, x: Tensor, firing: Tensor | None) -> Tensor:
        """(N, C) of standardised spikes (N, T) and the firing of their cells (N, D)."""
        x = torch.addcmul(self._shift, x, self._scale)
        x = torch.maximum(*convolve_pairs(x, self._first_filters))
        x = self._second(x.add_(self._first_bias).relu_())  # → (P, N, F)
        x = torch.maximum(x, self._least, out=x)
        by_sample = torch.bmm(self._dense, x.transpose(1, 2))  # (P, C, F) → (P, C, N)
        logits = by_sample.sum(0).t() + self._dense_bias
        if firing is None or self._of_firing is None:
            return logits
        return logits + self._of_firing(firing)

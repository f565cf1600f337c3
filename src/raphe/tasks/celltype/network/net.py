"""The network of Corradetti, Bernardi & Corradetti 2024: a cell's class from one spike.

Keras stores a spike as (160, 2, 1): 160 samples, a column of time and one of current. No layer
mixes the columns until the last pooling takes the larger of the two, so each column runs through
`branch` on its own. Axes here: N spikes, T samples, F filters, C classes.
"""

from collections.abc import Sequence
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional

from raphe.core.errors import SettingError
from raphe.core.ranges import Numbers, Range, check_ranges
from raphe.tasks.celltype.network.convolutions import convolve_first, convolve_second
from raphe.tasks.celltype.network.kernel_size import check_kernel, pooled_samples
from raphe.tasks.celltype.network.layers import larger_of_columns, relu_dropout

NORM_EPSILON = 1e-3  # the default of Keras' LayerNormalization; torch's is 1e-5
PUBLISHED_CLASSES = 2  # each with a sigmoid of its own; more classes share a softmax

Kernel = Annotated[int, Range(1, noun="a whole number of samples")]
Columns = Annotated[int, Range(1, 2, noun="1 (current) or 2 (time, current),")]
Filters = Annotated[Sequence[int], Numbers("two whole numbers", Range(1), n=2)]
Dropout = Annotated[float, Range(0, 1, ends="least", noun="a share")]


class CellTypeNet(nn.Module):
    """Layer norm over time, two convolutions with pooling, dropout, one logit for each class.

    The weights keep torch's channels-first order; keras_import permutes those of Keras.

    Args:
        kernel: samples that each convolution spans; 1 to 32 in the paper.
        columns: 2 as published, time and current; 1 leaves the time out.
        filters: filters of the first and of the second convolution.
        dropout: share of the features dropped in training.
        n_classes: classes to tell apart.
        n_samples: T, samples in a window.
        rate_hz: sampling rate, which sets the time column's slope.

    Raises:
        SettingError: for a setting out of range, or a kernel too long for the window.
    """

    def __init__(
        self,
        kernel: Kernel = 20,
        columns: Columns = 2,
        filters: Filters = (32, 64),
        dropout: Dropout = 0.5,
        n_classes: int = 2,
        n_samples: int = 160,
        rate_hz: float = 40_000.0,
    ) -> None:
        super().__init__()
        check_settings(kernel, columns, filters, dropout, n_classes, n_samples)
        self.columns = columns
        self.n_samples = n_samples
        self.norm = nn.LayerNorm(n_samples, eps=NORM_EPSILON)
        self.conv1 = nn.Conv2d(1, filters[0], (1, kernel))
        self.conv2 = nn.Conv2d(filters[0], filters[1], (1, kernel))
        self.dropout = dropout
        self.dense = nn.Linear(filters[1] * pooled_samples(n_samples, kernel), n_classes)
        time_s = torch.arange(n_samples, dtype=torch.float64) / rate_hz
        self.register_buffer("time_s", time_s.float(), persistent=False)
        for layer in (self.conv1, self.conv2, self.dense):  # Keras' defaults
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return logits (N, C) of current (N, T) in pA, or of time in s and current (N, T, 2).

        Given current alone, the two-column network adds the time since the window's start. That
        ramp is the same for every spike, so it runs through the branch once a batch: half the work.
        `generator` draws the dropout in training; by default torch's own.

        Raises:
            SettingError: for any other shape.
        """
        if x.shape[1:] not in ((self.n_samples,), (self.n_samples, 2)):
            raise SettingError(
                f"the network takes current (N, {self.n_samples}), or time and current "
                f"(N, {self.n_samples}, 2), got {tuple(x.shape)}; cut the spikes with its window"
            )
        features = self._features(x)  # (N, samples left, F₂)
        if self.training and self.dropout > 0:
            features = relu_dropout(features, self.dropout, generator)
        else:
            features = features.relu()
        n_left, n_filters = features.shape[1:]
        weight = self.dense.weight.view(-1, n_filters, n_left).transpose(1, 2).flatten(1)
        return functional.linear(features.flatten(1), weight, self.dense.bias)  # → (N, C)

    def _features(self, x: Tensor) -> Tensor:
        current = x if x.ndim == 2 else x[..., 1]
        if self.columns == 1:
            return self.branch(current)
        time_s = self.time_s[None] if x.ndim == 2 else x[..., 0]
        return larger_of_columns(self.branch(torch.cat([current, time_s])), len(x))

    def branch(self, column: Tensor) -> Tensor:
        """Return the features (N, samples left, F₂) of one column (N, T), before the last ReLU.

        ReLU follows the pooling, not the convolution: the result is the same, on half the values.
        """
        x = functional.layer_norm(column, (self.n_samples,), eps=NORM_EPSILON)  # (N, T)
        weight, bias = self.conv1.weight[:, 0, 0], self.conv1.bias
        x = convolve_first(x, self.norm.weight, self.norm.bias, weight, bias)
        x = convolve_second(x.relu_(), self.conv2.weight[:, :, 0], self.conv2.bias)
        return x.transpose(0, 1)

    @staticmethod
    def probabilities(logits: Tensor) -> Tensor:
        """Return the outputs (N, C): as published a sigmoid for each of two classes, on its own;
        of more classes their softmax."""
        return logits.sigmoid() if logits.shape[1] == PUBLISHED_CLASSES else logits.softmax(dim=1)

    @staticmethod
    def class_probability(logits: Tensor) -> Tensor:
        """Return the outputs scaled to sum to 1 over the classes (N, C); their order stays."""
        if logits.shape[1] == PUBLISHED_CLASSES:
            logits = functional.logsigmoid(logits)
        return logits.softmax(dim=1)


def check_settings(
    kernel: Kernel,
    columns: Columns,
    filters: Filters,
    dropout: Dropout,
    n_classes: int,
    n_samples: int,
) -> None:
    """Raise SettingError for a network that cannot be built, before any data are read."""
    check_ranges(check_settings, locals(), "model")
    if n_classes < 2:
        raise SettingError(f"classes: expected at least 2 to tell apart, got {n_classes}")
    check_kernel(kernel, n_samples)

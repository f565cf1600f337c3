"""Why a member called a spike so: Grad-CAM and integrated gradients, in NumPy from its weights.

Prediction has no torch, so the network's few layers are written out here with their derivatives.
N spikes, T samples, L₁ and L₂ samples after each convolution, P after the last pooling, F₁ and F₂
filters, C classes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

NORM_EPSILON = 1e-3  # of the network's layer norm
IG_STEPS = 128  # midpoints of the integral: errors stay below 1 % of the attributions' size
SPIKES_AT_ONCE = 256


@dataclass(frozen=True)
class Explainer:
    """One member's weights: float64."""

    scale: np.ndarray  # (T,) of the layer norm
    shift: np.ndarray  # (T,)
    conv1: np.ndarray  # (k, F₁)
    bias1: np.ndarray  # (F₁,)
    conv2: np.ndarray  # (k, F₁, F₂)
    bias2: np.ndarray  # (F₂,)
    dense: np.ndarray  # (P, F₂, C)
    time: np.ndarray | None  # (P, F₂): the time column's features; None with the current alone

    @classmethod
    def from_state(
        cls, state: Mapping[str, np.ndarray], columns: int, rate_hz: float
    ) -> "Explainer":
        """Read a CellTypeNet's state as NumPy arrays: norm (T,), conv1 (F₁, 1, 1, k), conv2
        (F₂, F₁, 1, k), dense (C, F₂ · P), and the biases of the last three."""
        weights = {name: np.asarray(value, np.float64) for name, value in state.items()}
        conv2 = weights["conv2.weight"][:, :, 0].transpose(2, 1, 0)
        n_classes, n_filters = len(weights["dense.bias"]), conv2.shape[2]
        dense = weights["dense.weight"].reshape(n_classes, n_filters, -1).transpose(2, 1, 0)
        current_alone = cls(
            scale=weights["norm.weight"],
            shift=weights["norm.bias"],
            conv1=weights["conv1.weight"][:, 0, 0].T,
            bias1=weights["conv1.bias"],
            conv2=conv2,
            bias2=weights["conv2.bias"],
            dense=dense,
            time=None,
        )
        if columns == 1:
            return current_alone
        ramp = np.arange(len(current_alone.scale)) / rate_hz
        features = _largest_of_pairs(current_alone._convolutions(standardise(ramp[None]))[2])[0]
        return cls(**{**vars(current_alone), "time": features})

    @property
    def kernel(self) -> int:
        return len(self.conv1)

    def grad_cam(self, windows: np.ndarray, label: int) -> np.ndarray:
        """How much each moment of windows (N, T) speaks for a class: (N, T), 0 to 1.

        Selvaraju et al. 2017 on the current's column of the last convolution, for the class's
        logit. Each of the L₂ places is drawn at the middle of the 3k - 1 samples that it sees. A
        spike in which nothing speaks for the class has a map of zeros, not 0 / 0.
        """
        return np.concatenate(
            [self._grad_cam(part, label) for part in _blocks(windows)], dtype=np.float32
        )

    def integrated_gradients(self, windows: np.ndarray, label: int) -> np.ndarray:
        """What each sample of windows (N, T) adds to a class's logit, over a flat trace: (N, T).

        Sundararajan et al. 2017, along the standardised window: the layer norm makes any line from
        0 pA jump at its first step. A spike's attributions sum to its logit less a flat trace's.
        """
        return np.concatenate(
            [self._integrated_gradients(part, label) for part in _blocks(windows)],
            dtype=np.float32,
        )

    def logits(self, standardised: np.ndarray) -> np.ndarray:
        """Logits (N, C), without the dense layer's bias, of standardised windows (N, T)."""
        features = self._features(self._convolutions(standardised)[2])
        return np.tensordot(np.maximum(features, 0), self.dense, 2)

    def _grad_cam(self, windows: np.ndarray, label: int) -> np.ndarray:
        n_samples = windows.shape[1]
        last = self._convolutions(standardise(windows))[2]  # (N, L₂, F₂)
        importance = self._gradient_of_last(last, label).mean(axis=1)  # (N, F₂)
        places = np.maximum(np.einsum("nlf,nf->nl", np.maximum(last, 0), importance), 0)
        top = places.max(axis=1, keepdims=True)
        places = np.divide(places, top, out=np.zeros_like(places), where=top > 0)
        middle = 2 * np.arange(places.shape[1]) + (3 * self.kernel - 2) / 2
        samples = np.arange(n_samples)
        return np.stack([np.interp(samples, middle, row) for row in places])

    def _integrated_gradients(self, windows: np.ndarray, label: int) -> np.ndarray:
        standardised = standardise(windows)
        total = np.zeros_like(standardised)
        for step in (np.arange(IG_STEPS) + 0.5) / IG_STEPS:
            total += self._gradient(step * standardised, label)
        return total / IG_STEPS * standardised

    def _gradient(self, standardised: np.ndarray, label: int) -> np.ndarray:
        """Of a class's logit, by each sample of the standardised windows: (N, T)."""
        first, pooled, last = self._convolutions(standardised)
        by_last = self._gradient_of_last(last, label)  # (N, L₂, F₂)
        by_pooled = _spread(by_last, self.conv2, pooled.shape[1]) * (pooled > 0)  # (N, L₁ // 2, F₁)
        by_first = _to_larger_of_pairs(by_pooled, first)  # (N, L₁, F₁)
        by_input = _spread(by_first, self.conv1[:, None], standardised.shape[1])  # (N, T, 1)
        return by_input[:, :, 0] * self.scale

    def _convolutions(self, standardised: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """First convolution (N, L₁, F₁), pooled after ReLU (N, L₁ // 2, F₁), second (N, L₂, F₂)."""
        x = standardised * self.scale + self.shift
        first = sliding_window_view(x, self.kernel, axis=1) @ self.conv1 + self.bias1
        pooled = np.maximum(_largest_of_pairs(first), 0)
        seen = sliding_window_view(pooled, self.kernel, axis=1)  # (N, L₂, F₁, k)
        last = np.tensordot(seen, self.conv2.transpose(1, 0, 2), 2) + self.bias2
        return first, pooled, last

    def _features(self, last: np.ndarray) -> np.ndarray:
        pooled = _largest_of_pairs(last)  # (N, P, F₂)
        return pooled if self.time is None else np.maximum(pooled, self.time)

    def _gradient_of_last(self, last: np.ndarray, label: int) -> np.ndarray:
        """Of a class's logit, by the second convolution (N, L₂, F₂)."""
        pooled = _largest_of_pairs(last)
        floor = 0.0 if self.time is None else np.maximum(self.time, 0)
        return _to_larger_of_pairs(self.dense[:, :, label] * (pooled > floor), last)


def standardise(windows: np.ndarray) -> np.ndarray:
    """The layer norm of windows (N, T) before its scale and shift: float64."""
    windows = np.asarray(windows, np.float64)
    centred = windows - windows.mean(axis=1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + NORM_EPSILON)


def _blocks(windows: np.ndarray) -> list[np.ndarray]:
    return [windows[i : i + SPIKES_AT_ONCE] for i in range(0, max(len(windows), 1), SPIKES_AT_ONCE)]


def _pairs(x: np.ndarray) -> np.ndarray:
    """(N, L, F) as (N, L // 2, 2, F); an odd last sample is left out."""
    n, length, n_filters = x.shape
    return x[:, : length // 2 * 2].reshape(n, length // 2, 2, n_filters)


def _largest_of_pairs(x: np.ndarray) -> np.ndarray:
    return _pairs(x).max(axis=2)


def _to_larger_of_pairs(gradient: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Give each pooled value's gradient (N, L // 2, F) to its origin in x: (N, L, F)."""
    spread = np.zeros_like(x)
    pairs = _pairs(x)
    first = pairs[:, :, 0] >= pairs[:, :, 1]
    n_pooled = gradient.shape[1]
    spread[:, 0 : 2 * n_pooled : 2] = gradient * first
    spread[:, 1 : 2 * n_pooled : 2] = gradient * ~first
    return spread


def _spread(gradient: np.ndarray, weights: np.ndarray, length: int) -> np.ndarray:
    """Turn the gradient (N, L, F_out) of a convolution into its input's: (N, length, F_in)."""
    n, n_out, _ = gradient.shape
    by_input = np.zeros((n, length, weights.shape[1]))
    for place, at_place in enumerate(weights):  # weights: (k, F_in, F_out)
        by_input[:, place : place + n_out] += gradient @ at_place.T
    return by_input

"""The shapes of training's mean spikes, as principal components, and how far another is from them.

n cells, T samples a window, q components.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

MOST_COMPONENTS = 6
CELLS_A_COMPONENT = 5  # or more; each is estimated from so many
DIGITS = 6


def mean_spike(windows: np.ndarray, n_baseline: int) -> np.ndarray:
    """Of windows (N, T): less the baseline in its first samples, largest deflection 1; (T,)."""
    mean = np.asarray(windows, np.float64).mean(axis=0)
    if n_baseline:
        mean = mean - mean[:n_baseline].mean()
    size = np.abs(mean).max()
    return mean / size if size else mean


@dataclass(frozen=True)
class SpikeShapes:
    """Principal components of mean spikes."""

    mean: np.ndarray  # float64 (T,)
    components: np.ndarray  # float64 (q, T), orthonormal rows

    @classmethod
    def fit(cls, spikes: np.ndarray) -> "SpikeShapes":
        """Of the mean spikes (n, T) of n cells."""
        q = min(MOST_COMPONENTS, len(spikes) // CELLS_A_COMPONENT)
        mean = spikes.mean(axis=0)
        components = np.linalg.svd(spikes - mean, full_matrices=False)[2][:q]
        return cls(mean, components)

    @property
    def n_components(self) -> int:
        return len(self.components)

    def describe(self, spike: np.ndarray) -> np.ndarray:
        """Of a mean spike (T,): its q components, and the RMS of what they leave: (q + 1,)."""
        difference = spike - self.mean
        scores = self.components @ difference
        rest = difference - scores @ self.components
        return np.append(scores, np.sqrt((rest**2).mean()))

    def facts(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "mean": self.mean.round(DIGITS).tolist(),
            "components": self.components.round(DIGITS).tolist(),
        }

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> "SpikeShapes":
        mean = np.array(facts["mean"])
        return cls(mean, np.array(facts["components"]).reshape(-1, len(mean)))

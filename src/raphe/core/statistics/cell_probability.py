"""One probability for a cell, from those of its spikes by every member of an ensemble.

M members, n spikes, C classes.
"""

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np

from raphe.core.errors import SettingError

Pooling = Literal["mean", "median", "trimmed"]

TRIMMED_SHARE = 0.1  # left out at either end


def cell_probability(probability: np.ndarray, how: Pooling = "mean") -> np.ndarray:
    """Pool one cell's probabilities (M, n, C) or (n, C), n ≥ 1, to (C,) that sums to 1.

    Members and spikes count alike. "mean" is the published way; "median" and "trimmed" (the mean
    without the lowest and the highest tenth) resist a few spikes that are another cell's.
    """
    probability = np.asarray(probability, float)
    pooled = pool(probability.reshape(-1, probability.shape[-1]), how)
    total = pooled.sum()
    # Medians of three classes or more can all be 0: then nothing speaks for any.
    return pooled / total if total != 0 else np.full(len(pooled), 1 / len(pooled))


def pool(values: np.ndarray, how: Pooling = "mean") -> np.ndarray:
    """Pool the values of n spikes, as they are: (…, n, C) to (…, C)."""
    check_pooling(how)
    return _POOLS[how](np.asarray(values, float))


def check_pooling(how: str) -> None:
    if how not in get_args(Pooling):
        raise SettingError(f"evaluate.pooling={how}: expected {', '.join(get_args(Pooling))}")


def _trimmed(values: np.ndarray) -> np.ndarray:
    n = values.shape[-2]
    cut = int(TRIMMED_SHARE * n)
    return np.sort(values, axis=-2)[..., cut : n - cut, :].mean(axis=-2)


_POOLS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "mean": lambda values: values.mean(axis=-2),
    "median": lambda values: np.median(values, axis=-2),
    "trimmed": _trimmed,
}

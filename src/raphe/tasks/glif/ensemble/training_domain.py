"""What simulated traces look like to the fit, and which trace does not look so. F features."""

from collections.abc import Mapping, Sequence

import numpy as np

from raphe.tasks.glif.training.data import PosteriorData

N_BATCHES = 32
TAILS = (0.05, 99.95)  # percentiles of the training traces
MARGIN = 0.1  # of their range, beyond both
NAMES = (
    "capacitance", "resistance", "rest", "threshold", "dead time",
    "uncertainty of the capacitance", "uncertainty of the resistance", "uncertainty of the rest",
    "uncertainty of the threshold", "uncertainty of the dead time",
    "highest voltage without a spike", "lowest voltage with one",
    "highest voltage before the first spike", "voltage at the first spike",
    "number of spikes", "noise", "series resistance at the beginning",
    "series resistance at the end", "sampling rate", "duration", "strength of the current",
    "variation of the current", "time constant", "share of time with a current",
)  # fmt: skip


def domain(data: PosteriorData) -> dict[str, list[float]]:
    """By feature its least and largest value among training traces, their outermost left out."""
    loader = iter(data.train_dataloader())
    n = min(N_BATCHES, data.batches)
    features = np.concatenate([next(loader).features.numpy() for _ in range(n)])
    low, high = np.percentile(features, TAILS, axis=0)
    margin = MARGIN * (high - low)
    return {
        name: [float(low[i] - margin[i]), float(high[i] + margin[i])]
        for i, name in enumerate(NAMES)
    }


def unlike(features: np.ndarray, known: Mapping[str, Sequence[float]]) -> list[str]:
    """What of one trace's features (F,) lies outside, by name."""
    return [
        f"{name} {'below' if value < low else 'above'} that of every simulated trace"
        for value, (name, (low, high)) in zip(features, known.items(), strict=True)
        if not low <= value <= high
    ]

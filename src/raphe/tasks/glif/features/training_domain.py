"""What simulated traces look like to the fit, and which trace does not look so. F features."""

from collections.abc import Mapping, Sequence

import numpy as np

from raphe.core.sentences import listed

TAILS = (0.05, 99.95)  # percentiles of the training traces
MARGIN = 0.1  # of their range, beyond both
CAPACITANCE, RESISTANCE = "capacitance", "resistance"
NAMES = (
    CAPACITANCE, RESISTANCE, "rest", "threshold", "dead time",
    "uncertainty of the capacitance", "uncertainty of the resistance", "uncertainty of the rest",
    "uncertainty of the threshold", "uncertainty of the dead time",
    "highest voltage without a spike", "lowest voltage with one",
    "highest voltage before the first spike", "voltage at the first spike",
    "number of spikes", "noise", "series resistance at the beginning",
    "series resistance at the end", "sampling rate", "duration", "strength of the current",
    "variation of the current", "time constant", "share of time with a current",
    "correlation of capacitance and resistance",
)  # fmt: skip


def domain(features: np.ndarray) -> dict[str, list[float]]:
    """By name the least and largest value of training traces' features (N, F), the outermost of
    them left out."""
    low, high = np.percentile(features, TAILS, axis=0)
    margin = MARGIN * (high - low)
    return {
        name: [float(low[i] - margin[i]), float(high[i] + margin[i])]
        for i, name in enumerate(NAMES)
    }


def unlike(features: np.ndarray, domain: Mapping[str, Sequence[float]]) -> list[str]:
    """What of a trace's features (F,) lies outside the domain: a sentence for what is above it, and
    one for what is below; and what makes a membrane too large and too leaky at once."""
    outside: dict[str, list[str]] = {"above": [], "below": []}
    for value, (name, (low, high)) in zip(features, domain.items(), strict=True):
        if not low <= value <= high:
            outside["below" if value < low else "above"].append(name)
    said = [
        f"{listed(names)} {side} {'those' if len(names) > 1 else 'that'} of every simulated trace"
        for side, names in outside.items()
        if names
    ]
    for side, other in (("above", "below"), ("below", "above")):
        if CAPACITANCE in outside[side] and RESISTANCE in outside[other]:
            scale = "large" if side == "above" else "small"
            said.append(f"a current that is too {scale} does that: check its unit and gain")
    return said

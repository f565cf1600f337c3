"""Whether a new trace is of the kind that a network was trained on.

N samples at 100 Hz.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from raphe.tasks.calcium.features.spectrum import bandwidth_hz, noise_level, power_spectrum
from raphe.tasks.calcium.features.trace_statistics import NAMES, SEGMENT, statistics
from raphe.tasks.calcium.recordings.sampling import RATE_HZ

NOISE, BANDWIDTH = "noise (1/√Hz)", "bandwidth (Hz)"
MARGIN = 0.25  # of the training range, on either side: a few recordings do not show their extremes
TINY = 1e-300  # of none, which has no logarithm
IN_RATIOS = (NOISE, BANDWIDTH)  # half as much is as far off as twice, so a range is of logarithms
JUDGED_S = 120.0  # of a trace: enough to know its kind, and as quick for an hour as for two minutes
WORTH_TELLING = 3  # statistics outside before a trace is called unlike training


def facts_of(trace: np.ndarray) -> dict[str, float]:
    """What a conditioned trace (N,), NaN left out, is judged by; empty for one below 10.24 s, or
    that is constant where it is looked at."""
    trace = trace[~np.isnan(trace)][: int(JUDGED_S * RATE_HZ)].astype(np.float64)
    if len(trace) < SEGMENT or np.ptp(trace) == 0:
        return {}
    spectrum = power_spectrum(trace)
    with_units = {NOISE: noise_level(trace, spectrum), BANDWIDTH: bandwidth_hz(trace, spectrum)}
    scale_free = zip(NAMES[1:], statistics(trace)[1:], strict=True)  # variance / mean has a unit
    return with_units | {name: float(value) for name, value in scale_free}


def domain(traces: Iterable[np.ndarray]) -> dict[str, list[float]]:
    """The least and the largest of each fact over training traces (N,) each, as JSON values."""
    facts = [facts for facts in map(facts_of, traces) if facts]
    if not facts:
        return {}
    return {
        name: [min(row[name] for row in facts), max(row[name] for row in facts)]
        for name in facts[0]
    }


def beyond(facts: Mapping[str, float], ranges: Mapping[str, Any]) -> list[str]:
    """Which facts of a trace lie outside the training ranges, those of `domain`, by name."""
    return [
        name for name, value in facts.items() if name in ranges and _far(name, value, *ranges[name])
    ]


def outside(facts: Mapping[str, float], ranges: Mapping[str, Any]) -> list[str]:
    """What of a trace's facts is unlike training, a phrase each, the plainest first."""
    if not facts:
        return [f"no {SEGMENT / RATE_HZ} s that vary to compare with training"]
    names = beyond(facts, ranges)
    phrases = [_phrase(name, facts[name], *ranges[name]) for name in IN_RATIOS if name in names]
    others = [name for name in names if name not in IN_RATIOS]
    if len(others) >= WORTH_TELLING:
        phrases.append(
            f"{len(others)} of {len(NAMES) - 1} statistics unlike training: {', '.join(others)}"
        )
    return phrases


def _far(name: str, value: float, low: float, high: float) -> bool:
    if name in IN_RATIOS and low > 0:
        value, low, high = np.log([max(value, TINY), low, high])
    room = MARGIN * (high - low)
    return not low - room <= value <= high + room


def _phrase(name: str, value: float, low: float, high: float) -> str:
    return f"{name} {value:.2g}, training had {low:.2g} to {high:.2g}"

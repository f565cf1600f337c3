"""By what rates of networks are multiplied that saw no recording, from neurons of known spikes.

Their simulations do not tell how many spikes a transient stands for, and of slow frames networks
say more spikes than of fast ones of the same neuron: both are made up for, so that mean rates are
right in the median of data sets.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from raphe.core.sentences import number
from raphe.tasks.calcium.features.network_input import COMMON_HZ
from raphe.tasks.calcium.metrics.rate_factors import FEWEST_SETS, middle_factor
from raphe.tasks.calcium.recordings.sampling import RATE_HZ

SLOW_HZ = 7.5  # frames/s, for words
SLOWER = 4.0  # times as few frames tell what the frame rate does, apart from what else differs

Neuron = tuple[str, str]  # of a data set, its name


class RateScale(NamedTuple):
    """A factor at COMMON_HZ frames/s, which grows with a power of the frame rate."""

    factor: float
    power: float

    def at(self, frames_per_s: float) -> float:
        """What rates of so many frames a second are multiplied by."""
        return self.factor * (min(frames_per_s, RATE_HZ) / COMMON_HZ) ** self.power

    @property
    def in_words(self) -> str:
        """As "2.5", or "2.1 at 30 frames/s (1.2 at 7.5, 3.4 at 100 and more)"."""
        if not self.power:
            return number(self.factor)
        at_ends = [f"{number(self.at(hz))} at {hz:g}" for hz in (SLOW_HZ, RATE_HZ)]
        return (
            f"{number(self.factor)} at {COMMON_HZ:g} frames/s ({at_ends[0]}, {at_ends[1]} and more)"
        )


UNSCALED = RateScale(1.0, 0.0)


class SaidOverTrue(NamedTuple):
    """Of a neuron's mean rate, as networks say it unscaled."""

    dataset: str
    neuron: str
    frames_per_s: float
    is_as_recorded: bool
    ratio: float


def fitted_scale(ratios: Iterable[SaidOverTrue]) -> RateScale:
    """By which the mean rates as recorded are right in the median of data sets, each by the median
    of its neurons.

    The power is that of neurons against themselves, as recorded and with so much fewer frames; 0 of
    fewer than FEWEST_SETS data sets that have both.
    """
    known = [each for each in ratios if each.ratio > 0]
    power = _power(known)
    at_common = defaultdict(list)
    for each in known:
        if each.is_as_recorded:
            of_rate = RateScale(1.0, power).at(each.frames_per_s)
            at_common[each.dataset].append(each.ratio * of_rate)
    return RateScale(middle_factor([np.array(of_set) for of_set in at_common.values()]), power)


def scale_from(stored: Mapping[str, Any] | None) -> RateScale:
    """That of a manifest."""
    return UNSCALED if stored is None else RateScale(stored["factor"], stored["power"])


def _power(known: Iterable[SaidOverTrue]) -> float:
    of_neurons: dict[Neuron, list[SaidOverTrue]] = defaultdict(list)
    for each in known:
        of_neurons[each.dataset, each.neuron].append(each)
    of_sets: dict[str, list[float]] = defaultdict(list)
    for (dataset, _), conditions in of_neurons.items():
        of_sets[dataset] += _growths(conditions)
    told = [float(np.median(growths)) for growths in of_sets.values() if growths]
    return -float(np.median(told)) if len(told) >= FEWEST_SETS else 0.0


def _growths(conditions: Iterable[SaidOverTrue]) -> list[float]:
    """By which power of the frame rate one neuron's said rate grows, at each slower one."""
    conditions = list(conditions)
    recorded = next((each for each in conditions if each.is_as_recorded), None)
    if recorded is None:
        return []
    seen_hz = min(recorded.frames_per_s, RATE_HZ)
    return [
        math.log(each.ratio / recorded.ratio) / math.log(each.frames_per_s / seen_hz)
        for each in conditions
        if each.frames_per_s * SLOWER <= seen_hz
    ]

"""What scores of neurons of several data sets come to, with intervals over neurons and sets."""

from collections.abc import Callable, Mapping

import numpy as np

from raphe.core.metric_names import Estimate
from raphe.core.statistics.intervals import CONFIDENCE
from raphe.tasks.calcium.metrics.scored_cells import FEWEST_CELLS

DRAWS = 2000
SEED = 5
FEWEST_SETS = FEWEST_CELLS

OfSets = Mapping[str, np.ndarray]  # scores of each set's neurons (G,), NaN where there is none
Statistic = Callable[..., np.ndarray]  # of scores along an axis, as np.mean and np.median


def over_sets(scores: OfSets, statistic: Statistic) -> Estimate:
    """The mean over sets of a statistic of each set's neurons.

    The interval is the bootstrap's, of sets and, in each that was drawn, of neurons: what another
    choice of sets and of neurons in them would have given. Of fewer than eight sets they stay as
    they are and neurons alone are drawn; of fewer than eight neurons there is none.
    """
    return _estimate(_known(scores), statistic, by_neuron=False)


def share_of_neurons(scores: OfSets, is_so: Callable[[np.ndarray], np.ndarray]) -> Estimate:
    """The share of the neurons of all sets together, drawn as by `over_sets`."""
    return _estimate([is_so(each) for each in _known(scores)], np.mean, by_neuron=True)


def within_factor(factor: float) -> Callable[[np.ndarray], np.ndarray]:
    """Whether the said rate of neurons is at most this factor off the true one: bool (G,)."""
    return lambda ratio: (ratio <= factor) & (ratio >= 1 / factor)


def difference(first: OfSets, second: OfSets, statistic: Statistic) -> Estimate:
    """How much larger a statistic of the first is, mean over sets; neurons and sets are paired."""
    pairs = {name: np.stack([first[name], second[name]], axis=-1) for name in first}

    def of_pairs(pair: np.ndarray, axis: int) -> np.ndarray:
        return np.subtract(*np.moveaxis(statistic(pair, axis=axis), -1, 0))

    return over_sets(pairs, of_pairs)


def _known(scores: OfSets) -> list[np.ndarray]:
    """The neurons of each set that have a score, or both of a pair; sets without one left out."""
    known = [each[~np.isnan(each.reshape(len(each), -1)).any(axis=1)] for each in scores.values()]
    return [each for each in known if len(each)]


def _estimate(sets: list[np.ndarray], statistic: Statistic, by_neuron: bool) -> Estimate:
    """The mean of the sets' statistics, each of the weight of its neurons or all alike."""
    if not sets:
        return Estimate(np.nan, np.nan, np.nan)
    weight = np.array([len(each) if by_neuron else 1.0 for each in sets])  # (S,)
    value = float(np.average([statistic(each, axis=0) for each in sets], weights=weight))
    if sum(map(len, sets)) < FEWEST_CELLS:
        return Estimate(value, np.nan, np.nan)
    rng = np.random.default_rng(SEED)
    of_sets = np.array(  # (S, DRAWS), each with its neurons drawn anew
        [statistic(each[rng.integers(len(each), size=(DRAWS, len(each)))], axis=1) for each in sets]
    )
    n = len(sets)
    chosen = np.tile(np.arange(n), (DRAWS, 1))  # (DRAWS, S)
    if n >= FEWEST_SETS:
        chosen = rng.integers(n, size=(DRAWS, n))
    # A set that is drawn twice has other neurons the second time.
    neurons = (np.arange(DRAWS)[:, None] + np.arange(n) * (DRAWS // n)) % DRAWS
    drawn = np.average(of_sets[chosen, neurons], axis=1, weights=weight[chosen])
    low, high = np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Estimate(value, float(low), float(high))

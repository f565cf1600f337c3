"""How many more labelled units it takes: the balanced accuracy over how many were tuned on.

Nested subsets of the units of all folds but one, classes in the same shares, call the units of that
fold. What they reach follows about an inverse power law, a − b · n^−c. How far curve and answer may
be off: the groups that are called are drawn anew, and for each size one repeat of what is tuned on.
R repeats, S sizes, N units, G groups, B draws.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, t

from raphe.core.statistics.folds import assign_folds
from raphe.core.statistics.intervals import CONFIDENCE
from raphe.tasks.units.tuning.selection import FEWEST_UNITS, Material

REPEATS, FOLDS, SIZES = 3, 5, 5
FEWEST_SIZES = 3  # that a law of three numbers can be fitted to
SPACING = 1.3  # of one size to the next, at the least
DRAWS = 1000
STEEPNESS = np.array([0.25, 0.5, 0.75, 1.0, 1.5, 2.0])  # values of c
FARTHEST = 10.0  # times as many units as the curve goes to: nothing is told beyond
SEED = 0


@dataclass(frozen=True)
class PowerLaw:
    """value(n) = top − loss · (n / n_units)^−steepness, of one curve or of B."""

    top: np.ndarray  # (B,)
    loss: np.ndarray  # (B,), of so many units as there were at most
    steepness: np.ndarray  # (B,)
    n_units: float

    def at(self, n: np.ndarray) -> np.ndarray:
        """(B, …) of numbers of units (…)."""
        ratio = np.asarray(n, float)[None] / self.n_units
        return self.top[:, None] - self.loss[:, None] * ratio ** -self.steepness[:, None]

    def needed(self, target: float) -> np.ndarray:
        """Units (B,) that reach the target, infinite beyond FARTHEST."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            ratio = (self.loss / (self.top - target)) ** (1 / self.steepness)
        n = np.where(self.top > target, ratio, np.inf) * self.n_units
        n = np.where(self.loss > 0, n, np.where(self.top >= target, 0.0, np.inf))
        return np.where(n > FARTHEST * self.n_units, np.inf, n)


def fit_power_law(sizes: np.ndarray, values: np.ndarray) -> PowerLaw:
    """The laws of least squares for values (B, S) at sizes (S,): they rise, up to 1 at most."""
    ratio = sizes / sizes[-1]
    best = np.full(len(values), np.inf)
    found = np.zeros((3, len(values)))
    for steepness in STEEPNESS:
        x = ratio**-steepness
        away = x - x.mean()
        loss = np.maximum(-(values * away).sum(axis=1) / (away**2).sum(), 0)
        top = values.mean(axis=1) + loss * x.mean()
        beyond = top > 1
        loss = np.where(beyond, ((1 - values) * x).sum(axis=1) / (x**2).sum(), loss)
        top = np.where(beyond, 1.0, top)
        error = ((top[:, None] - loss[:, None] * x - values) ** 2).sum(axis=1)
        better = error < best
        best = np.where(better, error, best)
        found = np.where(better, np.stack([top, loss, np.full(len(values), steepness)]), found)
    return PowerLaw(found[0], found[1], found[2], float(sizes[-1]))


@dataclass(frozen=True)
class LearningCurve:
    """Balanced accuracy over the number of units that were tuned on."""

    sizes: np.ndarray  # (S,), the mean over folds
    value: np.ndarray  # (S,)
    draws: np.ndarray  # (B, S), with other groups to call
    law: PowerLaw  # of the values
    drawn: PowerLaw  # of the draws
    n_units: int  # N

    @property
    def farthest(self) -> int:
        """How many units it can tell of."""
        return round(FARTHEST * self.law.n_units)

    @property
    def rise(self) -> tuple[float, float, float]:
        """From the first size to the last, and the ends of its interval."""
        low, high = _interval(self.draws[:, -1] - self.draws[:, 0])
        return float(self.value[-1] - self.value[0]), low, high

    @property
    def rises(self) -> bool:
        """Whether that is surely more than nothing."""
        return self.rise[1] > 0

    def band(self, n: np.ndarray) -> np.ndarray:
        """Ends (2, len(n)) of the interval of the law."""
        tail = (1 - CONFIDENCE) / 2
        return np.quantile(np.clip(self.drawn.at(n), 0, 1), (tail, 1 - tail), axis=0)

    def needed(self, target: float) -> tuple[float, float, float]:
        """Units that reach a target, and the ends of the interval; infinite where none do."""
        of_draws = np.sort(self.drawn.needed(target))
        tail = (1 - CONFIDENCE) / 2
        ends = (round(tail * (len(of_draws) - 1)), round((1 - tail) * (len(of_draws) - 1)))
        low, high = (float(of_draws[end]) for end in ends)
        return float(self.law.needed(target)[0]), low, high


def learning_curve(material: Material) -> LearningCurve | None:
    """None for too few units, or groups, to part them so often."""
    label, group = material.label, material.group
    n_folds = min(FOLDS, len(np.unique(group)))
    wanted = _sizes(int(len(label) * (1 - 1 / n_folds)))
    if len(wanted) < FEWEST_SIZES or n_folds < 2:
        return None
    right = np.zeros((REPEATS, len(wanted), len(label)))
    used = np.zeros(len(wanted))
    for repeat in range(REPEATS):
        rng = np.random.default_rng([SEED, repeat])
        fold = assign_folds(group, label, n_folds, repeat, "group")
        for number in range(n_folds):
            tested = np.flatnonzero(fold == number)
            order = _in_shares(np.flatnonzero(fold != number), label, group, rng)
            for place, size in enumerate(wanted):
                rows = _first_groups(order, group, size)
                _, head = material.tuned(rows)
                said = head.probability(material.log_p[tested], material.inputs[tested])
                known = np.unique(label)
                called = known[said[:, known].argmax(axis=1)]
                right[repeat, place, tested] = called == label[tested]
                used[place] += len(rows) / (REPEATS * n_folds)
    value = _balanced(right.mean(axis=0), label, np.ones((1, len(label))))[0]
    times = _drawn_groups(label, group)
    of_repeats = np.stack([_balanced(of, label, times, one_more=True) for of in right])  # (R, B, S)
    chosen = np.random.default_rng(SEED).integers(0, REPEATS, of_repeats.shape[1:])
    draws = np.take_along_axis(of_repeats, chosen[None], axis=0)[0]
    draws = draws[np.isfinite(draws).all(axis=1)]
    draws = np.clip(value + _few_groups(len(np.unique(group))) * (draws - value), 0, 1)
    law, drawn = fit_power_law(used, value[None]), fit_power_law(used, draws)
    return LearningCurve(used, value, draws, law, drawn, len(label))


def _sizes(most: int) -> np.ndarray:
    """Of the subsets, evenly spaced in the logarithm; none for too few units."""
    if most <= FEWEST_UNITS:
        return np.empty(0, int)
    n = min(SIZES, 1 + int(np.log(most / FEWEST_UNITS) / np.log(SPACING)))
    return np.unique(np.round(np.geomspace(FEWEST_UNITS, most, n)).astype(int))


def _in_shares(
    rows: np.ndarray, label: np.ndarray, group: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Units in a random order of their groups, in which each class comes as often early as late."""
    place = np.empty(len(rows))
    names, first = np.unique(group[rows], return_index=True)
    of_group = label[rows][first]
    for index in np.unique(of_group):
        here = names[of_group == index]
        turn = (rng.permutation(len(here)) + rng.random()) / len(here)
        for name, at in zip(here, turn, strict=True):
            place[group[rows] == name] = at
    return rows[np.argsort(place, kind="stable")]


def _first_groups(order: np.ndarray, group: np.ndarray, size: int) -> np.ndarray:
    """The whole groups that come first, until there are `size` units."""
    names = list(dict.fromkeys(group[order[:size]].tolist()))
    return np.sort(order[np.isin(group[order], names)])


def _balanced(
    right: np.ndarray, label: np.ndarray, times: np.ndarray, one_more: bool = False
) -> np.ndarray:
    """Balanced accuracy (B, S) of shares called right (S, N), each unit counted `times` (B, N).

    With `one_more` each class has one unit more, which is called right in every other draw: else a
    class of which all are right would seem to be sure. NaN where a class has no unit.
    """
    of_classes, rng = [], np.random.default_rng(SEED)
    with np.errstate(invalid="ignore"):
        for index in np.unique(label):
            here = label == index
            counts = times[:, here]
            more = rng.integers(0, 2, (len(times), 1)) if one_more else 0
            n = counts.sum(axis=1, keepdims=True)
            n = np.where(n > 0, n + one_more, np.nan)
            of_classes.append((counts @ right[:, here].T + more) / n)
    return np.mean(of_classes, axis=0)


def _drawn_groups(label: np.ndarray, group: np.ndarray) -> np.ndarray:
    """How often each unit is there (B, N) when as many groups are drawn anew, of each class by
    itself where each group holds one."""
    rng = np.random.default_rng(SEED)
    names, row = np.unique(group, return_inverse=True)
    first = np.array([label[row == number][0] for number in range(len(names))])
    stratum = first if (label == first[row]).all() else np.zeros(len(names), int)
    times = np.zeros((DRAWS, len(names)))
    for index in np.unique(stratum):
        here = np.flatnonzero(stratum == index)
        times[:, here] = rng.multinomial(len(here), np.full(len(here), 1 / len(here)), DRAWS)
    return times[:, row]


def _few_groups(n_groups: int) -> float:
    """By how much draws of a few groups spread too little."""
    level = (1 + CONFIDENCE) / 2
    widened = t.ppf(level, n_groups - 1) / norm.ppf(level)
    return float(widened * np.sqrt(n_groups / (n_groups - 1)))


def _interval(values: np.ndarray) -> tuple[float, float]:
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(values, (tail, 1 - tail))
    return float(low), float(high)

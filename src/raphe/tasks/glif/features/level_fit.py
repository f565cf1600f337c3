"""All quantities of one level from a cell's sweeps: draws of what these leave open.

D draws, P quantities of the level.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from raphe.tasks.glif.features.constant_bias import (
    ConstantBias,
    draw_bias,
    of_undriven,
    redraw_rest,
    with_rest,
)
from raphe.tasks.glif.features.pooled_sweeps import PooledSweeps
from raphe.tasks.glif.features.subthreshold_fit import SubthresholdFit, fit_subthreshold
from raphe.tasks.glif.features.threshold_fit import ThresholdFit, fit_threshold
from raphe.tasks.glif.neurons.models import WITH_CURRENTS, WITH_RESET_RULE
from raphe.tasks.glif.synthetic.prior import Prior
from raphe.tasks.glif.synthetic.quantities import DEAD_TIME, REST, in_si, quantities

OPEN = 0.5  # of the prior's deviation: a quantity less certain was not told by the data
ALIKE = 0.98  # correlation of two quantities that only a combination of is known
LEAST_SCATTER_MV, MOST_SCATTER_MV, SCATTERS = 1e-3, 100.0, 121  # that are tried
FEWEST_RESETS = 4  # that their own scatter is read from


@dataclass(frozen=True, eq=False)
class LevelFit:
    """One level fitted to a cell."""

    level: int
    samples: np.ndarray  # float64 (D, P), SI units
    below: SubthresholdFit
    threshold: ThresholdFit
    not_told: tuple[str, ...]  # nouns of quantities, see OPEN
    together: tuple[tuple[str, str], ...]  # nouns of pairs that only a combination of is known
    reset_log_likelihood: float  # of the voltages after spikes
    bias: ConstantBias | None = None  # where one was estimated

    @property
    def log_likelihood(self) -> float:
        """Of voltage, spikes and resets."""
        return self.below.log_likelihood + self.threshold.log_likelihood + self.reset_log_likelihood

    @property
    def pull_v(self) -> float:
        """How far a bias pulls the membrane above rest, in the median."""
        return self.bias.pull_v(self.samples[:, REST]) if self.bias else 0.0


def fit_levels(
    sweeps: PooledSweeps, priors: Mapping[int, Prior], seed: int, *, biased: bool = False
) -> Iterator[LevelFit]:
    """Fit levels to all sweeps of a cell, each as it is done.

    Args:
        sweeps: at 20 kHz or below.
        priors: what is known beforehand, by level from 1 to 5.
        seed: of the draws.
        biased: estimate a constant current beside the injected one, see `constant_bias`.
    """
    between: dict[bool, SubthresholdFit] = {}  # with afterspike currents or not: as good for all
    for level, prior in priors.items():
        with_currents = level in WITH_CURRENTS
        if with_currents not in between:
            known = of_undriven(prior) if biased else prior
            between[with_currents] = fit_subthreshold(sweeps, level, known)
        below = between[with_currents].of_level(level)
        yield _fit_level(sweeps, below, prior, np.random.default_rng([seed, level]), biased)


def _fit_level(
    sweeps: PooledSweeps,
    below: SubthresholdFit,
    prior: Prior,
    rng: np.random.Generator,
    biased: bool,
) -> LevelFit:
    level, undriven = below.level, below
    if biased:
        below = with_rest(sweeps, undriven, prior)
    threshold = fit_threshold(sweeps, below, prior, rng)
    mean, spread = prior.quantiles.mean(axis=1), prior.quantiles.std(axis=1)
    places = np.empty((len(threshold.draws), len(mean)))
    places[:, threshold.columns] = threshold.draws
    if biased and level in WITH_RESET_RULE:
        redraw_rest(places, threshold.columns, prior, rng)
    places[:, DEAD_TIME] = _dead_times(sweeps, mean, spread, prior.correlation, places, rng)
    line = np.zeros(2)  # without a rule back to rest
    if level in WITH_RESET_RULE:
        names = [quantity.name for quantity in quantities(level)]
        at = [names.index("reset_slope"), names.index("reset_offset")]
        rest_off_mv = 1e3 * (places[:, REST] - below.place[REST])
        places[:, at] = _resets(sweeps, below, mean[at], spread[at], rest_off_mv, rng)
        line = np.median(places[:, at], axis=0) * np.array([1.0, 1e3])
    standardised = (places - mean) / spread
    return LevelFit(
        level, in_si(level, places), below, threshold, _not_told(level, standardised),
        _together(level, standardised), _reset_log_likelihood(sweeps, below, line),
        draw_bias(undriven, places, rng) if biased else None,
    )  # fmt: skip


def _dead_times(
    sweeps: PooledSweeps,
    mean: np.ndarray,
    spread: np.ndarray,
    correlation: np.ndarray,
    places: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Logarithms (D,): of gaps of one length to half a sample; without a gap the prior's, as it
    is for cells of such a capacitance."""
    n = len(places)
    lengths = sweeps.dead_samples()
    if not len(lengths):
        others = [column for column in range(3) if column != DEAD_TIME]
        between = correlation[DEAD_TIME, others]
        weights = np.linalg.solve(correlation[np.ix_(others, others)], between)
        expected = ((places[:, others] - mean[others]) / spread[others]) @ weights
        left = np.sqrt(max(float(1 - between @ weights), 1e-6))
        return mean[DEAD_TIME] + spread[DEAD_TIME] * (expected + left * rng.standard_normal(n))
    middle = lengths.mean() + rng.uniform(-0.5, 0.5, n) / np.sqrt(len(np.unique(lengths)))
    middle += lengths.std() / np.sqrt(len(lengths)) * rng.standard_normal(n)
    return np.log(np.maximum(middle, 0.5) * sweeps.dt_s)


def _resets(
    sweeps: PooledSweeps,
    below: SubthresholdFit,
    mean: np.ndarray,
    spread: np.ndarray,
    rest_off_mv: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Slope and offset in V of the reset (D, 2): a line through the voltages after spikes over
    those at them."""
    follow = np.flatnonzero(sweeps.after_spike)
    before = below.course_mv[sweeps.stops[follow - 1]]
    after, sd = below.begun_mv[follow], below.begun_sd_mv[follow]
    scale = np.array([1.0, 1e3])  # offset in mV
    expected, precision = mean * scale, np.diag(1 / (spread * scale) ** 2)
    line = np.column_stack([before, np.ones(len(before))])
    scatter = 0.0
    for _ in range(3):
        weight = 1 / (sd**2 + scatter**2 + LEAST_SCATTER_MV**2)
        covariance = np.linalg.inv(precision + (line.T * weight) @ line)
        found = covariance @ (precision @ expected + line.T @ (weight * after))
        if len(follow) < FEWEST_RESETS:
            break
        off = after - line @ found
        scatter = scatter_mv(off, sd) * np.sqrt(len(follow) / max(len(follow) - 2, 1))
    draws = found + rng.standard_normal((len(rest_off_mv), 2)) @ np.linalg.cholesky(covariance).T
    draws[:, 1] -= (1 - draws[:, 0]) * rest_off_mv  # both voltages are above rest
    return draws / scale


def _reset_log_likelihood(sweeps: PooledSweeps, below: SubthresholdFit, line: np.ndarray) -> float:
    """Of the voltages after spikes about a line over those at them, under their own scatter."""
    follow = np.flatnonzero(sweeps.after_spike)
    if not len(follow):
        return 0.0
    before = below.course_mv[sweeps.stops[follow - 1]]
    off = below.begun_mv[follow] - line[0] * before - line[1]
    known = below.begun_sd_mv[follow]
    variance = known**2 + scatter_mv(off, known) ** 2
    return float(-0.5 * np.sum(off**2 / variance + np.log(2 * np.pi * variance)))


def scatter_mv(off: np.ndarray, known: np.ndarray) -> float:
    """The deviation that makes values off by (S,), each known to (S,), the likeliest."""
    tried = np.geomspace(LEAST_SCATTER_MV, MOST_SCATTER_MV, SCATTERS)
    variance = known[:, None] ** 2 + tried**2
    return float(tried[(off[:, None] ** 2 / variance + np.log(variance)).sum(axis=0).argmin()])


def _not_told(level: int, standardised: np.ndarray) -> tuple[str, ...]:
    wide = standardised.std(axis=0) > OPEN
    return tuple(q.noun for q, open_ in zip(quantities(level), wide, strict=True) if open_)


def _together(level: int, standardised: np.ndarray) -> tuple[tuple[str, str], ...]:
    alike = np.abs(np.corrcoef(standardised.T)) > ALIKE
    nouns = [quantity.noun for quantity in quantities(level)]
    pairs = np.argwhere(np.triu(alike, 1)).tolist()
    return tuple((nouns[a], nouns[b]) for a, b in pairs)

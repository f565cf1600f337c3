"""The threshold that makes a fitted voltage fire when the cell fired, by maximum likelihood, and
draws of all that voltage and spikes leave open.

A threshold has a resting height, a part that each spike adds and that decays (levels 2, 4, 5) and
one that follows the voltage (level 5). It varies from one stretch between spikes to the next by a
normal amount, which is estimated: that takes up what the fitted voltage is off, and a real cell's
variability. K samples that matter, D draws, P places of the subthreshold fit, T of the threshold.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from raphe.tasks.glif.features.pooled_sweeps import PooledSweeps
from raphe.tasks.glif.features.subthreshold_fit import SubthresholdFit
from raphe.tasks.glif.features.threshold_kernel import (
    log_density,
    log_likelihood,
    threshold_of,
    threshold_parts,
    walk,
)
from raphe.tasks.glif.neurons.models import WITH_RESET_RULE, WITH_VOLTAGE_THRESHOLD
from raphe.tasks.glif.synthetic.prior import Prior
from raphe.tasks.glif.synthetic.quantities import THRESHOLD, quantities

DECAYS_PER_S = np.geomspace(0.5, 5000, 72)  # of the threshold's parts
VARIES_MV = (0.02, 10.0)  # deviation of a stretch's threshold: what it may be
NEAR_MV = {False: 1.5, True: 12.0}  # samples that far below a stretch's highest matter: T constant?
EVERY_S = 0.5e-3  # of samples in between so many matter
STAGES_MV = (3.0, 1.5, 0.7, 0.35, 0.18, 0.09, 0.045, 0.022)  # on the way to the data's
NARROW = 1.4  # a stage's largest deviation over its least
TUNED, STEPS, LAST_STEPS = 3, 800, 16_000  # of a stage's walks, each, and of the walk that is kept
THINNED = 16
SIDES = (
    (0.0, 0.0),
    (1.5, 1.0),
    (-1.0, 1.0),
    (1.0, -1.0),
)  # of gain and its decay, in the prior's SD
UNSETTLED = 1.2  # a walk whose halves differ so much (Gelman and Rubin) goes on


# Of `log_density`, as it takes them.
Arguments = tuple[tuple[np.ndarray, ...], tuple[Any, ...], tuple[np.ndarray, ...]]


@dataclass(frozen=True, eq=False)
class ThresholdFit:
    """What spikes and voltage leave open together, on the scales of `quantities`."""

    columns: np.ndarray  # int64 (P + T,): places in `quantities(level)`
    draws: np.ndarray  # float64 (D, P + T)
    varies_mv: np.ndarray  # float64 (D,): deviation of the threshold from stretch to stretch
    log_likelihood: float  # of the spikes, the highest of some draws
    taken: float  # share of the walk's steps
    apart: float  # how far the walk's quarters differ: 1 where it has settled


def fit_threshold(
    sweeps: PooledSweeps, below: SubthresholdFit, prior: Prior, rng: np.random.Generator
) -> ThresholdFit:
    """Fit a level's threshold given what was fitted between spikes."""
    level = below.level
    own = [THRESHOLD]
    names = [quantity.name for quantity in quantities(level)]
    if level in WITH_RESET_RULE:
        own += [names.index("spike_jump"), names.index("spike_decay")]
    if level in WITH_VOLTAGE_THRESHOLD:
        own += [names.index("voltage_gain"), names.index("voltage_decay")]
    columns = np.array(own)
    tables = _tables(sweeps, below)
    mean, spread = prior.quantiles.mean(axis=1), prior.quantiles.std(axis=1)
    given, factor = _given(below, mean, spread, prior.correlation, columns)
    logs = np.log(DECAYS_PER_S)
    of_prior = (
        mean[own],
        spread[own],
        np.array([logs[0], logs[1] - logs[0]]),
        len(logs),
    )
    arguments = (given, of_prior, tables)
    start = _beginning(arguments, len(factor), len(own))
    draws, taken, apart = _walked(_tuned(start, len(own), arguments, rng), arguments, rng)
    n_below, n_own = len(factor), len(own)
    moved = draws[:, :n_below] @ factor.T
    places = np.hstack(
        [below.place + moved, mean[own] + spread[own] * draws[:, n_below : n_below + n_own]]
    )
    return ThresholdFit(
        np.concatenate([below.columns, own]),
        places,
        np.exp(draws[:, -1]),
        _best(draws[:: max(1, len(draws) // 200)], arguments),
        taken,
        apart,
    )


def _tables(sweeps: PooledSweeps, below: SubthresholdFit) -> tuple[np.ndarray, ...]:
    """What `log_likelihood` reads, of the samples that matter."""
    with_rule = below.level in WITH_RESET_RULE
    chosen, first, last = [], [], []
    every = max(1, round(EVERY_S * sweeps.rate_hz))
    n = 0
    for start, stop, fires in zip(sweeps.starts, sweeps.stops, sweeps.fires, strict=True):
        course = below.course_mv[start:stop]
        matters = course > course.max() - NEAR_MV[with_rule]
        grid = np.zeros(len(course), bool)
        grid[::every] = True
        grid[-2:] = True
        grid[1:-1] |= (course[1:-1] >= course[:-2]) & (course[1:-1] >= course[2:])
        grid[int(course.argmax())] = True
        at = start + np.flatnonzero(matters & grid)
        at = np.append(at, stop) if fires else at
        chosen.append(at)
        first.append(n)
        n += len(at)
        last.append(n - 1)
    samples = np.concatenate(chosen)
    shape = (len(DECAYS_PER_S), len(samples) if with_rule else 1)
    raised, followed = np.zeros(shape), np.zeros(shape)
    if with_rule:
        keep = np.exp(-DECAYS_PER_S * sweeps.dt_s)
        threshold_parts(
            below.course_mv - below.pull_mv, *sweeps.places, sweeps.after_spike, sweeps.fires, keep,
            (1 - keep) / DECAYS_PER_S, samples, raised, followed,
        )  # fmt: skip
    return (
        below.course_mv[samples], np.ascontiguousarray(below.slopes_mv[samples]),
        np.array(first), np.array(last), sweeps.fires, raised, followed,
    )  # fmt: skip


def _given(
    below: SubthresholdFit,
    mean: np.ndarray,
    spread: np.ndarray,
    correlation: np.ndarray,
    own: np.ndarray,
) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """What `log_density` takes of the subthreshold fit, and the factor of its covariance."""
    others = below.columns
    between = correlation[np.ix_(own, others)]
    regression = between @ np.linalg.inv(correlation[np.ix_(others, others)])  # of standardised
    left = correlation[np.ix_(own, own)] - regression @ between.T
    expected = regression @ ((below.place - mean[others]) / spread[others])
    factor = _factor(below.covariance)
    return (factor, regression / spread[others], np.linalg.inv(left), expected), factor


def _beginning(arguments: Arguments, n_below: int, n_own: int) -> np.ndarray:
    """Where the walk begins: the prior's middle, a threshold between the spikes' voltages, and
    one that varies much."""
    _, (mean, spread, *_), (course, _, _, last, fires, *_) = arguments
    place = np.zeros(n_below + n_own + 1)
    spikes = course[last[fires]]
    above_mv = float(np.median(spikes)) if len(spikes) else float(course.max()) + 1.0
    place[n_below] = (np.log(1e-3 * max(above_mv, 1.0)) - mean[0]) / spread[0]
    place[-1] = np.log(1.5 * STAGES_MV[0])
    return place


def _tuned(
    start: np.ndarray, n_own: int, arguments: Arguments, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Where the last walk begins and how it steps, its covariance.

    It comes to a narrow posterior through wide ones: at first a threshold must vary much, then less
    and less, for among those that vary much nothing leads to one that fits; then as the data have
    it. A threshold that follows the voltage has several ways to explain few spikes, of which the
    first met need not be the best: it is come to from several sides. A cell that is no such neuron
    is pressed out of what its voltage says on that way, and finds none back: so there is one that
    stays wide, too.
    """
    given, of_prior, tables = arguments
    best: tuple[float, np.ndarray, np.ndarray] | None = None
    narrowing = tuple((least, NARROW * least) for least in STAGES_MV)
    ways = [(sides, narrowing) for sides in (SIDES if n_own > 3 else SIDES[:1])]
    for sides, stages in (*ways, (SIDES[0], narrowing[:1])):
        place = start.copy()
        place[-3:-1] += sides if n_own > 3 else (0.0, 0.0)
        covariance = np.diag(np.full(len(place), 0.04))
        for range_mv in (*stages, VARIES_MV):
            range_ = np.log(range_mv)
            place[-1] = np.clip(place[-1], range_[0] + 1e-6, range_[1] - 1e-6)
            staged = given, (*of_prior, range_), tables
            for _ in range(TUNED):
                out, taken = _steps(place, covariance, STEPS, staged, rng)
                place = out[-1]
                met = np.cov(out[STEPS // 4 :].T)
                narrower = min(1.0, (taken / 0.15) ** 0.5)
                covariance = met * narrower if taken >= 0.08 else covariance / 4
        found = np.mean([log_density(each, *staged) for each in out[:: STEPS // 20]])
        if best is None or found > best[0]:
            best = float(found), place, covariance
    assert best is not None
    return best[1], best[2]


def _walked(
    tuned: tuple[np.ndarray, np.ndarray], arguments: Arguments, rng: np.random.Generator
) -> tuple[np.ndarray, float, float]:
    """Draws (D, P + T + 1) of Metropolis' walk, the share of its steps that were taken, and how
    far its quarters differ."""
    given, of_prior, tables = arguments
    place, covariance = tuned
    arguments = given, (*of_prior, np.log(np.array(VARIES_MV))), tables
    for _ in range(2):
        out, taken = _steps(place, covariance, LAST_STEPS, arguments, rng)
        apart = _apart(out)
        if apart < UNSETTLED:
            break
        place, covariance = out[-1], np.cov(out[LAST_STEPS // 4 :].T)
    return out[::THINNED], taken, apart


def _best(draws: np.ndarray, arguments: Arguments) -> float:
    """The highest likelihood of the spikes among some draws."""
    (factor, *_), (mean, spread, decays, *_), tables = arguments
    n = len(factor)
    return max(
        log_likelihood(*tables, factor @ draw[:n], threshold_of(draw[n:], mean, spread, decays))
        for draw in draws
    )


def _steps(
    place: np.ndarray, covariance: np.ndarray, n_steps: int, arguments: Arguments,
    rng: np.random.Generator,
) -> tuple[np.ndarray, float]:  # fmt: skip
    n = len(place)
    factor = 2.38 / np.sqrt(n) * _factor(covariance)
    out = np.empty((n_steps, n))
    steps, chances = rng.standard_normal((n_steps, n)), rng.uniform(size=n_steps)
    return out, float(walk(place, factor, steps, chances, *arguments, out))


def _apart(walked: np.ndarray) -> float:
    """Gelman and Rubin's factor of a walk (n, D) between its quarters, the largest."""
    quarters = walked[: len(walked) // 4 * 4].reshape(4, -1, walked.shape[1])
    within = quarters.var(axis=1).mean(axis=0)
    between = quarters.mean(axis=1).var(axis=0, ddof=1)
    return float(np.sqrt(1 + between / np.maximum(within, 1e-30)).max())


def _factor(covariance: np.ndarray) -> np.ndarray:
    """A factor (n, n) of a covariance (n, n) whose rows may be in many units."""
    sd = np.sqrt(np.maximum(np.diag(covariance), 1e-24))
    correlation = covariance / np.outer(sd, sd)
    return sd[:, None] * np.linalg.cholesky(correlation + 1e-9 * np.eye(len(sd)))

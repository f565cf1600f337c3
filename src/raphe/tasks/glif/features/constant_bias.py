"""A constant current that nobody wrote down: a holding current, a leak around the electrode, or a
cell's own, which makes it fire unasked.

Between spikes it cannot be told from the resting potential: the membrane relaxes to
`rest + resistance × bias`, the undriven voltage, and of that only the sum shows. Moving some of it
from one to the other moves the threshold above rest and the reset's offset, and nothing that can be
measured. What tells them apart is the reset of levels 1 and 3, which is to rest by their rule; at
the other levels it is what is known of resting potentials beforehand, and the intervals say so.

D draws, N samples, P places of the subthreshold fit.
"""

from dataclasses import dataclass, replace

import numpy as np

from raphe.tasks.glif.features.pooled_sweeps import PooledSweeps
from raphe.tasks.glif.features.subthreshold_fit import SubthresholdFit
from raphe.tasks.glif.neurons.models import WITH_RESET_RULE
from raphe.tasks.glif.synthetic.prior import Prior
from raphe.tasks.glif.synthetic.quantities import RESISTANCE, REST, THRESHOLD

UNDRIVEN_V, UNDRIVEN_SPREAD_V = -0.055, 0.02  # what is known of where a biased membrane goes
HELD_V = 1e-5  # deviation of a rest that nothing measured depends on, while others are drawn
RESTS, REACH = 201, 4.0  # that are tried for a draw, so many deviations of the prior about its mean
LEAST_THRESHOLD_V = 1e-4


@dataclass(frozen=True, eq=False)
class ConstantBias:
    """What the draws of a level say of the bias, float64 (D,)."""

    current_a: np.ndarray
    undriven_v: np.ndarray  # where the membrane goes without an injected current

    def pull_v(self, rest_v: np.ndarray) -> float:
        """How far the median bias pulls the membrane above rest, of whose draws (D,)."""
        return float(np.median(self.undriven_v - rest_v))


def of_undriven(prior: Prior) -> Prior:
    """The prior with the undriven voltage in the place of rest, of which little is known."""
    mean, spread = prior.quantiles.mean(axis=1), prior.quantiles.std(axis=1)
    quantiles, correlation = prior.quantiles.copy(), prior.correlation.copy()
    shape = (quantiles[REST] - mean[REST]) / spread[REST]
    quantiles[REST] = UNDRIVEN_V + UNDRIVEN_SPREAD_V * shape
    correlation[REST] = correlation[:, REST] = 0.0
    correlation[REST, REST] = 1.0
    return replace(prior, quantiles=quantiles, correlation=correlation)


def with_rest(sweeps: PooledSweeps, undriven: SubthresholdFit, prior: Prior) -> SubthresholdFit:
    """A fit whose place of rest is the undriven voltage, with rest there and courses above rest.

    Along the fit's own uncertainty the undriven voltage goes where it is expected by the other
    places, and takes the course with it. Where no reset tells rest, it is held at what is expected
    of it, see `redraw_rest`.
    """
    others = _others(undriven)
    columns = undriven.columns[others]
    mean, spread = prior.quantiles.mean(axis=1), prior.quantiles.std(axis=1)
    between = prior.correlation[REST, columns]
    weights = np.linalg.solve(prior.correlation[np.ix_(columns, columns)], between)
    z = (undriven.place[others] - mean[columns]) / spread[columns]
    rest_v = mean[REST] + spread[REST] * float(weights @ z)
    by_others = spread[REST] * weights / spread[columns]
    variance = spread[REST] ** 2 * max(float(1 - between @ weights), 1e-6)
    if undriven.level in WITH_RESET_RULE:
        by_others, variance = 0 * by_others, HELD_V**2
    elif sweeps.after_spike.any():
        reset_v, of_reset = _reset_to(sweeps, undriven)
        share = variance / (variance + of_reset)
        rest_v += share * (reset_v - rest_v)
        by_others, variance = (1 - share) * by_others, (1 - share) * variance
    own = undriven.covariance[np.ix_(others, others)]
    covariance, place = undriven.covariance.copy(), undriven.place.copy()
    covariance[REST, others] = covariance[others, REST] = by_others @ own
    covariance[REST, REST] = by_others @ own @ by_others + variance
    place[REST] = rest_v
    pull_mv = 1e3 * (undriven.place[REST] - rest_v)
    slopes = undriven.slopes_mv.copy()
    slopes[:, others] += 1e3 * _expected(undriven)
    slopes[:, REST] = -1e3
    return replace(
        undriven, place=place, covariance=covariance, slopes_mv=slopes,
        course_mv=undriven.course_mv + pull_mv, begun_mv=undriven.begun_mv + pull_mv,
        pull_mv=pull_mv,
    )  # fmt: skip


def redraw_rest(
    places: np.ndarray, columns: np.ndarray, prior: Prior, rng: np.random.Generator
) -> None:
    """Draw the rest of draws (D, P) anew from what is known beforehand of it and of the threshold
    above it, whose absolute voltage stays; `columns` are those that were drawn."""
    mean, spread = prior.quantiles.mean(axis=1)[columns], prior.quantiles.std(axis=1)[columns]
    precision = np.linalg.inv(prior.correlation[np.ix_(columns, columns)])
    own = np.array([int(np.flatnonzero(columns == each)[0]) for each in (REST, THRESHOLD)])
    others = np.setdiff1d(np.arange(len(columns)), own)
    z = (places[:, columns] - mean) / spread
    tried = mean[own[0]] + spread[own[0]] * np.linspace(-REACH, REACH, RESTS)  # (R,)
    above_v = places[:, REST] + np.exp(places[:, THRESHOLD])
    log_above = np.log(np.maximum(above_v[:, None] - tried, LEAST_THRESHOLD_V))  # (D, R)
    pair = np.stack(np.broadcast_arrays(tried, log_above), axis=-1)
    pair = (pair - mean[own]) / spread[own]  # (D, R, 2)
    onto = z[:, others] @ precision[np.ix_(others, own)]  # (D, 2)
    log_p = -0.5 * np.einsum("dri,ij,drj->dr", pair, precision[np.ix_(own, own)], pair)
    log_p -= np.einsum("dri,di->dr", pair, onto) + log_above
    share = np.cumsum(np.exp(log_p - log_p.max(axis=1, keepdims=True)), axis=1)
    at = (share < rng.uniform(size=(len(places), 1)) * share[:, -1:]).sum(axis=1)
    within = (tried[1] - tried[0]) * rng.uniform(-0.5, 0.5, len(places))
    places[:, REST] = tried[at] + within
    places[:, THRESHOLD] = np.log(np.maximum(above_v - places[:, REST], LEAST_THRESHOLD_V))


def draw_bias(
    undriven: SubthresholdFit, places: np.ndarray, rng: np.random.Generator
) -> ConstantBias:
    """The bias of draws (D, P…) of the level's quantities, on their scales."""
    others = _others(undriven)
    by_others = _expected(undriven)
    onto = undriven.covariance[REST, others]
    left = max(float(undriven.covariance[REST, REST] - by_others @ onto), 0.0)
    moved = places[:, undriven.columns[others]] - undriven.place[others]
    undriven_v = undriven.place[REST] + moved @ by_others
    undriven_v += np.sqrt(left) * rng.standard_normal(len(places))
    current_a = (undriven_v - places[:, REST]) / np.exp(places[:, RESISTANCE])
    return ConstantBias(current_a, undriven_v)


def _others(fit: SubthresholdFit) -> np.ndarray:
    """Places of a fit but that of rest."""
    return np.flatnonzero(fit.columns != REST)


def _expected(undriven: SubthresholdFit) -> np.ndarray:
    """How the undriven voltage goes with the other places in a fit's covariance, V each."""
    others = _others(undriven)
    own = undriven.covariance[np.ix_(others, others)]
    scale = np.sqrt(np.diag(own))
    onto = undriven.covariance[REST, others] / scale
    return np.linalg.solve(own / np.outer(scale, scale) + 1e-9 * np.eye(len(own)), onto) / scale


def _reset_to(sweeps: PooledSweeps, undriven: SubthresholdFit) -> tuple[float, float]:
    """The voltage after spikes, and its mean's variance, V and V²."""
    after_mv = undriven.begun_mv[sweeps.after_spike]
    known = undriven.begun_sd_mv[sweeps.after_spike] ** 2
    weight = 1 / (known + after_mv.var() + 1e-6)
    mean_mv = float(weight @ after_mv / weight.sum())
    return undriven.place[REST] + 1e-3 * mean_mv, 1e-6 / float(weight.sum())

"""How far a cell's probability would move if it were recorded again.

Two things move it: which spikes were caught, which the recording's own spikes tell, drawn again in
blocks, as neighbours are alike; and what else differs between recordings, above all a day's noise,
which one recording cannot tell: that is measured once, as the ensemble is exported. Both are taken
on the log odds of each class against the rest. M members, N spikes, R resamples, C classes.
"""

from collections.abc import Sequence

import numpy as np
from scipy.special import expit, logit

from raphe.core.statistics.cell_probability import pool
from raphe.core.statistics.decision import Decision
from raphe.core.statistics.intervals import t_quantile

CONFIDENCE = 0.95
N_RESAMPLES = 400
AT_ONCE = 2**20  # probabilities held at a time
LEAST = 1e-12  # of a probability, so that its log odds are finite


def resampled(
    decision: Decision, members: np.ndarray, times: Sequence[int], n_drawn: int | None = None
) -> np.ndarray:
    """A cell's calibrated probabilities from its spikes drawn again in blocks: (R, C).

    Circular blocks of N^(1/3) neighbours, with replacement (Politis & Romano 1992). The same
    spikes give the same resamples.

    Args:
        members: what each member says of each of the cell's N ≥ 2 spikes, in order, (M, N, C).
        times: how often each member counts, (M,).
        n_drawn: how many are drawn; None: as many as there are.
    """
    n = members.shape[1]
    n_drawn = n_drawn or n
    if decision.pooling == "mean":  # in which members and spikes may take turns
        values = np.average(members, axis=0, weights=times)[None]
    else:
        values = np.repeat(members, times, axis=0)
    length = block_length(n)
    rng = np.random.default_rng(n)
    starts = rng.integers(0, n, (N_RESAMPLES, -(-n_drawn // length)))
    at_once = max(1, AT_ONCE * n // (values.size * n_drawn))
    parts = []
    for start in range(0, N_RESAMPLES, at_once):
        blocks = starts[start : start + at_once, :, None] + np.arange(length)
        spikes = blocks.reshape(len(blocks), -1)[:, :n_drawn] % n  # (R, n_drawn)
        drawn = values[:, spikes]  # (M, R, n_drawn, C)
        drawn = np.moveaxis(drawn, 0, 1).reshape(drawn.shape[1], -1, drawn.shape[-1])
        parts.append(pool(drawn, decision.pooling))
    pooled = np.concatenate(parts)
    total = pooled.sum(axis=1, keepdims=True)
    even = np.full_like(pooled, 1 / pooled.shape[1])
    return decision.calibration(np.divide(pooled, total, out=even, where=total != 0))


def block_length(n_spikes: int) -> int:
    return max(1, round(n_spikes ** (1 / 3)))


def log_odds(probability: np.ndarray) -> np.ndarray:
    """Of each class against the rest, finite: of the shape of `probability`."""
    return logit(np.clip(probability, LEAST, 1 - LEAST))


def interval_again(
    probability: np.ndarray, resamples: np.ndarray, n_spikes: int, spread: float
) -> np.ndarray:
    """Ends of each class's probability if the cell were recorded again, for as long: (C, 2).

    The other recording would catch other spikes as well, so both variances count twice. Few blocks
    widen it as Student's t does, with Satterthwaite's degrees of freedom.

    Args:
        probability: the cell's, calibrated, (C,).
        resamples: see `resampled`, (R, C).
        n_spikes: of the cell, at least 2.
        spread: SD of the log odds between recordings of one cell, see `ensemble.day_spread`.
    """
    length = block_length(n_spikes)
    unbiased = n_spikes / (n_spikes - length)  # as blocks of independent spikes vary too little
    of_spikes = unbiased * log_odds(resamples).var(axis=0)  # (C,)
    variance = of_spikes + spread**2
    n_blocks = max(2, n_spikes // length)
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = (n_blocks - 1) * (variance / of_spikes) ** 2
    quantile = t_quantile((1 + CONFIDENCE) / 2, np.nan_to_num(freedom, nan=np.inf, posinf=1e9))
    half = quantile * np.sqrt(2 * variance)
    middle = log_odds(probability)
    return expit(np.stack([middle - half, middle + half], axis=1))

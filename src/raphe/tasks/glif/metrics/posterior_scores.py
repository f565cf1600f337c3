"""How good posteriors are where the truth is known: error of the medians, coverage of intervals.

M traces of a test set, P quantities, S samples of a posterior.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from raphe.tasks.glif.metrics.names import INTERVALS, TIME_CONSTANT
from raphe.tasks.glif.synthetic.quantities import SUBTHRESHOLD


@dataclass(frozen=True, eq=False)
class PosteriorTest:
    """The posteriors of a test set beside the truth; quantities are standardised."""

    truth: np.ndarray  # float32 (M, P)
    samples: np.ndarray  # float32 (S, M, P)
    log_prob: np.ndarray  # float32 (M,) log-density of the truth, in nats
    outside: np.ndarray  # float32 (M,) share of samples less probable than the truth
    spiked: np.ndarray  # bool (M,)

    @classmethod
    def joined(cls, batches: Sequence["PosteriorTest"]) -> "PosteriorTest":
        """The traces of all batches, one after the other."""
        return cls(
            np.concatenate([batch.truth for batch in batches]),
            np.concatenate([batch.samples for batch in batches], axis=1),
            np.concatenate([batch.log_prob for batch in batches]),
            np.concatenate([batch.outside for batch in batches]),
            np.concatenate([batch.spiked for batch in batches]),
        )

    @classmethod
    def mixed(cls, members: Sequence["PosteriorTest"]) -> "PosteriorTest":
        """The posteriors of an ensemble whose members draw in equal shares."""
        return cls(
            members[0].truth,
            np.concatenate([member.samples for member in members]),
            np.logaddexp.reduce([member.log_prob for member in members]) - np.log(len(members)),
            np.mean([member.outside for member in members], axis=0),
            members[0].spiked,
        )


def posterior_scores(
    test: PosteriorTest, names: Sequence[str], deviation: np.ndarray
) -> dict[str, float]:
    """The metrics of a test set whose quantities have these names and deviations (P).

    loss, the negative log-density of the truth in nats; of each quantity cells/r2_… of the
    posterior medians (of those that show in spikes, where the cell spiked) and cells/coverage_50_…
    to 95; cells/coverage_50 to 95, the means of those; n_cells and n_spiking. The membrane's time
    constant, which is capacitance times resistance, has an R² and coverages, too: it is right where
    draws hold how errors of the two go together.
    """
    scores = {
        "loss": float(-test.log_prob.mean()),
        "n_cells": float(len(test.truth)),
        "n_spiking": float(test.spiked.sum()),
    }
    for i, name in enumerate(names):
        cells = scored_cells(test, name)
        medians = np.median(test.samples[:, cells, i], axis=0)
        scores[f"cells/r2_{name}"] = r_squared(medians, test.truth[cells, i])
        for interval in INTERVALS:
            scores[f"cells/coverage_{interval}_{name}"] = coverage(
                test.samples[:, :, i], test.truth[:, i], interval
            )
    for interval in INTERVALS:
        scores[f"cells/coverage_{interval}"] = float(
            np.mean([scores[f"cells/coverage_{interval}_{name}"] for name in names])
        )
    if {"capacitance", "resistance"} <= set(names):
        samples, truth = (
            log_time_constant(values, names, deviation) for values in (test.samples, test.truth)
        )
        scores[f"cells/r2_{TIME_CONSTANT}"] = r_squared(np.median(samples, axis=0), truth)
        for interval in INTERVALS:
            held = coverage(samples, truth, interval)
            scores[f"cells/coverage_{interval}_{TIME_CONSTANT}"] = held
    return scores


def log_time_constant(
    standardised: np.ndarray, names: Sequence[str], deviation: np.ndarray
) -> np.ndarray:
    """Logarithm of the membrane's time constant (…), less that of the prior's mean."""
    pair = [names.index("capacitance"), names.index("resistance")]
    return standardised[..., pair] @ deviation[pair]


def scored_cells(test: PosteriorTest, name: str) -> np.ndarray:
    """The cells, int64 (n,), that tell a quantity: all, or those that spiked."""
    return np.flatnonzero(test.spiked | (name in SUBTHRESHOLD))


def r_squared(medians: np.ndarray, truth: np.ndarray) -> float:
    """Share of the truth's (M,) variance that the medians (M,) explain; NaN where it has none."""
    variance = float(np.var(truth)) if len(truth) else 0.0
    return 1 - float(np.mean((medians - truth) ** 2)) / variance if variance else math.nan


def coverage(samples: np.ndarray, truth: np.ndarray, interval: float) -> float:
    """Share of truths (M,) inside the central interval, in %, of the samples (S, M)."""
    tail = (100 - interval) / 2
    low, high = np.percentile(samples, [tail, 100 - tail], axis=0)
    return float(((low <= truth) & (truth <= high)).mean())

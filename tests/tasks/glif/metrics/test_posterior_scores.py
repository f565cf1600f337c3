"""Scores of posteriors whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torchmetrics.functional import r2_score

from raphe.tasks.glif.metrics.posterior_scores import (
    INTERVALS,
    PosteriorTest,
    coverage,
    posterior_scores,
    r_squared,
)

M, S = 2000, 300


def conjugate() -> PosteriorTest:
    """x ~ N(θ, 1) with θ ~ N(0, 1): the posterior is N(x / 2, 1 / 2)."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(M, 1))
    centre = (truth + rng.normal(size=(M, 1))) / 2
    samples = centre + np.sqrt(0.5) * rng.normal(size=(S, M, 1))
    return PosteriorTest(truth, samples, np.zeros(M), np.zeros(M), np.ones(M, bool))


def test_the_true_posterior_covers_as_its_intervals_say() -> None:
    test = conjugate()
    for interval in INTERVALS:
        share = coverage(test.samples[..., 0], test.truth[:, 0], interval)
        assert share == pytest.approx(interval / 100, abs=0.03)
    scores = posterior_scores(test, ["capacitance"], np.ones(1))
    assert scores["cells/r2_capacitance"] == pytest.approx(0.5, abs=0.05)
    assert scores["cells/coverage_50"] == scores["cells/coverage_50_capacitance"]
    assert (scores["n_cells"], scores["n_spiking"]) == (M, M)


def test_quantities_that_need_a_spike_are_scored_where_there_is_one() -> None:
    test = conjugate()
    test.spiked[:] = np.arange(M) < 100
    test.samples[:, 100:] += 50  # silent cells, answered at random
    assert posterior_scores(test, ["threshold"], np.ones(1))["cells/r2_threshold"] > 0.3
    assert posterior_scores(test, ["capacitance"], np.ones(1))["cells/r2_capacitance"] < -100


def test_a_time_constants_intervals_tell_whether_two_quantities_are_right_together() -> None:
    """Each by itself is right in both; of draws shuffled one by one the product is not."""
    rng = np.random.default_rng(1)
    deviation = np.array([0.5, 0.25])
    off = rng.multivariate_normal([0, 0], [[1, -0.8], [-0.8, 1]], (S + 1, M)) * [1, 2]
    truth = rng.normal(size=(M, 2))
    right = PosteriorTest(truth, truth + off[:S] - off[S], *[np.zeros(M)] * 2, np.ones(M, bool))
    apart = replace(right, samples=rng.permuted(right.samples, axis=0))
    names = ["capacitance", "resistance"]
    for test, low, high in ((right, 0.47, 0.53), (apart, 0.75, 1.0)):
        scores = posterior_scores(test, names, deviation)
        for name in names:
            assert 0.47 < scores[f"cells/coverage_50_{name}"] < 0.53
        assert low < scores["cells/coverage_50_time_constant"] < high


def test_r_squared() -> None:
    truth = np.array([1.0, 2.0, 3.0])
    assert r_squared(truth, truth) == 1
    assert r_squared(np.full(3, 2.0), truth) == 0
    assert np.isnan(r_squared(truth, np.ones(3)))


def test_r_squared_is_torchmetrics() -> None:
    """Which is not used: it takes sums of squares below 1e-4 for 0, and loads torch."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=200)
    medians = 0.7 * truth + 0.3 * rng.normal(size=200)
    theirs = r2_score(torch.from_numpy(medians), torch.from_numpy(truth))
    assert r_squared(medians, truth) == pytest.approx(float(theirs), rel=1e-9)
    small = 1e-4 * truth
    assert r_squared(1e-4 * medians, small) == pytest.approx(float(theirs), rel=1e-9)


def test_batches_are_joined_and_members_mixed() -> None:
    """An ensemble's density is the mean of its members'."""
    test = conjugate()
    whole = PosteriorTest.joined([test, test])
    assert whole.samples.shape == (S, 2 * M, 1) and len(whole.spiked) == 2 * M
    other = PosteriorTest(
        test.truth, test.samples, np.full(M, np.log(3.0)), np.ones(M), test.spiked
    )
    mixed = PosteriorTest.mixed([test, other])
    assert mixed.samples.shape == (2 * S, M, 1)
    np.testing.assert_allclose(np.exp(mixed.log_prob), 2.0)  # of densities 1 and 3
    np.testing.assert_allclose(mixed.outside, 0.5)

"""The posterior that comes with raphe, held against neurons of its own prior by sbi's diagnostics.

A neuron's true quantities are a draw like any other of its posterior: their ranks are uniform
(simulation-based calibration, Talts et al. 2018), and of regions around random points so large a
share hold the truth as they hold of the draws (TARP, Lemos et al. 2023).
"""

from functools import cache

import numpy as np
import pytest

from raphe.core.bundles.shipped import shipped_bundle
from raphe.tasks.glif.ensemble.bundle import PRIOR, PosteriorBundle
from raphe.tasks.glif.synthetic.prior import read_prior
from raphe.tasks.glif.synthetic.quantities import ALL_LEVELS
from raphe.tasks.glif.synthetic.simulated_experiments import Experiment, measure

pytestmark = pytest.mark.ci

AT_ONCE, BATCHES, DRAWS = 4, 100, 300
SEED = 2024  # of no training
LEAST_P = 0.01 / len(ALL_LEVELS)  # of five that are looked at
MOST_AREA = 0.05  # between TARP's coverage and the diagonal, of 0.5


@cache
def tested() -> tuple[np.ndarray, np.ndarray]:
    """Draws (S, M, P) and truths (M, P), standardised."""
    bundle = PosteriorBundle.open(shipped_bundle("glif"), 1)
    experiment = Experiment(**bundle.manifest["experiment"])
    prior = read_prior(bundle.bundle.file(PRIOR))
    draws, truths = [], []
    for number in range(BATCHES):
        measured = measure(prior, experiment, AT_ONCE, SEED, number, "test")
        rng = np.random.default_rng([SEED, number])
        inferred = bundle.infer(measured.traces, measured.rate_hz, DRAWS, rng)
        draws.append(bundle.scaler.standardised(inferred.samples))
        truths.append(bundle.scaler.standardised(measured.values))
    return np.concatenate(draws, axis=1), np.concatenate(truths)


def wider(draws: np.ndarray, factor: float) -> np.ndarray:
    """About their medians."""
    median = np.median(draws, axis=0)
    return median + factor * (draws - median)


def sbc_p(draws: np.ndarray, truths: np.ndarray) -> np.ndarray:
    """That the ranks of each quantity are so far from uniform by chance, (P,)."""
    import torch
    from sbi.diagnostics.sbc import check_uniformity_frequentist

    ranks = (draws < truths).sum(axis=0)
    found = check_uniformity_frequentist(torch.from_numpy(ranks).float(), len(draws))
    return found.numpy()


def tarp(draws: np.ndarray, truths: np.ndarray) -> tuple[float, float]:
    """The area between coverage and credibility, and the largest distance of the two."""
    import torch
    from sbi.diagnostics.tarp import _run_tarp, check_tarp

    rng = np.random.default_rng(0)
    references = torch.from_numpy(rng.standard_normal(truths.shape)).float()
    coverage, credibility = _run_tarp(
        torch.from_numpy(draws).float(), torch.from_numpy(truths).float(), references
    )
    area, _ = check_tarp(coverage, credibility)
    return float(area), float((coverage - credibility).abs().max())


def test_ranks_of_the_truth_are_uniform_and_would_not_be_with_draws_half_as_wide() -> None:
    draws, truths = tested()
    assert sbc_p(draws, truths).min() > LEAST_P
    for factor in (0.5, 2.0):
        assert sbc_p(wider(draws, factor), truths).max() < LEAST_P


def test_random_regions_hold_the_truth_as_often_as_they_say() -> None:
    draws, truths = tested()
    print(tarp(draws, truths), *(tarp(wider(draws, factor), truths) for factor in (0.5, 2.0)))

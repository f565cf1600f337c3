"""What least squares says, standardised."""

import numpy as np
import pytest
from scipy.stats import truncnorm

from raphe.tasks.glif.features.least_squares import N_FEATURES, estimate_quantities
from raphe.tasks.glif.synthetic.prior_scaler import PriorScaler
from raphe.tasks.glif.synthetic.quantities import THRESHOLD
from raphe.tasks.glif.synthetic.simulated_experiments import Experiment, measure
from raphe.tasks.glif.synthetic.typical_cells import TYPICAL, typical_prior

PRIOR = typical_prior(1)
SCALER = PriorScaler.of(PRIOR)


def test_standardised_quantities_of_the_prior_have_mean_0_and_deviation_1() -> None:
    values = PRIOR.draw(20_000, np.random.default_rng(0))
    z = SCALER.standardised(values)
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=0.03)
    np.testing.assert_allclose(z.std(axis=0), 1, atol=0.05)
    np.testing.assert_allclose(SCALER.values(z), values, rtol=1e-9)


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_typical_neurons_have_the_medians_they_are_said_to_have(level: int) -> None:
    prior = typical_prior(level)
    from raphe.tasks.glif.synthetic.quantities import quantities

    medians = np.median(prior.draw(4000, np.random.default_rng(1)), axis=0)
    for quantity, median in zip(quantities(level), medians, strict=True):
        expected, spread = TYPICAL[quantity.name]
        numbers = quantity.scale.forward(np.array([median, expected]))
        assert abs(np.diff(numbers)[0]) < 0.1 * spread, quantity.name


@pytest.mark.parametrize("family", ["noise", "long_square", "ramp"])
def test_the_centre_is_near_the_truth(family: str) -> None:
    batch = measure(PRIOR, Experiment(families=(family,)), 64, seed=1, number=0)
    estimate = estimate_quantities(batch.traces, batch.rate_hz, SCALER)
    off = np.abs(estimate.centre - SCALER.standardised(batch.values))
    spiked = batch.spike_count > 0
    assert np.median(off[:, :3]) < 0.02
    assert np.median(off[spiked, THRESHOLD]) < 0.05
    assert estimate.features.shape == (64, N_FEATURES) and np.isfinite(estimate.features).all()
    assert (estimate.spread > 0).all() and (estimate.spread <= 1).all()


def test_a_silent_trace_says_the_prior_above_what_it_reached() -> None:
    """Mean and deviation of a truncated normal distribution."""
    weak = Experiment(families=("noise",), relative=(0.2, 0.5))
    batch = measure(PRIOR, weak, 16, seed=2, number=0)
    silent = batch.spike_count == 0
    assert silent.any()
    estimate = estimate_quantities(batch.traces, batch.rate_hz, SCALER)
    z_reached = estimate.features[:, 10]  # the highest voltage without a spike
    expected = truncnorm(np.clip(z_reached, -8, 5), np.inf)
    np.testing.assert_allclose(
        estimate.centre[silent, THRESHOLD], expected.mean()[silent], rtol=1e-3
    )
    np.testing.assert_allclose(
        estimate.spread[silent, THRESHOLD], expected.std()[silent], rtol=1e-3
    )


@pytest.mark.parametrize("level", [2, 3, 4, 5])
def test_the_truth_lies_within_reach_at_every_level(level: int) -> None:
    """Afterspike currents and moving thresholds are not the fit's: it may not be sure of them."""
    prior = typical_prior(level)
    batch = measure(prior, Experiment(families=("noise",)), 64, seed=4, number=0)
    scaler = PriorScaler.of(prior)
    estimate = estimate_quantities(batch.traces, batch.rate_hz, scaler)
    fired = batch.spike_count > 0
    off = np.abs(scaler.standardised(batch.values) - estimate.centre) / estimate.spread
    assert fired.sum() > 10 and np.median(off[fired], axis=0).max() < 6
    assert np.percentile(off[fired], 95) < 40


def test_later_parameters_of_a_level_are_left_to_the_network() -> None:
    prior = typical_prior(3)
    batch = measure(prior, Experiment(families=("noise",)), 8, seed=3, number=0)
    estimate = estimate_quantities(batch.traces, batch.rate_hz, PriorScaler.of(prior))
    assert estimate.centre.shape == (8, 9)
    assert not estimate.centre[:, 5:].any() and (estimate.spread[:, 5:] == 1).all()

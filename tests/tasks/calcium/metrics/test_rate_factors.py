"""Ends that hold the true mean rate of nine cells in ten, every data set of the same weight."""

import numpy as np
import pytest

from raphe.tasks.calcium.metrics.rate_factors import FEWEST_SETS, rate_factors


def test_ends_hold_nine_in_ten_of_cells_alike() -> None:
    rng = np.random.default_rng(0)
    ratios = [np.exp(rng.normal(0.2, 0.5, 40)) for _ in range(50)]
    low, middle, high = rate_factors(ratios)
    np.testing.assert_allclose(np.log([low, middle, high]), [-1.02, -0.2, 0.62], atol=0.06)
    new = np.exp(rng.normal(0.2, 0.5, 5000))
    assert np.mean((1 / new > low) & (1 / new < high)) == pytest.approx(0.9, abs=0.02)


def test_a_large_data_set_counts_no_more_than_a_small_one() -> None:
    small = [np.array([1.0, 2.0])] * (FEWEST_SETS - 1)
    large = np.full(1000, 64.0)
    assert rate_factors([*small, large]).middle == pytest.approx(
        rate_factors([*small, large[:2]]).middle
    )


def test_few_data_sets_tell_no_ends() -> None:
    assert rate_factors([np.ones(100)] * (FEWEST_SETS - 1)) is None
    without = [np.array([np.nan, 0.0])] * 5  # cells without a spike, or without a rate
    assert rate_factors([*[np.ones(100)] * (FEWEST_SETS - 1), *without]) is None

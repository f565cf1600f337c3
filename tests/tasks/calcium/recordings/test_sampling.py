"""Bins, smoothed spikes and z-scores, in closed form."""

import numpy as np
import pytest

from raphe.tasks.calcium.recordings.sampling import binned, smoothed, z_scored


def test_one_spike_becomes_the_kernel() -> None:
    spikes = np.zeros(101)
    spikes[50] = 1
    lag = np.arange(101) - 50
    kernel = np.where(abs(lag) <= 15, np.exp(-(lag**2) / 4.0), 0)
    np.testing.assert_allclose(smoothed(spikes), kernel / kernel.sum(), atol=1e-15)


def test_smoothing_keeps_the_count_and_the_sum_of_its_parts() -> None:
    spikes = np.zeros(200)
    spikes[[40, 41, 120]] = 2, 1, 3
    assert smoothed(spikes).sum() == pytest.approx(6)
    assert smoothed(spikes)[120] == pytest.approx(3 * smoothed(np.eye(200)[120])[120])


def test_z_score_has_mean_0_and_deviation_1() -> None:
    x = np.random.default_rng(0).gamma(2, 3, 1000)
    z = z_scored(x)
    assert (z.mean(), z.std()) == pytest.approx((0, 1), abs=1e-6)
    assert np.isfinite(z_scored(np.ones(9))).all()
    np.testing.assert_array_equal(z_scored(np.stack([2 * x + 1, x]))[1], z)


def test_the_incomplete_last_bin_is_dropped() -> None:
    np.testing.assert_array_equal(binned(np.arange(11.0))[0], [6, 22])

"""Against dense linear algebra and the simulator, which know nothing of each other's ways."""

import numpy as np

from raphe.tasks.glif.features.pooled_sweeps import PooledSweeps, pool_sweeps
from raphe.tasks.glif.features.residual_noise import ResidualNoise, products
from raphe.tasks.glif.features.sweep_kernel import DRIVEN, UNBOUNDED_MV2, courses
from raphe.tasks.glif.neurons.models import Neurons
from raphe.tasks.glif.neurons.simulation import simulate

KEEP = 0.9
NOISE = ResidualNoise(0.3, 0.8, 2e-4, 0.5, 1e-2)


def small() -> PooledSweeps:
    voltage = np.random.default_rng(0).normal(size=40)
    voltage[12:15] = voltage[30:32] = np.nan
    return pool_sweeps([voltage, voltage[:20]], [np.zeros(40), np.zeros(20)], 20_000.0)


def dense_covariance(sweeps: PooledSweeps) -> tuple[np.ndarray, np.ndarray]:
    """Of the samples that are there, with what each stretch starts from; and these samples."""
    at = np.concatenate([np.arange(a, b) for a, b in zip(sweeps.starts, sweeps.stops, strict=True)])
    stretch = np.repeat(np.arange(len(sweeps.starts)), sweeps.stops - sweeps.starts)
    lag_s = np.abs(at[:, None] - at) / sweeps.rate_hz
    same_sweep = sweeps.sweep[stretch][:, None] == sweeps.sweep[stretch]
    covariance = NOISE.white_mv**2 * np.eye(len(at))
    for sd, tau_s in ((NOISE.fast_mv, NOISE.fast_s), (NOISE.slow_mv, NOISE.slow_s)):
        covariance += same_sweep * sd**2 * np.exp(-lag_s / tau_s)
    decay = KEEP ** (at - sweeps.starts[stretch])
    same = stretch[:, None] == stretch
    return covariance + same * UNBOUNDED_MV2 * np.outer(decay, decay), at


def test_whitened_products_are_those_of_the_dense_covariance() -> None:
    sweeps = small()
    columns = np.random.default_rng(1).normal(size=(60, 3))
    found = products(columns, sweeps, KEEP, NOISE)
    covariance, at = dense_covariance(sweeps)
    expected = columns[at].T @ np.linalg.solve(covariance, columns[at])
    np.testing.assert_allclose(found.gram, expected, rtol=1e-6)
    np.testing.assert_allclose(found.log_det, np.linalg.slogdet(covariance)[1], rtol=1e-9)
    assert found.n_used == len(at)


def test_a_thinned_course_has_the_noise_of_its_own_step() -> None:
    voltage = np.random.default_rng(0).normal(size=40)
    columns = voltage[:, None]
    whole = pool_sweeps([voltage], [np.zeros(40)], 20_000.0)
    thinned = pool_sweeps([voltage[::4]], [np.zeros(10)], 5_000.0)
    found = products(columns, whole, KEEP, NOISE, every=4)
    expected = products(columns[::4], thinned, KEEP**4, NOISE)
    np.testing.assert_allclose(found.gram, expected.gram)


def test_courses_are_what_the_simulator_does_between_spikes() -> None:
    neuron = Neurons(
        5, capacitance_f=1e-10, resistance_ohm=2e8, threshold_v=0.02, dead_time_s=2e-3,
        reset_slope=0.3, reset_offset_v=2e-3, spike_jump_v=3e-3, spike_decay_per_s=100.0,
        voltage_gain_per_s=10.0, voltage_decay_per_s=50.0,
        asc_amp_a=[[-2e-11, -8e-11]], asc_tau_s=[[0.1, 0.01]],
    )  # fmt: skip
    rng = np.random.default_rng(0)
    current = 2e-10 * (rng.uniform(size=8000) + 0.3)
    response = simulate(neuron, current, 5e-5)
    voltage_mv = 1e3 * response.voltage_v[0]
    sweeps = pool_sweeps([voltage_mv], [1e12 * current], 20_000.0)
    assert sweeps.n_spikes > 3
    keep, decay = 1 - 5e-5 / neuron.membrane_tau_s[0], np.exp(-5e-5 / neuron.asc_tau_s[0])
    weight = 200 * np.concatenate([[1.0], 1e9 * neuron.asc_amp_a[0]])
    out = np.zeros((8000, 7))
    courses(
        sweeps.fed_na, *sweeps.places, sweeps.after_spike, keep, decay, weight,
        voltage_mv[sweeps.starts], out,
    )  # fmt: skip
    there = np.isfinite(voltage_mv)
    np.testing.assert_allclose(out[there, DRIVEN], voltage_mv[there], atol=1e-9)
    moved = np.zeros((8000, 7))
    courses(
        sweeps.fed_na, *sweeps.places, sweeps.after_spike, keep + 1e-7, decay, weight,
        voltage_mv[sweeps.starts], moved,
    )  # fmt: skip
    slope = (moved[there, DRIVEN] - out[there, DRIVEN]) / 1e-7
    np.testing.assert_allclose(out[there, 1], slope, rtol=1e-3, atol=1.0)

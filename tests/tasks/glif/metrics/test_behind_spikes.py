"""What a voltage is off its fit behind spikes, told from noise."""

from types import SimpleNamespace

import numpy as np
import pytest

from raphe.tasks.glif.features.pooled_sweeps import pool_sweeps
from raphe.tasks.glif.metrics.behind_spikes import off_behind_spikes_mv

HZ, REST_MV, N_SPIKES, EVERY = 20_000.0, -70.0, 12, 1000
BRIDGE_MOHM = 5.0


def _off(lag_mv: float, n_spikes: int = N_SPIKES, drifts_mv: float = 0.0) -> float | None:
    """Of a membrane at rest with a bridge error, noise, and a lag of 1 ms behind its spikes."""
    rng = np.random.default_rng(0)
    n = EVERY * (n_spikes + 1)
    current_pa = np.where(np.arange(n) % 700 < 350, 0.0, 100.0)
    voltage = REST_MV + 1e-3 * BRIDGE_MOHM * current_pa + 0.05 * rng.normal(size=n)
    voltage += drifts_mv * np.sin(np.arange(n) / 3000)
    for spike in range(1, n_spikes + 1):
        begin = spike * EVERY
        voltage[begin : begin + 80] = np.nan
        behind = np.arange(EVERY - 80)
        voltage[begin + 80 : begin + EVERY] += lag_mv * np.exp(-behind / HZ / 1e-3)
    sweeps = pool_sweeps([voltage], [current_pa], HZ)
    below = SimpleNamespace(
        course_mv=np.zeros(n), place=np.array([0.0, 0.0, 1e-3 * REST_MV]), bridge_mohm=BRIDGE_MOHM
    )
    return off_behind_spikes_mv(sweeps, below)


@pytest.mark.parametrize("lag_mv", [-0.4, 2.0])
def test_a_lag_that_each_spike_has_is_found(lag_mv: float) -> None:
    assert _off(lag_mv) == pytest.approx(lag_mv, rel=0.2)
    assert _off(lag_mv, drifts_mv=1.0) == pytest.approx(lag_mv, rel=0.3)


def test_noise_and_drift_are_none_nor_are_few_spikes() -> None:
    assert _off(0.0) is None
    assert _off(0.0, drifts_mv=2.0) is None
    assert _off(-0.4, n_spikes=4) is None
    assert _off(-0.4, n_spikes=0) is None

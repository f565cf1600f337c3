"""A cell of level 3 under whose spikes lies a fast afterhyperpolarisation, which no level has."""

import numpy as np
import pytest

from raphe.tasks.glif.features.level_fit import LevelFit, fit_levels
from raphe.tasks.glif.features.pooled_sweeps import pool_sweeps
from raphe.tasks.glif.neurons.simulation import SIMULATED_HZ, simulate
from raphe.tasks.glif.prediction.level_comparison import off_threshold_mv
from raphe.tasks.glif.recordings.spike_cuts import cut_longer, cut_spikes
from raphe.tasks.glif.synthetic.quantities import RESISTANCE, REST, THRESHOLD, neurons_of
from raphe.tasks.glif.synthetic.typical_cells import typical_prior

LEVEL, DEEP_V, RECOVERS_S = 3, 0.004, 0.7e-3
PRIOR = typical_prior(LEVEL)
VALUES = PRIOR.values(np.zeros((1, len(PRIOR.quantiles))))


def _currents(rng: np.random.Generator) -> list[np.ndarray]:
    """Three sweeps of 2 s: a pulse, and then a walk or a step."""
    rheobase_a, begin = VALUES[0, THRESHOLD] / VALUES[0, RESISTANCE], round(0.2 * SIMULATED_HZ)
    sweeps = []
    for height in (1.3, 1.4, 1.7):
        shape = np.zeros(round(2 * SIMULATED_HZ))
        walk = np.cumsum(rng.normal(size=len(shape) - begin))
        walk -= np.linspace(walk[0], walk[-1], len(walk))
        shape[begin:] = height * (1 if height == 1.4 else 1 + 0.3 * walk / walk.std())
        shape[2000:2400] = -50e-12 / rheobase_a
        sweeps.append(rheobase_a * shape)
    return sweeps


def _recorded(current_a: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A voltage with spikes of 30 mV in the dead time, and what follows them."""
    neuron, rest_v = neurons_of(LEVEL, VALUES)
    voltage = simulate(neuron, current_a, 1 / SIMULATED_HZ).voltage_v[0] + rest_v[0]
    edges = np.flatnonzero(np.diff(np.isnan(voltage), prepend=False, append=False))
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        ms = 1e3 * np.arange(end - begin) / SIMULATED_HZ
        first = voltage[begin - 1]
        low = voltage[min(end, len(voltage) - 1)] - DEEP_V if end < len(voltage) else first
        up = first + (0.03 - first) * 0.5 * (1 - np.cos(np.pi * np.clip(2 * ms, 0, 1)))
        down = low + (0.03 - low) * np.exp(-np.maximum(ms - 0.5, 0) / 0.35)
        voltage[begin:end] = np.where(ms < 0.5, up, down)
        behind = voltage[end : end + 400]
        behind -= DEEP_V * np.exp(-np.arange(len(behind)) / SIMULATED_HZ / RECOVERS_S)
    return voltage + 5e-5 * rng.normal(size=len(voltage))


def _fit(longer_s: float) -> LevelFit:
    rng = np.random.default_rng(3)
    currents = _currents(rng)
    voltages = [cut_spikes(_recorded(each, rng), SIMULATED_HZ) for each in currents]
    longer = [cut_longer(each, round(longer_s * SIMULATED_HZ)) for each in voltages]
    sweeps = pool_sweeps([1e3 * v for v in longer], [1e12 * i for i in currents], SIMULATED_HZ)
    (fit,) = fit_levels(sweeps, {LEVEL: PRIOR}, seed=1)
    return fit


@pytest.mark.ci
def test_it_spoils_a_fit_to_the_trough_and_none_beyond_it() -> None:
    assert (off_threshold_mv(_fit(0.0)) or 0.0) > 3
    fit = _fit(2e-3)
    assert off_threshold_mv(fit) is None
    median = np.median(fit.samples, axis=0)
    assert median[RESISTANCE] == pytest.approx(VALUES[0, RESISTANCE], rel=0.01)
    assert median[[REST, THRESHOLD]] == pytest.approx(VALUES[0, [REST, THRESHOLD]], abs=2e-4)

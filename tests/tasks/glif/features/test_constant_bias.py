"""What a constant current can be told from, and what it cannot."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import lfilter

from raphe.tasks.glif.features.constant_bias import (
    draw_bias,
    of_undriven,
    redraw_rest,
    with_rest,
)
from raphe.tasks.glif.features.level_fit import fit_levels
from raphe.tasks.glif.features.pooled_sweeps import pool_sweeps
from raphe.tasks.glif.features.residual_noise import ResidualNoise
from raphe.tasks.glif.features.subthreshold_fit import SubthresholdFit
from raphe.tasks.glif.metrics.predictive import median_neuron, median_response
from raphe.tasks.glif.neurons.models import Neurons
from raphe.tasks.glif.neurons.simulation import simulate
from raphe.tasks.glif.synthetic.quantities import REST, THRESHOLD
from raphe.tasks.glif.synthetic.typical_cells import typical_prior

UNDRIVEN_MV, RESET_MV = -45.0, -62.0


def undriven_fit(level: int) -> SubthresholdFit:
    """Two stretches, the second of which begins 17 mV below where the membrane goes."""
    place = np.array([np.log(1e-10), np.log(2e8), 1e-3 * UNDRIVEN_MV])
    begun = np.array([0.0, RESET_MV - UNDRIVEN_MV])
    return SubthresholdFit(
        level, np.array([0, 1, 2]), place, np.diag([1e-4, 1e-4, 1e-8]), ResidualNoise(0.1), 0.0, (),
        0.99, np.zeros(40), np.zeros((40, 3)), begun, np.full(2, 0.01), 0.0,
    )  # fmt: skip


def two_stretches():
    voltage = np.full(40, UNDRIVEN_MV)
    voltage[15:20] = np.nan
    return pool_sweeps([voltage], [np.zeros(40)], 20_000.0)


def test_where_a_reset_has_a_rule_of_its_own_rest_is_what_was_known_of_it() -> None:
    prior = typical_prior(2)
    fit = with_rest(two_stretches(), undriven_fit(2), prior)
    assert fit.place[REST] == pytest.approx(-0.073, abs=1e-3)
    assert fit.pull_mv == pytest.approx(UNDRIVEN_MV - 1e3 * fit.place[REST])
    assert fit.course_mv == pytest.approx(np.full(40, fit.pull_mv))
    places = np.tile(prior.quantiles.mean(axis=1), (4000, 1))
    places[:, THRESHOLD] = np.log(0.026)
    at_v = places[:, REST] + 0.026
    redraw_rest(places, np.array([0, 1, 2, 3, 7, 8]), prior, np.random.default_rng(0))
    assert places[:, REST] + np.exp(places[:, THRESHOLD]) == pytest.approx(at_v)
    assert np.std(places[:, REST]) == pytest.approx(5e-3, rel=0.15)


def test_where_a_spike_resets_to_rest_the_voltage_after_it_tells_rest() -> None:
    fit = with_rest(two_stretches(), undriven_fit(1), typical_prior(1))
    assert fit.place[REST] == pytest.approx(1e-3 * RESET_MV, abs=1e-4)
    assert np.sqrt(fit.covariance[REST, REST]) < 1e-4


def test_rest_and_bias_of_a_draw_come_to_the_undriven_voltage() -> None:
    undriven = undriven_fit(2)
    rng = np.random.default_rng(0)
    places = np.tile(np.zeros(9), (500, 1))
    places[:, :3] = undriven.place + 1e-3 * rng.standard_normal((500, 3))
    places[:, REST] = -0.073 + 5e-3 * rng.standard_normal(500)
    bias = draw_bias(undriven, places, rng)
    assert 1e3 * bias.undriven_v == pytest.approx(np.full(500, UNDRIVEN_MV), abs=0.5)
    came_to = places[:, REST] + np.exp(places[:, 1]) * bias.current_a
    assert came_to == pytest.approx(bias.undriven_v)
    assert np.std(1e12 * bias.current_a) == pytest.approx(5e-3 / 2e8 * 1e12, rel=0.15)


def test_of_the_undriven_voltage_little_is_known() -> None:
    prior = of_undriven(typical_prior(1))
    assert prior.quantiles[REST].std() > 3 * typical_prior(1).quantiles[REST].std()
    assert prior.correlation[REST].tolist() == np.eye(5)[REST].tolist()


@pytest.mark.ci
@pytest.mark.parametrize("level", [1, 2])
def test_a_cell_that_fires_unasked_has_a_bias_that_makes_it_fire(level: int) -> None:
    rule = {} if level == 1 else {
        "reset_slope": 0.4, "reset_offset_v": 3e-3, "spike_jump_v": 2e-3, "spike_decay_per_s": 60.0,
    }  # fmt: skip
    neuron = Neurons(level, 1e-10, 2e8, 0.024, 3e-3, leak_v=0.03, **rule)  # 150 pA
    rng, sweeps = np.random.default_rng(3), []
    for pa in (0.0, 30.0):
        current = np.concatenate([np.zeros(10_000), np.full(20_000, 1e-12 * pa)])
        voltage = 1e3 * (simulate(neuron, current, 5e-5).voltage_v[0] - 0.07)
        voltage += lfilter([0.1], [1, -0.99], 0.14 * rng.standard_normal(len(voltage)))
        sweeps.append((voltage, current))
    voltages, currents = zip(*sweeps, strict=True)
    pooled = pool_sweeps(voltages, [1e12 * current for current in currents], 20_000.0)
    assert pooled.n_spikes > 20
    (fit,) = fit_levels(pooled, {level: typical_prior(level)}, seed=0, biased=True)
    assert fit.bias is not None
    assert 1e3 * np.median(fit.bias.undriven_v) == pytest.approx(-40, abs=0.5)
    low, high = np.percentile(1e12 * fit.bias.current_a, [2.5, 97.5])
    assert low < 150 < high
    assert (high - low < 20) == (level == 1)  # which its rule of the reset tells
    own, _ = median_neuron(level, fit.samples, fit.pull_v)
    response = median_response(level, fit.samples, currents[0], 20_000.0, pull_v=fit.pull_v)
    of_truth = simulate(replace(neuron, init_voltage_v=0.0), currents[0], 5e-5).spike_count[0]
    assert own.leak_v[0] > own.threshold_v[0]
    assert len(response.spike_times_s) == pytest.approx(of_truth, abs=1)

"""Least squares on everything between spikes, against the neurons that were simulated."""

import numpy as np
import pytest
from scipy.signal import lfilter

from raphe.tasks.glif.features.membrane_fit import fit_membranes
from raphe.tasks.glif.neurons.models import Neurons
from raphe.tasks.glif.neurons.simulation import simulate

RATE_HZ = 20_000.0
STEP_S = 1 / RATE_HZ
CELLS = {  # the last has a time constant of 3 ms, where Euler's step counts
    "capacitance_pf": [60.0, 120.0, 300.0, 30.0],
    "resistance_mohm": [300.0, 150.0, 80.0, 100.0],
}
THRESHOLD_MV, DEAD_MS, REST_MV = 25.0, 3.0, -71.0


def _traces(
    seed: int = 0, noise_mv: float = 0.0, series_mohm: tuple[float, float] = (0.0, 0.0)
) -> np.ndarray:
    """Neurons that fire under noise after a test pulse, (4, 2, 20 000)."""
    rng = np.random.default_rng(seed)
    neurons = Neurons(
        1,
        capacitance_f=1e-12 * np.array(CELLS["capacitance_pf"]),
        resistance_ohm=1e6 * np.array(CELLS["resistance_mohm"]),
        threshold_v=1e-3 * THRESHOLD_MV,
        dead_time_s=1e-3 * DEAD_MS,
    )
    shape = np.zeros(20_000)
    shape[800:] = 1.2 + 0.3 * lfilter([0.1], [1, -0.9], rng.normal(size=19_200))
    current = shape * (neurons.threshold_v / neurons.resistance_ohm)[:, None]
    current[:, 200:400] = 50e-12
    voltage_mv = 1e3 * simulate(neurons, current, STEP_S).voltage_v + REST_MV
    current_pa = 1e12 * current
    voltage_mv = voltage_mv + 1e-3 * np.linspace(*series_mohm, 20_000) * current_pa
    voltage_mv += noise_mv * rng.normal(size=voltage_mv.shape)
    return np.stack([voltage_mv, current_pa], axis=1).astype(np.float32)


def test_a_clean_trace_gives_the_neuron_back() -> None:
    fit = fit_membranes(_traces(), RATE_HZ)
    np.testing.assert_allclose(fit.capacitance_pf, CELLS["capacitance_pf"], rtol=1e-3)
    np.testing.assert_allclose(fit.resistance_mohm, CELLS["resistance_mohm"], rtol=1e-3)
    np.testing.assert_allclose(fit.rest_mv, REST_MV, atol=0.02)
    low, high = fit.bounds_mv[:, 0], fit.bounds_mv[:, 1]
    assert (low < THRESHOLD_MV + 0.05).all() and (high > THRESHOLD_MV - 0.05).all()
    assert (high - low < 0.5).all()
    np.testing.assert_allclose(fit.dead_time_ms, DEAD_MS, atol=1e-6)
    assert (fit.n_spikes >= 3).all()


def test_noise_is_measured_and_its_deviations_hold() -> None:
    """Of 40 noisy traces, how far estimates lie from the truth in their own deviations."""
    fits = [fit_membranes(_traces(seed, noise_mv=0.2), RATE_HZ) for seed in range(40)]
    noise = np.stack([fit.noise_mv for fit in fits])
    np.testing.assert_allclose(noise.mean(axis=0), 0.2, rtol=0.02)
    for name, sd in (("capacitance_pf", "log_capacitance_sd"), ("resistance_mohm",
                                                               "log_resistance_sd")):  # fmt: skip
        off = np.log(np.stack([getattr(fit, name) for fit in fits]) / CELLS[name])
        z = off / np.stack([getattr(fit, sd) for fit in fits])
        assert 0.6 < np.sqrt(np.mean(z**2)) < 1.6


def test_errors_of_capacitance_and_resistance_go_together_as_they_say() -> None:
    """Of 40 traces that end before the first spike: much for the fast membrane, whose resistance
    the test pulse tells best, and little for the others."""
    traces = [_traces(seed, noise_mv=0.02)[:, :, :800].copy() for seed in range(40)]
    fits = [fit_membranes(each, RATE_HZ) for each in traces]
    capacitance = np.log([fit.capacitance_pf for fit in fits])
    resistance = np.log([fit.resistance_mohm for fit in fits])
    found = [np.corrcoef(*pair)[0, 1] for pair in zip(capacitance.T, resistance.T, strict=True)]
    said = np.mean([fit.correlation for fit in fits], axis=0)
    np.testing.assert_allclose(said, found, atol=0.25)
    assert said[3] < -0.6 and np.abs(said[:3]).max() < 0.4


def test_a_series_resistance_that_drifts_is_told_apart() -> None:
    """Without it in the fit, 4 of 80 MOhm would be 5 %."""
    fit = fit_membranes(_traces(noise_mv=0.05, series_mohm=(1.0, 4.0)), RATE_HZ)
    np.testing.assert_allclose(fit.series_mohm, [[1.0, 4.0]] * 4, atol=0.6)
    np.testing.assert_allclose(fit.resistance_mohm, CELLS["resistance_mohm"], rtol=0.01)


def test_a_quarter_of_the_samples_says_nearly_the_same() -> None:
    fit = fit_membranes(_traces()[:, :, ::4], RATE_HZ / 4)
    np.testing.assert_allclose(fit.capacitance_pf, CELLS["capacitance_pf"], rtol=0.03)
    np.testing.assert_allclose(fit.resistance_mohm, CELLS["resistance_mohm"], rtol=0.03)


def test_the_first_spikes_bracket_is_that_of_an_unraised_threshold() -> None:
    """Level 2: each spike raises the threshold by 5 mV, which decays in 50 ms."""
    neuron = Neurons(
        2, capacitance_f=120e-12, resistance_ohm=150e6, threshold_v=25e-3, dead_time_s=3e-3,
        reset_slope=0.2, reset_offset_v=2e-3, spike_jump_v=5e-3, spike_decay_per_s=20.0,
    )  # fmt: skip
    current = np.zeros((1, 20_000))
    current[:, 200:400], current[:, 2000:] = 50e-12, 2 * 25e-3 / 150e6
    voltage_mv = 1e3 * simulate(neuron, current, STEP_S).voltage_v + REST_MV
    fit = fit_membranes(np.stack([voltage_mv, 1e12 * current], 1).astype(np.float32), RATE_HZ)
    whole_low, _, first_low, first_high = fit.bounds_mv[0]
    assert first_low - 0.05 < 25 < first_high + 0.05 and first_high - first_low < 0.5
    assert whole_low > 26  # a raised threshold lets the membrane go higher


def test_a_silent_trace_bounds_the_threshold_from_below() -> None:
    traces = _traces()
    traces[:, 1, 800:] *= 0  # the pulse alone
    traces[:, 0] = REST_MV
    traces[:, 0, 200:2000] += 3 * np.exp(-np.arange(1800) / 300)
    fit = fit_membranes(traces, RATE_HZ)
    assert np.isinf(fit.bounds_mv[:, 1]).all() and np.isfinite(fit.bounds_mv[:, 0]).all()
    assert np.isnan(fit.dead_time_ms).all() and not fit.n_spikes.any()


@pytest.mark.parametrize("what", ["nan", "no current"])
def test_a_trace_that_says_nothing_is_uncertain_not_an_error(what: str) -> None:
    traces = _traces()[:1]
    traces[:, 0 if what == "nan" else 1] = np.nan if what == "nan" else 0
    fit = fit_membranes(traces, RATE_HZ)
    assert fit.log_resistance_sd[0] > 1 and fit.log_capacitance_sd[0] > 1


def test_rows_do_not_know_each_other() -> None:
    """The compiled loop runs over traces at once."""
    traces = _traces(noise_mv=0.1)
    together = fit_membranes(traces, RATE_HZ)
    alone = [fit_membranes(traces[i : i + 1], RATE_HZ) for i in range(4)]
    for name in ("tau_ms", "resistance_mohm", "rest_mv", "noise_mv"):
        np.testing.assert_allclose(
            getattr(together, name),
            np.concatenate([getattr(fit, name) for fit in alone]),
            rtol=1e-9,
        )

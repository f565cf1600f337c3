"""Against AllenSDK's own numbers, against closed forms, and batch against single."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raphe.core.errors import SettingError
from raphe.tasks.glif.neurons.models import Neurons
from raphe.tasks.glif.neurons.simulation import equal_spikes, simulate

CASES = [
    "cell327706437_glif1", "cell477490421_glif5", "cell483101699_glif2", "cell483101699_glif3",
    "cell483101699_glif4", "cell483101699_glif5", "cell485513169_glif1_native",
    "cell485513169_glif1_orig_noise1", "cell485938494_glif4", "cell502245101_glif5",
    "cell508378649_glif5", "cell515056927_glif3", "edge_badreset_glif4", "edge_coeffs_glif5",
    "edge_cut0_glif3", "grid_03400", "grid_14221", "grid_22222", "grid_41344", "random_glif1_0",
    "random_glif1_1", "random_glif1_2",
]  # fmt: skip
VOLTS, AMPERES = 1e-12, 1e-20


def stacked(*neurons: Neurons) -> Neurons:
    """Neurons of one level, one after the other."""
    names = vars(neurons[0]).keys() - {"level"}
    fields = {name: np.concatenate([getattr(each, name) for each in neurons]) for name in names}
    return Neurons(neurons[0].level, **fields)


def leaky(**changed) -> Neurons:
    return Neurons(1, **{"capacitance_f": 1e-10, "resistance_ohm": 2e8, "threshold_v": 0.03,
                         "dead_time_s": 0.002, **changed})  # fmt: skip


def assert_same(ours: np.ndarray, theirs: np.ndarray, within: float) -> None:
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=within)


@pytest.mark.parametrize("case", CASES)
def test_every_reference_case_is_as_allensdk_has_it(case: str, reference) -> None:
    neuron, theirs = reference(case)
    ours = simulate(neuron, theirs["stimulus"], float(theirs["dt"]), record_all=True, may_stop=True)
    (spikes,) = ours.spikes
    np.testing.assert_array_equal(spikes.index, theirs["spike_time_steps"])
    assert_same(ours.voltage_v[0], theirs["voltage"], VOLTS)
    assert_same(ours.threshold_v[0], theirs["threshold"], VOLTS)
    assert_same(ours.asc_a[0], theirs["AScurrents"], AMPERES)
    np.testing.assert_allclose(spikes.time_s, theirs["interpolated_spike_times"], atol=1e-12)
    for name, values in (("voltage", spikes.voltage_v), ("threshold", spikes.threshold_v)):
        np.testing.assert_allclose(values, theirs[f"interpolated_spike_{name}"], atol=VOLTS)


@pytest.mark.parametrize("case", ["cell485513169_glif1_native", "grid_03400", "random_glif1_2"])
def test_single_precision_says_how_many_spikes_are_equal(case: str, reference) -> None:
    neuron, theirs = reference(case)
    exact = simulate(neuron, theirs["stimulus"], float(theirs["dt"]))
    fast = simulate(neuron, theirs["stimulus"], float(theirs["dt"]), precision="float32")
    assert fast.voltage_v.dtype == np.float32
    share, shift = equal_spikes(exact, fast)
    assert share > 0.9 and shift <= 2
    quiet = np.isnan(exact.voltage_v) | np.isnan(fast.voltage_v)
    np.testing.assert_allclose(fast.voltage_v[~quiet], exact.voltage_v[~quiet], atol=2e-3)


def test_equal_spikes_counts_what_is_missing_or_shifted() -> None:
    current = np.full(4000, 3e-10)
    one = simulate(leaky(), current, 5e-5)
    later = simulate(leaky(init_voltage_v=-0.002), current, 5e-5)
    assert equal_spikes(one, one) == (1.0, 0)
    share, shift = equal_spikes(one, later)
    assert share == 0.0
    assert shift == np.abs(one.spikes[0].index - later.spikes[0].index).max() > 0
    silent = simulate(leaky(), np.zeros(4000), 5e-5)
    assert equal_spikes(one, silent) == (0.0, 0)
    assert equal_spikes(silent, silent) == (1.0, 0)


def test_a_step_of_current_charges_the_membrane_exponentially() -> None:
    """Forward Euler of C dV/dt = I - V / R is I R (1 - (1 - dt/RC)^n)."""
    current, dt_s = 1e-10, 1e-5
    voltage = simulate(leaky(threshold_v=1.0), np.full(3000, current), dt_s).voltage_v[0]
    n = np.arange(1, 3001)
    expected = current * 2e8 * (1 - (1 - dt_s / (2e8 * 1e-10)) ** n)
    np.testing.assert_allclose(voltage, expected, rtol=1e-10)


def test_the_rate_is_that_of_the_leaky_neuron() -> None:
    """The time to threshold is -tau ln(1 - th / IR), and the dead time follows it."""
    current, tau_s = 3e-10, 0.02
    response = simulate(leaky(), np.full(100_000, current), 1e-5)
    period_s = -tau_s * np.log(1 - 0.03 / (current * 2e8)) + 0.002
    np.testing.assert_allclose(np.diff(response.spikes[0].time_s), period_s, atol=3e-5)


@settings(max_examples=10)
@given(st.integers(1, 40), st.integers(1, 700), st.integers(0, 2**31))
def test_a_batch_is_its_neurons_one_by_one(n: int, n_samples: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    batch = leaky(capacitance_f=rng.uniform(5e-11, 2e-10, n), leak_v=rng.normal(0, 0.002, n),
                  threshold_v=rng.uniform(0.005, 0.03, n))  # fmt: skip
    currents = rng.normal(2e-10, 2e-10, (n, n_samples))
    together = simulate(batch, currents, 5e-5)
    for b in {0, n // 2, n - 1}:
        alone = simulate(batch[b], currents[b], 5e-5)
        np.testing.assert_array_equal(together.voltage_v[b], alone.voltage_v[0])
        np.testing.assert_array_equal(together.spikes[b].index, alone.spikes[0].index)


def test_levels_mix_nothing_between_neighbours(reference) -> None:
    """Two neurons of one level in one block, each with the other's stimulus beside it."""
    neuron, one = reference("cell483101699_glif5")
    other, two = reference("cell502245101_glif5")
    both = simulate(
        stacked(neuron, other), np.stack([one["stimulus"], two["stimulus"]]), 5e-5, record_all=True
    )
    for row, theirs in enumerate((one, two)):
        assert_same(both.voltage_v[row], theirs["voltage"], VOLTS)
        assert_same(both.threshold_v[row], theirs["threshold"], VOLTS)


def test_a_reset_above_the_threshold_is_refused_where_it_happens(reference) -> None:
    neuron, theirs = reference("edge_badreset_glif4")
    with pytest.raises(SettingError, match=r"neuron 0: its reset lies above .* at 85\.25 ms: V × "):
        simulate(neuron, theirs["stimulus"], 5e-5)
    stopped = simulate(neuron, theirs["stimulus"], 5e-5, may_stop=True).stopped_at
    assert stopped.tolist() == [1705 + 55]


def test_a_dead_time_beyond_the_end_is_cut() -> None:
    response = simulate(leaky(dead_time_s=1.0), np.full(2000, 3e-10), 5e-5)
    (index,) = response.spikes[0].index
    assert np.isnan(response.voltage_v[0, index:]).all()
    assert not np.isnan(response.voltage_v[0, :index]).any()


@pytest.mark.parametrize(
    ("current", "message"),
    [
        (np.zeros((2, 10)), r"expected \(N,\) or \(1, N\) samples, got \(2, 10\)"),
        (np.array([]), "samples, got"),
        (np.array([0.0, np.nan]), "expected finite values in A, got nan at sample 1"),
    ],
)
def test_a_wrong_current_is_refused(current: np.ndarray, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        simulate(leaky(), current, 5e-5)


def test_a_step_that_would_swing_is_refused() -> None:
    with pytest.raises(SettingError, match=r"constant of 20 ms, got dt = 30 ms"):
        simulate(leaky(), np.zeros(10), 0.03)


def test_the_voltage_goes_where_it_is_wanted() -> None:
    out = np.full((1, 100), -1.0)
    response = simulate(leaky(), np.full(100, 1e-10), 5e-5, out=out)
    assert response.voltage_v is out
    np.testing.assert_array_equal(out, simulate(leaky(), np.full(100, 1e-10), 5e-5).voltage_v)

"""How far one spike lifts a trace, where it can be told."""

import numpy as np
import pytest

from raphe.tasks.calcium.features.unitary_amplitude import (
    UNKNOWN,
    Shape,
    transient,
    unitary_amplitude,
)

SHAPE = Shape(0.0, 0.03, 0.4)


def simulated(
    size: float, noise: float, rate_per_s: float = 0.2, hz: float = 30, seconds: float = 900
) -> np.ndarray:
    """Spikes at random times, each the same transient, in white noise."""
    rng = np.random.default_rng(0)
    spikes = rng.random(int(seconds * hz)) < rate_per_s / hz
    response = transient(np.arange(int(3 * hz)) / hz, SHAPE)
    trace = size * np.convolve(spikes, response)[: len(spikes)]
    return trace + noise * rng.normal(size=len(trace))


@pytest.mark.parametrize(
    ("size", "noise", "hz"), [(0.12, 0.015, 30), (0.5, 0.05, 122), (0.2, 0.015, 12)]
)
def test_of_a_quiet_neuron_with_little_noise_it_is_that_of_its_spikes(size, noise, hz) -> None:
    told = unitary_amplitude(simulated(size, noise, hz=hz), hz)
    assert told.value == pytest.approx(size, rel=0.15)
    assert told.low < size < told.high


def test_it_goes_with_the_unit_of_the_trace_and_not_with_its_level() -> None:
    trace = simulated(0.12, 0.015)
    told = unitary_amplitude(trace, 30)
    np.testing.assert_allclose(unitary_amplitude(500 * trace + 2000, 30), 500 * np.array(told))
    np.testing.assert_allclose(told.percent, 100 * np.array(told))
    for unit in (2.0**990, 2.0**-990):  # whose squares are no numbers
        assert unitary_amplitude(unit * trace, 30) == tuple(unit * np.array(told))


def test_more_spikes_at_once_do_not_make_one_larger() -> None:
    one, two = simulated(0.12, 0.015), simulated(0.24, 0.015)
    bursts = np.concatenate([one[: len(one) // 2], two[len(two) // 2 :]])
    assert unitary_amplitude(bursts, 30).value == pytest.approx(0.12, rel=0.15)


@pytest.mark.parametrize(
    "trace",
    [
        simulated(0.0, 0.015),
        simulated(0.12, 0.1),  # lost in the noise
        simulated(0.12, 0.015, rate_per_s=4),  # no spike is alone
        -simulated(0.12, 0.015),
        simulated(0.12, 0.015, seconds=20),  # too few events
        np.full(900, np.nan),
    ],
)
def test_elsewhere_it_is_not_told(trace) -> None:
    assert np.isnan(unitary_amplitude(trace, 30)).all()
    assert np.isnan(UNKNOWN).all()


def test_missing_frames_are_left_out() -> None:
    trace = simulated(0.12, 0.015)
    told = unitary_amplitude(trace, 30)
    trace[6000:6600] += 5
    trace[5990:6610] = np.nan
    assert unitary_amplitude(trace, 30).value == pytest.approx(told.value, rel=0.05)

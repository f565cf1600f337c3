"""Discrete spikes: as many as an event's integral, near the true ones, and none without events."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raphe.tasks.calcium.prediction.spike_times import spike_times_s

TOLERANCE_S = 0.05


def simulated(seed: int, spikes_per_s: float, rate_hz: float) -> tuple[np.ndarray, np.ndarray]:
    """True times over 5 min, and a rate that knows each to within 30 to 150 ms, and misjudges it.

    A spike's bump holds half of one to one and a half; 0.1 /s lie everywhere.
    """
    rng = np.random.default_rng(seed)
    true_s = np.sort(rng.uniform(1, 299, rng.poisson(300 * spikes_per_s)))
    frame_s = (np.arange(300 * rate_hz) + 0.5) / rate_hz
    rate = np.full(len(frame_s), 0.1)
    for spike_s in true_s:
        known_s = rng.uniform(0.03, 0.15)
        offset = (frame_s - rng.normal(spike_s, 0.7 * known_s)) / known_s
        bump = np.exp(-(offset**2) / 2) / known_s / (2 * np.pi) ** 0.5
        rate += rng.uniform(0.5, 1.5) * bump
    return true_s, rate


def by_integral(rate: np.ndarray, rate_hz: float) -> np.ndarray:
    """A spike wherever the integral of the whole rate has grown by one."""
    reached = np.cumsum(rate) / rate_hz
    return np.interp(np.arange(0.5, reached[-1]), reached, np.arange(1, len(rate) + 1)) / rate_hz


def found_share(times_s: np.ndarray, true_s: np.ndarray) -> float:
    """F1 of spikes matched one to one within 50 ms."""
    here = there = matched = 0
    while here < len(times_s) and there < len(true_s):
        difference = times_s[here] - true_s[there]
        is_near = abs(difference) <= TOLERANCE_S
        matched += is_near
        here += is_near or difference < 0
        there += is_near or difference > 0
    return 2 * matched / (len(times_s) + len(true_s))


def test_as_many_as_the_rate_tells_and_where() -> None:
    rate = np.zeros(1000)
    rate[200:204] = 25.0  # at 100 Hz: one spike
    rate[600:640] = 10.0  # four
    times = spike_times_s(rate, 100.0)
    assert len(times) == 5
    assert times[0] == pytest.approx(2.02)
    np.testing.assert_allclose(times[1:], [6.05, 6.15, 6.25, 6.35], atol=1e-6)


@pytest.mark.parametrize("spikes_per_s", [0.1, 0.5, 2.0, 6.0])
@pytest.mark.parametrize("rate_hz", [10.0, 30.0])
def test_nearer_to_the_true_spikes_than_the_integral(spikes_per_s: float, rate_hz: float) -> None:
    true_s, rate = simulated(0, spikes_per_s, rate_hz)
    ours = spike_times_s(rate, rate_hz)
    assert found_share(ours, true_s) > found_share(by_integral(rate, rate_hz), true_s)
    assert len(ours) == pytest.approx(len(true_s), rel=0.25)


@pytest.mark.parametrize("rate_per_s", [0.0, 0.005, 0.3])
def test_a_silent_cell_has_none(rate_per_s: float) -> None:
    """Though half an hour at 0.3 /s holds 540 of them."""
    rate = np.full(54_000, rate_per_s)
    rate += 0.5 * rate * np.sin(np.arange(54_000) / 300)
    assert not len(spike_times_s(rate, 30.0))


def test_a_spike_in_two_bumps_that_touch_is_in_neither_s_valley() -> None:
    frame_s = np.arange(300) / 30
    rate = sum(1.4 * np.exp(-(((frame_s - at_s) / 0.1) ** 2)) / 0.1772 for at_s in (4.0, 4.5))
    times = spike_times_s(rate, 30.0)
    assert len(times) == 3  # of 2.8
    assert (np.abs(times[:, None] - [4.0, 4.5]).min(axis=1) < 0.1).all()


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(20, 80), st.floats(0.05, 6)), min_size=1, max_size=4),
    st.sampled_from([7.5, 30.0, 120.0]),
)
def test_an_event_alone_has_its_integral_to_within_a_half(bumps, rate_hz: float) -> None:
    rate = np.zeros(round(40 * rate_hz))
    total = 0.0
    for number, (percent, held) in enumerate(bumps):
        begin, stop = ((10 * number + at) * rate_hz for at in (5, 5 + percent / 100))
        span = slice(round(begin), max(round(stop), round(begin) + 1))
        rate[span] += held * rate_hz / (span.stop - span.start)
        within = spike_times_s(np.where(np.arange(len(rate)) < span.stop, rate, 0), rate_hz)
        of_bump = np.count_nonzero(within >= 10 * number)
        assert abs(of_bump - held) <= 0.5 + 1e-6 or (held < 3 and not of_bump)
        total += held
    times = spike_times_s(rate, rate_hz)
    assert (np.diff(times) > 0).all() and ((times >= 0) & (times <= 40)).all()
    assert len(times) <= total + 0.5 * len(bumps)


def test_no_frame_none_and_the_ends_count() -> None:
    assert not len(spike_times_s(np.zeros(0), 30.0))
    rate = np.zeros(60)
    rate[0] = rate[-1] = 30.0
    assert len(spike_times_s(rate, 30.0)) == 2
